/*
 * The numbers of a series in the terms that CloudWatch and the embedded metric
 * format share: metrics with a unit, two dimensions of ours, and values with
 * how often each happened. Pure; any thread.
 */
#ifndef CHAT_REPORT_H
#define CHAT_REPORT_H

#include "shm/metrics.h"

/* A datum has at most that many values. */
#define REPORT_VALUES_MAX HISTOGRAM_BUCKETS

typedef struct {
    const metrics_info_t *info;
    int is_count;         /* each value is 1: all that matters is how often */
    const char *endpoint; /* dimension Endpoint; NULL: not this one */
    const char *label;    /* a further dimension, or NULL */
    const char *label_value;
    const double *values;
    const uint64_t *counts;
    size_t value_count; /* at least 1 */
} report_datum_t;

/* The total of its values. */
double report_total(const report_datum_t *datum);

/* Calls `visit` for each metric of the series that CloudWatch gets and that is not zero; ends early
 * when it returns 0. 1 when it never did. */
int report_each(const metrics_t *metrics, const metrics_values_t *values,
                int (*visit)(void *baton, const report_datum_t *datum), void *baton);

/* The datum of the chats in flight over the whole server; `value` and `count` are its memory. */
report_datum_t report_in_flight(unsigned chats, double *value, uint64_t *count);

#endif
