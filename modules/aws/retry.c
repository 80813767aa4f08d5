#include "aws/retry.h"

#include <apr_date.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ATTEMPTS          3
#define ATTEMPTS_DYNAMODB 4
#define MILLISECOND       ((apr_interval_time_t)1000)
#define BASE              (50 * MILLISECOND)
#define BASE_DYNAMODB     (25 * MILLISECOND)
#define BASE_THROTTLING   (1000 * MILLISECOND)
#define BACKOFF_MAX       (20 * 1000 * MILLISECOND)
#define SERVER_EXTRA_MAX  (5 * 1000 * MILLISECOND) /* what a server's wish may add */
#define COST_THROTTLING   5
#define COST_TRANSIENT    14
#define GIVE_BACK_FIRST   1 /* for a success without a retry */

/* What is safe to repeat: reads, writes that end the same or that carry a condition, and the data
 * points that may count once too often, once. The others start work that cannot be taken back. */
static const struct {
    const char *operation;
    int attempts_max; /* 0: as many as any */
    int idempotent;
} operations[] = {
    {"InvokeAgent", 0, 0},    {"InvokeAgentRuntime", 0, 0},
    {"ConverseStream", 0, 0}, {"Converse", 0, 1},
    {"GetItem", 0, 1},        {"PutItem", 0, 1},
    {"UpdateItem", 0, 1},     {"DeleteItem", 0, 1},
    {"GetObject", 0, 1},      {"PutObject", 0, 1},
    {"AssumeRole", 0, 1},     {"AssumeRoleWithWebIdentity", 0, 1},
    {"PutMetricData", 2, 1},
};

static const char *const throttling_codes[] = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottledException",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "TransactionInProgressException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "RequestThrottled",
    "SlowDown",
    "PriorRequestNotComplete",
    "EC2ThrottledException",
    NULL,
};

/* After the common ones those that services model as retryable, and those that stand for 500 to 503
 * within a stream, where no status does. */
static const char *const transient_codes[] = {
    "RequestTimeout",
    "RequestTimeoutException",
    "IDPCommunicationError",
    "ReplicatedWriteConflictException",
    "ModelNotReadyException",
    "RetryableConflictException",
    "InternalServerException",
    "BadGatewayException",
    "ServiceUnavailableException",
    NULL,
};

/* Answers that say that nothing was begun. */
static const char *const not_begun_codes[] = {
    "ModelNotReadyException",
    "RetryableConflictException",
    "ServiceUnavailableException",
    NULL,
};

static const char *const expired_codes[] = {
    "ExpiredToken",
    "ExpiredTokenException",
    "UnrecognizedClientException",
    NULL,
};

/* Within a stream a code starts with a small letter. */
static int is_among(const char *code, const char *const *codes)
{
    while (*codes != NULL && strcasecmp(code, *codes) != 0) {
        codes++;
    }
    return *codes != NULL;
}

int retry_is_expired(const char *code)
{
    return is_among(code, expired_codes);
}

void retry_bucket_fill(retry_bucket_t *bucket, int capacity)
{
    bucket->capacity = capacity;
    bucket->tokens = capacity;
}

retry_policy_t retry_policy(const char *service, const char *operation, int attempts)
{
    int dynamodb = strcmp(service, "dynamodb") == 0;
    retry_policy_t policy = {ATTEMPTS, BASE, 0};
    size_t i;

    if (dynamodb) {
        policy.attempts = ATTEMPTS_DYNAMODB;
        policy.base = BASE_DYNAMODB;
    }
    if (attempts > 0) {
        policy.attempts = attempts;
    }
    for (i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        if (strcmp(operations[i].operation, operation) == 0) {
            policy.idempotent = operations[i].idempotent;
            if (operations[i].attempts_max > 0 && policy.attempts > operations[i].attempts_max) {
                policy.attempts = operations[i].attempts_max;
            }
        }
    }
    return policy;
}

void retry_start(retry_t *retry, retry_bucket_t *bucket, const retry_policy_t *policy)
{
    retry->bucket = bucket;
    retry->policy = *policy;
    retry->attempt = 1;
    retry->last_cost = 0;
}

static retry_class_e classify_answer(const retry_attempt_t *attempt)
{
    if (is_among(attempt->code, throttling_codes)) {
        return RETRY_THROTTLING;
    }
    if (attempt->repaired || is_among(attempt->code, transient_codes)) {
        return RETRY_TRANSIENT;
    }
    if (attempt->status == 429) {
        return RETRY_THROTTLING;
    }
    return attempt->status == 500 || (attempt->status >= 502 && attempt->status <= 504)
               ? RETRY_TRANSIENT
               : RETRY_NEITHER;
}

