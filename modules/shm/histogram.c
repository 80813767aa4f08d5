#include "shm/histogram.h"

#include <sched.h>

_Static_assert(HISTOGRAM_BUCKETS <= 150, "CloudWatch takes 150 values a datum");

/* Of one decade, in thousandths: 1, 2.5 and 5 with equal ratios between them. */
static const uint16_t bounds[HISTOGRAM_PER_DECADE] = {1000, 1121, 1257, 1410, 1581, 1773, 1988,
                                                      2229, 2500, 2806, 3150, 3536, 3969, 4454,
                                                      5000, 5612, 6300, 7071, 7937, 8909};

uint64_t histogram_bound(unsigned bucket)
{
    uint64_t factor = 1;
    unsigned decade = bucket / HISTOGRAM_PER_DECADE;

    if (bucket >= HISTOGRAM_BUCKETS - 1) {
        return UINT64_MAX;
    }
    while (decade-- > 0) {
        factor *= 10;
    }
    return bounds[bucket % HISTOGRAM_PER_DECADE] * factor / 10;
}

unsigned histogram_bucket(uint64_t value)
{
    unsigned first = 0;
    unsigned last = HISTOGRAM_BUCKETS - 1;

    while (first < last) {
        unsigned middle = (first + last) / 2;
        if (value <= histogram_bound(middle)) {
            last = middle;
        } else {
            first = middle + 1;
        }
    }
    return first;
}

void histogram_add(histogram_t *histogram, uint64_t value)
{
    histogram_bucket_t *bucket = &histogram->buckets[histogram_bucket(value)];

    (void)atomic_fetch_add(&bucket->begun, 1);
    (void)atomic_fetch_add(&bucket->sum, value);
    (void)atomic_fetch_add(&bucket->count, 1);
}

static uint64_t load(const atomic_ullong *number)
{
    return atomic_load(number);
}

/* Who counts and was interrupted gets its turn in between: so often not even once is a process that
 * has died. */
#define LOOKS 1000

/* A count and the sum that belongs to it. */
static void look(const histogram_bucket_t *bucket, uint64_t *count, uint64_t *sum)
{
    int looks = LOOKS;

    do {
        *count = load(&bucket->count);
        *sum = load(&bucket->sum);
    } while (load(&bucket->begun) != *count && --looks > 0 && sched_yield() == 0);
}

void histogram_read(const histogram_t *histogram, histogram_values_t *values)
{
    unsigned i;

    for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
        look(&histogram->buckets[i], &values->count[i], &values->sum[i]);
    }
}

/* What `count` values of a bucket can add up to. */
static uint64_t plausible_sum(unsigned bucket, uint64_t count, uint64_t sum)
{
    uint64_t least = bucket > 0 ? count * (histogram_bound(bucket - 1) + 1) : 0;
    uint64_t most = bucket < HISTOGRAM_BUCKETS - 1 ? count * histogram_bound(bucket) : UINT64_MAX;

    if (sum < least || sum > UINT64_MAX / 2) { /* the difference was negative */
        return least;
    }
    return sum < most ? sum : most;
}

void histogram_pending(const histogram_t *histogram, histogram_values_t *values)
{
    unsigned i;

    for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
        const histogram_bucket_t *bucket = &histogram->buckets[i];
        uint64_t count;
        uint64_t sum;

        look(bucket, &count, &sum);
        count -= load(&bucket->sent_count);
        sum -= load(&bucket->sent_sum);
        values->count[i] = count;
        values->sum[i] = count > 0 ? plausible_sum(i, count, sum) : 0;
    }
}

void histogram_delivered(histogram_t *histogram, const histogram_values_t *values)
{
    unsigned i;

    for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
        histogram_bucket_t *bucket = &histogram->buckets[i];
        atomic_fetch_add_explicit(&bucket->sent_count, values->count[i], memory_order_relaxed);
        atomic_fetch_add_explicit(&bucket->sent_sum, values->sum[i], memory_order_relaxed);
    }
}

uint64_t histogram_count(const histogram_values_t *values)
{
    uint64_t count = 0;
    unsigned i;

    for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
        count += values->count[i];
    }
    return count;
}

uint64_t histogram_sum(const histogram_values_t *values)
{
    uint64_t sum = 0;
    unsigned i;

    for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
        sum += values->sum[i];
    }
    return sum;
}
