/* chat/report, chat/emf, chat/exposition, aws/cloudwatch: the same numbers in three forms. */
#include "aws/cloudwatch.h"
#include "base/json.h"
#include "chat/emf.h"
#include "chat/exposition.h"

#include "tap.h"

#include <apr_general.h>
#include <stdlib.h>

#define PUBLISHER 7u

static apr_pool_t *pool;
static metrics_t *metrics;
static metrics_values_t values;

static void count_some(void)
{
    metrics_series_t *chat = metrics_series(metrics, PUBLISHER, "/chat");
    metrics_series_t *again = metrics_series(metrics, PUBLISHER + 1, "/chat");
    metrics_series_t *odd = metrics_series(metrics, METRICS_NOBODY, "/a\"b\\");
    int i;

    for (i = 0; i < 250; i++) {
        metrics_outcome(metrics, chat, 200, "success");
        metrics_observe(chat, METRIC_DURATION, 2000);
    }
    metrics_outcome(metrics, chat, 408, "upstream_timeout");
    metrics_observe(chat, METRIC_DURATION, 30000000);
    metrics_observe(chat, METRIC_TOKENS, 164000);
    metrics_upstream_error(metrics, chat, "Throttling\"Exception");
    metrics_add(chat, METRIC_RETRIES, 3);
    metrics_outcome(metrics, again, 200, "success");
    metrics_outcome(metrics, odd, 200, "success");
}

/* ---- the report ---- */

typedef struct {
    int data;
    double total;
    char names[400];
} seen_t;

static int on_datum(void *baton, const report_datum_t *datum)
{
    seen_t *seen = baton;
    size_t length = strlen(seen->names);

    seen->data++;
    seen->total += report_total(datum);
    (void)snprintf(seen->names + length, sizeof(seen->names) - length, "%s(%s%s%s) ",
                   datum->info->cloudwatch, datum->endpoint != NULL ? datum->endpoint : "",
                   datum->label != NULL ? " " : "", datum->label != NULL ? datum->label_value : "");
    return 1;
}

static int on_first(void *baton, const report_datum_t *datum)
{
    (void)datum;
    return ++*(int *)baton < 2;
}

static void only_what_happened_is_reported(void)
{
    seen_t seen = {0, 0, ""};
    int calls = 0;
    double value;
    uint64_t count;
    report_datum_t datum;

    (void)metrics_read(metrics, 0, &values);
    OK(report_each(metrics, &values, on_datum, &seen), "a series is reported whole");
    IS(seen.names,
       "ProcessingTime(/chat) TokensUsed(/chat) Retries(/chat) ChatRequest(/chat Success) "
       "ChatRequest(/chat Error) UpstreamErrors( Throttling\"Exception) ",
       "what is zero, and what CloudWatch does not get, is left out");
    IS_NUMBER(seen.total, 250 * 2 + 30000 + 164 + 3 + 250 + 1 + 1, "its totals");
    OK(!report_each(metrics, &values, on_first, &calls) && calls == 2,
       "it ends when it is told to");
    datum = report_in_flight(12, &value, &count);
    IS(datum.info->cloudwatch, "InFlight", "chats in flight are a datum");
    IS_NUMBER(report_total(&datum), 12, "of their own");
}

/* ---- the embedded metric format ---- */

typedef struct {
    int lines;
    int broken;
    int too_long;
    size_t values;
    int64_t requests;
    int fail_at;
} lines_t;

static int on_line(void *baton, const char *line, size_t length)
{
    lines_t *lines = baton;
    json_error_t error;
    json_t *document = json_parse(line, length - 1, 20, &error);
    int64_t requests = 0;

    lines->lines++;
    lines->broken += document == NULL || line[length - 1] != '\n' ||
                     strcmp(json_member_text(document, "Stage", NULL), "a\"b\\c") != 0;
    lines->too_long += length > EMF_LINE_MAX;
    lines->values += json_length(json_member(document, "ProcessingTime"));
    if (json_integer(json_member(document, "ChatRequest"), &requests)) {
        lines->requests += requests;
    }
    json_release(document);
    return lines->lines != lines->fail_at;
}

static const cloudwatch_dimension_t stage[] = {{"Stage", "a\"b\\c"}};
static const emf_place_t place = {"ChatBot/httpd", stage, 1};

static int on_emf_datum(void *lines, const report_datum_t *datum)
{
    return emf_write(&place, datum, apr_time_from_sec(1787396400), on_line, lines);
}

static void documents_are_bounded(void)
{
    lines_t lines = {0};
    lines_t failing = {.fail_at = 2};

    (void)metrics_read(metrics, 0, &values);
    OK(report_each(metrics, &values, on_emf_datum, &lines), "a series becomes lines");
    IS_NUMBER(lines.broken, 0, "each one JSON, with its dimensions");
    IS_NUMBER(lines.too_long, 0, "not too long");
    IS_NUMBER(lines.values, 251, "every value is there");
    IS_NUMBER(lines.requests, 251, "every request");
    IS_NUMBER(lines.lines, 3 + 5, "100 values a line at most");
    OK(!report_each(metrics, &values, on_emf_datum, &failing),
       "a line that cannot be written ends it");
}

