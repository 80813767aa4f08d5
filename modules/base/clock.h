/*
 * The two clocks, replaceable in tests. Any thread may read them; set a test
 * clock before other threads start.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <apr_time.h>

/* Wall clock: microseconds since 1970, for time stamps and signatures. */
apr_time_t clock_wall(void);

/* Monotonic clock: microseconds since some start, for durations and deadlines. */
apr_time_t clock_monotonic(void);

/* Replaces a clock; NULL brings the system's back. */
void clock_replace(apr_time_t (*wall)(void), apr_time_t (*monotonic)(void));

#endif
