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

/* How a turn ended; valid until on_end returns. */
typedef struct {
    backend_end_e end;
    int64_t tokens;               /* input and output, or BACKEND_TOKENS_UNKNOWN */
    int retries;                  /* calls after the first */
    apr_interval_time_t retry_in; /* when it is worth asking again; 0: unknown */
    const char *aws_request_id;   /* "" when there was none */
    const char *reason;           /* for the log, phase first; never for the visitor */
} backend_outcome_t;

/* The owner's side. on_end is called exactly once unless the turn is cancelled first, perhaps from
 * within `start`; the turn is gone after. */
typedef struct {
    /* A piece of the answer, as it came: a UTF-8 character may be cut between two. 0 ends the turn
     * with BACKEND_INTERNAL. */
    int (*on_text)(void *baton, const char *text, size_t length);
    void (*on_end)(void *baton, const backend_outcome_t *outcome);
    void *baton;
} backend_owner_t;

/* What is asked; the strings live until the end of the turn. */
typedef struct {
    const char *message;
    size_t message_length;
    const char *session_id;
    apr_time_t deadline; /* monotonic: of the whole turn */
} backend_prompt_t;

/* The kind all backends' turns start with. */
typedef struct backend_turn_t backend_turn_t;

/* A backend as a location is configured with it; lives as long as the configuration. */
typedef struct backend_t backend_t;
struct backend_t {
    const char *name;
    /* Starts a turn; 0 when it cannot be (logged): no callback will come. `*turn` is set before any
     * callback. */
    int (*start)(const backend_t *backend, backend_turn_t **turn, const backend_prompt_t *prompt,
                 const backend_owner_t *owner);
    /* Ends a turn now without a callback. */
    void (*cancel)(backend_turn_t *turn);
};

#endif
