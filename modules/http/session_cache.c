#include "http/session_cache.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "chat/session_json.h"
#include "http/cache_access.h"
#include "http/socache.h"

#include <apr_strings.h>
#include <http_core.h>

/* What a session takes most often; shmcb shares its room out by it. With these 32 MB it keeps up to
 * 15,000 sessions, in parts of which each has room for the largest record. */
#define OBJECT_SIZE   2048
#define SHMCB_DEFAULT "chatbot-sessions(33554432)"

/* How often a save that another one overtook is made again. */
#define TRIES 10

typedef struct {
    session_store_t store; /* first: a session_store_t of this kind is one of these */
    socache_t *cache;
} session_cache_t;

static socache_t *cache_of(const session_store_t *store)
{
    return ((const session_cache_t *)(const void *)store)->cache;
}

/* ---- records ---- */

/* What was fetched, into a new record: OK or ABSENT. */
static session_end_e read_value(const cache_access_t *access, session_t *session)
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

/* Without its oldest turns as long as the cache has no room. */
static apr_status_t put_less(cache_access_t *access, const session_t *session, buffer_t *value,
                             const char *request_id)
{
    size_t first = 0;
    apr_status_t status = APR_ENOSPC;

    while (status == APR_ENOSPC && first < session->history_count) {
        first += 2 * ((session->history_count - first + 15) / 16);
        first = first < session->history_count ? first : session->history_count;
        buffer_clear(value);
        session_json_write(value, session, first);
        status = cache_access_store(access, value, session->expires_at);
    }
    if (status == APR_SUCCESS) {
        log_info("CHAT0536: request %s: saving its session: the cache has no room for all of the "
                 "history; the oldest %d of %d messages are dropped (ChatbotSessionHistory)",
                 request_id, (int)first, (int)session->history_count);
    }
    return status;
}

/* ---- the store ---- */

static void tell(const session_owner_t *owner, session_end_e end, const char *reason)
{
    owner->on_end(owner->baton, end, end == SESSION_FAILED ? reason : "");
}

/* Loads it: OK, ABSENT or FAILED. */
static session_end_e load(const session_store_t *store, session_t *session, cache_access_t *access)
{
    session_end_e end = cache_access_begin(access, cache_of(store), session->id);

    if (end == SESSION_OK) {
        end = cache_access_lock(access);
    }
    if (end == SESSION_OK) {
        end = cache_access_fetch(access);
        cache_access_unlock(access);
    }
    return end == SESSION_OK ? read_value(access, session) : end;
}

static void open_session(const session_store_t *store, session_operation_t **operation,
                         session_t *session, const session_asker_t *asker,
                         const session_owner_t *owner)
{
    cache_access_t access;
    session_end_e end = load(store, session, &access);

    *operation = NULL;
    if (end == SESSION_ABSENT) {
        end = SESSION_OK;
    }
    if (end == SESSION_OK && !session_is_open_to(session, asker->user)) {
        session_free(session);
        end = SESSION_FORBIDDEN;
    }
    cache_access_end(&access);
    tell(owner, end, access.reason);
}

/* What must be under the key for a save to replace it: the start of its value, or nothing. */
typedef struct {
    char start[SESSION_JSON_START];
    size_t length;
} base_t;

static base_t base_of(const session_t *session)
{
    base_t base = {.length = 0};

    if (session->version > 0) {
        base.length = session_json_start(base.start, session);
    }
    return base;
}

static int is_based(const cache_access_t *access, session_end_e fetched, const base_t *base)
{
    return fetched == SESSION_OK ? base->length > 0 && access->length >= base->length &&
                                       memcmp(access->value, base->start, base->length) == 0
                                 : base->length == 0;
}

/* Under the mutex, for as short as can be. ABSENT: something else is there than the base, and was
 * fetched. */
