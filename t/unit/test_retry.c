/* aws/retry: what is repeated, when, and at what cost. */
#include "aws/retry.h"

#include "tap.h"

#define MS(number) ((number) * (apr_interval_time_t)1000)

static retry_bucket_t bucket;

/* A call in its first attempt, with a full bucket. */
static retry_t start(const char *service, const char *operation, int attempts)
{
    retry_policy_t policy = retry_policy(service, operation, attempts);
    retry_t retry;

    retry_bucket_fill(&bucket, RETRY_BUCKET_TOKENS);
    retry_start(&retry, &bucket, &policy);
    return retry;
}

static retry_attempt_t answered(int status, const char *code)
{
    retry_attempt_t attempt = {
        .failure = RETRY_ANSWER, .status = status, .code = code, .remaining = RETRY_NO_DEADLINE};

    return attempt;
}

static retry_attempt_t failed(retry_failure_e failure)
{
    retry_attempt_t attempt = {.failure = failure, .code = "", .remaining = RETRY_NO_DEADLINE};

    return attempt;
}

static retry_decision_t decide_first(const char *operation, const retry_attempt_t *attempt)
{
    retry_t retry = start("s3", operation, 0);

    return retry_decide(&retry, attempt, 0.5);
}

static void test_backoff(void)
{
    retry_attempt_t attempt = answered(500, "");
    retry_t retry = start("s3", "GetObject", 40);
    int i;

    IS_NUMBER(retry_decide(&retry, &attempt, 0.0).delay, 0, "by chance no wait at all");
    IS_NUMBER(retry_decide(&retry, &attempt, 0.5).delay, MS(50), "half of the second's 0.1 s");
    IS_NUMBER(retry.attempt, 3, "the third attempt runs");
    for (i = 0; i < 30; i++) {
        (void)retry_decide(&retry, &attempt, 0.0);
    }
    IS_NUMBER(retry_decide(&retry, &attempt, 0.999).delay, MS(19980), "never above 20 s");
    retry = start("dynamodb", "GetItem", 0);
    IS_NUMBER(retry_decide(&retry, &attempt, 1.0).delay, MS(25), "DynamoDB's base is 25 ms");
    attempt = answered(400, "ThrottlingException");
    retry = start("dynamodb", "GetItem", 0);
    IS_NUMBER(retry_decide(&retry, &attempt, 1.0).delay, MS(1000), "… but 1 s when it throttles");
}

static apr_interval_time_t delay(const char *in_ms, const char *standard)
{
    retry_attempt_t attempt = answered(500, "");
    retry_t retry = start("s3", "GetObject", 0);

    attempt.now = apr_time_from_sec(1767225600); /* Thu, 01 Jan 2026 00:00:00 GMT */
    attempt.retry_after_ms = in_ms;
    attempt.retry_after = standard;
    return retry_decide(&retry, &attempt, 1.0).delay;
}

static void test_wishes(void)
{
    IS_NUMBER(delay("1500", NULL), MS(1500), "x-amz-retry-after in milliseconds");
    IS_NUMBER(delay("10", NULL), MS(50), "never sooner than our own");
    IS_NUMBER(delay("10000", NULL), MS(5050), "never more than 5 s later than our own");
    IS_NUMBER(delay("99999999999999999999999999", NULL), MS(5050), "however large it is");
    IS_NUMBER(delay("-100", NULL), MS(50), "a negative number is none");
    IS_NUMBER(delay("1.5", NULL), MS(50), "nor is a fraction");
    IS_NUMBER(delay("", NULL), MS(50), "nor is nothing");
    IS_NUMBER(delay("soon", "2"), MS(2000), "Retry-After where the other is no number");
    IS_NUMBER(delay("100", "2"), MS(100), "else the other counts");
    IS_NUMBER(delay(NULL, "Thu, 01 Jan 2026 00:00:03 GMT"), MS(3000), "Retry-After as a date");
    IS_NUMBER(delay(NULL, "Wed, 31 Dec 2025 00:00:03 GMT"), MS(50), "a date in the past");
    IS_NUMBER(delay(NULL, "Thu, 01 Jan 2026"), MS(50), "no date");
}

