#include "aws/cloudwatch.h"

#include "base/clock.h"

#define LIMIT_CONNECT apr_time_from_sec(3)
#define LIMIT_ANSWER  apr_time_from_sec(10)
#define CLOSING       2    /* bytes of "]}" */
#define DECIMALS      6    /* of a value */
#define WHOLE_MAX     1e12 /* whole numbers up to here are written as such */

/* ---- the batch ---- */

void cloudwatch_begin(cloudwatch_batch_t *batch, const char *namespace, apr_time_t when)
{
    buffer_init(&batch->body, CLOUDWATCH_BODY_MAX);
    json_write_to(&batch->writer, &batch->body);
    batch->when = when;
    batch->data = 0;
    json_open(&batch->writer, '{');
    json_put_member(&batch->writer, "Namespace", namespace);
    json_name(&batch->writer, "MetricData");
    json_open(&batch->writer, '[');
    cloudwatch_mark(batch);
}

static void put_dimensions(json_writer_t *writer, const cloudwatch_datum_t *datum)
{
    size_t i;

    json_name(writer, "Dimensions");
    json_open(writer, '[');
    for (i = 0; i < datum->dimension_count; i++) {
        json_open(writer, '{');
        json_put_member(writer, "Name", datum->dimensions[i].name);
        json_put_member(writer, "Value", datum->dimensions[i].value);
        json_close(writer, '}');
    }
    json_close(writer, ']');
}

static void put_number(json_writer_t *writer, double value)
{
    if (value >= 0 && value < WHOLE_MAX && value == (double)(int64_t)value) {
        json_put_integer(writer, (int64_t)value);
    } else {
        json_put_decimal(writer, value, DECIMALS);
    }
}

static void put_values(json_writer_t *writer, const cloudwatch_datum_t *datum)
{
    size_t i;

    json_name(writer, "Values");
    json_open(writer, '[');
    for (i = 0; i < datum->value_count; i++) {
        put_number(writer, datum->values[i]);
    }
    json_close(writer, ']');
    json_name(writer, "Counts");
    json_open(writer, '[');
    for (i = 0; i < datum->value_count; i++) {
        json_put_integer(writer, (int64_t)datum->counts[i]);
    }
    json_close(writer, ']');
}

int cloudwatch_add(cloudwatch_batch_t *batch, const cloudwatch_datum_t *datum)
{
    json_writer_t *writer = &batch->writer;

    if (batch->data == CLOUDWATCH_DATA_MAX) {
        return 0;
    }
    json_open(writer, '{');
    json_put_member(writer, "MetricName", datum->metric);
    json_put_member(writer, "Unit", datum->unit);
    json_name(writer, "Timestamp");
    json_put_integer(writer, apr_time_sec(batch->when));
    put_dimensions(writer, datum);
    put_values(writer, datum);
    json_close(writer, '}');
    batch->data++;
    return !batch->body.failed && batch->body.length + CLOSING <= CLOUDWATCH_BODY_MAX;
}

void cloudwatch_mark(cloudwatch_batch_t *batch)
{
    batch->mark.length = batch->body.length;
    batch->mark.data = batch->data;
}

void cloudwatch_rewind(cloudwatch_batch_t *batch)
{
    batch->data = batch->mark.data;
    batch->body.length = batch->mark.length;
    batch->body.failed = 0;
    batch->writer.pending_comma = batch->data > 0;
}

void cloudwatch_free(cloudwatch_batch_t *batch)
{
    buffer_free(&batch->body);
}

/* ---- the call ---- */

static int on_head(void *baton, call_t *call)
{
    (void)baton;
    (void)call;
    return 1;
}

/* A success has nothing to say. */
static int on_body(void *baton, const char *bytes, size_t length)
{
    (void)baton;
    (void)bytes;
    (void)length;
    return 1;
}

static void on_retry(void *baton)
{
    (void)baton;
}

static void on_end(void *baton, const call_result_t *result)
{
    cloudwatch_put_t *put = baton;

    put->call = NULL;
    put->on_end(put->baton, result->end == CALL_OK, result->reason);
}

void cloudwatch_put(cloudwatch_put_t *put, call_client_t *client, cloudwatch_batch_t *batch,
                    apr_time_t deadline)
{
    static const call_header_t headers[] = {
        {"x-amz-target", "GraniteServiceVersion20100801.PutMetricData"},
        {"x-amzn-query-mode", "true"}};
    const call_owner_t owner = {on_head, on_body, on_retry, on_end, put};
    apr_interval_time_t left = deadline > clock_monotonic() ? deadline - clock_monotonic() : 1;
    call_request_t request = {
        .operation = "PutMetricData",
        .method = "POST",
        .path = "/",
        .content_type = "application/x-amz-json-1.0",
        .accept = "application/json",
        .headers = headers,
        .header_count = sizeof(headers) / sizeof(headers[0]),
        .limits = {.connect = LIMIT_CONNECT, .first = left < LIMIT_ANSWER ? left : LIMIT_ANSWER},
        .deadline = deadline};

    json_close(&batch->writer, ']');
    json_close(&batch->writer, '}');
    request.body = buffer_text(&batch->body);
    request.body_length = batch->body.length;
    if (batch->body.failed || !call_start(&put->call, client, &request, &owner)) {
        put->call = NULL;
        put->on_end(put->baton, 0, "starting PutMetricData: memory is out");
    }
}

void cloudwatch_cancel(cloudwatch_put_t *put)
{
    if (put->call != NULL) {
        call_cancel(put->call);
        put->call = NULL;
    }
}
