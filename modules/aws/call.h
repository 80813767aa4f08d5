/*
 * One AWS call: sign, send, receive. I/O thread only.
 *
 *     SIGN -> SEND -> RECEIVE -> DONE
 *
 * The body of a success goes to the owner piece by piece; that of an error is
 * gathered here and read for its code. The signature is made as late as can
 * be: a request must reach AWS within five minutes of its time stamp.
 */
#ifndef AWS_CALL_H
#define AWS_CALL_H

#include "aws/credentials.h"
#include "aws/endpoint.h"
#include "aws/sigv4.h"
#include "loop/transfer.h"

typedef struct call_t call_t;

/* What every call of one child shares; lives as long as the loop. I/O thread. */
typedef struct {
    loop_t *loop;
    sigv4_keys_t *keys;
} call_client_t;

/* Limits of a call in microseconds; 0: none. */
typedef struct {
    apr_interval_time_t connect;
    apr_interval_time_t first; /* from the start to the first byte of the answer */
    apr_interval_time_t idle;  /* between two pieces of the answer */
} call_limits_t;

/* The request. Everything but `body` is used by call_start() alone; `body` and `credentials` live
 * until the end. */
typedef struct {
    const endpoint_t *endpoint;
    const credentials_t *credentials;
    const char *operation; /* for the log: "InvokeAgent" */
    const char *method;
    const char *path; /* percent-encoded once, starts with a slash */
    const char *content_type;
    const char *accept;
    const char *body;
    size_t body_length;
    call_limits_t limits;
    int single_send; /* not idempotent: never sent twice */
} call_request_t;

typedef enum {
    CALL_OK,      /* a success, and the body is whole */
    CALL_REFUSED, /* AWS answered with an error: `status` and `code` */
    CALL_TIMEOUT, /* one of the limits passed */
    CALL_BROKEN   /* no connection, or it ended too early, or the answer was not HTTP */
} call_end_e;

/* What came of it; valid until on_end returns. */
typedef struct {
    call_end_e end;
    int status;                 /* 0 when there was no answer */
    const char *code;           /* AWS's error code, "" when it gave none */
    const char *message;        /* for the log only: it may name ARNs */
    const char *aws_request_id; /* "" when there was none */
    const char *reason;         /* one line for the log, phase first */
} call_result_t;

typedef struct {
    /* The head of a success. 0 ends the call (CALL_BROKEN). */
    int (*on_head)(void *baton, call_t *call);
    int (*on_body)(void *baton, const char *bytes, size_t length);
    /* Exactly once, unless cancelled first; the call is gone before. Never from call_start(). */
    void (*on_end)(void *baton, const call_result_t *result);
    void *baton;
} call_owner_t;

/* Starts; NULL when it cannot be (logged): no callback will come. */
call_t *call_start(const call_client_t *client, const call_request_t *request,
                   const call_owner_t *owner);

/* Ends it now without a callback. */
void call_cancel(call_t *call);

/* A header of the answer, from on_head on; or NULL. */
const char *call_header(call_t *call, const char *name);

#endif
