/*
 * The story of one chat. Read this page first.
 *
 *     READY -> LIMIT -> LOAD -> UPLOAD -> INVOKE -> SAVE -> DONE
 *                 \       \        \         \--> RELEASE --^
 *                  \-------\--------\----------------^
 *
 * LIMIT is for a rate limit that is counted elsewhere, LOAD for a session that
 * the visitor names, UPLOAD for files that go into a bucket, SAVE for a session
 * that has an answer, RELEASE for one that has none. A worker makes the chat and fills in the
 * request; the I/O thread starts it, and from then on owns it, until it says `on_done`; then a
 * worker writes the answer and destroys it. One thread owns a chat at a time, and the mailbox moves
 * it, so nothing here is locked. The chat is in the request's pool, from which only workers
 * allocate.
 *
 * A store that blocks is asked by the worker instead: before the start and
 * after the end.
 */
#ifndef CHAT_FLOW_H
#define CHAT_FLOW_H

#include "backend/backend.h"
#include "base/buffer.h"
#include "base/text.h"
#include "chat/files.h"
#include "chat/fleet_limit.h"
#include "chat/keeper.h"
#include "chat/outbox.h"
#include "chat/reply.h"
#include "chat/request.h"
#include "shm/circuit.h"

#define FLOW_REQUEST_ID_MAX     128
#define FLOW_AWS_REQUEST_ID_MAX 80
#define FLOW_ERROR_CODE_MAX     63

typedef struct flow_t flow_t;

/* How a chat goes. */
typedef struct {
    const backend_t *backend;      /* lives as long as the chat */
    apr_interval_time_t total;     /* the whole turn, microseconds */
    int stream;                    /* the visitor reads the text as it is made */
    apr_interval_time_t heartbeat; /* a stream's longest silence */
    circuit_t *circuit;            /* told how the backend does; NULL: there is none */
    circuit_settings_t circuit_settings;
    keeper_settings_t keeper; /* of the session */
    files_settings_t files;
} flow_settings_t;

/* What came of a chat; complete once on_done was called. */
typedef struct {
    reply_e reply;
    buffer_t text;                  /* the answer, UTF-8 */
    backend_stop_e stop;            /* why the answer ended where it did */
    int64_t tokens;                 /* BACKEND_TOKENS_UNKNOWN: unknown */
    int64_t input_tokens;           /* of these the input's; the same */
    int retries;                    /* calls after the first */
    apr_interval_time_t retry_in;   /* when it is worth asking again; 0: unknown */
    apr_interval_time_t upstream;   /* time spent in the backend */
    apr_interval_time_t first_text; /* until the first text; negative: none came */
    int unsaved;                    /* the session could not be loaded or saved */
    char aws_request_id[FLOW_AWS_REQUEST_ID_MAX + 1];
    char error_code[FLOW_ERROR_CODE_MAX + 1]; /* the upstream error by its own name; "": none */
} flow_result_t;

struct flow_t {
    request_t request;
    char request_id[FLOW_REQUEST_ID_MAX + 1];
    char session_id[SESSION_ID_MAX + 1];
    const char *user;   /* NULL: nobody is known */
    apr_time_t started; /* monotonic, when the request came */
    flow_settings_t settings;
    backend_prompt_t prompt; /* attributes, files, trace headers, limits: the worker's to fill in;
                                the rest is the flow's */
    int brings_history;      /* the conversation came with the request, in the prompt's history: the
                                session's own is left out; an agent hears it when the session is new */
    const void *asked;       /* what else the API was asked for: its face's own */
    flow_result_t result;
    fleet_limit_ask_t limit;        /* asked first, when it has a fleet */
    outbox_t outbox;                /* of a stream */
    struct flow_machine_t *machine; /* the I/O thread's */
};

/* Who is told. */
typedef struct {
    /* A stream has something to send; may come again before it was handed over. */
    void (*on_news)(void *baton);
    /* Once, at the end; for a stream too, with text perhaps that was not handed over. */
    void (*on_done)(void *baton);
    void *baton;
} flow_owner_t;

/* A chat in state READY, in `pool`, which outlives it: the request's. `settings`, `request` and
 * `user` are the caller's to fill in. Worker. */
flow_t *flow_create(apr_pool_t *pool, const char *request_id);

/* Chooses the session: the request's, else a new one. 0 when no random id can be had. Worker. */
int flow_choose_session(flow_t *flow);

/* Takes up the files of the request; 0 when memory is out. Worker. */
int flow_take_files(flow_t *flow);

/* Loads the session from a store that blocks, before the start; else does nothing. REPLY_ANSWER, or
 * the error that ends the chat. Worker. */
reply_e flow_open_session(flow_t *flow);

/* Whether flow_save_session() may block. */
int flow_saves_on_worker(const flow_t *flow);

/* Saves it to a store that blocks, once the chat is done; else does nothing. May turn the answer
 * into an error. Worker. */
void flow_save_session(flow_t *flow);

/* Starts it. The owner is told on the I/O thread, perhaps from within. */
void flow_start(flow_t *flow, loop_t *loop, const flow_owner_t *owner);

/* Makes what a stream has to send the worker's, `outbox.sending`, before the flow is shown to one;
 * may call on_news from within. I/O thread. */
void flow_hand_over(flow_t *flow);

/* A stream shows a sign of life soon: whether its reader is there is found out by writing. I/O
 * thread. */
void flow_beat(flow_t *flow);

/* Nobody waits for the answer any more, for the reason given to the log: ends upstream calls now
 * and finishes as REPLY_CLIENT_GONE; `on_done` is called from within. Does nothing once the chat is
 * done. I/O thread. */
void flow_abandon(flow_t *flow, const char *why);

/* What a backend's end is to the visitor. Any thread. */
reply_e flow_reply_of(backend_end_e end);

/* Frees what is not in the pool. The owner's thread, when the chat is READY or DONE. */
void flow_destroy(flow_t *flow);

#endif
