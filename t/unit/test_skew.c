/* aws/skew: the clock's offset, and the errors that it explains. */
#include "aws/skew.h"

#include "tap.h"

#define NOW  apr_time_from_sec(1767225602) /* Thu, 01 Jan 2026 00:00:02 GMT */
#define LATE "Thu, 01 Jan 2026 00:05:01 GMT"

/* An answer that was sent for at 00:00:00 and came at 00:00:02. */
static skew_answer_t answer(const char *date)
{
    skew_answer_t answer = {.received = NOW, .took = apr_time_from_sec(2), .date = date};

    return answer;
}

static apr_int64_t learn(const skew_answer_t *answer)
{
    skew_t skew = {.seconds = 7};

    skew_learn(&skew, answer);
    return skew.seconds;
}

static void test_learning(void)
{
    skew_answer_t it = answer(LATE);
    skew_t skew = {0};

    IS_NUMBER(learn(&it), 300, "Date minus the middle of the exchange");
    it = answer("Wed, 31 Dec 2025 23:55:01 GMT");
    IS_NUMBER(learn(&it), -300, "our clock is ahead");
    it = answer("Thu, 01 Jan 2026 00:00:01 GMT");
    IS_NUMBER(learn(&it), 0, "the clocks agree again");
    it.received += 400000;
    IS_NUMBER(learn(&it), 0, "less than half a second is nothing");
    it.received += 200000;
    IS_NUMBER(learn(&it), -1, "more is a second");
    it = answer("Thursday, 01-Jan-26 00:05:01 GMT");
    IS_NUMBER(learn(&it), 300, "an old form of Date");
    it = answer(LATE);
    skew_learn(&skew, &it);
    IS_NUMBER(skew_signing_time(&skew, NOW) - NOW, apr_time_from_sec(300), "it is signed with");
}

static void test_steadiness(void)
{
    skew_t skew = {.seconds = -1};

    IS_NUMBER(skew_steady(&skew, 0), 0, "a second may come from Date's rounding");
    IS_NUMBER(skew_steady(&skew, -2), -2, "either way");
    skew.seconds = 2;
    IS_NUMBER(skew_steady(&skew, 0), 2, "two are an offset");
    skew.seconds = 0;
    IS_NUMBER(skew_steady(&skew, 300), 0, "our clock was put right");
}

static void test_not_learning(void)
{
    skew_answer_t it = answer(NULL);
    skew_t skew = {.off = 1};

    IS_NUMBER(learn(&it), 7, "no Date");
    it = answer("today");
    IS_NUMBER(learn(&it), 7, "a Date that cannot be read");
    it = answer(LATE);
    it.age = "0";
    IS_NUMBER(learn(&it), 7, "from a cache");
    it = answer(LATE);
    it.event_stream = 1;
    IS_NUMBER(learn(&it), 7, "an event stream");
    it = answer(LATE);
    it.took = apr_time_from_sec(15 * 60);
    OK(learn(&it) != 7, "15 minutes are not too long");
    it.took++;
    IS_NUMBER(learn(&it), 7, "more are");
    it = answer(LATE);
    skew_learn(&skew, &it);
    IS_NUMBER(skew.seconds, 0, "switched off");
}

static int explains(apr_int64_t seconds, apr_int64_t signed_with, const char *code)
{
    const skew_t skew = {.seconds = seconds};

    return skew_explains(&skew, signed_with, code);
}

static void test_explaining(void)
{
    OK(explains(300, 0, "RequestTimeTooSkewed"), "the clock was 5 minutes off");
    OK(explains(-240, 0, "SignatureDoesNotMatch"), "or 4 the other way");
    OK(!explains(239, 0, "RequestTimeTooSkewed"), "less explains nothing");
    OK(!explains(300, 300, "RequestTimeTooSkewed"), "it was signed with that offset");
    OK(!explains(301, 300, "AccessDeniedException"), "or with nearly that one");
    OK(explains(900, 300, "AccessDeniedException"), "the offset is another by now");
    OK(explains(0, 3600, "InvalidSignatureException"), "our clock was put right meanwhile");
    OK(!explains(300, 0, "ThrottlingException") && !explains(300, 0, ""), "another error");
}

int main(void)
{
    test_learning();
    test_steadiness();
    test_not_learning();
    test_explaining();
    return tap_done();
}
