#include "emulator/metric_data.h"

#include "base/log.h"

#include <apr_strings.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DATA_MAX   1000
#define VALUES_MAX 150
#define PAST_MAX   (14 * 24 * 3600)
#define FUTURE_MAX (2 * 3600)
#define COUNT_MAX  1e15

typedef struct {
    cloudwatch_request_t *request;
    const json_t *json;
    const char *at; /* MetricData.member.1 */
    metric_key_t key;
    metric_point_t point;
} datum_t;

static const char *place(const datum_t *datum, const char *member)
{
    return apr_pstrcat(datum->request->pool, datum->at, ".", member, NULL);
}

static const json_t *member(const datum_t *datum, const char *name)
{
    return json_member(datum->json, name);
}

static int refuse(const datum_t *datum, const char *type, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int refuse(const datum_t *datum, const char *type, const char *format, ...)
{
    char message[1024];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    return refusal_set(&datum->request->refusal, type, "%s", message);
}

/* ---- values ---- */

static void add_value(datum_t *datum, double value, double count)
{
    const metric_statistics_t one = {count, value * count, value, value};

    metrics_merge(&datum->point.statistics, &one);
}

static int read_single(datum_t *datum)
{
    double value;

    if (!cloudwatch_request_number(datum->request, member(datum, "Value"), place(datum, "Value"),
                                   &value)) {
        return 0;
    }
    add_value(datum, value, 1);
    return 1;
}

static int read_count(datum_t *datum, size_t index, double *count)
{
    const json_t *counts = member(datum, "Counts");
    const char *at =
        apr_psprintf(datum->request->pool, "%s.Counts.member.%d", datum->at, (int)index + 1);

    *count = 1;
    if (counts == NULL) {
        return 1;
    }
    if (!cloudwatch_request_number(datum->request, json_item(counts, index), at, count)) {
        return 0;
    }
    return (*count > 0 && *count <= COUNT_MAX) ||
           refusal_set(&datum->request->refusal, CLOUDWATCH_INVALID,
                       "The value for parameter %s must be greater than 0.", at);
}

static int read_values(datum_t *datum)
{
    const json_t *values = member(datum, "Values");
    const json_t *counts = member(datum, "Counts");
    size_t i;

    if (json_length(values) > VALUES_MAX) {
        return refuse(datum, CLOUDWATCH_INVALID,
                      "The collection %s must not have a size greater than %d.",
                      place(datum, "Values"), VALUES_MAX);
    }
    if (counts != NULL && json_length(counts) != json_length(values)) {
        return refuse(datum, CLOUDWATCH_INVALID,
                      "The parameters %s and %s must be of the same size.", place(datum, "Values"),
                      place(datum, "Counts"));
    }
    for (i = 0; i < json_length(values); i++) {
        const char *at =
            apr_psprintf(datum->request->pool, "%s.Values.member.%d", datum->at, (int)i + 1);
        double value;
        double count;
        if (!cloudwatch_request_number(datum->request, json_item(values, i), at, &value) ||
            !read_count(datum, i, &count)) {
            return 0;
        }
        add_value(datum, value, count);
    }
    return 1;
}

static int read_statistic(datum_t *datum, const char *name, double *out)
{
    const json_t *value = json_member(member(datum, "StatisticValues"), name);
    const char *at = apr_psprintf(datum->request->pool, "%s.StatisticValues.%s", datum->at, name);

    if (value == NULL) {
        return refusal_set(&datum->request->refusal, CLOUDWATCH_MISSING,
                           "The parameter %s is required.", at);
    }
    return cloudwatch_request_number(datum->request, value, at, out);
}

static int read_statistics(datum_t *datum)
{
    metric_statistics_t *statistics = &datum->point.statistics;

    if (!read_statistic(datum, "SampleCount", &statistics->count) ||
        !read_statistic(datum, "Sum", &statistics->sum) ||
        !read_statistic(datum, "Minimum", &statistics->minimum) ||
        !read_statistic(datum, "Maximum", &statistics->maximum)) {
        return 0;
    }
    if (statistics->count <= 0) {
        return refuse(datum, CLOUDWATCH_INVALID,
                      "The value for parameter %s must be greater than 0.",
                      place(datum, "StatisticValues.SampleCount"));
    }
    return statistics->minimum <= statistics->maximum ||
           refuse(datum, CLOUDWATCH_INVALID, "The parameter %s must be less than or equal to %s.",
                  place(datum, "StatisticValues.Minimum"), place(datum, "StatisticValues.Maximum"));
}

static int read_amounts(datum_t *datum)
{
    int single = member(datum, "Value") != NULL;
    int set = member(datum, "StatisticValues") != NULL;
    int several = json_length(member(datum, "Values")) > 0;

    if (single && (set || several)) {
        return refuse(
            datum, CLOUDWATCH_COMBINATION,
            "The parameters %s and %s are mutually exclusive and you have specified both.",
            place(datum, "Value"), place(datum, set ? "StatisticValues" : "Values"));
    }
    if (set && several) {
        return refuse(
            datum, CLOUDWATCH_COMBINATION,
            "The parameters %s and %s are mutually exclusive and you have specified both.",
            place(datum, "StatisticValues"), place(datum, "Values"));
    }
    if (single) {
        return read_single(datum);
    }
    if (set) {
        return read_statistics(datum);
    }
    return several ? read_values(datum)
                   : refuse(datum, CLOUDWATCH_COMBINATION,
                            "At least one of the parameters %s, %s must be specified.",
                            place(datum, "Value"), place(datum, "StatisticValues"));
}

/* ---- the rest of a datum ---- */

static int read_time(datum_t *datum)
{
    const json_t *value = member(datum, "Timestamp");
    int64_t now = apr_time_sec(emulator_now(datum->request->emulator));

    datum->point.second = now;
    if (value == NULL) {
        return 1;
    }
    if (!cloudwatch_request_time(datum->request, value, place(datum, "Timestamp"),
                                 &datum->point.second)) {
        return 0;
    }
    if (datum->point.second > now + FUTURE_MAX) {
        return refuse(datum, CLOUDWATCH_INVALID,
                      "The parameter %s must specify a time no more than two hours in the future.",
                      place(datum, "Timestamp"));
    }
    return datum->point.second >= now - PAST_MAX ||
           refuse(datum, CLOUDWATCH_INVALID,
                  "The parameter %s must specify a time no more than two weeks in the past.",
                  place(datum, "Timestamp"));
}

static int read_resolution(datum_t *datum)
{
    const json_t *value = member(datum, "StorageResolution");
    int64_t seconds = 60;

    if (value == NULL) {
        return 1;
    }
    return cloudwatch_request_integer(datum->request, value, place(datum, "StorageResolution"), 1,
                                      60, &seconds) &&
           (seconds == 1 || seconds == 60 ||
            refuse(datum, CLOUDWATCH_INVALID, "The parameter %s must be 1 or 60.",
                   place(datum, "StorageResolution")));
}

static int read_datum(datum_t *datum)
{
    cloudwatch_request_t *request = datum->request;

    datum->key.name = cloudwatch_request_text(request, member(datum, "MetricName"),
                                              place(datum, "MetricName"), CLOUDWATCH_NAME_MAX);
    datum->key.unit = cloudwatch_request_unit(request, member(datum, "Unit"), place(datum, "Unit"));
    return request->refusal.type == NULL &&
           cloudwatch_request_dimensions(request, member(datum, "Dimensions"),
                                         place(datum, "Dimensions"), &datum->key) &&
           read_amounts(datum) && read_time(datum) && read_resolution(datum);
}

static datum_t *read_data(cloudwatch_request_t *request, const json_t *data, const char *name_space)
{
    datum_t *all = apr_pcalloc(request->pool, (json_length(data) + 1) * sizeof(*all));
    size_t i;

    for (i = 0; i < json_length(data); i++) {
        all[i].request = request;
        all[i].json = json_item(data, i);
        all[i].at = apr_psprintf(request->pool, "MetricData.member.%d", (int)i + 1);
        all[i].key.name_space = name_space;
        if (!read_datum(&all[i])) {
            return NULL;
        }
    }
    return all;
}

static int keep(cloudwatch_request_t *request, const datum_t *data, size_t count)
{
    metrics_t *metrics = request->emulator->metrics;
    size_t i;

    for (i = 0; i < count; i++) {
        if (!metrics_add(metrics, &data[i].key, &data[i].point)) {
            log_error("EMUL0041: keeping a datum of %s failed: memory is out; forget the metrics",
                      data[i].key.name_space);
            return refusal_set(&request->refusal, "InternalServiceFault",
                               "The stand-in is out of memory.");
        }
    }
    metrics->calls[request->protocol]++;
    return 1;
}

int metric_data_put(cloudwatch_request_t *request)
{
    const json_t *json = json_member(request->parameters, "MetricData");
    const char *name_space = cloudwatch_request_name_space(request);
    const datum_t *data;

    if (name_space == NULL) {
        return 0;
    }
    if (json_length(json) == 0) {
        return refusal_set(&request->refusal, CLOUDWATCH_MISSING,
                           "The parameter MetricData is required.");
    }
    if (json_length(json) > DATA_MAX) {
        return refusal_set(&request->refusal, CLOUDWATCH_INVALID,
                           "The collection MetricData must not have a size greater than %d.",
                           DATA_MAX);
    }
    data = read_data(request, json, name_space);
    return data != NULL && keep(request, data, json_length(json));
}
