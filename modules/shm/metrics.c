#include "shm/metrics.h"

#include "shm/lease.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#define OTHER      "other"
#define SUCCESS    "success"
#define STATUS_MAX 999
#define TELL_EVERY apr_time_from_sec(3600)

/* A number and how much of it was delivered. */
typedef struct {
    atomic_ullong now;
    atomic_ullong sent;
} tally_t;

struct metrics_series_t {
    _Alignas(64) tally_t counters[METRICS_COUNTER_COUNT];
    tally_t outcomes[METRICS_OUTCOMES];
    tally_t codes[METRICS_CODES];
    histogram_t histograms[METRICS_HISTOGRAM_COUNT];
};

struct metrics_publisher_t {
    _Alignas(64) atomic_ullong key;
    lease_t lease;
    atomic_llong due; /* monotonic; 0: not set yet */
    atomic_llong tried;
    atomic_llong delivered;
    atomic_llong told;
    atomic_uint failures;
};

/* The last entry of each table of names is never taken: it is "other". */
struct metrics_t {
    names_entry_t outcome_names[METRICS_OUTCOMES - 1];
    names_entry_t code_names[METRICS_CODES - 1];
    names_entry_t series_names[METRICS_SERIES - 1];
    metrics_publisher_t publishers[METRICS_PUBLISHERS];
    _Alignas(64) atomic_int restarting;
    metrics_series_t series[METRICS_SERIES];
};

static const metrics_info_t infos[] = {
#define METRICS_ROW(name, cloudwatch, prometheus, unit, help) {cloudwatch, prometheus, unit, help},
    METRICS(METRICS_ROW)
#undef METRICS_ROW
};

_Static_assert(sizeof(infos) / sizeof(infos[0]) == METRICS_COUNT, "a row for each metric");
_Static_assert((int)METRIC_RETRIES == METRICS_FIRST_COUNTER, "counters follow the histograms");
_Static_assert((int)METRIC_REQUESTS == METRICS_FIRST_COUNTER + METRICS_COUNTER_COUNT,
               "and the others the counters");
_Static_assert(sizeof(metrics_t) % 64 == 0, "whole cache lines");
_Static_assert(sizeof(metrics_t) < 1024u * 1024u, "shared memory stays small");

const metrics_info_t *metrics_info(metric_e metric)
{
    return &infos[metric];
}

size_t metrics_size(void)
{
    return sizeof(metrics_t);
}

/* ---- counting ---- */

static void count(tally_t *tally, uint64_t number)
{
    atomic_fetch_add_explicit(&tally->now, number, memory_order_relaxed);
}

metrics_series_t *metrics_series(metrics_t *metrics, uint64_t publisher, const char *endpoint)
{
    return &metrics->series[names_find(metrics->series_names, METRICS_SERIES - 1, publisher,
                                       endpoint)];
}

void metrics_add(metrics_series_t *series, metric_e counter, uint64_t number)
{
    count(&series->counters[counter - METRICS_FIRST_COUNTER], number);
}

void metrics_observe(metrics_series_t *series, metric_e histogram, uint64_t thousandths)
{
    histogram_add(&series->histograms[histogram], thousandths);
}

void metrics_outcome(metrics_t *metrics, metrics_series_t *series, int status, const char *code)
{
    int bounded = status >= 100 && status <= STATUS_MAX ? status : STATUS_MAX;
    char name[NAMES_TEXT_MAX + 1];

    (void)apr_snprintf(name, sizeof(name), "%d %s", bounded, code);
    count(&series->outcomes[names_find(metrics->outcome_names, METRICS_OUTCOMES - 1, 0, name)], 1);
}

void metrics_upstream_error(metrics_t *metrics, metrics_series_t *series, const char *code)
{
    count(&series->codes[names_find(metrics->code_names, METRICS_CODES - 1, 0, code)], 1);
}

/* ---- reading ---- */

static uint64_t read_now(const tally_t *tally)
{
    return atomic_load_explicit(&tally->now, memory_order_relaxed);
}

