/*
 * How far this machine's clock is from AWS's, learnt from the Date of its
 * answers, so that requests are signed with the time that AWS believes in.
 *
 * Pure: times and headers are given. One state a client; it belongs to the I/O
 * thread, so nothing in it is atomic.
 */
#ifndef AWS_SKEW_H
#define AWS_SKEW_H

#include <apr_time.h>

typedef struct {
    apr_int64_t seconds; /* AWS's clock minus ours; 0 until something was learnt */
    int off;             /* AWS_DISABLE_CLOCK_SKEW_CORRECTION: it stays 0 */
} skew_t;

/* One answer whose head has come. */
typedef struct {
    apr_time_t received;      /* when, by the wall clock */
    apr_interval_time_t took; /* since it was sent, by the monotonic clock */
    const char *date;         /* its Date, or NULL */
    const char *age;          /* its Age, or NULL: from a cache */
    int event_stream;         /* it is an event stream; the error answers of such a call are not */
} skew_answer_t;

/* The time to sign with when the wall clock says `now`. */
apr_time_t skew_signing_time(const skew_t *skew, apr_time_t now);

/* The same for a clock that must not jump, in seconds: `before`, as long as a difference may come
 * from Date, which has whole seconds. */
apr_int64_t skew_steady(const skew_t *skew, apr_int64_t before);

/* After every answer, a success or not. Learns nothing from one of a cache, one without a Date that
 * can be read, one that took over 15 minutes, and an event stream. */
void skew_learn(skew_t *skew, const skew_answer_t *answer);

/* After an error answer that was learnt from: whether the clock explains it, so that the request is
 * worth another attempt with the offset as it is now. `signed_with` was skew->seconds when it was
 * signed. */
int skew_explains(const skew_t *skew, apr_int64_t signed_with, const char *code);

#endif
