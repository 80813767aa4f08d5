/*
 * One look at a session, or its end: what GET and DELETE of /sessions/{id} do.
 *
 *     READ -> DONE
 *     READ -> END -> REMOVE -> DONE
 *
 * END ends the session at the backend. It comes before REMOVE, so that a
 * failure leaves the session there and the whole can be asked for again.
 *
 * A store that blocks is asked by a worker: session_call_read() before the
 * start, session_call_remove() once it is done. All other steps are the I/O
 * thread's, which owns the call from session_call_start() until it says
 * `on_done`.
 */
#ifndef CHAT_SESSION_CALL_H
#define CHAT_SESSION_CALL_H

#include "backend/backend.h"
#include "chat/reply.h"
#include "chat/session.h"

typedef struct {
    const session_store_t *store;
    const backend_t *backend; /* of a removal; lives as long as the call */
    int removes;
    apr_interval_time_t total; /* the whole, microseconds */
} session_call_settings_t;

typedef enum {
    SESSION_CALL_READ,
    SESSION_CALL_END,
    SESSION_CALL_REMOVE,
    SESSION_CALL_DONE
} session_call_e;

typedef struct {
    session_call_settings_t settings;
    session_asker_t asker;
    session_t session;            /* as it was read */
    reply_e reply;                /* what came of it */
    apr_interval_time_t retry_in; /* when it is worth asking again; 0: unknown */
    /* The call's own. */
    session_call_e state;
    apr_time_t started; /* monotonic */
    session_operation_t *operation;
    backend_turn_t *turn;
    loop_t *loop;
    loop_timer_t timer;
    void (*on_done)(void *baton);
    void *baton;
} session_call_t;

/* Begins; `settings` and `asker` are copied, what they point to lives as long as the call. */
void session_call_init(session_call_t *call, const session_call_settings_t *settings,
                       const session_asker_t *asker, const char *session_id);

/* READ and REMOVE of a store that blocks; nothing happens where the store does not, or a step
 * before has failed. Worker. */
void session_call_read(session_call_t *call);
void session_call_remove(session_call_t *call);

/* The other steps. `on_done` is called once, perhaps before this returns. I/O thread. */
void session_call_start(session_call_t *call, loop_t *loop, void (*on_done)(void *baton),
                        void *baton);

/* Nobody waits any more, for the reason given to the log: `on_done` is called from within, unless
 * it was called before. I/O thread. */
void session_call_abandon(session_call_t *call, const char *why);

/* Frees the session's memory. */
void session_call_free(session_call_t *call);

#endif
