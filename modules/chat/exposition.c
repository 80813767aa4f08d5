#include "chat/exposition.h"

#include <stdlib.h>
#include <string.h>

#define THOUSANDTHS         1000
#define MICROSECONDS        1e6
#define LABEL_MAX           (2 * NAMES_TEXT_MAX + 1)
#define FIRST_BOUND         2 /* 0.5 ms is the first that is shown */
#define BOUNDS_PER_DECADE   3
#define EXPOSITION_PATTERNS (BOUNDS_PER_DECADE * HISTOGRAM_DECADES)

/* Which bounds of a decade are shown: 1, 2.5 and 5. */
static const unsigned shown[BOUNDS_PER_DECADE] = {0, 8, 14};

/* All series, those of equal endpoints added up. */
typedef struct {
    const metrics_t *metrics;
    unsigned count;
    uint64_t undelivered;
    metrics_values_t series[METRICS_SERIES];
    metrics_values_t next;
} snapshot_t;

/* ---- the snapshot ---- */

static void add_all(uint64_t *sum, const uint64_t *values, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        sum[i] += values[i];
    }
}

static void add_values(metrics_values_t *sum, const metrics_values_t *values)
{
    unsigned i;

    add_all(sum->counters, values->counters, METRICS_COUNTER_COUNT);
    add_all(sum->outcomes, values->outcomes, METRICS_OUTCOMES);
    add_all(sum->codes, values->codes, METRICS_CODES);
    for (i = 0; i < METRICS_HISTOGRAM_COUNT; i++) {
        add_all(sum->histograms[i].count, values->histograms[i].count, HISTOGRAM_BUCKETS);
        add_all(sum->histograms[i].sum, values->histograms[i].sum, HISTOGRAM_BUCKETS);
    }
}

static void add_series(snapshot_t *snapshot)
{
    unsigned i;

    for (i = 0; i < snapshot->count; i++) {
        if (strcmp(snapshot->series[i].endpoint, snapshot->next.endpoint) == 0) {
            add_values(&snapshot->series[i], &snapshot->next);
            return;
        }
    }
    snapshot->series[snapshot->count++] = snapshot->next;
}

/* The series for what had no place is shown once it is used. */
static void take(snapshot_t *snapshot, const metrics_t *metrics)
{
    uint64_t errors;
    unsigned i;

    snapshot->metrics = metrics;
    for (i = 0; i < METRICS_SERIES; i++) {
        if (metrics_pending(metrics, i, &snapshot->next) &&
            snapshot->next.publisher != METRICS_NOBODY) {
            snapshot->undelivered += metrics_requests(metrics, &snapshot->next, &errors);
        }
        if (metrics_read(metrics, i, &snapshot->next) &&
            (i < METRICS_SERIES - 1 || !metrics_is_empty(&snapshot->next))) {
            add_series(snapshot);
        }
    }
}

/* ---- lines ---- */

static void put_head(buffer_t *out, metric_e metric, const char *type)
{
    const metrics_info_t *info = metrics_info(metric);

    (void)buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", info->prometheus, info->help,
                        info->prometheus, type);
}

/* Backslash, quote and line feed are escaped. */
static const char *escape(char *to, const char *text)
{
    char *end = to;

    for (; *text != '\0' && end < to + LABEL_MAX - 2; text++) {
        if (*text == '\\' || *text == '"' || *text == '\n') {
            *end++ = '\\';
        }
        *end++ = *text;
        if (*text == '\n') {
            end[-1] = 'n';
        }
    }
    *end = '\0';
    return to;
}

static void put_number(buffer_t *out, const char *name, const char *endpoint, uint64_t number)
{
    char label[LABEL_MAX];

    (void)buffer_printf(out, "%s{endpoint=\"%s\"} %llu\n", name, escape(label, endpoint),
                        (unsigned long long)number);
}

/* Buckets are cumulative; the bounds shown are bounds of the fine ones, so nothing is guessed. */
static void put_buckets(buffer_t *out, const char *name, const char *label,
                        const histogram_values_t *values)
{
    uint64_t count = 0;
    unsigned bucket = 0;
    unsigned i;

    for (i = FIRST_BOUND; i < EXPOSITION_PATTERNS; i++) {
        unsigned last = i / BOUNDS_PER_DECADE * HISTOGRAM_PER_DECADE + shown[i % BOUNDS_PER_DECADE];
        for (; bucket <= last; bucket++) {
            count += values->count[bucket];
        }
        (void)buffer_printf(out, "%s_bucket{endpoint=\"%s\",le=\"%g\"} %llu\n", name, label,
                            (double)histogram_bound(last) / MICROSECONDS,
                            (unsigned long long)count);
    }
    (void)buffer_printf(out, "%s_bucket{endpoint=\"%s\",le=\"+Inf\"} %llu\n", name, label,
                        (unsigned long long)histogram_count(values));
}

