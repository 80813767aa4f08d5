/*
 * Plays calls against one bucket, jitter 1. A question is {"service",
 * "operation", "attempts", "tokens", "failures": [{"status", "code",
 * "retry_after_ms"}]}; status 200 is a success and begins the next call, as does a
 * failure that is not repeated. The answer is {"steps": [{"again", "delay_us",
 * "tokens", "why"}]}; of a success only "tokens".
 */
#include "aws/retry.h"

#include "lines.h"

static const char *text_of(const json_t *object, const char *name, const char *otherwise)
{
    const char *text = json_member_text(object, name, NULL);

    return text != NULL ? text : otherwise;
}

static int fail(retry_t *retry, const json_t *failure, json_writer_t *writer)
{
    const retry_attempt_t attempt = {
        .failure = RETRY_ANSWER,
        .status = (int)lines_integer(failure, "status", 0),
        .code = text_of(failure, "code", ""),
        .retry_after_ms = text_of(failure, "retry_after_ms", NULL),
        .remaining = RETRY_NO_DEADLINE,
    };
    retry_decision_t decision = retry_decide(retry, &attempt, 1.0);

    json_name(writer, "again");
    json_put_boolean(writer, decision.again);
    json_name(writer, "delay_us");
    json_put_integer(writer, decision.delay);
    json_put_member(writer, "why", decision.why);
    return decision.again;
}

static void play(retry_t *retry, retry_bucket_t *bucket, const retry_policy_t *policy,
                 const json_t *step, json_writer_t *writer)
{
    int again = 0;

    json_open(writer, '{');
    if (lines_integer(step, "status", 0) == 200) {
        retry_succeeded(retry);
    } else {
        again = fail(retry, step, writer);
    }
    if (!again) {
        retry_start(retry, bucket, policy);
    }
    json_name(writer, "tokens");
    json_put_integer(writer, bucket->tokens);
    json_close(writer, '}');
}

static void answer(apr_pool_t *pool, const json_t *question, json_writer_t *writer)
{
    retry_policy_t policy = retry_policy(text_of(question, "service", "s3"),
                                         text_of(question, "operation", "GetObject"),
                                         (int)lines_integer(question, "attempts", 0));
    const json_t *failures = json_member(question, "failures");
    retry_bucket_t bucket;
    retry_t retry;
    size_t i;

    (void)pool;
    retry_bucket_fill(&bucket, RETRY_BUCKET_TOKENS);
    bucket.tokens = (int)lines_integer(question, "tokens", RETRY_BUCKET_TOKENS);
    retry_start(&retry, &bucket, &policy);
    json_name(writer, "steps");
    json_open(writer, '[');
    for (i = 0; i < json_length(failures); i++) {
        play(&retry, &bucket, &policy, json_item(failures, i), writer);
    }
    json_close(writer, ']');
}

int main(void)
{
    return lines_answer(answer);
}
