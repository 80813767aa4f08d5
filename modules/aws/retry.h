/*
 * Whether a failed attempt at an AWS call is made again, and when: the standard
 * mode of the AWS SDKs by its rules of 2026 (AWS SDKs and Tools Reference
 * Guide, "Retry behavior"), and what may not be repeated at all.
 *
 * Pure arithmetic: time, chance and the failure are given. A bucket belongs to
 * one client and, with everything here, to the I/O thread. Durations are in
 * microseconds.
 */
#ifndef AWS_RETRY_H
#define AWS_RETRY_H

#include <apr_time.h>
#include <stdint.h>

#define RETRY_BUCKET_TOKENS 500
#define RETRY_NO_DEADLINE   INT64_MAX

/* What retries cost is taken from here, so that many failures end them. */
typedef struct {
    int tokens;
    int capacity;
} retry_bucket_t;

/* What a kind of call allows. */
typedef struct {
    int attempts;             /* at most, the first included */
    apr_interval_time_t base; /* of the backoff after a transient failure */
    int idempotent;           /* it may be repeated though AWS may have acted on it */
} retry_policy_t;

/* How one attempt failed. */
typedef enum {
    RETRY_ANSWER,      /* AWS answered: `status` and `code` say what */
    RETRY_NOT_SENT,    /* the request did not leave whole: no name, no connection, TLS broken off */
    RETRY_ANSWER_LOST, /* it left, and no whole answer came: reset, cut, too late, not HTTP,
                          its checksum wrong */
    RETRY_FINAL        /* another attempt ends the same: certificate refused, no memory */
} retry_failure_e;

typedef enum { RETRY_NEITHER, RETRY_TRANSIENT, RETRY_THROTTLING } retry_class_e;

typedef struct {
    retry_failure_e failure;
    int status;                 /* HTTP status of the answer; else 0 */
    const char *code;           /* its error code, or the exception within its stream; never NULL */
    const char *retry_after_ms; /* its header x-amz-retry-after, or NULL */
    const char *retry_after;    /* its header Retry-After, or NULL */
    apr_time_t now;             /* the wall clock, to read a date in Retry-After */
    apr_interval_time_t remaining; /* until the caller's deadline; or RETRY_NO_DEADLINE */
    int delivered;                 /* something of the answer was passed on already */
    int repaired; /* what AWS refused is put right: the clock's offset, expired credentials */
} retry_attempt_t;

/* One call from its first attempt to its last. */
typedef struct {
    retry_bucket_t *bucket;
    retry_policy_t policy;
    int attempt;   /* the number of the running one; 1 is the first */
    int last_cost; /* of the retry that led to it; 0 for the first */
} retry_t;

typedef struct {
    int again;
    apr_interval_time_t delay; /* before the next attempt */
    retry_class_e class;       /* of this failure, whether or not it is repeated */
    const char *why;           /* for the log: why it is repeated, or why not */
} retry_decision_t;

/* A full bucket; with capacity 0 nothing is repeated. */
void retry_bucket_fill(retry_bucket_t *bucket, int capacity);

/* The policy of an operation of a service, by their names ("dynamodb", "GetItem"); one that is not
 * known is never repeated once AWS may have acted. `attempts` is what the operator set, 0 for the
 * service's own default. */
retry_policy_t retry_policy(const char *service, const char *operation, int attempts);

/* Before the first attempt. */
void retry_start(retry_t *retry, retry_bucket_t *bucket, const retry_policy_t *policy);

/* After a failed attempt; `chance` is evenly distributed in [0, 1). When the answer is `again`, the
 * cost is taken and the next attempt counted. */
retry_decision_t retry_decide(retry_t *retry, const retry_attempt_t *attempt, double chance);

/* After the attempt that succeeded: gives tokens back. */
void retry_succeeded(const retry_t *retry);

/* Whether an error code says that the credentials have expired or were replaced: to be tried once
 * more with fresh ones. */
int retry_is_expired(const char *code);

#endif
