#include "chat/report.h"

#define THOUSANDTHS 1000.0

typedef struct {
    int (*visit)(void *baton, const report_datum_t *datum);
    void *baton;
} visitor_t;

static const double one = 1;

double report_total(const report_datum_t *datum)
{
    double total = 0;
    size_t i;

    for (i = 0; i < datum->value_count; i++) {
        total += datum->values[i] * (double)datum->counts[i];
    }
    return total;
}

static int visit_count(const visitor_t *visitor, metric_e metric, const char *endpoint,
                       const char *label, const char *label_value, uint64_t number)
{
    const report_datum_t datum = {.info = metrics_info(metric),
                                  .is_count = 1,
                                  .endpoint = endpoint,
                                  .label = label,
                                  .label_value = label_value,
                                  .values = &one,
                                  .counts = &number,
                                  .value_count = 1};

    return number == 0 || *datum.info->cloudwatch == '\0' || visitor->visit(visitor->baton, &datum);
}

/* A bucket's value is the mean of what is in it. */
static int visit_histogram(const visitor_t *visitor, metric_e metric,
                           const metrics_values_t *values)
{
    const histogram_values_t *histogram = &values->histograms[metric];
    double means[REPORT_VALUES_MAX];
    uint64_t counts[REPORT_VALUES_MAX];
    size_t used = 0;
    unsigned i;

    for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (histogram->count[i] > 0) {
            means[used] = (double)histogram->sum[i] / (double)histogram->count[i] / THOUSANDTHS;
            counts[used++] = histogram->count[i];
        }
    }
    const report_datum_t datum = {.info = metrics_info(metric),
                                  .endpoint = values->endpoint,
                                  .values = means,
                                  .counts = counts,
                                  .value_count = used};

    return used == 0 || *datum.info->cloudwatch == '\0' || visitor->visit(visitor->baton, &datum);
}

static int visit_requests(const visitor_t *visitor, const metrics_t *metrics,
                          const metrics_values_t *values)
{
    uint64_t errors;
    uint64_t requests = metrics_requests(metrics, values, &errors);

    return visit_count(visitor, METRIC_REQUESTS, values->endpoint, "Status", "Success",
                       requests - errors) &&
           visit_count(visitor, METRIC_REQUESTS, values->endpoint, "Status", "Error", errors);
}

static int visit_codes(const visitor_t *visitor, const metrics_t *metrics,
                       const metrics_values_t *values)
{
    char code[NAMES_TEXT_MAX + 1];
    unsigned i;

    for (i = 0; i < METRICS_CODES; i++) {
        if (values->codes[i] > 0 && metrics_code_at(metrics, i, code) &&
            !visit_count(visitor, METRIC_UPSTREAM_ERRORS, NULL, "Code", code, values->codes[i])) {
            return 0;
        }
    }
    return 1;
}

int report_each(const metrics_t *metrics, const metrics_values_t *values,
                int (*visit)(void *baton, const report_datum_t *datum), void *baton)
{
    const visitor_t visitor = {visit, baton};
    unsigned i;

    for (i = 0; i < METRICS_HISTOGRAM_COUNT; i++) {
        if (!visit_histogram(&visitor, (metric_e)i, values)) {
            return 0;
        }
    }
    for (i = 0; i < METRICS_COUNTER_COUNT; i++) {
        if (!visit_count(&visitor, (metric_e)(METRICS_FIRST_COUNTER + i), values->endpoint, NULL,
                         NULL, values->counters[i])) {
            return 0;
        }
    }
    return visit_requests(&visitor, metrics, values) && visit_codes(&visitor, metrics, values);
}

report_datum_t report_in_flight(unsigned chats, double *value, uint64_t *count)
{
    report_datum_t datum = {
        .info = metrics_info(METRIC_IN_FLIGHT), .values = value, .counts = count, .value_count = 1};

    *value = chats;
    *count = 1;
    return datum;
}