static uint64_t read_pending(const tally_t *tally)
{
    return read_now(tally) - atomic_load_explicit(&tally->sent, memory_order_relaxed);
}

static void read_all(const tally_t *tallies, unsigned number, uint64_t (*read)(const tally_t *),
                     uint64_t *values)
{
    unsigned i;

    for (i = 0; i < number; i++) {
        values[i] = read(&tallies[i]);
    }
}

/* Whose series it is: 0 when there is none yet. */
static int read_name(const metrics_t *metrics, unsigned index, metrics_values_t *values)
{
    if (index < METRICS_SERIES - 1) {
        return names_at(&metrics->series_names[index], &values->publisher, values->endpoint);
    }
    values->publisher = 0;
    memcpy(values->endpoint, OTHER, sizeof(OTHER));
    return 1;
}

static int read_series(const metrics_t *metrics, unsigned index, metrics_values_t *values,
                       uint64_t (*read)(const tally_t *),
                       void (*read_histogram)(const histogram_t *, histogram_values_t *))
{
    const metrics_series_t *series = &metrics->series[index];
    unsigned i;

    if (!read_name(metrics, index, values)) {
        return 0;
    }
    read_all(series->counters, METRICS_COUNTER_COUNT, read, values->counters);
    read_all(series->outcomes, METRICS_OUTCOMES, read, values->outcomes);
    read_all(series->codes, METRICS_CODES, read, values->codes);
    for (i = 0; i < METRICS_HISTOGRAM_COUNT; i++) {
        read_histogram(&series->histograms[i], &values->histograms[i]);
    }
    return 1;
}

int metrics_read(const metrics_t *metrics, unsigned index, metrics_values_t *values)
{
    return read_series(metrics, index, values, read_now, histogram_read);
}

int metrics_pending(const metrics_t *metrics, unsigned index, metrics_values_t *values)
{
    return read_series(metrics, index, values, read_pending, histogram_pending);
}

static void settle(tally_t *tallies, unsigned number, const uint64_t *values)
{
    unsigned i;

    for (i = 0; i < number; i++) {
        atomic_fetch_add_explicit(&tallies[i].sent, values[i], memory_order_relaxed);
    }
}

void metrics_delivered(metrics_t *metrics, unsigned index, const metrics_values_t *values)
{
    metrics_series_t *series = &metrics->series[index];
    unsigned i;

    settle(series->counters, METRICS_COUNTER_COUNT, values->counters);
    settle(series->outcomes, METRICS_OUTCOMES, values->outcomes);
    settle(series->codes, METRICS_CODES, values->codes);
    for (i = 0; i < METRICS_HISTOGRAM_COUNT; i++) {
        histogram_delivered(&series->histograms[i], &values->histograms[i]);
    }
}

uint64_t metrics_requests(const metrics_t *metrics, const metrics_values_t *values,
                          uint64_t *errors)
{
    char code[NAMES_TEXT_MAX + 1];
    uint64_t requests = 0;
    unsigned i;

    *errors = 0;
    for (i = 0; i < METRICS_OUTCOMES; i++) {
        int status;
        requests += values->outcomes[i];
        if (values->outcomes[i] > 0 &&
            (!metrics_outcome_at(metrics, i, &status, code) || strcmp(code, SUCCESS) != 0)) {
            *errors += values->outcomes[i];
        }
    }
    return requests;
}

static int is_zero(const uint64_t *values, unsigned number)
{
    unsigned i;

    for (i = 0; i < number; i++) {
        if (values[i] != 0) {
            return 0;
        }
    }
    return 1;
}

int metrics_is_empty(const metrics_values_t *values)
{
    unsigned i;

    for (i = 0; i < METRICS_HISTOGRAM_COUNT; i++) {
        if (!is_zero(values->histograms[i].count, HISTOGRAM_BUCKETS)) {
            return 0;
        }
    }
    return is_zero(values->counters, METRICS_COUNTER_COUNT) &&
           is_zero(values->outcomes, METRICS_OUTCOMES) && is_zero(values->codes, METRICS_CODES);
}

