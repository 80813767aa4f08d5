#include "http/cache_access.h"

#include <apr_strings.h>
#include <pthread.h>
#include <stdlib.h>

/* Each thread has one, with room for any value: to ask the system for so much memory each time
 * costs more than all the rest. */
typedef struct cache_scratch_t {
    apr_pool_t *pool;
    unsigned char value[SESSION_BYTES_MAX];
} scratch_t;

static pthread_key_t scratch_key;
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;

/* shmcb finds a record's part by the first byte of its key, and takes none shorter than four. */
static unsigned make_key(unsigned char *key, const char *id)
{
    size_t length = strlen(id);
    unsigned hash = 2166136261u; /* FNV-1a, 32 bits */
    size_t i;

    for (i = 0; i < length; i++) {
        hash = (hash ^ (unsigned char)id[i]) * 16777619u;
        key[CACHE_ACCESS_HASH + i] = (unsigned char)id[i];
    }
    hash ^= hash >> 15;
    for (i = 0; i < CACHE_ACCESS_HASH; i++) {
        key[i] = (unsigned char)(hash >> (8 * i));
    }
    return (unsigned)(CACHE_ACCESS_HASH + length);
}

session_end_e cache_access_explain(cache_access_t *access, const char *phase, apr_status_t status)
{
    char text[120];

    (void)apr_snprintf(access->reason, sizeof(access->reason), "%s: %s", phase,
                       apr_strerror(status, text, sizeof(text)));
    return SESSION_FAILED;
}

static void on_thread_end(void *baton)
{
    scratch_t *scratch = baton;

    apr_pool_destroy(scratch->pool);
    free(scratch);
}

static void make_scratch_key(void)
{
    (void)pthread_key_create(&scratch_key, on_thread_end);
}

/* Of the main thread, which is prefork's worker and ends in exit(). */
static apr_status_t on_child_end(void *baton)
{
    scratch_t *scratch = pthread_getspecific(scratch_key);

    (void)baton;
    if (scratch != NULL) {
        (void)pthread_setspecific(scratch_key, NULL);
        on_thread_end(scratch);
    }
    return APR_SUCCESS;
}

void cache_access_start(apr_pool_t *pchild)
{
    (void)pthread_once(&scratch_once, make_scratch_key);
    apr_pool_cleanup_register(pchild, NULL, on_child_end, apr_pool_cleanup_null);
}

/* NULL when memory is out. */
static scratch_t *find_scratch(void)
{
    scratch_t *scratch = pthread_getspecific(scratch_key);

    if (scratch != NULL) {
        return scratch;
    }
    scratch = malloc(sizeof(*scratch));
    if (scratch != NULL && (apr_pool_create_unmanaged_ex(&scratch->pool, NULL, NULL) ||
                            pthread_setspecific(scratch_key, scratch))) {
        free(scratch);
        return NULL;
    }
    return scratch;
}

session_end_e cache_access_begin(cache_access_t *access, socache_t *cache, const char *session_id)
{
    memset(access, 0, sizeof(*access));
    access->cache = cache;
    access->key_length = make_key(access->key, session_id);
    if (!socache_is_there(access->cache)) {
        (void)apr_cpystrn(access->reason, "asking the session cache: it did not answer before",
                          sizeof(access->reason));
        return SESSION_FAILED;
    }
    access->scratch = find_scratch();
    if (access->scratch == NULL) {
        return cache_access_explain(access, "asking the session cache", APR_ENOMEM);
    }
    access->value = access->scratch->value;
    return SESSION_OK;
}

session_end_e cache_access_lock(cache_access_t *access)
{
    apr_status_t status = socache_lock(access->cache);

    access->is_locked = status == APR_SUCCESS;
    return access->is_locked ? SESSION_OK
                             : cache_access_explain(access, "locking the session cache", status);
}

void cache_access_unlock(cache_access_t *access)
{
    if (access->is_locked) {
        socache_unlock(access->cache);
        access->is_locked = 0;
    }
}

void cache_access_end(cache_access_t *access)
{
    cache_access_unlock(access);
    if (access->scratch != NULL) {
        apr_pool_clear(access->scratch->pool);
    }
}

session_end_e cache_access_fetch(cache_access_t *access)
{
    apr_status_t status;

    access->length = (unsigned)SESSION_BYTES_MAX;
    status = socache_retrieve(access->cache, access->key, access->key_length, access->value,
                              &access->length, access->scratch->pool);
    if (status == APR_NOTFOUND) {
        return SESSION_ABSENT;
    }
    return status == APR_SUCCESS
               ? SESSION_OK
               : cache_access_explain(access, "reading from the session cache", status);
}

apr_status_t cache_access_store(cache_access_t *access, const buffer_t *value, apr_time_t expiry)
{
    return value->failed ? APR_ENOSPC
                         : socache_store(access->cache, access->key, access->key_length, expiry,
                                         (unsigned char *)value->data, (unsigned)value->length,
                                         access->scratch->pool);
}

session_end_e cache_access_remove(cache_access_t *access)
{
    apr_status_t status =
        socache_remove(access->cache, access->key, access->key_length, access->scratch->pool);

    return status == APR_SUCCESS || status == APR_NOTFOUND
               ? SESSION_OK
               : cache_access_explain(access, "removing from the session cache", status);
}