/* ---- PutMetricData ---- */

static void calls_are_bounded(void)
{
    static double all[CLOUDWATCH_VALUES_MAX];
    static uint64_t counts[CLOUDWATCH_VALUES_MAX];
    cloudwatch_datum_t datum = {"M", "Count", stage, 1, all, counts, CLOUDWATCH_VALUES_MAX};
    cloudwatch_batch_t batch;
    json_error_t error;
    json_t *body;
    int i;

    for (i = 0; i < CLOUDWATCH_VALUES_MAX; i++) {
        all[i] = 1.0 / 3 + i;
        counts[i] = (uint64_t)i + 1;
    }
    cloudwatch_begin(&batch, "N", apr_time_from_sec(1787396400));
    for (i = 0; cloudwatch_add(&batch, &datum); i++) {
        cloudwatch_mark(&batch);
    }
    cloudwatch_rewind(&batch);
    OK(i > 300 && batch.body.length <= CLOUDWATCH_BODY_MAX, "a call ends before 1 MB");
    IS_NUMBER(batch.data, i, "with whole data");
    json_close(&batch.writer, ']');
    json_close(&batch.writer, '}');
    body = json_parse(batch.body.data, batch.body.length, 20, &error);
    IS_NUMBER(json_length(json_member(body, "MetricData")), i, "as JSON");
    json_release(body);
    cloudwatch_free(&batch);
    datum.value_count = 1;
    cloudwatch_begin(&batch, "N", 0);
    for (i = 0; cloudwatch_add(&batch, &datum); i++) {
        cloudwatch_mark(&batch);
    }
    IS_NUMBER(i, CLOUDWATCH_DATA_MAX, "or before its 1001st datum");
    cloudwatch_free(&batch);
}

/* ---- Prometheus ---- */

static int has(const buffer_t *out, const char *line)
{
    return strstr(buffer_text(out), line) != NULL;
}

static void prometheus_reads_it(void)
{
    const exposition_facts_t facts = {3, 1, "1.2.3"};
    buffer_t out;

    buffer_init(&out, EXPOSITION_MAX);
    OK(exposition_write(&out, metrics, &facts), "the text is written");
    OK(has(&out, "# TYPE chatbot_requests_total counter\n"), "with types");
    OK(has(&out,
           "chatbot_requests_total{endpoint=\"/chat\",status=\"200\",code=\"success\"} 251\n"),
       "publishers of the same endpoint are added up");
    OK(has(&out, "endpoint=\"/a\\\"b\\\\\""), "labels are escaped");
    OK(has(&out, "chatbot_request_duration_seconds_bucket{endpoint=\"/chat\",le=\"0.001\"} 0\n"),
       "no value below");
    OK(has(&out, "chatbot_request_duration_seconds_bucket{endpoint=\"/chat\",le=\"0.0025\"} 250\n"),
       "buckets are cumulative");
    OK(has(&out, "chatbot_request_duration_seconds_bucket{endpoint=\"/chat\",le=\"+Inf\"} 251\n"),
       "up to all");
    OK(has(&out, "chatbot_request_duration_seconds_sum{endpoint=\"/chat\"} 30.500000\n"),
       "the sum");
    OK(has(&out, "chatbot_tokens_total{endpoint=\"/chat\"} 164\n"), "tokens");
    OK(has(&out,
           "chatbot_upstream_errors_total{endpoint=\"/chat\",code=\"Throttling\\\"Exception\"} 1"),
       "errors");
    OK(has(&out, "\nchatbot_in_flight 3\n") && has(&out, "\nchatbot_open_circuits 1\n"), "gauges");
    OK(has(&out, "chatbot_metrics_undelivered_requests 252\n"), "what nobody gets does not wait");
    OK(has(&out, "chatbot_build_info{version=\"1.2.3\"} 1\n"), "the version");
    OK(!has(&out, "\"other\""), "an endpoint that is not used is not shown");
    buffer_free(&out);
    buffer_init(&out, 1000);
    OK(!exposition_write(&out, metrics, &facts), "too little room is told");
    buffer_free(&out);
}

int main(void)
{
    (void)apr_initialize();
    atexit(apr_terminate);
    (void)apr_pool_create(&pool, NULL);
    metrics =
        (metrics_t *)(void *)(((size_t)apr_pcalloc(pool, metrics_size() + 64) + 63) / 64 * 64);
    count_some();
    only_what_happened_is_reported();
    documents_are_bounded();
    calls_are_bounded();
    prometheus_reads_it();
    return tap_done();
}
