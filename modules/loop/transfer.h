/*
 * One HTTP exchange over the loop's curl multi handle. I/O thread only.
 *
 * Easy handles and connections are reused. No redirect is followed, TLS is
 * verified, the path goes out as it stands, and no header is added to the
 * caller's but Host, Content-Length, Accept and User-Agent as given below.
 */
#ifndef LOOP_TRANSFER_H
#define LOOP_TRANSFER_H

#include "loop/loop.h"

typedef struct transfer_t transfer_t;

/* How an exchange ended. */
typedef enum {
    TRANSFER_OK,                  /* the whole answer was received */
    TRANSFER_CONNECT_FAILED,      /* no connection: name, refusal, unreachable */
    TRANSFER_CONNECT_TIMEOUT,     /* `connect` passed */
    TRANSFER_TLS_FAILED,          /* the handshake broke off */
    TRANSFER_CERTIFICATE_REFUSED, /* by us: not signed by whom we trust, expired, another name */
    TRANSFER_SEND_FAILED,         /* broken before the request was sent whole */
    TRANSFER_FIRST_TIMEOUT,       /* `first` passed without a byte of the answer */
    TRANSFER_IDLE_TIMEOUT,        /* `idle` passed between two pieces of the body */
    TRANSFER_TOTAL_TIMEOUT,       /* `total` passed */
    TRANSFER_RECEIVE_FAILED,      /* reset, or closed before the answer was whole */
    TRANSFER_PROTOCOL_FAILED,     /* the answer is not HTTP */
    TRANSFER_REFUSED_BY_OWNER,    /* on_head or on_body returned 0 */
    TRANSFER_INTERNAL             /* out of memory and the like */
} transfer_end_e;

/* The request. All strings are copied by transfer_start() but `body`, which must live until the
 * end of the transfer. A header's value is not empty: libcurl takes "Name:" for "do not send it".
 */
typedef struct {
    const char *method;
    const char *url;
    const char *const *headers; /* "Name: value", NULL-terminated; a Content-Type is the caller's */
    const char *body;           /* NULL: none */
    size_t body_length;
    apr_interval_time_t connect_timeout; /* microseconds; 0: none */
    apr_interval_time_t first_timeout;   /* from the start to the first byte of the answer */
    apr_interval_time_t idle_timeout;    /* between pieces of the answer */
    apr_interval_time_t total_timeout;
    const char *ca_file; /* NULL: the system's */
    int single_send;     /* never send it twice: else libcurl repeats, without telling, a request
                            whose pooled connection ended before the first byte of an answer */
    int no_proxy;        /* ignore the proxy environment */
} transfer_request_t;

/* What came of it. Strings live until `on_end` returns. */
typedef struct {
    transfer_end_e end;
    int status;           /* of the answer; 0 when none came */
    int request_sent;     /* the request left whole, or may have: the other side may have acted */
    const char *error;    /* for the log: what libcurl says, phase first; never NULL */
    long new_connections; /* 0 when a pooled connection was used */
} transfer_result_t;

/* The owner's side. Each is called on the I/O thread, never from within transfer_start() or
 * transfer_cancel(). `on_end` is called exactly once unless the transfer is cancelled first; the
 * transfer is gone before it is called. */
typedef struct {
    /* The head of the answer is whole; headers can be asked with transfer_header(). 0 ends the
     * transfer. May be NULL. */
    int (*on_head)(void *baton, transfer_t *transfer, int status);
    /* A piece of the body. 0 ends the transfer. */
    int (*on_body)(void *baton, transfer_t *transfer, const char *bytes, size_t length);
    void (*on_end)(void *baton, const transfer_result_t *result);
    void *baton;
} transfer_owner_t;

/* Starts the exchange. NULL when it cannot be started (logged): no callback will come. */
transfer_t *transfer_start(loop_t *loop, const transfer_request_t *request,
                           const transfer_owner_t *owner);

/* Ends it now: the connection is closed unless the answer was already whole; no callback comes. */
void transfer_cancel(transfer_t *transfer);

/* A header of the answer, or NULL; valid in on_head, on_body and until on_end returns. */
const char *transfer_header(transfer_t *transfer, const char *name);

/* Stops and restarts the reading of the body; idle time does not run while paused. */
void transfer_pause(transfer_t *transfer);
void transfer_resume(transfer_t *transfer);

/* Connections opened since the start, for the tests and the log. */
unsigned long transfer_connections_opened(const loop_t *loop);

#endif
