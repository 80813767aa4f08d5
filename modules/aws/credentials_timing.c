#include "aws/credentials_timing.h"

#define SECONDS(number) apr_time_from_sec(number)

#define ADVISORY       SECONDS(15 * 60)
#define MANDATORY      SECONDS(10 * 60)
#define RECHECK        SECONDS(15 * 60)
#define MARGIN         SECONDS(10)
#define PACE           (APR_USEC_PER_SEC / 4) /* between refreshes, whatever a source says */
#define BACK_OFF_LEAST SECONDS(1)
#define BACK_OFF_BARE  SECONDS(5)
#define BACK_OFF_MOST  SECONDS(60)
#define STABLE         SECONDS(5 * 60)

static apr_interval_time_t least_of(apr_interval_time_t one, apr_interval_time_t other)
{
    return one < other ? one : other;
}

static apr_interval_time_t most_of(apr_interval_time_t one, apr_interval_time_t other)
{
    return one > other ? one : other;
}

static apr_interval_time_t between(apr_interval_time_t least, apr_interval_time_t most,
                                   double random)
{
    return least + (apr_interval_time_t)((double)(most - least) * random);
}

apr_interval_time_t credentials_timing_margin(apr_interval_time_t lifetime)
{
    return least_of(MARGIN, lifetime / 10);
}

apr_interval_time_t credentials_timing_refresh(apr_interval_time_t left, double random)
{
    if (left == CREDENTIALS_TIMING_FOREVER) {
        return between(RECHECK, RECHECK + RECHECK / 3, random);
    }
    return most_of(
        PACE, left - between(least_of(MANDATORY, left / 3), least_of(ADVISORY, left / 2), random));
}

apr_interval_time_t credentials_timing_retry(int failures, apr_interval_time_t left, double random)
{
    apr_interval_time_t most = most_of(BACK_OFF_BARE, least_of(BACK_OFF_MOST, left / 2));
    apr_interval_time_t delay = BACK_OFF_LEAST;

    for (; failures > 1 && delay < most; failures--) {
        delay *= 2;
    }
    delay = least_of(delay, most);
    return between(delay, delay + delay / 4, random);
}

apr_interval_time_t credentials_timing_retry_stable(apr_interval_time_t lifetime, double random)
{
    apr_interval_time_t least = most_of(BACK_OFF_LEAST, least_of(STABLE, lifetime / 2));

    return between(least, 2 * least, random);
}
