#include "base/clock.h"

#include <time.h>

static apr_time_t system_monotonic(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (apr_time_t)now.tv_sec * APR_USEC_PER_SEC + now.tv_nsec / 1000;
}

static apr_time_t (*wall_clock)(void) = apr_time_now;
static apr_time_t (*monotonic_clock)(void) = system_monotonic;

apr_time_t clock_wall(void)
{
    return wall_clock();
}

apr_time_t clock_monotonic(void)
{
    return monotonic_clock();
}

void clock_replace(apr_time_t (*wall)(void), apr_time_t (*monotonic)(void))
{
    wall_clock = wall != NULL ? wall : apr_time_now;
    monotonic_clock = monotonic != NULL ? monotonic : system_monotonic;
}
