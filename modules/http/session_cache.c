#include "http/session_cache.h"

#include "base/clock.h"
#include "base/log.h"
#include "chat/session_json.h"
#include "http/socache.h"

#include <apr_strings.h>
#include <http_core.h>
#include <stdlib.h>

/* What a session takes most often; shmcb shares its room out by it. With these 32 MB it keeps up to
 * 15,000 sessions, in parts of which each has room for the largest record. */
#define OBJECT_SIZE   2048
#define SHMCB_DEFAULT "chatbot-sessions(33554432)"

#define HASH_SIZE  4
#define REASON_MAX 200

typedef struct {
    session_store_t store; /* first: a session_store_t of this kind is one of these */
    socache_t *cache;
} session_cache_t;

/* One operation at work. */
typedef struct {
    socache_t *cache;
    int is_locked;
    unsigned char key[HASH_SIZE + SESSION_ID_MAX];
    unsigned key_length;
    unsigned char *value;
    unsigned length;
    char reason[REASON_MAX];
} access_t;

/* ---- access ---- */

/* shmcb finds a record's part by the first byte of its key, and takes none shorter than four. */
static unsigned make_key(unsigned char *key, const char *id)
{
    size_t length = strlen(id);
    unsigned hash = 2166136261u; /* FNV-1a, 32 bits */
    size_t i;

    for (i = 0; i < length; i++) {
        hash = (hash ^ (unsigned char)id[i]) * 16777619u;
        key[HASH_SIZE + i] = (unsigned char)id[i];
    }
    hash ^= hash >> 15;
    for (i = 0; i < HASH_SIZE; i++) {
        key[i] = (unsigned char)(hash >> (8 * i));
    }
    return (unsigned)(HASH_SIZE + length);
}

static session_end_e explain(access_t *access, const char *phase, apr_status_t status)
{
    char text[120];

    (void)apr_snprintf(access->reason, sizeof(access->reason), "%s: %s", phase,
                       apr_strerror(status, text, sizeof(text)));
    return SESSION_FAILED;
}

/* OK: the cache is ours to use until end_access(). */
static session_end_e begin_access(access_t *access, const session_store_t *store, const char *id)
{
    const session_cache_t *self = (const session_cache_t *)(const void *)store;
    apr_status_t status;

    memset(access, 0, sizeof(*access));
    access->cache = self->cache;
    access->key_length = make_key(access->key, id);
    if (!socache_is_there(access->cache)) {
        (void)apr_cpystrn(access->reason, "asking the session cache: it did not answer before",
                          sizeof(access->reason));
        return SESSION_FAILED;
    }
    access->value = malloc(SESSION_BYTES_MAX);
    if (access->value == NULL) {
        return explain(access, "asking the session cache", APR_ENOMEM);
    }
    status = socache_lock(access->cache);
    access->is_locked = status == APR_SUCCESS;
    return access->is_locked ? SESSION_OK : explain(access, "locking the session cache", status);
}

static void unlock(access_t *access)
{
    if (access->is_locked) {
        socache_unlock(access->cache);
        access->is_locked = 0;
    }
}

static void end_access(access_t *access)
{
    unlock(access);
    free(access->value);
}

/* ---- records ---- */

static session_end_e fetch(access_t *access)
{
    apr_status_t status;

    access->length = (unsigned)SESSION_BYTES_MAX;
    status = socache_retrieve(access->cache, access->key, access->key_length, access->value,
                              &access->length);
    if (status == APR_NOTFOUND) {
        return SESSION_ABSENT;
    }
    return status == APR_SUCCESS ? SESSION_OK
                                 : explain(access, "reading from the session cache", status);
}

/* What was fetched, into a new record: OK or ABSENT. */
static session_end_e read_value(const access_t *access, session_t *session)
{
    if (!session_json_read(session, (const char *)access->value, access->length)) {
        log_warn("CHAT0535: reading a session's record: it is none that this version writes, or "
                 "memory is out; the session begins anew");
        return SESSION_ABSENT;
    }
    if (session->expires_at <= clock_wall()) {
        session_free(session);
        return SESSION_ABSENT;
    }
    return SESSION_OK;
}

static apr_status_t put_from(access_t *access, const session_t *session, size_t first)
{
    apr_status_t status = APR_ENOSPC;
    buffer_t value;

    buffer_init(&value, SESSION_BYTES_MAX);
    session_json_write(&value, session, first);
    if (!value.failed) {
        status = socache_store(access->cache, access->key, access->key_length, session->expires_at,
                               (unsigned char *)value.data, (unsigned)value.length);
    }
    buffer_free(&value);
    return status;
}

/* Without its oldest turns when the cache has no room for all. */
static session_end_e put(access_t *access, const session_t *session, const char *request_id)
{
    size_t first = 0;
    apr_status_t status = put_from(access, session, first);

    while (status == APR_ENOSPC && first < session->history_count) {
        first += 2 * ((session->history_count - first + 15) / 16);
        first = first < session->history_count ? first : session->history_count;
        status = put_from(access, session, first);
    }
    if (status != APR_SUCCESS) {
        return explain(access, "saving to the session cache", status);
    }
    if (first > 0) {
        log_info("CHAT0536: request %s: saving its session: the cache has no room for all of the "
                 "history; the oldest %d of %d messages are dropped (ChatbotSessionHistory)",
                 request_id, (int)first, (int)session->history_count);
    }
    return SESSION_OK;
}

/* ---- the store ---- */

static void tell(const session_owner_t *owner, session_end_e end, const char *reason)
{
    owner->on_end(owner->baton, end, end == SESSION_FAILED ? reason : "");
}