static retry_class_e classify(const retry_attempt_t *attempt)
{
    switch (attempt->failure) {
    case RETRY_ANSWER: return classify_answer(attempt);
    case RETRY_NOT_SENT:
    case RETRY_ANSWER_LOST: return RETRY_TRANSIENT;
    case RETRY_FINAL: break;
    }
    return RETRY_NEITHER;
}

/* Whether AWS may have begun to do what it was asked. */
static int may_have_acted(const retry_attempt_t *attempt, retry_class_e class)
{
    if (attempt->failure == RETRY_NOT_SENT) {
        return 0;
    }
    return attempt->failure != RETRY_ANSWER ||
           (class != RETRY_THROTTLING && !attempt->repaired && attempt->status != 503 &&
            !is_among(attempt->code, not_begun_codes));
}

static apr_interval_time_t backoff(apr_interval_time_t base, int retries, double chance)
{
    while (retries-- > 0 && base < BACKOFF_MAX) {
        base *= 2;
    }
    return (apr_interval_time_t)(chance * (double)(base < BACKOFF_MAX ? base : BACKOFF_MAX));
}

/* A whole number without a sign; -1 for anything else. One that is too long counts as very long. */
static apr_int64_t parse_number(const char *text)
{
    size_t length = strspn(text, "0123456789");

    if (length == 0 || text[length] != '\0') {
        return -1;
    }
    return length <= 9 ? strtol(text, NULL, 10) : 999999999;
}

/* How long AWS wants us to wait; -1 when it does not say. */
static apr_interval_time_t wished(const retry_attempt_t *attempt)
{
    apr_int64_t number =
        attempt->retry_after_ms != NULL ? parse_number(attempt->retry_after_ms) : -1;
    apr_time_t date;

    if (number >= 0 || attempt->retry_after == NULL) {
        return number >= 0 ? number * MILLISECOND : -1;
    }
    number = parse_number(attempt->retry_after);
    if (number >= 0) {
        return apr_time_from_sec(number);
    }
    date = apr_date_parse_http(attempt->retry_after);
    return date != APR_DATE_BAD ? date - attempt->now : -1;
}

static apr_interval_time_t delay_of(const retry_t *retry, const retry_attempt_t *attempt,
                                    retry_class_e class, double chance)
{
    apr_interval_time_t delay =
        backoff(class == RETRY_THROTTLING ? BASE_THROTTLING : retry->policy.base,
                retry->attempt - 1, chance);
    apr_interval_time_t wish = wished(attempt);

    if (wish <= delay) {
        return delay;
    }
    return wish < delay + SERVER_EXTRA_MAX ? wish : delay + SERVER_EXTRA_MAX;
}

/* Why it is not repeated; NULL when it is. */
static const char *refuse(const retry_t *retry, const retry_attempt_t *attempt,
                          const retry_decision_t *decision, int cost)
{
    if (decision->class == RETRY_NEITHER) {
        return "another attempt would end the same";
    }
    if (attempt->delivered) {
        return "a part of the answer was passed on already";
    }
    if (!retry->policy.idempotent && may_have_acted(attempt, decision->class)) {
        return "AWS may have acted on it, and it must not act twice";
    }
    if (retry->attempt >= retry->policy.attempts) {
        return "all attempts are used up";
    }
    if (decision->delay >= attempt->remaining) {
        return "the wait before another attempt would pass the deadline";
    }
    return retry->bucket->tokens < cost ? "too many calls failed lately: the retry bucket is empty"
                                        : NULL;
}

retry_decision_t retry_decide(retry_t *retry, const retry_attempt_t *attempt, double chance)
{
    retry_decision_t decision = {.class = classify(attempt)};
    int throttled = decision.class == RETRY_THROTTLING;
    int cost = throttled ? COST_THROTTLING : COST_TRANSIENT;
    const char *refusal;

    decision.delay = delay_of(retry, attempt, decision.class, chance);
    refusal = refuse(retry, attempt, &decision, cost);
    decision.again = refusal == NULL;
    decision.why = refusal;
    if (decision.again) {
        decision.why = throttled ? "AWS throttles" : "the failure may pass";
        retry->bucket->tokens -= cost;
        retry->last_cost = cost;
        retry->attempt++;
    }
    return decision;
}

void retry_succeeded(const retry_t *retry)
{
    retry_bucket_t *bucket = retry->bucket;

    bucket->tokens += retry->last_cost > 0 ? retry->last_cost : GIVE_BACK_FIRST;
    if (bucket->tokens > bucket->capacity) {
        bucket->tokens = bucket->capacity;
    }
}