int metrics_outcome_at(const metrics_t *metrics, unsigned index, int *status, char *code)
{
    char name[NAMES_TEXT_MAX + 1];
    uint64_t scope;
    char *end;

    *status = STATUS_MAX;
    memcpy(code, OTHER, sizeof(OTHER));
    if (index == METRICS_OUTCOMES - 1) {
        return 1;
    }
    if (!names_at(&metrics->outcome_names[index], &scope, name)) {
        return 0;
    }
    *status = (int)strtol(name, &end, 10);
    (void)apr_cpystrn(code, *end == ' ' ? end + 1 : end, NAMES_TEXT_MAX + 1);
    return 1;
}

int metrics_code_at(const metrics_t *metrics, unsigned index, char *code)
{
    uint64_t scope;

    memcpy(code, OTHER, sizeof(OTHER));
    return index == METRICS_CODES - 1 || names_at(&metrics->code_names[index], &scope, code);
}

/* ---- delivering ---- */

metrics_publisher_t *metrics_publisher(metrics_t *metrics, uint64_t key)
{
    unsigned i;

    for (i = 0; i < METRICS_PUBLISHERS; i++) {
        unsigned long long found = 0;
        if (atomic_compare_exchange_strong(&metrics->publishers[i].key, &found, key) ||
            found == key) {
            return &metrics->publishers[i];
        }
    }
    return NULL;
}

apr_interval_time_t metrics_due_in(metrics_publisher_t *publisher, apr_time_t now,
                                   apr_interval_time_t interval)
{
    long long due = atomic_load(&publisher->due);

    /* The first time, or the interval was made shorter since. */
    if ((due == 0 || due > now + interval) &&
        atomic_compare_exchange_strong(&publisher->due, &due, now + interval)) {
        return interval;
    }
    return due > now ? due - now : 0;
}

void metrics_set_due(metrics_publisher_t *publisher, apr_time_t due)
{
    atomic_store(&publisher->due, due);
}

int metrics_lease(metrics_publisher_t *publisher, pid_t pid, apr_time_t now,
                  apr_interval_time_t hold)
{
    return lease_take(&publisher->lease, pid, now, hold);
}

int metrics_has_lease(const metrics_publisher_t *publisher, pid_t pid)
{
    return lease_is_held(&publisher->lease, pid);
}

void metrics_end_lease(metrics_publisher_t *publisher, pid_t pid)
{
    lease_give_back(&publisher->lease, pid);
}

void metrics_reap(metrics_t *metrics, pid_t pid)
{
    unsigned i;

    for (i = 0; i < METRICS_PUBLISHERS; i++) {
        lease_give_back(&metrics->publishers[i].lease, pid);
    }
}

void metrics_set_restarting(metrics_t *metrics, int restarting)
{
    atomic_store(&metrics->restarting, restarting);
}

int metrics_is_restarting(const metrics_t *metrics)
{
    return atomic_load(&metrics->restarting);
}

metrics_tell_e metrics_report(metrics_publisher_t *publisher, int delivered, apr_time_t wall)
{
    atomic_store(&publisher->tried, wall);
    if (delivered) {
        atomic_store(&publisher->delivered, wall);
        return atomic_exchange(&publisher->failures, 0) > 0 ? METRICS_TELL_RECOVERY
                                                            : METRICS_TELL_NOTHING;
    }
    if (atomic_fetch_add(&publisher->failures, 1) > 0 &&
        wall - atomic_load(&publisher->told) < TELL_EVERY) {
        return METRICS_TELL_NOTHING;
    }
    atomic_store(&publisher->told, wall);
    return METRICS_TELL_FAILURE;
}

void metrics_delivery(const metrics_publisher_t *publisher, metrics_delivery_t *delivery)
{
    delivery->tried = atomic_load(&publisher->tried);
    delivery->delivered = atomic_load(&publisher->delivered);
    delivery->failures = atomic_load(&publisher->failures);
}
