/*
 * The metrics of CloudWatch, in memory: for each namespace, name, set of
 * dimensions and unit what came in, by the second. One thread.
 */
#ifndef EMULATOR_METRICS_H
#define EMULATOR_METRICS_H

#include "base/json.h"

#include <stddef.h>
#include <stdint.h>

#define METRICS_POINTS_MAX 100000 /* of a metric; the oldest are forgotten */

typedef struct {
    double count;
    double sum;
    double minimum;
    double maximum;
} metric_statistics_t;

/* What one second of a metric was. */
typedef struct {
    int64_t second; /* since 1970 */
    metric_statistics_t statistics;
} metric_point_t;

typedef struct {
    const char *name;
    const char *value;
} metric_dimension_t;

/* Which metric; dimensions are in the order of their names. */
typedef struct {
    const char *name_space;
    const char *name;
    const char *unit;
    const metric_dimension_t *dimensions;
    size_t dimension_count;
} metric_key_t;

typedef struct metric_t metric_t;

struct metric_t {
    metric_key_t key;
    metric_statistics_t total;
    uint64_t data; /* that came */
    metric_point_t *points;
    size_t point_count;
    size_t point_room;
    metric_t *next;
};

typedef enum { METRICS_QUERY, METRICS_JSON, METRICS_CBOR, METRICS_PROTOCOLS } metrics_protocol_e;

typedef struct {
    metric_t *first;
    metric_t **end;
    uint64_t calls[METRICS_PROTOCOLS]; /* of PutMetricData that were taken */
    uint64_t compressed;
    uint64_t data;
} metrics_t;

/* NULL when memory is out. */
metrics_t *metrics_create(void);
void metrics_destroy(metrics_t *metrics);
void metrics_clear(metrics_t *metrics);

/* Adds to one second of a metric. 0 when memory is out. */
int metrics_add(metrics_t *metrics, const metric_key_t *key, const metric_point_t *point);

/* Whether both have the same dimensions. */
int metrics_same_dimensions(const metric_key_t *one, const metric_key_t *other);

/* Adds what `more` has to a sum; of a sum without any its bounds become those of `more`. */
void metrics_merge(metric_statistics_t *sum, const metric_statistics_t *more);

/* Writes calls, data, and each metric with what came in all, as an object. */
void metrics_write(const metrics_t *metrics, json_writer_t *writer);

#endif
