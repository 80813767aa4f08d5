/*
 * A turn whose transport is one exchange with an HTTP server that is not
 * AWS's. I/O thread only.
 *
 *     SEND -> RECEIVE -> DONE
 *      ^         |
 *      +- BACKOFF+
 *
 * It is sent again by the arithmetic of aws/retry, and only when the server
 * cannot have begun: no connection, 429 or 503.
 */
#ifndef BACKEND_TURN_HTTP_H
#define BACKEND_TURN_HTTP_H

#include "backend/turn.h"
#include "base/json.h"

/* What all exchanges with servers share; made in each child, for as long as its loop. */
typedef struct {
    loop_t *loop;
    const char *ca_file; /* NULL: the system's */
    int attempts;        /* ChatbotRetry; 0: three */
    retry_bucket_t bucket;
} turn_http_client_t;

/* The request; a POST of the turn's body, JSON. The strings live until the end of the turn. */
typedef struct {
    const char *operation; /* for the log: "chat/completions" */
    const char *base_url;  /* without a slash at its end */
    const char *path;
    const char *accept;
    const char *key;              /* a bearer token, never logged; NULL: none */
    const call_header_t *headers; /* further ones */
    size_t header_count;          /* at most CALL_HEADERS_MAX */
    call_limits_t limits;
    apr_time_t deadline; /* monotonic */
    /* Reads an error's body: its own name for itself and what it says, NULL where it does not;
     * `*error` is what json_release() frees after. */
    void (*read_error)(const buffer_t *body, json_t **error, const char **code,
                       const char **message);
} turn_http_request_t;

#define TURN_HTTP_WORD_MAX 80

typedef struct {
    backend_turn_t turn; /* first: a backend_turn_t of this kind is one of these */
    turn_http_client_t *client;
    turn_http_request_t request;
    transfer_t *transfer; /* NULL: none runs */
    loop_timer_t timer;   /* of the backoff */
    retry_t retry;
    int status;        /* of the answer, 0: none yet */
    int has_delivered; /* something was passed on */
    char code[TURN_HTTP_WORD_MAX];
    char request_id[TURN_HTTP_WORD_MAX];
    char retry_after[TURN_HTTP_WORD_MAX];
    buffer_t error_body;
} turn_http_t;

extern const turn_transport_t turn_http_transport;

/* A turn of `size` bytes, which starts with a turn_http_t; NULL: no memory (logged). */
turn_http_t *turn_http_make(size_t size, const turn_reader_t *reader, const backend_owner_t *owner);

/* Starts it. 0 when it cannot be (logged): the turn is gone. */
int turn_http_start(turn_http_t *turn, turn_http_client_t *client,
                    const turn_http_request_t *request);

#endif