static void put_histogram(buffer_t *out, const snapshot_t *snapshot, metric_e metric)
{
    const char *name = metrics_info(metric)->prometheus;
    char label[LABEL_MAX];
    unsigned i;

    put_head(out, metric, "histogram");
    for (i = 0; i < snapshot->count; i++) {
        const histogram_values_t *values = &snapshot->series[i].histograms[metric];
        escape(label, snapshot->series[i].endpoint);
        put_buckets(out, name, label, values);
        (void)buffer_printf(out, "%s_sum{endpoint=\"%s\"} %.6f\n", name, label,
                            (double)histogram_sum(values) / MICROSECONDS);
        (void)buffer_printf(out, "%s_count{endpoint=\"%s\"} %llu\n", name, label,
                            (unsigned long long)histogram_count(values));
    }
}

/* How much came together, of a histogram of amounts. */
static void put_amount(buffer_t *out, const snapshot_t *snapshot, metric_e metric)
{
    unsigned i;

    put_head(out, metric, "counter");
    for (i = 0; i < snapshot->count; i++) {
        put_number(out, metrics_info(metric)->prometheus, snapshot->series[i].endpoint,
                   histogram_sum(&snapshot->series[i].histograms[metric]) / THOUSANDTHS);
    }
}

static void put_counter(buffer_t *out, const snapshot_t *snapshot, metric_e metric)
{
    unsigned i;

    put_head(out, metric, "counter");
    for (i = 0; i < snapshot->count; i++) {
        put_number(out, metrics_info(metric)->prometheus, snapshot->series[i].endpoint,
                   snapshot->series[i].counters[metric - METRICS_FIRST_COUNTER]);
    }
}

static void put_outcomes(buffer_t *out, const metrics_t *metrics, const metrics_values_t *values)
{
    char endpoint[LABEL_MAX];
    char code[NAMES_TEXT_MAX + 1];
    char label[LABEL_MAX];
    int status;
    unsigned i;

    for (i = 0; i < METRICS_OUTCOMES; i++) {
        if (values->outcomes[i] > 0 && metrics_outcome_at(metrics, i, &status, code)) {
            (void)buffer_printf(out, "%s{endpoint=\"%s\",status=\"%d\",code=\"%s\"} %llu\n",
                                metrics_info(METRIC_REQUESTS)->prometheus,
                                escape(endpoint, values->endpoint), status, escape(label, code),
                                (unsigned long long)values->outcomes[i]);
        }
    }
}

static void put_codes(buffer_t *out, const metrics_t *metrics, const metrics_values_t *values)
{
    char endpoint[LABEL_MAX];
    char code[NAMES_TEXT_MAX + 1];
    char label[LABEL_MAX];
    unsigned i;

    for (i = 0; i < METRICS_CODES; i++) {
        if (values->codes[i] > 0 && metrics_code_at(metrics, i, code)) {
            (void)buffer_printf(out, "%s{endpoint=\"%s\",code=\"%s\"} %llu\n",
                                metrics_info(METRIC_UPSTREAM_ERRORS)->prometheus,
                                escape(endpoint, values->endpoint), escape(label, code),
                                (unsigned long long)values->codes[i]);
        }
    }
}

static void put_labelled(buffer_t *out, const snapshot_t *snapshot, metric_e metric,
                         void (*put)(buffer_t *, const metrics_t *, const metrics_values_t *))
{
    unsigned i;

    put_head(out, metric, "counter");
    for (i = 0; i < snapshot->count; i++) {
        put(out, snapshot->metrics, &snapshot->series[i]);
    }
}

static void put_gauge(buffer_t *out, metric_e metric, uint64_t value)
{
    put_head(out, metric, "gauge");
    (void)buffer_printf(out, "%s %llu\n", metrics_info(metric)->prometheus,
                        (unsigned long long)value);
}

static void put_gauges(buffer_t *out, const snapshot_t *snapshot, const exposition_facts_t *facts)
{
    char label[LABEL_MAX];

    put_gauge(out, METRIC_IN_FLIGHT, facts->in_flight);
    put_gauge(out, METRIC_OPEN_CIRCUITS, facts->open_circuits);
    put_gauge(out, METRIC_UNDELIVERED, snapshot->undelivered);
    put_head(out, METRIC_BUILD, "gauge");
    (void)buffer_printf(out, "%s{version=\"%s\"} 1\n", metrics_info(METRIC_BUILD)->prometheus,
                        escape(label, facts->version));
}

int exposition_write(buffer_t *out, const metrics_t *metrics, const exposition_facts_t *facts)
{
    snapshot_t *snapshot = calloc(1, sizeof(*snapshot));
    int i;

    if (snapshot == NULL) {
        return 0;
    }
    take(snapshot, metrics);
    put_labelled(out, snapshot, METRIC_REQUESTS, put_outcomes);
    for (i = 0; i < METRIC_TOKENS; i++) {
        put_histogram(out, snapshot, (metric_e)i);
    }
    put_amount(out, snapshot, METRIC_TOKENS);
    for (i = METRICS_FIRST_COUNTER; i < METRICS_FIRST_COUNTER + METRICS_COUNTER_COUNT; i++) {
        put_counter(out, snapshot, (metric_e)i);
    }
    put_labelled(out, snapshot, METRIC_UPSTREAM_ERRORS, put_codes);
    put_gauges(out, snapshot, facts);
    free(snapshot);
    return !out->failed;
}
