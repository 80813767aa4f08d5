/*
 * Plays one operation: {"skew", "max_attempts", "attempts": [{"sent",
 * "received", "status", "date", "age", "code"}]}, times in seconds since 1970,
 * is answered by {"signed": [time of each attempt made], "skew", "outcome"}.
 */
#include "aws/skew.h"
#include "aws/retry.h"

#include "lines.h"

/* Makes one attempt; whether another one follows. */
static int make_attempt(skew_t *skew, retry_t *retry, const json_t *step, json_writer_t *writer)
{
    apr_time_t sent = apr_time_from_sec(lines_integer(step, "sent", 0));
    apr_time_t received = apr_time_from_sec(lines_integer(step, "received", 0));
    apr_int64_t signed_with = skew->seconds;
    const char *code = json_member_text(step, "code", NULL);
    const skew_answer_t answer = {
        .received = received,
        .took = received - sent,
        .date = json_member_text(step, "date", NULL),
        .age = json_member_text(step, "age", NULL),
    };
    retry_attempt_t attempt = {
        .failure = RETRY_ANSWER,
        .status = (int)lines_integer(step, "status", 0),
        .code = code != NULL ? code : "",
        .remaining = RETRY_NO_DEADLINE,
    };

    json_put_integer(writer, apr_time_sec(skew_signing_time(skew, sent)));
    skew_learn(skew, &answer);
    attempt.repaired = skew_explains(skew, signed_with, attempt.code);
    return attempt.status != 200 && retry_decide(retry, &attempt, 0.5).again;
}

static const char *outcome(const json_t *steps, size_t made, int again)
{
    if (again) {
        return "pending";
    }
    return lines_integer(json_item(steps, made - 1), "status", 0) == 200 ? "success" : "error";
}

static void answer(apr_pool_t *pool, const json_t *question, json_writer_t *writer)
{
    const json_t *steps = json_member(question, "attempts");
    skew_t skew = {.seconds = lines_integer(question, "skew", 0)};
    retry_policy_t policy =
        retry_policy("s3", "GetObject", (int)lines_integer(question, "max_attempts", 0));
    retry_bucket_t bucket;
    retry_t retry;
    size_t i = 0;
    int again = 1;

    (void)pool;
    retry_bucket_fill(&bucket, RETRY_BUCKET_TOKENS);
    retry_start(&retry, &bucket, &policy);
    json_name(writer, "signed");
    json_open(writer, '[');
    while (again && i < json_length(steps)) {
        again = make_attempt(&skew, &retry, json_item(steps, i++), writer);
    }
    json_close(writer, ']');
    json_name(writer, "skew");
    json_put_integer(writer, skew.seconds);
    json_put_member(writer, "outcome", outcome(steps, i, again));
}

int main(void)
{
    return lines_answer(answer);
}
