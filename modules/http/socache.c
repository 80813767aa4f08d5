#include "http/socache.h"

#include "base/clock.h"
#include "base/log.h"
#include "http/bulkhead.h"
#include "http/config.h"

#include <ap_provider.h>
#include <apr_strings.h>
#include <http_core.h>
#include <stdatomic.h>
#include <util_mutex.h>

APLOG_USE_MODULE(chatbot);

/* How long a cache that did not answer is left alone. */
#define REST apr_time_from_sec(3)

/* How long an answer of another machine is waited for. The providers' own limits do not do:
 * RedisTimeout is a million times what it says (mod_socache_redis gives apr_redis microseconds,
 * which takes them for seconds), and memcached's has none. */
#define PATIENCE apr_time_from_sec(1)

/* At most 14 characters: providers make names and tags of it. */
#define NAMESPACE "chatbot-sess"

static const char retained_key[] = "mod_chatbot-socaches";

/* What outlives a graceful restart; in httpd's process pool. Those that the configuration no
 * longer names stay: children of before may still use them. */
typedef struct kept_t kept_t;
struct kept_t {
    const char *provider;
    const char *arguments;
    ap_socache_instance_t *instance; /* of shared memory; else NULL */
    apr_global_mutex_t *mutex;
    kept_t *next;
};

struct socache_t {
    const ap_socache_provider_t *provider;
    const char *arguments;
    ap_socache_instance_t *instance;
    apr_global_mutex_t *mutex; /* NULL: none is needed */
    server_rec *server;
    atomic_llong away_until; /* monotonic, microseconds; 0: it answers. This process's view */
    int is_broken;           /* this child has no mutex */
    bulkhead_t *bulkhead;    /* this child's, where calls leave the machine; else NULL */
    socache_t *next;
};

typedef enum { RETRIEVE, STORE, REMOVE } question_e;

/* One call of a provider's function. */
typedef struct {
    bulkhead_call_t call; /* first: that is how it comes back */
    socache_t *cache;
    question_e kind;
    unsigned char key[SOCACHE_KEY_MAX];
    unsigned key_length;
    unsigned char *value;
    unsigned length;
    apr_time_t expiry;
    apr_pool_t *pool;
    apr_status_t status;
} question_t;

/* Those of the configuration. */
static socache_t *caches;

void socache_register_mutex(apr_pool_t *pconf)
{
    (void)ap_mutex_register(pconf, SOCACHE_MUTEX, NULL, APR_LOCK_DEFAULT, 0);
}

const ap_socache_provider_t *socache_provider(const char *name)
{
    return ap_lookup_provider(AP_SOCACHE_PROVIDER_GROUP, name, AP_SOCACHE_PROVIDER_VERSION);
}

/* ---- what is kept ---- */

static int same(const char *one, const char *other)
{
    return one == other || (one != NULL && other != NULL && strcmp(one, other) == 0);
}

/* The one of provider and arguments, made empty when there is none. */
static kept_t *find_kept(apr_pool_t *process_pool, const char *provider, const char *arguments)
{
    kept_t **list = ap_retained_data_get(retained_key);
    kept_t *kept;

    if (list == NULL) {
        list = ap_retained_data_create(retained_key, sizeof(kept_t *));
    }
    for (kept = *list; kept != NULL; kept = kept->next) {
        if (strcmp(kept->provider, provider) == 0 && same(kept->arguments, arguments)) {
            return kept;
        }
    }
    kept = apr_pcalloc(process_pool, sizeof(*kept));
    kept->provider = apr_pstrdup(process_pool, provider);
    kept->arguments = apr_pstrdup(process_pool, arguments);
    kept->next = *list;
    *list = kept;
    return kept;
}

static int make_mutex(socache_t *cache, kept_t *kept, apr_pool_t *process_pool)
{
    const char *id = apr_psprintf(process_pool, "%pp", (void *)kept); /* of each its own file */

    if (kept->mutex == NULL &&
        ap_global_mutex_create(&kept->mutex, NULL, SOCACHE_MUTEX, id, cache->server, process_pool,
                               0) != APR_SUCCESS) {
        return 0; /* httpd has said why */
    }
    cache->mutex = kept->mutex;
    return 1;
}

/* ---- making one ---- */

/* Never destroyed by hand: what an instance holds goes with its pool, and to destroy a dbm would
 * delete its file. */
static int make_instance(socache_t *cache, const struct ap_socache_hints *hints, apr_pool_t *pool)
{
    const char *problem = cache->provider->create(&cache->instance, cache->arguments, pool, pool);
    apr_status_t status;

    if (problem != NULL) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, cache->server,
                     "CHAT0530: making the session cache %s: %s", cache->provider->name, problem);
        return 0;
    }
    status = cache->provider->init(cache->instance, NAMESPACE, hints, cache->server, pool);
    if (status != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, status, cache->server,
                     "CHAT0531: making the session cache %s: it did not start; correct "
                     "ChatbotSessionStore, or see the lines above",
                     cache->provider->name);
        return 0;
    }
    return 1;
}

