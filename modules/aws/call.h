/*
 * One AWS call, from its first attempt to its last. I/O thread only.
 *
 *     CREDENTIALS -> SIGN -> SEND -> RECEIVE -> DONE
 *          ^                            |
 *          +---------- BACKOFF <--------+
 *
 * The body of a success goes to the owner piece by piece; that of an error is
 * gathered here and read for its code. An answer that carries its checksum
 * (x-amz-crc32, as DynamoDB's do) and has another counts as lost. The signature
 * is made as late as can be: a request must reach AWS within five minutes of
 * its time stamp. What is made again, and when, says aws/retry.
 */
#ifndef AWS_CALL_H
#define AWS_CALL_H

#include "aws/credentials.h"
#include "aws/endpoint.h"
#include "aws/retry.h"
#include "aws/sigv4.h"
#include "aws/skew.h"
#include "loop/transfer.h"

typedef struct call_t call_t;

/* One service as one server uses it: what all its calls share. Made in each child, for as long as
 * its loop; the I/O thread's. */
typedef struct {
    loop_t *loop;
    const char *service; /* as endpoint_service() knows it */
    const endpoint_t *endpoint;
    credentials_provider_t *credentials;
    sigv4_keys_t *keys;
    const char *ca_file; /* NULL: the system's */
    int attempts;        /* ChatbotRetry; 0: the service's own default */
    retry_bucket_t bucket;
    skew_t skew;
} call_client_t;

/* Limits of one attempt in microseconds; 0: none. */
typedef struct {
    apr_interval_time_t connect;
    apr_interval_time_t first; /* from the start to the first byte of the answer */
    apr_interval_time_t idle;  /* between two pieces of the answer */
} call_limits_t;

/* A header line beyond those that every call has. Those of the family x-amz-* are signed, the
 * others are not: a proxy may rewrite them (X-Amzn-Trace-Id, traceparent). */
typedef struct {
    const char *name;
    const char *value; /* not empty */
} call_header_t;

#define CALL_HEADERS_MAX 8

/* The request. Everything but `body` and `headers` is copied or used by call_start() alone;
 * `operation` is a constant; `body` and `headers` live until the end. */
typedef struct {
    const char *operation;    /* "InvokeAgent": also what aws/retry knows it by */
    const char *method;       /* a constant */
    const char *path;         /* percent-encoded once, starts with a slash; may have a query */
    const char *content_type; /* a constant */
    const char *accept;       /* a constant */
    const call_header_t *headers;
    size_t header_count;        /* at most CALL_HEADERS_MAX */
    const endpoint_t *endpoint; /* lives until the end; NULL: the client's */
    const char *body;
    size_t body_length;
    size_t error_max; /* most bytes kept of an error's body; 0: 64 KB */
    call_limits_t limits;
    apr_time_t deadline; /* monotonic: no attempt begins that could not end by then */
} call_request_t;

typedef enum {
    CALL_OK,             /* a success, and the body is whole */
    CALL_REFUSED,        /* AWS answered with an error: `status` and `code` */
    CALL_TIMEOUT,        /* one of the limits passed */
    CALL_BROKEN,         /* no connection, or it ended too early, or the owner ended it */
    CALL_NO_CREDENTIALS, /* there are none, so nothing was sent */
    CALL_INTERNAL        /* memory is out */
} call_end_e;

/* What came of it; valid until on_end returns. */
typedef struct {
    call_end_e end;
    int status;                 /* of the last answer; 0 when there was none */
    int retries;                /* attempts after the first */
    const char *code;           /* AWS's error code, "" when it gave none */
    const char *message;        /* for the log only: it may name ARNs */
    const char *aws_request_id; /* of the last answer, "" when there was none */
    const char *reason;         /* one line for the log, phase first */
    const char *error_body;     /* CALL_REFUSED: of the answer, cut at its maximum */
    size_t error_length;
    apr_interval_time_t retry_in; /* CALL_NO_CREDENTIALS: when it is worth asking again */
} call_result_t;

typedef struct {
    /* The head of a success. 0 ends the attempt. */
    int (*on_head)(void *baton, call_t *call);
    /* A piece of its body. 0 ends the attempt: for good, unless call_found_error() was told of an
     * error in the body that allows another. */
    int (*on_body)(void *baton, const char *bytes, size_t length);
    /* Another attempt will be made: forget what came of the last one. */
    void (*on_retry)(void *baton);
    /* Exactly once, unless cancelled first, perhaps from within call_start(). The call is gone
     * after. */
    void (*on_end)(void *baton, const call_result_t *result);
    void *baton;
} call_owner_t;

/* Starts; 0 when memory is out (logged): no callback will come. `*call` is set before any
 * callback. */
int call_start(call_t **call, call_client_t *client, const call_request_t *request,
               const call_owner_t *owner);

/* Ends it now without a callback. */
void call_cancel(call_t *call);

/* Stops and restarts the reading of the answer, be it one that has not begun; idle time does not
 * run while paused. */
void call_pause(call_t *call);
void call_resume(call_t *call);

/* From on_body: the body of a success holds an error of that code (an exception in an event
 * stream); the owner then returns 0. */
void call_found_error(call_t *call, const char *code, size_t length);

/* From on_body: something of the answer was passed on, so there is no other attempt any more. */
void call_delivered(call_t *call);

/* A header of the answer, from on_head on; or NULL. */
const char *call_header(call_t *call, const char *name);

#endif
