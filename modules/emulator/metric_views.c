#include "emulator/metric_views.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_SIZE      500
#define POINTS_MAX     1440
#define PERIOD_MAX     (24 * 3600 * 365)
#define DECIMALS       6
#define STATISTICS_MAX 5

/* ---- ListMetrics ---- */

static int matches_text(const cloudwatch_request_t *request, const char *member, const char *text)
{
    const char *wanted = json_member_text(request->parameters, member, NULL);

    return wanted == NULL || strcmp(wanted, text) == 0;
}

static int has_dimension(const metric_t *metric, const json_t *filter)
{
    const char *name = json_member_text(filter, "Name", NULL);
    const char *value = json_member_text(filter, "Value", NULL);
    size_t i;

    for (i = 0; i < metric->key.dimension_count; i++) {
        if (name != NULL && strcmp(metric->key.dimensions[i].name, name) == 0) {
            return value == NULL || strcmp(metric->key.dimensions[i].value, value) == 0;
        }
    }
    return 0;
}

static int is_listed(const cloudwatch_request_t *request, const metric_t *metric)
{
    const json_t *filters = json_member(request->parameters, "Dimensions");
    size_t i;

    for (i = 0; i < json_length(filters); i++) {
        if (!has_dimension(metric, json_item(filters, i))) {
            return 0;
        }
    }
    return matches_text(request, "Namespace", metric->key.name_space) &&
           matches_text(request, "MetricName", metric->key.name);
}

/* Metrics that differ in nothing but the unit are listed once. */
static int is_repeated(const metrics_t *metrics, const metric_t *metric)
{
    const metric_t *other;

    for (other = metrics->first; other != metric; other = other->next) {
        if (strcmp(other->key.name, metric->key.name) == 0 &&
            strcmp(other->key.name_space, metric->key.name_space) == 0 &&
            metrics_same_dimensions(&other->key, &metric->key)) {
            return 1;
        }
    }
    return 0;
}

static void put_metric(json_writer_t *writer, const metric_key_t *key)
{
    size_t i;

    json_open(writer, '{');
    json_put_member(writer, "Namespace", key->name_space);
    json_put_member(writer, "MetricName", key->name);
    json_name(writer, "Dimensions");
    json_open(writer, '[');
    for (i = 0; i < key->dimension_count; i++) {
        json_open(writer, '{');
        json_put_member(writer, "Name", key->dimensions[i].name);
        json_put_member(writer, "Value", key->dimensions[i].value);
        json_close(writer, '}');
    }
    json_close(writer, ']');
    json_close(writer, '}');
}

int metric_views_list(cloudwatch_request_t *request)
{
    const metrics_t *metrics = request->emulator->metrics;
    const char *token = json_member_text(request->parameters, "NextToken", NULL);
    size_t skip = token != NULL ? (size_t)strtoul(token, NULL, 10) : 0;
    size_t seen = 0;
    const metric_t *metric;

    json_open(&request->writer, '{');
    json_name(&request->writer, "Metrics");
    json_open(&request->writer, '[');
    for (metric = metrics->first; metric != NULL && seen < skip + PAGE_SIZE;
         metric = metric->next) {
        if (is_listed(request, metric) && !is_repeated(metrics, metric) && seen++ >= skip) {
            put_metric(&request->writer, &metric->key);
        }
    }
    json_close(&request->writer, ']');
    if (metric != NULL) {
        json_put_member(&request->writer, "NextToken",
                        apr_psprintf(request->pool, "%" APR_SIZE_T_FMT, seen));
    }
    json_close(&request->writer, '}');
    return 1;
}

/* ---- GetMetricStatistics ---- */

typedef struct {
    cloudwatch_request_t *request;
    metric_key_t key;
    int64_t start;
    int64_t end;
    int64_t period;
    int wanted[STATISTICS_MAX];
} view_t;

typedef struct {
    int64_t second; /* at which the period begins */
    metric_statistics_t statistics;
} period_t;

static const char *const statistic_names[STATISTICS_MAX] = {"SampleCount", "Average", "Sum",
                                                            "Minimum", "Maximum"};

static int read_statistics(view_t *view)
{
    const json_t *names = json_member(view->request->parameters, "Statistics");
    size_t i;

    if (json_length(names) == 0) {
        return refusal_set(&view->request->refusal, CLOUDWATCH_MISSING,
                           "The parameter Statistics is required: the stand-in has no extended "
                           "ones.");
    }
    for (i = 0; i < json_length(names); i++) {
        const char *name = json_text(json_item(names, i), NULL);
        int one = 0;
        while (one < STATISTICS_MAX && (name == NULL || strcmp(statistic_names[one], name) != 0)) {
            one++;
        }
        if (one == STATISTICS_MAX) {
            return refusal_set(&view->request->refusal, CLOUDWATCH_INVALID,
                               "The parameter Statistics.member.%d must be a value in the set "
                               "[ SampleCount, Average, Sum, Minimum, Maximum ].",
                               (int)i + 1);
        }
        view->wanted[one] = 1;
    }
    return 1;
}