static void test_classes(void)
{
    static const struct {
        int status;
        const char *code;
        retry_class_e class;
    } cases[] = {
        {400, "ThrottlingException", RETRY_THROTTLING},
        {200, "throttlingException", RETRY_THROTTLING},
        {400, "ProvisionedThroughputExceededException", RETRY_THROTTLING},
        {503, "SlowDown", RETRY_THROTTLING},
        {429, "", RETRY_THROTTLING},
        {429, "ModelNotReadyException", RETRY_TRANSIENT},
        {424, "ModelNotReadyException", RETRY_TRANSIENT},
        {500, "", RETRY_TRANSIENT},
        {502, "BadGatewayException", RETRY_TRANSIENT},
        {503, "", RETRY_TRANSIENT},
        {504, "", RETRY_TRANSIENT},
        {400, "RequestTimeout", RETRY_TRANSIENT},
        {400, "IDPCommunicationError", RETRY_TRANSIENT},
        {200, "internalServerException", RETRY_TRANSIENT},
        {501, "", RETRY_NEITHER},
        {505, "", RETRY_NEITHER},
        {400, "ValidationException", RETRY_NEITHER},
        {403, "AccessDeniedException", RETRY_NEITHER},
        {404, "", RETRY_NEITHER},
        {409, "ConflictException", RETRY_NEITHER},
        {412, "", RETRY_NEITHER},
        {424, "DependencyFailedException", RETRY_NEITHER},
        {400, "ConditionalCheckFailedException", RETRY_NEITHER},
    };
    retry_attempt_t attempt;
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char what[96];
        retry_decision_t decision;

        attempt = answered(cases[i].status, cases[i].code);
        decision = decide_first("GetObject", &attempt);
        (void)snprintf(what, sizeof(what), "%d %s", cases[i].status, cases[i].code);
        IS_NUMBER(decision.class, cases[i].class, what);
        IS_NUMBER(decision.again, cases[i].class != RETRY_NEITHER, what);
    }
    attempt = failed(RETRY_NOT_SENT);
    IS_NUMBER(decide_first("GetObject", &attempt).class, RETRY_TRANSIENT, "no connection");
    attempt = failed(RETRY_ANSWER_LOST);
    IS_NUMBER(decide_first("GetObject", &attempt).class, RETRY_TRANSIENT, "the answer is lost");
    attempt = failed(RETRY_FINAL);
    IS_NUMBER(decide_first("GetObject", &attempt).class, RETRY_NEITHER, "a wrong certificate");
}

static void test_not_twice(void)
{
    static const struct {
        retry_failure_e failure;
        int status;
        const char *code;
        int again;
        const char *what;
    } cases[] = {
        {RETRY_NOT_SENT, 0, "", 1, "no connection: AWS knows nothing of it"},
        {RETRY_ANSWER_LOST, 0, "", 0, "the answer is lost: the agent may have acted"},
        {RETRY_ANSWER, 429, "ThrottlingException", 1, "throttled"},
        {RETRY_ANSWER, 200, "throttlingException", 1, "throttled as the stream's first event"},
        {RETRY_ANSWER, 503, "", 1, "503"},
        {RETRY_ANSWER, 200, "serviceUnavailableException", 1, "503 within the stream"},
        {RETRY_ANSWER, 424, "ModelNotReadyException", 1, "the model is not ready"},
        {RETRY_ANSWER, 500, "InternalServerException", 0, "500"},
        {RETRY_ANSWER, 502, "BadGatewayException", 0, "502"},
        {RETRY_ANSWER, 504, "", 0, "504"},
        {RETRY_ANSWER, 400, "RequestTimeout", 0, "AWS had not read it whole"},
    };
    static const char *const operations[] = {"InvokeAgent", "InvokeAgentRuntime", "ConverseStream",
                                             "SomethingNew"};
    size_t i;
    size_t j;

    for (i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        for (j = 0; j < sizeof(cases) / sizeof(cases[0]); j++) {
            retry_attempt_t attempt = answered(cases[j].status, cases[j].code);
            char what[128];

            attempt.failure = cases[j].failure;
            (void)snprintf(what, sizeof(what), "%s: %s", operations[i], cases[j].what);
            IS_NUMBER(decide_first(operations[i], &attempt).again, cases[j].again, what);
        }
    }
}

