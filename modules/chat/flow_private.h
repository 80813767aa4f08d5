/*
 * What flow.c and flow_history.c, the I/O thread's story of a chat, and
 * flow_worker.c, the worker's part before and after it, share.
 */
#ifndef CHAT_FLOW_PRIVATE_H
#define CHAT_FLOW_PRIVATE_H

#include "chat/flow.h"

/* Longest answer kept, in bytes: forty times what agents are allowed to say in one chunk. */
#define FLOW_ANSWER_MAX ((size_t)40 * 1000 * 1000)

typedef enum {
    FLOW_READY,
    FLOW_LIMIT,
    FLOW_LOAD,
    FLOW_UPLOAD,
    FLOW_INVOKE,
    FLOW_SAVE,
    FLOW_RELEASE,
    FLOW_DONE
} flow_state_e;

typedef struct flow_machine_t {
    flow_state_e state;
    loop_t *loop;
    flow_owner_t owner;
    files_t *files; /* NULL: none came */
    int is_uploading;
    backend_turn_t *turn;
    int is_paused;              /* the turn, by a reader that is slower */
    int is_garbled;             /* a stream's text is not UTF-8, or memory is out */
    backend_message_t *history; /* the session's, for the backend */
    apr_time_t invoked;
    loop_timer_t heartbeat;
    loop_timer_t deadline;
    keeper_t keeper;
    flow_t *flow;
} flow_machine_t;

/* The line of an error that ends a chat. */
void flow_log_failure(const flow_t *flow, reply_e reply, const char *reason);

/* Tells the keeper who claims the session, and until when; and what a turn adds to it. */
void flow_introduce(flow_t *flow);
void flow_record_turn(flow_t *flow);

/* What an answer of the session's store means for the chat: without its session it goes on. */
reply_e flow_judge_store(flow_t *flow, session_end_e end, const char *reason);

/* Chooses what the backend hears of the conversation so far; 0 when memory is out. */
int flow_choose_history(flow_t *flow);

#endif