/* Loads it: OK, ABSENT or FAILED. */
static session_end_e load(const session_store_t *store, session_t *session, access_t *access)
{
    session_end_e end = begin_access(access, store, session->id);

    if (end == SESSION_OK) {
        end = fetch(access);
        unlock(access);
    }
    return end == SESSION_OK ? read_value(access, session) : end;
}

static void open_session(const session_store_t *store, session_operation_t **operation,
                         session_t *session, const session_asker_t *asker,
                         const session_owner_t *owner)
{
    access_t access;
    session_end_e end = load(store, session, &access);

    *operation = NULL;
    if (end == SESSION_ABSENT) {
        end = SESSION_OK;
    }
    if (end == SESSION_OK && !session_is_open_to(session, asker->user)) {
        session_free(session);
        end = SESSION_FORBIDDEN;
    }
    end_access(&access);
    tell(owner, end, access.reason);
}

/* The record is the one in the cache, whatever was loaded before: turns that others have saved
 * since are in it. */
static session_end_e add_turn(access_t *access, session_t *session, const session_asker_t *asker,
                              const session_turn_t *turn)
{
    session_end_e end = fetch(access);

    session_free(session);
    if (end == SESSION_OK) {
        end = read_value(access, session);
    }
    if (end == SESSION_FAILED) {
        return end;
    }
    if (!session_is_open_to(session, asker->user)) {
        session_free(session);
        return SESSION_FORBIDDEN;
    }
    if (!session_add_turn(session, turn)) {
        return explain(access, "adding a turn to the session", APR_ENOMEM);
    }
    session->version++;
    return put(access, session, asker->request_id);
}

static void save_session(const session_store_t *store, session_operation_t **operation,
                         session_t *session, const session_asker_t *asker,
                         const session_turn_t *turn, const session_owner_t *owner)
{
    access_t access;
    session_end_e end = begin_access(&access, store, session->id);

    *operation = NULL;
    if (end == SESSION_OK) {
        end = add_turn(&access, session, asker, turn);
    }
    end_access(&access);
    tell(owner, end, access.reason);
}

static int may_look(const session_t *session, const session_asker_t *asker)
{
    return asker->is_anyone || session_is_open_to(session, asker->user);
}

static void read_session(const session_store_t *store, session_operation_t **operation,
                         session_t *session, const session_asker_t *asker,
                         const session_owner_t *owner)
{
    access_t access;
    session_end_e end = load(store, session, &access);

    *operation = NULL;
    if (end == SESSION_OK && !may_look(session, asker)) {
        session_free(session);
        end = SESSION_FORBIDDEN;
    }
    end_access(&access);
    tell(owner, end, access.reason);
}

static session_end_e remove_record(access_t *access, session_t *session,
                                   const session_asker_t *asker)
{
    session_end_e end = fetch(access);
    apr_status_t status;

    if (end == SESSION_OK) {
        end = read_value(access, session);
    }
    if (end != SESSION_OK) {
        return end;
    }
    if (!may_look(session, asker)) {
        return SESSION_FORBIDDEN;
    }
    status = socache_remove(access->cache, access->key, access->key_length);
    return status == APR_SUCCESS || status == APR_NOTFOUND
               ? SESSION_OK
               : explain(access, "removing from the session cache", status);
}

static void remove_session(const session_store_t *store, session_operation_t **operation,
                           const char *session_id, const session_asker_t *asker,
                           const session_owner_t *owner)
{
    session_t session;
    access_t access;
    session_end_e end = begin_access(&access, store, session_id);

    *operation = NULL;
    session_init(&session, session_id);
    if (end == SESSION_OK) {
        end = remove_record(&access, &session, asker);
    }
    session_free(&session);
    end_access(&access);
    tell(owner, end, access.reason);
}

/* ---- making one ---- */

/* The shared memory of an operator who says nothing is large enough for histories. */
static const char *complete(apr_pool_t *pool, const char *provider, const char *arguments)
{
    return arguments == NULL && strcmp(provider, "shmcb") == 0
               ? ap_runtime_dir_relative(pool, SHMCB_DEFAULT)
               : arguments;
}

int session_cache_has(const char *provider)
{
    return socache_provider(provider) != NULL;
}

const char *session_cache_check(apr_pool_t *pool, const char *provider, const char *arguments)
{
    const ap_socache_provider_t *found = socache_provider(provider);
    ap_socache_instance_t *instance;
    const char *problem;

    if (found == NULL) {
        return apr_psprintf(pool,
                            "ChatbotSessionStore %s: no module that is loaded provides it; load "
                            "mod_socache_%s (LoadModule socache_%s_module, a2enmod socache_%s)",
                            provider, provider, provider, provider);
    }
    problem = found->create(&instance, complete(pool, provider, arguments), pool, pool);
    return problem != NULL
               ? apr_psprintf(pool,
                              "ChatbotSessionStore %s:%s: %s (the arguments are those "
                              "of mod_socache_%s)",
                              provider, arguments != NULL ? arguments : "", problem, provider)
               : NULL;
}

const session_store_t *session_cache_create(apr_pool_t *pconf, server_rec *main_server,
                                            const char *provider, const char *arguments)
{
    const struct ap_socache_hints hints = {HASH_SIZE + 36, OBJECT_SIZE, apr_time_from_sec(60)};
    const char *all = complete(pconf, provider, arguments);
    session_cache_t *self = apr_pcalloc(pconf, sizeof(*self));

    self->cache = socache_create(pconf, main_server, provider, all, &hints);
    if (self->cache == NULL) {
        return NULL;
    }
    self->store.name =
        apr_pstrcat(pconf, "the session cache ", provider, arguments != NULL ? ":" : "",
                    arguments != NULL ? arguments : "", NULL);
    self->store.blocks = 1;
    self->store.open = open_session;
    self->store.save = save_session;
    self->store.read = read_session;
    self->store.remove = remove_session;
    return &self->store;
}