static void test_repaired(void)
{
    retry_attempt_t attempt = answered(403, "ExpiredTokenException");

    OK(!decide_first("InvokeAgent", &attempt).again, "expired credentials");
    OK(retry_is_expired(attempt.code), "… are known as such");
    OK(!retry_is_expired("AccessDeniedException"), "… unlike missing rights");
    attempt.repaired = 1;
    OK(decide_first("InvokeAgent", &attempt).again, "with fresh ones it is tried again");
    attempt.delivered = 1;
    IS(decide_first("InvokeAgent", &attempt).why, "a part of the answer was passed on already",
       "never after a part of the answer was passed on");
    attempt = failed(RETRY_ANSWER_LOST);
    attempt.delivered = 1;
    OK(!decide_first("Converse", &attempt).again, "… of no call");
}

static void test_limits(void)
{
    retry_attempt_t attempt = answered(500, "");
    retry_t retry = start("monitoring", "PutMetricData", 0);

    OK(retry_decide(&retry, &attempt, 0).again, "data points are sent once more");
    IS(retry_decide(&retry, &attempt, 0).why, "all attempts are used up", "… and no more");
    IS_NUMBER(start("monitoring", "PutMetricData", 1).policy.attempts, 1, "or not even once");
    IS_NUMBER(start("dynamodb", "PutItem", 0).policy.attempts, 4, "DynamoDB has 4 attempts");
    IS_NUMBER(start("dynamodb", "PutItem", 2).policy.attempts, 2, "the operator's number counts");
    IS_NUMBER(start("sts", "AssumeRole", 0).policy.attempts, 3, "all others have 3");

    retry = start("s3", "GetObject", 0);
    attempt.remaining = MS(25);
    IS(retry_decide(&retry, &attempt, 0.5).why,
       "the wait before another attempt would pass the deadline", "it must fit the deadline");
    IS_NUMBER(bucket.tokens, 500, "what is not repeated costs nothing");
    IS_NUMBER(retry.attempt, 1, "and counts nothing");
    attempt.remaining = MS(26);
    OK(retry_decide(&retry, &attempt, 0.5).again, "a millisecond is left for it");
    attempt.remaining = 0;
    OK(!retry_decide(&retry, &attempt, 0.0).again, "no time is left");
}

static void test_bucket(void)
{
    retry_attempt_t attempt = answered(500, "");
    retry_attempt_t throttled = answered(429, "");
    retry_t retry = start("s3", "GetObject", 0);
    int i;

    bucket.tokens = 19;
    OK(retry_decide(&retry, &throttled, 0).again, "a throttled call costs 5");
    OK(retry_decide(&retry, &attempt, 0).again, "any other 14");
    IS_NUMBER(bucket.tokens, 0, "the bucket is empty");
    retry_succeeded(&retry);
    IS_NUMBER(bucket.tokens, 14, "a success gives the last retry's cost back");
    retry = start("s3", "GetObject", 0);
    bucket.tokens = 13;
    IS(retry_decide(&retry, &attempt, 0).why,
       "too many calls failed lately: the retry bucket is empty", "13 are not enough");
    retry_succeeded(&retry);
    IS_NUMBER(bucket.tokens, 14, "a success without a retry gives 1");
    for (i = 0; i < 1000; i++) {
        retry_succeeded(&retry);
    }
    IS_NUMBER(bucket.tokens, 500, "it never overflows");
    retry_bucket_fill(&bucket, 0);
    OK(!retry_decide(&retry, &attempt, 0).again, "without a bucket nothing is repeated");
}

/* 1,000 calls of which each attempt fails: a bucket ends the retries. */
static void test_storm(void)
{
    retry_attempt_t attempt = answered(503, "");
    retry_policy_t policy = retry_policy("bedrock-agent-runtime", "InvokeAgent", 0);
    int sent = 0;
    int i;

    retry_bucket_fill(&bucket, RETRY_BUCKET_TOKENS);
    for (i = 0; i < 1000; i++) {
        retry_t retry;

        retry_start(&retry, &bucket, &policy);
        do {
            sent++;
        } while (retry_decide(&retry, &attempt, 0.5).again);
    }
    IS_NUMBER(sent, 1035, "500 tokens are 35 retries, whatever comes");
}

int main(void)
{
    test_backoff();
    test_wishes();
    test_classes();
    test_not_twice();
    test_repaired();
    test_limits();
    test_bucket();
    test_storm();
    return tap_done();
}