static session_end_e replace(cache_access_t *access, const session_t *session, buffer_t *value,
                             const base_t *base, const char *request_id)
{
    session_end_e end = cache_access_lock(access);
    apr_status_t status;

    if (end == SESSION_OK) {
        end = cache_access_fetch(access);
    }
    if (end == SESSION_FAILED) {
        return end;
    }
    if (!is_based(access, end, base)) {
        access->length = end == SESSION_OK ? access->length : 0;
        cache_access_unlock(access);
        return SESSION_ABSENT;
    }
    status = cache_access_store(access, value, session->expires_at);
    if (status == APR_ENOSPC) {
        status = put_less(access, session, value, request_id);
    }
    cache_access_unlock(access);
    return status == APR_SUCCESS
               ? SESSION_OK
               : cache_access_explain(access, "saving to the session cache", status);
}

/* Takes what was fetched for the session; of a record that counts as none only the base. */
static base_t take_fetched(const cache_access_t *access, session_t *session)
{
    base_t base = {.length = 0};

    session_free(session);
    if (access->length == 0) {
        return base;
    }
    if (read_value(access, session) == SESSION_OK) {
        return base_of(session);
    }
    base.length = access->length < sizeof(base.start) ? access->length : sizeof(base.start);
    memcpy(base.start, access->value, base.length);
    return base;
}

static session_end_e add_turn(cache_access_t *access, session_t *session,
                              const session_asker_t *asker, const session_turn_t *turn,
                              buffer_t *value)
{
    base_t base = base_of(session);
    session_end_e end = SESSION_ABSENT;
    int tries;

    for (tries = 0; end == SESSION_ABSENT && tries < TRIES; tries++) {
        if (tries > 0) {
            base = take_fetched(access, session);
        }
        if (!session_is_open_to(session, asker->user)) {
            session_free(session);
            return SESSION_FORBIDDEN;
        }
        if (!session_add_turn(session, turn)) {
            return cache_access_explain(access, "adding a turn to the session", APR_ENOMEM);
        }
        session->version++;
        buffer_clear(value);
        session_json_write(value, session, 0);
        end = replace(access, session, value, &base, asker->request_id);
    }
    return end == SESSION_ABSENT
               ? cache_access_explain(access, "saving to the session cache", APR_EBUSY)
               : end;
}

static void save_session(const session_store_t *store, session_operation_t **operation,
                         session_t *session, const session_asker_t *asker,
                         const session_turn_t *turn, const session_owner_t *owner)
{
    cache_access_t access;
    session_end_e end = cache_access_begin(&access, cache_of(store), session->id);
    buffer_t value;

    *operation = NULL;
    buffer_init(&value, SESSION_BYTES_MAX);
    if (end == SESSION_OK) {
        end = add_turn(&access, session, asker, turn, &value);
    }
    buffer_free(&value);
    cache_access_end(&access);
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
    cache_access_t access;
    session_end_e end = load(store, session, &access);

    *operation = NULL;
    if (end == SESSION_OK && !may_look(session, asker)) {
        session_free(session);
        end = SESSION_FORBIDDEN;
    }
    cache_access_end(&access);
    tell(owner, end, access.reason);
}

static session_end_e remove_record(cache_access_t *access, session_t *session,
                                   const session_asker_t *asker)
{
    session_end_e end = cache_access_fetch(access);

    if (end == SESSION_OK) {
        end = read_value(access, session);
    }
    if (end != SESSION_OK) {
        return end;
    }
    if (!may_look(session, asker)) {
        return SESSION_FORBIDDEN;
    }
    return cache_access_remove(access);
}

static void remove_session(const session_store_t *store, session_operation_t **operation,
                           const char *session_id, const session_asker_t *asker,
                           const session_owner_t *owner)
{
    session_t session;
    cache_access_t access;
    session_end_e end = cache_access_begin(&access, cache_of(store), session_id);

    *operation = NULL;
    session_init(&session, session_id);
    if (end == SESSION_OK) {
        end = cache_access_lock(&access);
    }
    if (end == SESSION_OK) {
        end = remove_record(&access, &session, asker);
    }
    session_free(&session);
    cache_access_end(&access);
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
    const struct ap_socache_hints hints = {CACHE_ACCESS_HASH + TEXT_UUID_LENGTH, OBJECT_SIZE,
                                           apr_time_from_sec(60)};
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
