/*
 * S3: putting one object. I/O thread only.
 *
 * The object is new or it is not stored: a key that is taken stays as it is.
 * AWS checks the bytes by their hash, which is signed, and by their CRC-32 (API
 * reference of S3, PutObject).
 */
#ifndef AWS_S3_H
#define AWS_S3_H

#include "aws/call.h"
#include "base/buffer.h"

typedef struct s3_put_t s3_put_t;

/* What is put. `body` lives until the end, the other strings until s3_put_start() returns. */
typedef struct {
    const char *bucket;
    const char *key;
    const char *content_type;
    const char *body;
    size_t body_length;
    call_limits_t limits;
    apr_time_t deadline; /* monotonic */
} s3_object_t;

/* What came of it; valid until on_end returns. */
typedef struct {
    int stored;
    call_end_e end;             /* CALL_OK when it is stored */
    const char *code;           /* S3's own name for an error, or "" */
    const char *aws_request_id; /* or "" */
    const char *reason;         /* for the log, phase first */
} s3_result_t;

typedef struct {
    /* Exactly once, unless cancelled first, perhaps from within s3_put_start(). The put is gone
     * after. */
    void (*on_end)(void *baton, const s3_result_t *result);
    void *baton;
} s3_owner_t;

/* Starts; 0 when memory is out (logged): no callback will come. `*started` is set before any. */
int s3_put_start(s3_put_t **started, call_client_t *client, const s3_object_t *object,
                 const s3_owner_t *owner);

/* Ends it now without a callback; the object may be stored or not. */
void s3_put_cancel(s3_put_t *put);

/* Whether it can be a bucket's name: 3 to 63 of [a-z0-9.-] (S3 User Guide, "Bucket naming rules").
 * Pure; any thread. */
int s3_is_bucket(const char *name);

/* Where an object is. */
typedef struct {
    endpoint_t endpoint;
    buffer_t origin; /* of a bucket's own host */
    buffer_t path;   /* percent-encoded */
} s3_address_t;

/* A bucket has a host of its own, but for one whose name has a dot, which no wildcard certificate
 * covers, and behind the operator's own endpoint: there it is the first part of the path. 0 when
 * memory is out; free it either way. `service` is the endpoint of S3, and outlives the address. */
int s3_address_make(s3_address_t *address, const endpoint_t *service, const char *bucket,
                    const char *key);
void s3_address_free(s3_address_t *address);

#endif
