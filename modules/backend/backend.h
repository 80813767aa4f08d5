/*
 * Who answers a chat: the one interface every backend has. I/O thread only.
 *
 * A turn is one message and its answer. A backend tells the text as it comes
 * and then, exactly once, how the turn ended. What went wrong is told in the
 * terms below, so that nothing above knows a backend's own error names.
 */
#ifndef BACKEND_BACKEND_H
#define BACKEND_BACKEND_H

#include "aws/call.h"

#include <stdint.h>

typedef enum {
    BACKEND_ANSWERED,
    BACKEND_TIMEOUT,           /* a limit of the call passed */
    BACKEND_THROTTLED,         /* asked too often */
    BACKEND_BUSY,              /* the session has another turn in flight there */
    BACKEND_ACCESS_DENIED,     /* credentials or permissions */
    BACKEND_NO_CREDENTIALS,    /* there are none to ask with */
    BACKEND_DEPENDENCY_FAILED, /* something the agent itself calls */
    BACKEND_UNAVAILABLE,       /* it cannot be reached, or failed inside */
    BACKEND_ERROR,             /* any other error it reported */
    BACKEND_PROTOCOL_ERROR,    /* nonsense: a wrong checksum, a cut or an empty answer */
    BACKEND_INTERNAL           /* our own: out of memory */
} backend_end_e;

#define BACKEND_TOKENS_UNKNOWN (-1)

/* Why an answer ended where it did. */
typedef enum {
    BACKEND_STOP_END,     /* it was at its end */
    BACKEND_STOP_LENGTH,  /* the most tokens allowed were used up */
    BACKEND_STOP_FILTERED /* a guardrail or content filter stepped in */
} backend_stop_e;

/* How a turn ended; valid until on_end returns. */
typedef struct {
    backend_end_e end;
    backend_stop_e stop;          /* of BACKEND_ANSWERED */
    int64_t tokens;               /* input and output, or BACKEND_TOKENS_UNKNOWN */
    int64_t input_tokens;         /* of these the input's, or BACKEND_TOKENS_UNKNOWN */
    const char *code;             /* the error by its own name ("ThrottlingException"), or "" */
    int retries;                  /* calls after the first */
    apr_interval_time_t retry_in; /* when it is worth asking again; 0: unknown */
    const char *aws_request_id;   /* "" when there was none */
    const char *reason;           /* for the log, phase first; never for the visitor */
} backend_outcome_t;

/* What a turn has cost that is cancelled. */
typedef struct {
    int64_t tokens; /* known so far, or BACKEND_TOKENS_UNKNOWN */
    int retries;    /* calls after the first, be it one that waits to be made */
} backend_spent_t;

/* The owner's side. on_end is called exactly once unless the turn is cancelled first, perhaps from
 * within `start`; the turn is gone after. */
typedef struct {
    /* A piece of the answer, as it came: a UTF-8 character may be cut between two. 0 ends the turn
     * with BACKEND_INTERNAL. */
    int (*on_text)(void *baton, const char *text, size_t length);
    void (*on_end)(void *baton, const backend_outcome_t *outcome);
    void *baton;
} backend_owner_t;

typedef enum { BACKEND_SYSTEM, BACKEND_USER, BACKEND_ASSISTANT } backend_role_e;

/* An earlier message of the conversation; UTF-8. */
typedef struct {
    backend_role_e role;
    const char *text;
    size_t length;
} backend_message_t;

/* A member of an agent's session or prompt attributes; UTF-8. */
typedef struct {
    const char *name;
    const char *value;
} backend_attribute_t;

/* A file that goes with the message. */
typedef struct {
    const char *name;
    const char *media_type;
    const char *uri;  /* s3://bucket/key, or NULL: it is sent as bytes */
    const char *data; /* base64 */
    size_t data_length;
} backend_file_t;

/* What is asked; all of it lives until the end of the turn. What a backend does not have is
 * ignored. */
typedef struct {
    const char *message;
    size_t message_length;
    const char *session_id;
    const char *user;                 /* NULL: nobody is known */
    const backend_message_t *history; /* oldest first; for those that remember nothing themselves,
                                         and of a session that is new to an agent */
    size_t history_count;
    const backend_attribute_t *session_attributes;
    size_t session_attribute_count;
    const backend_attribute_t *prompt_attributes;
    size_t prompt_attribute_count;
    const backend_file_t *files;
    size_t file_count;
    const call_header_t *trace_headers; /* traceparent and the like, passed on unsigned */
    size_t trace_header_count;
    int stream;          /* text is wanted as it is made, not only at the end */
    int max_tokens;      /* 0: as configured */
    int has_temperature; /* else: as configured */
    double temperature;
    apr_time_t deadline; /* monotonic: of the whole turn */
} backend_prompt_t;

/* The kind all backends' turns start with. */
typedef struct backend_turn_t backend_turn_t;

/* A backend as a location is configured with it; lives as long as what it is used for. */
typedef struct backend_t backend_t;
struct backend_t {
    const char *name;
    /* Starts a turn; 0 when it cannot be (logged): no callback will come. `*turn` is set before any
     * callback. */
    int (*start)(const backend_t *backend, backend_turn_t **turn, const backend_prompt_t *prompt,
                 const backend_owner_t *owner);
    /* Ends a turn now without a callback. Not from within on_text, which returns 0 instead. */
    backend_spent_t (*cancel)(backend_turn_t *turn);
    /* Stops and restarts the reading of the answer: a slow reader holds up its own upstream only.
     * on_text may still be called from within resume, never while paused. */
    void (*pause)(backend_turn_t *turn);
    void (*resume)(backend_turn_t *turn);
    /* Ends a session upstream: a turn without text. NULL where there is nothing to end. */
    int (*end_session)(const backend_t *backend, backend_turn_t **turn, const char *session_id,
                       apr_time_t deadline, const backend_owner_t *owner);
    int needs_history; /* it remembers nothing itself */
    /* Whether it takes files of that kind; NULL: it takes none. Any thread. */
    int (*takes_file)(const char *media_type);
    int reads_buckets; /* files may be given by their address in S3 */
};

#endif
