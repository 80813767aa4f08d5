/*
 * An operation on a table of sessions in flight: requests, one after another,
 * and who waits for what comes of them. I/O thread only. What the operations
 * are says chat/session_table.
 */
#ifndef CHAT_SESSION_OPERATION_H
#define CHAT_SESSION_OPERATION_H

#include "aws/dynamodb.h"
#include "chat/session.h"
#include "chat/session_request.h"

/* Most times that one is decided anew because something else came between. */
#define SESSION_OPERATION_TRIES 5

/* A store on a table. */
typedef struct {
    session_store_t store;
    const char *name;
    call_client_t *client;
} session_table_t;

/* One request of an operation, and what follows from its answer: each function sends another one or
 * finishes. An item of NULL is one that is not there. */
typedef struct {
    const char *doing; /* for the log */
    const char *request;
    void (*write)(const session_operation_t *operation, buffer_t *body);
    void (*on_done)(session_operation_t *operation, const json_t *item);
    /* By its condition, which failed on that item. */
    void (*on_refused)(session_operation_t *operation, const json_t *item);
    /* Another failure: 0 when nothing can be done about it. May be NULL. */
    int (*on_failed)(session_operation_t *operation, const dynamodb_result_t *result);
} session_step_t;

struct session_operation_t {
    const session_table_t *table;
    const session_step_t *step;
    char id[SESSION_ID_MAX + 1];
    session_asker_t asker;
    session_t *session; /* of open, save and read */
    apr_time_t now;     /* AWS's wall clock at the start */
    int tries;
    int retries; /* of the last request: it may have done before what it was to do */

    /* Of save: */
    const session_turn_t *turn;
    int is_new; /* the session was when the turn began, as far as is known */
    session_update_t update;

    /* The operation's own. */
    dynamodb_t *request;
    session_owner_t owner; /* on_end is NULL when nobody waits */
    char *own_request_id;  /* when the asker's may go first */
};

/* NULL when memory is out: the owner is told. `started` and `owner` may be NULL: nobody waits. */
session_operation_t *session_operation_start(const session_store_t *store,
                                             session_operation_t **started, const char *id,
                                             const session_asker_t *asker,
                                             const session_owner_t *owner);

/* Keeps a copy of the asker's request id; 0 when memory is out. */
int session_operation_own_asker(session_operation_t *operation);

/* Sends a step's request. The operation may be gone after. */
void session_operation_send(session_operation_t *operation, const session_step_t *step);

/* Sends the step again, or fails after too many times. */
void session_operation_again(session_operation_t *operation);

/* Tells the owner and frees the operation. */
void session_operation_finish(session_operation_t *operation, session_end_e end,
                              const char *reason);

/* Frees it, its request cancelled, without telling. */
void session_operation_cancel(session_operation_t *operation);

#endif
