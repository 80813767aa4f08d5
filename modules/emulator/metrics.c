#include "emulator/metrics.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 16
#define DECIMALS   6

static const char *const protocol_names[METRICS_PROTOCOLS] = {"query", "json", "cbor"};

metrics_t *metrics_create(void)
{
    metrics_t *metrics = calloc(1, sizeof(*metrics));

    if (metrics != NULL) {
        metrics->end = &metrics->first;
    }
    return metrics;
}

static void free_metric(metric_t *metric)
{
    size_t i;

    for (i = 0; i < metric->key.dimension_count; i++) {
        free((void *)(uintptr_t)metric->key.dimensions[i].name);
        free((void *)(uintptr_t)metric->key.dimensions[i].value);
    }
    free((void *)(uintptr_t)metric->key.dimensions);
    free((void *)(uintptr_t)metric->key.name_space);
    free((void *)(uintptr_t)metric->key.name);
    free((void *)(uintptr_t)metric->key.unit);
    free(metric->points);
    free(metric);
}

void metrics_clear(metrics_t *metrics)
{
    while (metrics->first != NULL) {
        metric_t *metric = metrics->first;
        metrics->first = metric->next;
        free_metric(metric);
    }
    memset(metrics, 0, sizeof(*metrics));
    metrics->end = &metrics->first;
}

void metrics_destroy(metrics_t *metrics)
{
    if (metrics != NULL) {
        metrics_clear(metrics);
        free(metrics);
    }
}

/* ---- finding and making ---- */

int metrics_same_dimensions(const metric_key_t *one, const metric_key_t *other)
{
    size_t i;

    if (one->dimension_count != other->dimension_count) {
        return 0;
    }
    for (i = 0; i < one->dimension_count; i++) {
        if (strcmp(one->dimensions[i].name, other->dimensions[i].name) != 0 ||
            strcmp(one->dimensions[i].value, other->dimensions[i].value) != 0) {
            return 0;
        }
    }
    return 1;
}

static int same_key(const metric_key_t *one, const metric_key_t *other)
{
    return strcmp(one->name, other->name) == 0 && strcmp(one->unit, other->unit) == 0 &&
           strcmp(one->name_space, other->name_space) == 0 && metrics_same_dimensions(one, other);
}

static int copy_key(metric_key_t *copy, const metric_key_t *key)
{
    metric_dimension_t *dimensions = calloc(key->dimension_count + 1, sizeof(*dimensions));
    int good = dimensions != NULL;
    size_t i;

    copy->dimensions = dimensions;
    copy->name_space = strdup(key->name_space);
    copy->name = strdup(key->name);
    copy->unit = strdup(key->unit);
    good = good && copy->name_space != NULL && copy->name != NULL && copy->unit != NULL;
    for (i = 0; good && i < key->dimension_count; i++) {
        copy->dimension_count = i + 1;
        dimensions[i].name = strdup(key->dimensions[i].name);
        dimensions[i].value = strdup(key->dimensions[i].value);
        good = dimensions[i].name != NULL && dimensions[i].value != NULL;
    }
    return good;
}

static metric_t *get(metrics_t *metrics, const metric_key_t *key)
{
    metric_t *metric = metrics->first;

    while (metric != NULL && !same_key(&metric->key, key)) {
        metric = metric->next;
    }
    if (metric != NULL) {
        return metric;
    }
    metric = calloc(1, sizeof(*metric));
    if (metric == NULL || !copy_key(&metric->key, key)) {
        if (metric != NULL) {
            free_metric(metric);
        }
        return NULL;
    }
    *metrics->end = metric;
    metrics->end = &metric->next;
    return metric;
}

/* ---- adding ---- */

void metrics_merge(metric_statistics_t *sum, const metric_statistics_t *more)
{
    if (sum->count <= 0 || more->minimum < sum->minimum) {
        sum->minimum = more->minimum;
    }
    if (sum->count <= 0 || more->maximum > sum->maximum) {
        sum->maximum = more->maximum;
    }
    sum->count += more->count;
    sum->sum += more->sum;
}

static int make_room(metric_t *metric)
{
    size_t room = metric->point_room > 0 ? metric->point_room * 2 : FIRST_ROOM;
    metric_point_t *grown;

    if (metric->points != NULL && metric->point_count < metric->point_room) {
        return 1;
    }
    if (metric->point_count >= METRICS_POINTS_MAX) {
        metric->point_count /= 2;
        memmove(metric->points, metric->points + metric->point_count,
                metric->point_count * sizeof(*metric->points));
        return 1;
    }
    grown = realloc(metric->points, room * sizeof(*grown));
    if (grown != NULL) {
        metric->points = grown;
        metric->point_room = room;
    }
    return grown != NULL;
}

/* The last point when it is of that second, else a new one; NULL when memory is out. */
static metric_point_t *point_of(metric_t *metric, int64_t second)
{
    metric_point_t *point;

    if (metric->point_count > 0 && metric->points[metric->point_count - 1].second == second) {
        return &metric->points[metric->point_count - 1];
    }
    if (!make_room(metric)) {
        return NULL;
    }
    point = &metric->points[metric->point_count++];
    memset(point, 0, sizeof(*point));
    point->second = second;
    return point;
}

int metrics_add(metrics_t *metrics, const metric_key_t *key, const metric_point_t *point)
{
    metric_t *metric = get(metrics, key);
    metric_point_t *into = metric != NULL ? point_of(metric, point->second) : NULL;

    if (into == NULL) {
        return 0;
    }
    metrics_merge(&into->statistics, &point->statistics);
    metrics_merge(&metric->total, &point->statistics);
    metric->data++;
    metrics->data++;
    return 1;
}

/* ---- showing ---- */

static void put_number(json_writer_t *writer, const char *name, double number)
{
    json_name(writer, name);
    json_put_decimal(writer, number, DECIMALS);
}

static void put_count(json_writer_t *writer, const char *name, uint64_t count)
{
    json_name(writer, name);
    json_put_integer(writer, (int64_t)count);
}

static void put_metric(const metric_t *metric, json_writer_t *writer)
{
    size_t i;

    json_open(writer, '{');
    json_put_member(writer, "namespace", metric->key.name_space);
    json_put_member(writer, "name", metric->key.name);
    json_name(writer, "dimensions");
    json_open(writer, '{');
    for (i = 0; i < metric->key.dimension_count; i++) {
        json_put_member(writer, metric->key.dimensions[i].name, metric->key.dimensions[i].value);
    }
    json_close(writer, '}');
    json_put_member(writer, "unit", metric->key.unit);
    put_count(writer, "data", metric->data);
    put_number(writer, "count", metric->total.count);
    put_number(writer, "sum", metric->total.sum);
    put_number(writer, "minimum", metric->total.minimum);
    put_number(writer, "maximum", metric->total.maximum);
    json_close(writer, '}');
}

void metrics_write(const metrics_t *metrics, json_writer_t *writer)
{
    const metric_t *metric;
    int i;

    json_open(writer, '{');
    json_name(writer, "calls");
    json_open(writer, '{');
    for (i = 0; i < METRICS_PROTOCOLS; i++) {
        put_count(writer, protocol_names[i], metrics->calls[i]);
    }
    json_close(writer, '}');
    put_count(writer, "compressed", metrics->compressed);
    put_count(writer, "data", metrics->data);
    json_name(writer, "metrics");
    json_open(writer, '[');
    for (metric = metrics->first; metric != NULL; metric = metric->next) {
        put_metric(metric, writer);
    }
    json_close(writer, ']');
    json_close(writer, '}');
}
