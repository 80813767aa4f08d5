/*
 * One operation on one item of a DynamoDB table: GetItem, PutItem, UpdateItem
 * or DeleteItem. I/O thread only.
 *
 * It is signed, sent and repeated by aws/call; each answer is checked against
 * its x-amz-crc32 there. A write may have been done though its answer was
 * lost, and is then sent again: give it a condition that tells (and
 * "ReturnValuesOnConditionCheckFailure": "ALL_OLD").
 *
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html
 */
#ifndef AWS_DYNAMODB_H
#define AWS_DYNAMODB_H

#include "aws/call.h"
#include "base/buffer.h"
#include "base/json.h"

/* Most bytes of a request or an answer: an item of 400 KB whose every byte JSON writes as six, and
 * what is around it. */
#define DYNAMODB_BODY_MAX ((size_t)3 * 1024 * 1024)

typedef struct dynamodb_t dynamodb_t;

typedef enum {
    DYNAMODB_OK,
    DYNAMODB_CONDITION_FAILED, /* ConditionalCheckFailedException: nothing was written */
    DYNAMODB_FAILED
} dynamodb_end_e;

/* What came of it; valid until on_end returns. */
typedef struct {
    dynamodb_end_e end;
    const json_t *item;  /* GetItem's Item, a write's Attributes, or the Item of a failed condition:
                            read it with aws/attributes. NULL: none came */
    const char *code;    /* AWS's error code; "" when there was none */
    const char *message; /* AWS's own words for it, for the log only; "" when there were none */
    const char *reason;  /* one line for the log, phase first; "" when all is well */
    int retries;         /* attempts after the first: one of them may have done the write */
} dynamodb_result_t;

typedef struct {
    /* Exactly once, unless cancelled first, perhaps from within dynamodb_start(). The operation is
     * gone after. */
    void (*on_end)(void *baton, const dynamodb_result_t *result);
    void *baton;
} dynamodb_owner_t;

typedef struct {
    const char *operation; /* one of the four names above */
    buffer_t *body;        /* the request's JSON; its memory goes over, the buffer is empty after */
    call_limits_t limits;
    apr_time_t deadline; /* monotonic, as call_request_t's */
} dynamodb_request_t;

/* Starts. `*operation` is set before any callback. A body that failed (out of memory, too long)
 * ends it as DYNAMODB_FAILED. */
void dynamodb_start(dynamodb_t **operation, call_client_t *client,
                    const dynamodb_request_t *request, const dynamodb_owner_t *owner);

/* Ends it now without a callback; a write may have been done. */
void dynamodb_cancel(dynamodb_t *operation);

#endif
