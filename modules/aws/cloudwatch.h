/*
 * CloudWatch's PutMetricData: numbers gathered into one call's body, and the
 * call. JSON 1.0 protocol of the service GraniteServiceVersion20100801.
 *
 * A call takes 1,000 data and 1 MB, a datum 150 values and 30 dimensions
 * (Amazon CloudWatch API Reference, PutMetricData). The I/O thread's but for
 * the batch, which any one thread may fill.
 */
#ifndef AWS_CLOUDWATCH_H
#define AWS_CLOUDWATCH_H

#include "aws/call.h"
#include "base/buffer.h"
#include "base/json.h"

#define CLOUDWATCH_DATA_MAX       1000
#define CLOUDWATCH_BODY_MAX       1000000
#define CLOUDWATCH_VALUES_MAX     150
#define CLOUDWATCH_DIMENSIONS_MAX 30

typedef struct {
    const char *name;
    const char *value;
} cloudwatch_dimension_t;

/* One metric's numbers: each of `values` happened as often as `counts` says. */
typedef struct {
    const char *metric;
    const char *unit;
    const cloudwatch_dimension_t *dimensions;
    size_t dimension_count;
    const double *values;
    const uint64_t *counts;
    size_t value_count;
} cloudwatch_datum_t;

/* The body of one call while it is written. */
typedef struct {
    buffer_t body;
    json_writer_t writer;
    apr_time_t when;
    unsigned data;
    struct {
        size_t length;
        unsigned data;
    } mark;
} cloudwatch_batch_t;

/* Begins an empty batch; `when` is the wall clock's time of all its data. */
void cloudwatch_begin(cloudwatch_batch_t *batch, const char *namespace, apr_time_t when);

/* Adds a datum; 0 when the call has no room for it, or memory is out: rewind. */
int cloudwatch_add(cloudwatch_batch_t *batch, const cloudwatch_datum_t *datum);

/* What was added so far stays; what was added since is taken out again. */
void cloudwatch_mark(cloudwatch_batch_t *batch);
void cloudwatch_rewind(cloudwatch_batch_t *batch);

/* Frees it. */
void cloudwatch_free(cloudwatch_batch_t *batch);

/* A call under way; the owner's memory, until on_end or cloudwatch_cancel(). */
typedef struct {
    /* Exactly once, unless cancelled, perhaps from within cloudwatch_put(). `delivered`: CloudWatch
     * has taken all of it; else `reason` says why not, for the log. The owner sets both. */
    void (*on_end)(void *baton, int delivered, const char *reason);
    void *baton;
    call_t *call;
} cloudwatch_put_t;

/* Ends the batch and sends it; the batch lives until the end. `deadline` is monotonic. */
void cloudwatch_put(cloudwatch_put_t *put, call_client_t *client, cloudwatch_batch_t *batch,
                    apr_time_t deadline);

/* Ends it now without a callback; does nothing when none is under way. */
void cloudwatch_cancel(cloudwatch_put_t *put);

#endif