/* Shared memory is the parent's alone to keep; connections and files are made anew, so that a
 * changed configuration of theirs counts. */
/* In a pool of its own: as the process's youngest child it goes first when httpd ends, while the
 * provider, whose code its cleanup is, is still loaded. */
static int make_kept_instance(socache_t *cache, const struct ap_socache_hints *hints)
{
    apr_pool_t *pool;

    return apr_pool_create(&pool, cache->server->process->pool) == APR_SUCCESS &&
           make_instance(cache, hints, pool);
}

static int attach(socache_t *cache, const struct ap_socache_hints *hints, apr_pool_t *pconf)
{
    apr_pool_t *process_pool = cache->server->process->pool;
    int is_shared_memory = strcmp(cache->provider->name, "shmcb") == 0;
    int needs_mutex = (cache->provider->flags & AP_SOCACHE_FLAG_NOTMPSAFE) != 0;
    kept_t *kept;

    if (!is_shared_memory && !needs_mutex) {
        return make_instance(cache, hints, pconf);
    }
    kept = find_kept(process_pool, cache->provider->name, cache->arguments);
    if (needs_mutex && !make_mutex(cache, kept, process_pool)) {
        return 0;
    }
    if (!is_shared_memory) {
        return make_instance(cache, hints, pconf);
    }
    if (kept->instance == NULL) {
        if (!make_kept_instance(cache, hints)) {
            return 0;
        }
        kept->instance = cache->instance;
    }
    cache->instance = kept->instance;
    return 1;
}

static apr_status_t on_configuration_gone(void *baton)
{
    (void)baton;
    caches = NULL;
    return APR_SUCCESS;
}

socache_t *socache_create(apr_pool_t *pconf, server_rec *main_server, const char *provider,
                          const char *arguments, const struct ap_socache_hints *hints)
{
    const ap_socache_provider_t *found = socache_provider(provider);
    socache_t *cache;

    for (cache = caches; cache != NULL; cache = cache->next) {
        if (cache->provider == found && same(cache->arguments, arguments)) {
            return cache;
        }
    }
    cache = apr_pcalloc(pconf, sizeof(*cache));
    cache->provider = found;
    cache->arguments = arguments;
    cache->server = main_server;
    if (!attach(cache, hints, pconf)) {
        return NULL;
    }
    if (caches == NULL) {
        apr_pool_cleanup_register(pconf, NULL, on_configuration_gone, apr_pool_cleanup_null);
    }
    cache->next = caches;
    caches = cache;
    return cache;
}

static void start_mutex(socache_t *cache, apr_pool_t *pchild)
{
    apr_status_t status =
        apr_global_mutex_child_init(&cache->mutex, apr_global_mutex_lockfile(cache->mutex), pchild);

    if (status != APR_SUCCESS) {
        cache->is_broken = 1;
        ap_log_error(APLOG_MARK, APLOG_CRIT, status, cache->server,
                     "CHAT0532: starting a child: the mutex of the session cache %s cannot be "
                     "used; sessions are not kept here; see the Mutex directive (%s)",
                     cache->provider->name, SOCACHE_MUTEX);
    }
}

void socache_start(apr_pool_t *pchild)
{
    socache_t *cache;

    for (cache = caches; cache != NULL; cache = cache->next) {
        if (cache->mutex != NULL) {
            start_mutex(cache, pchild);
        } else if (!(cache->provider->flags & AP_SOCACHE_FLAG_NOTMPSAFE)) {
            cache->bulkhead = bulkhead_create(pchild);
        }
    }
}

/* ---- using one ---- */

int socache_is_there(socache_t *cache)
{
    long long until = atomic_load(&cache->away_until);
    apr_time_t now;

    if (until == 0) {
        return !cache->is_broken;
    }
    now = clock_monotonic();
    return now >= until && atomic_compare_exchange_strong(&cache->away_until, &until, now + REST);
}

apr_status_t socache_lock(socache_t *cache)
{
    return cache->mutex != NULL ? apr_global_mutex_lock(cache->mutex) : APR_SUCCESS;
}

void socache_unlock(socache_t *cache)
{
    if (cache->mutex != NULL) {
        (void)apr_global_mutex_unlock(cache->mutex);
    }
}

/* A refusal of this one record says that the cache is there. */
static int is_answer(apr_status_t status)
{
    return status == APR_SUCCESS || status == APR_NOTFOUND || status == APR_ENOSPC ||
           status == APR_EINVAL || status == APR_ENOMEM;
}

