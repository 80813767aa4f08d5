#include "chat/session_call.h"

#include "base/clock.h"
#include "base/log.h"
#include "chat/flow.h"

#include <string.h>

/* What a store is waited for. */
#define STORE_TIME apr_time_from_sec(5)

static void enter(session_call_t *call, session_call_e state);

void session_call_init(session_call_t *call, const session_call_settings_t *settings,
                       const session_asker_t *asker, const char *session_id)
{
    memset(call, 0, sizeof(*call));
    call->settings = *settings;
    call->asker = *asker;
    call->asker.will_remove = settings->removes;
    call->reply = REPLY_ANSWER;
    call->started = clock_monotonic();
    session_init(&call->session, session_id);
}

void session_call_free(session_call_t *call)
{
    session_free(&call->session);
}

static void note_failure(session_call_t *call, reply_e reply, const char *reason)
{
    call->reply = reply;
    log_warn("CHAT0540: request %s: %s: %s", call->asker.request_id, reply_error(reply)->code,
             reason);
}

/* ---- the store ---- */

static reply_e reply_of(session_end_e end)
{
    switch (end) {
    case SESSION_OK: return REPLY_ANSWER;
    case SESSION_ABSENT: return REPLY_SESSION_NOT_FOUND;
    case SESSION_BUSY: return REPLY_SESSION_BUSY;
    case SESSION_FORBIDDEN: return REPLY_SESSION_FORBIDDEN;
    case SESSION_FAILED: break;
    }
    return REPLY_DEPENDENCY_FAILED;
}

static void take(session_call_t *call, session_end_e end, const char *reason)
{
    call->operation = NULL;
    if (end == SESSION_ABSENT && call->state == SESSION_CALL_REMOVE) {
        end = SESSION_OK; /* it was there a moment ago: somebody else was faster */
    }
    call->reply = reply_of(end);
    if (end == SESSION_FAILED) {
        note_failure(call, call->reply, reason);
    }
}

static void on_taken(void *baton, session_end_e end, const char *reason)
{
    take(baton, end, reason);
}

void session_call_read(session_call_t *call)
{
    const session_store_t *store = call->settings.store;
    const session_owner_t owner = {on_taken, call};

    if (store->blocks) {
        store->read(store, &call->operation, &call->session, &call->asker, &owner);
    }
}

void session_call_remove(session_call_t *call)
{
    const session_store_t *store = call->settings.store;
    const session_owner_t owner = {on_taken, call};

    if (store->blocks && call->reply == REPLY_ANSWER && call->settings.removes) {
        call->state = SESSION_CALL_REMOVE;
        store->remove(store, &call->operation, call->session.id, &call->asker, &owner);
    }
}

/* ---- on the I/O thread ---- */

/* The next step, or the end when this one failed. */
static void go_on(session_call_t *call)
{
    session_call_e last = call->settings.removes ? SESSION_CALL_REMOVE : SESSION_CALL_READ;

    loop_timer_disarm(call->loop, &call->timer);
    enter(call, call->reply != REPLY_ANSWER || call->state == last
                    ? SESSION_CALL_DONE
                    : (session_call_e)(call->state + 1));
}

static void on_stored(void *baton, session_end_e end, const char *reason)
{
    take(baton, end, reason);
    go_on(baton);
}

static void stop(session_call_t *call)
{
    if (call->operation != NULL) {
        call->settings.store->cancel(call->operation);
        call->operation = NULL;
    }
    if (call->turn != NULL) {
        (void)call->settings.backend->cancel(call->turn);
        call->turn = NULL;
    }
}

static void on_silence(loop_timer_t *timer)
{
    session_call_t *call = LOOP_CONTAINER(timer, session_call_t, timer);
    int at_backend = call->state == SESSION_CALL_END;

    stop(call);
    note_failure(call, at_backend ? REPLY_UPSTREAM_TIMEOUT : REPLY_DEPENDENCY_FAILED,
                 at_backend ? "ending the session at the backend: it did not answer in time"
                            : "asking the session store: it did not answer in time");
    go_on(call);
}

static void wait_at_most(session_call_t *call, apr_interval_time_t time)
{
    apr_interval_time_t left = call->started + call->settings.total - clock_monotonic();

    left = left < time ? left : time;
    loop_timer_arm(call->loop, &call->timer, left > 0 ? left : 0, on_silence);
}

static void read_session(session_call_t *call)
{
    const session_store_t *store = call->settings.store;
    const session_owner_t owner = {on_stored, call};

    if (store->blocks) {
        go_on(call); /* the worker has read it */
        return;
    }
    wait_at_most(call, STORE_TIME);
    store->read(store, &call->operation, &call->session, &call->asker, &owner);
}

static void remove_session(session_call_t *call)
{
    const session_store_t *store = call->settings.store;
    const session_owner_t owner = {on_stored, call};

    if (store->blocks) {
        go_on(call); /* the worker will remove it */
        return;
    }
    wait_at_most(call, STORE_TIME);
    store->remove(store, &call->operation, call->session.id, &call->asker, &owner);
}

static int on_text(void *baton, const char *text, size_t length)
{
    (void)baton;
    (void)text;
    (void)length;
    return 1;
}

static void on_ended(void *baton, const backend_outcome_t *outcome)
{
    session_call_t *call = baton;

    call->turn = NULL;
    call->retry_in = outcome->retry_in;
    if (outcome->end != BACKEND_ANSWERED) {
        note_failure(call, flow_reply_of(outcome->end), outcome->reason);
    }
    go_on(call);
}

static void end_session(session_call_t *call)
{
    const backend_t *backend = call->settings.backend;
    const backend_owner_t owner = {on_text, on_ended, call};

    if (backend->end_session == NULL) {
        go_on(call);
        return;
    }
    wait_at_most(call, call->settings.total);
    if (!backend->end_session(backend, &call->turn, call->session.id,
                              call->started + call->settings.total, &owner)) {
        call->turn = NULL;
        note_failure(call, REPLY_INTERNAL_ERROR, "ending the session at the backend: no start");
        go_on(call);
    }
}

/* The one place where the state changes on the I/O thread. */
static void enter(session_call_t *call, session_call_e state)
{
    call->state = state;
    switch (call->state) {
    case SESSION_CALL_READ: read_session(call); break;
    case SESSION_CALL_END: end_session(call); break;
    case SESSION_CALL_REMOVE: remove_session(call); break;
    case SESSION_CALL_DONE: call->on_done(call->baton); break;
    }
}

void session_call_start(session_call_t *call, loop_t *loop, void (*on_done)(void *baton),
                        void *baton)
{
    call->loop = loop;
    call->on_done = on_done;
    call->baton = baton;
    enter(call, SESSION_CALL_READ);
}

void session_call_abandon(session_call_t *call, const char *why)
{
    if (call->state == SESSION_CALL_DONE) {
        return;
    }
    stop(call);
    loop_timer_disarm(call->loop, &call->timer);
    log_info("CHAT0541: request %s: client_gone: %s before its session was looked up or ended",
             call->asker.request_id, why);
    call->reply = REPLY_CLIENT_GONE;
    enter(call, SESSION_CALL_DONE);
}
