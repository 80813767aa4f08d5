/*
 * When credentials are fetched: arithmetic, no clock. Microseconds; `random` is
 * in [0, 1) and spreads the children of all machines. Any thread.
 */
#ifndef AWS_CREDENTIALS_TIMING_H
#define AWS_CREDENTIALS_TIMING_H

#include <apr_time.h>
#include <stdint.h>

#define CREDENTIALS_TIMING_FOREVER INT64_MAX /* of a set that never expires */

/* A set that had `lifetime` left when it came and has less than this now is not given to a request
 * while a refresh may bring another: it could expire on the request's way. */
apr_interval_time_t credentials_timing_margin(apr_interval_time_t lifetime);

/* How long after a success the next refresh begins, when the set has `left`: between 15 and 10
 * minutes before its expiry (the SDKs' advisory and mandatory windows), or with half to a third of
 * a short life left; every quarter of an hour or so when it never expires, as files change. */
apr_interval_time_t credentials_timing_refresh(apr_interval_time_t left, double random);

/* How long after the `failures`th failure in a row the next try begins: from one second on
 * doubling, up to a minute while the set held has much `left`, up to five seconds when it has not
 * (0 or less: there is none). */
apr_interval_time_t credentials_timing_retry(int failures, apr_interval_time_t left, double random);

/* The same for a set with static stability: five to ten minutes, scaled down with its lifetime. */
apr_interval_time_t credentials_timing_retry_stable(apr_interval_time_t lifetime, double random);

#endif