static const json_t *required(const view_t *view, const char *member)
{
    const json_t *value = json_member(view->request->parameters, member);

    if (value == NULL) {
        (void)refusal_set(&view->request->refusal, CLOUDWATCH_MISSING,
                          "The parameter %s is required.", member);
    }
    return value;
}

static int read_view(view_t *view)
{
    cloudwatch_request_t *request = view->request;
    const json_t *name = required(view, "MetricName");
    const json_t *start = required(view, "StartTime");
    const json_t *end = required(view, "EndTime");
    const json_t *period = required(view, "Period");
    const json_t *unit = json_member(request->parameters, "Unit");

    view->key.name_space = cloudwatch_request_name_space(request);
    if (request->refusal.type != NULL) {
        return 0;
    }
    view->key.name = cloudwatch_request_text(request, name, "MetricName", CLOUDWATCH_NAME_MAX);
    view->key.unit = unit != NULL ? cloudwatch_request_unit(request, unit, "Unit") : NULL;
    return request->refusal.type == NULL &&
           cloudwatch_request_time(request, start, "StartTime", &view->start) &&
           cloudwatch_request_time(request, end, "EndTime", &view->end) &&
           cloudwatch_request_integer(request, period, "Period", 1, PERIOD_MAX, &view->period) &&
           cloudwatch_request_dimensions(request, json_member(request->parameters, "Dimensions"),
                                         "Dimensions", &view->key) &&
           read_statistics(view);
}

static int check_view(const view_t *view)
{
    if (view->start >= view->end) {
        return refusal_set(&view->request->refusal, CLOUDWATCH_COMBINATION,
                           "The parameter StartTime must be less than the parameter EndTime.");
    }
    if (view->period >= 60 ? view->period % 60 != 0
                           : view->period != 1 && view->period != 5 && view->period != 10 &&
                                 view->period != 20 && view->period != 30) {
        return refusal_set(&view->request->refusal, CLOUDWATCH_INVALID,
                           "The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.");
    }
    if ((view->end - view->start) / view->period > POINTS_MAX) {
        return refusal_set(&view->request->refusal, CLOUDWATCH_COMBINATION,
                           "You have requested up to %d datapoints, which exceeds the limit of "
                           "%d.",
                           (int)((view->end - view->start) / view->period), POINTS_MAX);
    }
    return 1;
}

static int is_viewed(const view_t *view, const metric_t *metric)
{
    return strcmp(view->key.name, metric->key.name) == 0 &&
           strcmp(view->key.name_space, metric->key.name_space) == 0 &&
           (view->key.unit == NULL || strcmp(view->key.unit, metric->key.unit) == 0) &&
           metrics_same_dimensions(&view->key, &metric->key);
}

static void put_datapoint(const view_t *view, const period_t *period, const char *unit)
{
    json_writer_t *writer = &view->request->writer;
    const metric_statistics_t *sums = &period->statistics;
    const double numbers[STATISTICS_MAX] = {sums->count, sums->sum / sums->count, sums->sum,
                                            sums->minimum, sums->maximum};
    int i;

    json_open(writer, '{');
    json_name(writer, "Timestamp");
    json_put_integer(writer, period->second);
    for (i = 0; i < STATISTICS_MAX; i++) {
        if (view->wanted[i]) {
            json_name(writer, statistic_names[i]);
            json_put_decimal(writer, numbers[i], DECIMALS);
        }
    }
    json_put_member(writer, "Unit", unit);
    json_close(writer, '}');
}

/* The periods begin at the start, rounded down to one. */
static void put_datapoints(const view_t *view, const metric_t *metric)
{
    int64_t first = view->start - view->start % (view->period < 60 ? view->period : 60);
    size_t room = (size_t)((view->end - first) / view->period + 1);
    period_t *periods = apr_pcalloc(view->request->pool, room * sizeof(*periods));
    size_t i;

    for (i = 0; i < metric->point_count; i++) {
        const metric_point_t *point = &metric->points[i];
        if (point->second >= first && point->second < view->end) {
            period_t *period = &periods[(point->second - first) / view->period];
            period->second = point->second - (point->second - first) % view->period;
            metrics_merge(&period->statistics, &point->statistics);
        }
    }
    for (i = 0; i < room; i++) {
        if (periods[i].statistics.count > 0) {
            put_datapoint(view, &periods[i], metric->key.unit);
        }
    }
}

int metric_views_statistics(cloudwatch_request_t *request)
{
    view_t view = {.request = request};
    const metric_t *metric;

    if (!read_view(&view) || !check_view(&view)) {
        return 0;
    }
    json_open(&request->writer, '{');
    json_put_member(&request->writer, "Label", view.key.name);
    json_name(&request->writer, "Datapoints");
    json_open(&request->writer, '[');
    for (metric = request->emulator->metrics->first; metric != NULL; metric = metric->next) {
        if (is_viewed(&view, metric)) {
            put_datapoints(&view, metric);
        }
    }
    json_close(&request->writer, ']');
    json_close(&request->writer, '}');
    return 1;
}
