/*
 * A histogram of atomics, shared by all children: how many values fell into
 * each bucket, and their sum, so that totals are exact and a bucket's mean says
 * where in it they lie.
 *
 * Values are thousandths of the metric's unit: microseconds where it is
 * milliseconds. The buckets are (previous bound, bound], twenty a decade, each at
 * most 13 % wide, from 100 to 1,000,000,000; below and above is one more. 1, 2.5
 * and 5 of each decade are bounds, so that coarser buckets are sums of these.
 */
#ifndef SHM_HISTOGRAM_H
#define SHM_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

#define HISTOGRAM_PER_DECADE 20
#define HISTOGRAM_DECADES    7
/* CloudWatch takes 150 different values a datum. */
#define HISTOGRAM_BUCKETS (2 + HISTOGRAM_PER_DECADE * HISTOGRAM_DECADES)

/* In shared memory; zero is an empty one. `sent` is what was delivered already. Who counts a value
 * adds to `begun`, to `sum` and to `count`, in that order: count and sum go together whenever as
 * many have begun as are counted. */
typedef struct {
    atomic_ullong begun;
    atomic_ullong count;
    atomic_ullong sum;
    atomic_ullong sent_count;
    atomic_ullong sent_sum;
} histogram_bucket_t;

typedef struct {
    histogram_bucket_t buckets[HISTOGRAM_BUCKETS];
} histogram_t;

/* A copy, of one thread. */
typedef struct {
    uint64_t count[HISTOGRAM_BUCKETS];
    uint64_t sum[HISTOGRAM_BUCKETS];
} histogram_values_t;

/* Which bucket a value falls into. */
unsigned histogram_bucket(uint64_t value);

/* A bucket's upper bound, which belongs to it; UINT64_MAX for the last. */
uint64_t histogram_bound(unsigned bucket);

/* Counts a value. Any thread of any process. */
void histogram_add(histogram_t *histogram, uint64_t value);

/* All that was counted so far. Any thread. */
void histogram_read(const histogram_t *histogram, histogram_values_t *values);

/* What was counted and not delivered. Only where a process died while it counted can the sum be
 * that of a neighbour; a mean is always one that the bucket can have. */
void histogram_pending(const histogram_t *histogram, histogram_values_t *values);

/* The values were delivered. One thread of one process at a time. */
void histogram_delivered(histogram_t *histogram, const histogram_values_t *values);

/* Over all buckets. */
uint64_t histogram_count(const histogram_values_t *values);
uint64_t histogram_sum(const histogram_values_t *values);

#endif
