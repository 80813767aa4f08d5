/*
 * The metrics in Prometheus's text format (Prometheus documentation,
 * "Exposition formats", version 0.0.4). Any thread.
 */
#ifndef CHAT_EXPOSITION_H
#define CHAT_EXPOSITION_H

#include "base/buffer.h"
#include "shm/metrics.h"

#define EXPOSITION_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Room for every series there can be. */
#define EXPOSITION_MAX (2 * 1024 * 1024)

/* What the metrics themselves do not know. */
typedef struct {
    unsigned in_flight;
    unsigned open_circuits;
    const char *version;
} exposition_facts_t;

/* Appends all metrics; 0 when memory is out. Series of equal endpoints are added up: which
 * publisher they belong to is of no interest here. */
int exposition_write(buffer_t *out, const metrics_t *metrics, const exposition_facts_t *facts);

#endif
