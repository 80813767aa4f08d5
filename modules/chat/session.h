/*
 * A session: what is kept of a conversation between its turns, and the one
 * interface of the stores that keep it.
 *
 * A record owns its memory on the heap, so that it can go from thread to
 * thread with its chat; one thread at a time has it. Times are of the wall
 * clock, in microseconds: other machines read them.
 */
#ifndef CHAT_SESSION_H
#define CHAT_SESSION_H

#include "base/buffer.h"
#include "loop/loop.h"

#include <apr_time.h>
#include <stdint.h>

#define SESSION_ID_MAX 100

/* Most bytes of a record: an item of DynamoDB takes 400 KB, names and values. */
#define SESSION_BYTES_MAX ((size_t)390 * 1024)

typedef enum { SESSION_USER, SESSION_ASSISTANT } session_role_e;

/* One message of the history; its text is in `texts`. */
typedef struct {
    session_role_e role;
    size_t at;
    size_t length;
} session_message_t;

typedef struct {
    char id[SESSION_ID_MAX + 1];
    buffer_t user;         /* to whom it belongs; empty: to whoever knows the id */
    buffer_t last_message; /* the user's, cut to what a record can hold */
    apr_time_t created_at; /* of the first turn */
    apr_time_t updated_at;
    apr_time_t expires_at;
    int64_t turns;   /* 0: it is new, and nothing else is known of it */
    int64_t version; /* of the record in the store; 0: it has none */
    buffer_t texts;
    session_message_t *history; /* oldest first */
    size_t history_count;
    size_t history_room;
} session_t;

/* What a turn adds to its session; the strings are the chat's. */
typedef struct {
    const char *user; /* NULL: nobody is known */
    const char *message;
    size_t message_length;
    const char *answer;
    size_t answer_length;
    apr_time_t when;
    apr_interval_time_t ttl;
    int history_turns; /* most turns kept in the history; 0: none is */
} session_turn_t;

/* A new record under that id, without memory of its own; and back to that, its memory freed. */
void session_init(session_t *session, const char *id);
void session_free(session_t *session);

/* Appends to the history; 0 when memory is out. */
int session_add_message(session_t *session, session_role_e role, const char *text, size_t length);

/* Records a turn: times, owner, last message, history; drops the oldest turns beyond what is kept
 * and what a record can hold. 0 when memory is out. */
int session_add_turn(session_t *session, const session_turn_t *turn);

/* Whether that user (NULL: nobody known) may use it: the one it belongs to, or anyone when it
 * belongs to nobody. */
int session_is_open_to(const session_t *session, const char *user);

/* ---- stores ---- */

/* How an operation of a store ended. */
typedef enum {
    SESSION_OK,
    SESSION_ABSENT,    /* read, remove: there is none, or it has expired */
    SESSION_BUSY,      /* another turn of it is in flight */
    SESSION_FORBIDDEN, /* it belongs to somebody else */
    SESSION_FAILED     /* the store is away, slow, or answered nonsense */
} session_end_e;

/* Who asks; the strings live until the end of the operation. */
typedef struct {
    const char *user;       /* NULL: nobody is known */
    int is_anyone;          /* read, remove: the id alone is enough */
    int will_remove;        /* read: it is BUSY while a turn is in flight */
    const char *request_id; /* holds the claim of a turn */
    apr_time_t until;       /* wall clock: the turn will be over by then */
} session_asker_t;

/* `on_end` is called exactly once unless the operation is cancelled first, perhaps before the
 * function that started it returns. `reason` is for the log, phase first; "" when all is well. */
typedef struct {
    void (*on_end)(void *baton, session_end_e end, const char *reason);
    void *baton;
} session_owner_t;

/* An operation in flight. */
typedef struct session_operation_t session_operation_t;

/*
 * A store, as a server is configured with it; lives as long as the configuration.
 *
 * One that blocks is called on workers only: it ends its operations before it
 * returns, and leaves `*operation` NULL. The others are called on the I/O
 * thread only. `*operation` is set before any callback.
 *
 * All functions but `cancel` tell the owner how they ended. Record, asker, turn
 * and the owner's baton live until then.
 */
typedef struct session_store_t session_store_t;
struct session_store_t {
    const char *name; /* for the log: "the DynamoDB table chat_sessions" */
    int blocks;

    /* Loads the session for a turn and claims it for the asker, where the store can claim: OK (the
     * record stays new when there is none), BUSY, FORBIDDEN or FAILED. */
    void (*open)(const session_store_t *store, session_operation_t **operation, session_t *session,
                 const session_asker_t *asker, const session_owner_t *owner);

    /* Records the turn in the session and saves it, the claim given back: OK, FORBIDDEN or FAILED.
     * A save that another one overtook is made again on top of it: none is lost. Also after an open
     * that failed. */
    void (*save)(const session_store_t *store, session_operation_t **operation, session_t *session,
                 const session_asker_t *asker, const session_turn_t *turn,
                 const session_owner_t *owner);

    /* Gives the claim back without saving, after an open that was OK: OK or FAILED (the claim runs
     * out by itself). `owner` may be NULL: nobody waits; then record and asker are copied, and
     * there is no operation. The function is NULL where nothing is claimed. */
    void (*release)(const session_store_t *store, session_operation_t **operation,
                    const session_t *session, const session_asker_t *asker,
                    const session_owner_t *owner);

    /* Loads it, without a claim: OK, ABSENT, BUSY (where the store can claim), FORBIDDEN or
     * FAILED. */
    void (*read)(const session_store_t *store, session_operation_t **operation, session_t *session,
                 const session_asker_t *asker, const session_owner_t *owner);

    /* Deletes it: OK, ABSENT, BUSY, FORBIDDEN or FAILED. */
    void (*remove)(const session_store_t *store, session_operation_t **operation,
                   const char *session_id, const session_asker_t *asker,
                   const session_owner_t *owner);

    /* Forgets an operation in flight; what it sent may have been done. */
    void (*cancel)(session_operation_t *operation);
};

#endif