static apr_status_t note(socache_t *cache, apr_status_t status)
{
    char text[120];

    if (is_answer(status)) {
        if (atomic_load(&cache->away_until) != 0 && atomic_exchange(&cache->away_until, 0) != 0) {
            log_notice("CHAT0534: the session cache %s answers again", cache->provider->name);
        }
    } else if (atomic_exchange(&cache->away_until, clock_monotonic() + REST) == 0) {
        log_warn("CHAT0533: the session cache %s does not answer: %s; chats go on, their sessions "
                 "are not kept until it is back; it is asked again every %d s",
                 cache->provider->name, apr_strerror(status, text, sizeof(text)),
                 (int)apr_time_sec(REST));
    }
    return status;
}

/* ---- questions ---- */

static void ask(question_t *question)
{
    socache_t *cache = question->cache;
    const ap_socache_provider_t *provider = cache->provider;

    switch (question->kind) {
    case RETRIEVE:
        question->status =
            provider->retrieve(cache->instance, cache->server, question->key, question->key_length,
                               question->value, &question->length, question->pool);
        break;
    case STORE:
        question->status =
            provider->store(cache->instance, cache->server, question->key, question->key_length,
                            question->expiry, question->value, question->length, question->pool);
        break;
    case REMOVE:
        question->status = provider->remove(cache->instance, cache->server, question->key,
                                            question->key_length, question->pool);
        break;
    }
    if (question->kind == RETRIEVE && question->status == APR_EGENERAL &&
        strcmp(provider->name, "dbm") == 0) {
        question->status = APR_NOTFOUND; /* which it says of some kinds of dbm files */
    }
}

static void on_run(bulkhead_call_t *call)
{
    ask((question_t *)(void *)call);
}

static void on_destroy(bulkhead_call_t *call)
{
    apr_pool_destroy(((question_t *)(void *)call)->pool);
}

/* In a pool of its own, with a copy of the value: the caller may not wait for the end. NULL when
 * memory is out. */
static question_t *copy_question(const question_t *question)
{
    apr_pool_t *pool;
    question_t *copy;

    if (apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS) {
        return NULL;
    }
    copy = apr_pmemdup(pool, question, sizeof(*copy));
    copy->call.run = on_run;
    copy->call.destroy = on_destroy;
    copy->pool = pool;
    copy->value = apr_palloc(pool, question->length);
    if (question->kind == STORE) {
        memcpy(copy->value, question->value, question->length);
    }
    return copy;
}

static void take_answer(question_t *question, const question_t *copy)
{
    question->status = copy->status;
    if (question->kind == RETRIEVE && copy->status == APR_SUCCESS) {
        memcpy(question->value, copy->value, copy->length);
        question->length = copy->length;
    }
}

static void ask_patiently(question_t *question)
{
    question_t *copy = copy_question(question);

    question->status = APR_TIMEUP;
    if (copy == NULL) {
        question->status = APR_ENOMEM;
    } else if (bulkhead_call(question->cache->bulkhead, &copy->call, PATIENCE)) {
        take_answer(question, copy);
        apr_pool_destroy(copy->pool);
    }
}

static apr_status_t put(question_t *question, const unsigned char *key, unsigned key_length)
{
    socache_t *cache = question->cache;

    if (key_length > SOCACHE_KEY_MAX) {
        return APR_EINVAL;
    }
    memcpy(question->key, key, key_length);
    question->key_length = key_length;
    if (cache->bulkhead != NULL) {
        ask_patiently(question);
    } else {
        ask(question);
    }
    return note(cache, question->status);
}

apr_status_t socache_retrieve(socache_t *cache, const unsigned char *key, unsigned key_length,
                              unsigned char *value, unsigned *length, apr_pool_t *pool)
{
    question_t question = {
        .cache = cache, .kind = RETRIEVE, .value = value, .length = *length, .pool = pool};
    apr_status_t status = put(&question, key, key_length);

    *length = question.length;
    return status;
}

apr_status_t socache_store(socache_t *cache, const unsigned char *key, unsigned key_length,
                           apr_time_t expiry, unsigned char *value, unsigned length,
                           apr_pool_t *pool)
{
    question_t question = {.cache = cache,
                           .kind = STORE,
                           .value = value,
                           .length = length,
                           .expiry = expiry,
                           .pool = pool};

    return put(&question, key, key_length);
}

apr_status_t socache_remove(socache_t *cache, const unsigned char *key, unsigned key_length,
                            apr_pool_t *pool)
{
    question_t question = {.cache = cache, .kind = REMOVE, .pool = pool};

    return put(&question, key, key_length);
}
