#include "http/metrics_count.h"

#include "base/clock.h"
#include "http/config.h"
#include "http/record.h"
#include "http/sections.h"
#include "http/shared.h"

#define THOUSANDTHS 1000

/* ---- the endpoint: what the configuration calls it, never what a client asked for ---- */

/* The last <Location> that says SetHandler for this request; else the handler's name. */
static const char *endpoint_of(const request_rec *r)
{
    const apr_array_header_t *sections = sections_of(r->server);
    int i;

    for (i = sections->nelts - 1; i >= 0; i--) {
        const ap_conf_vector_t *section = sections_at(sections, i);
        const core_dir_config *core = sections_core(section);
        if (core->d[0] == '/' && sections_is_plain(section) &&
            (core->expr_handler != NULL || core->handler != NULL) &&
            sections_applies(section, r->uri)) {
            return core->d;
        }
    }
    return r->handler != NULL ? r->handler : "other";
}

/* ---- the numbers ---- */

/* A handler may end with a status of httpd's own, without an error of ours. */
static void complete(record_t *record, const request_rec *r)
{
    if (record->ended == 0) {
        record->ended = clock_monotonic();
    }
    if (record->code == NULL) {
        record->reply = r->status < HTTP_BAD_REQUEST             ? REPLY_ANSWER
                        : r->status < HTTP_INTERNAL_SERVER_ERROR ? REPLY_BAD_REQUEST
                                                                 : REPLY_INTERNAL_ERROR;
        record->code = reply_error(record->reply)->code;
        apr_table_setn(r->notes, "chatbot-outcome", record->code);
    }
}

/* An error of AWS's that has no code, a timeout say, goes by ours. */
static void count_upstream_error(metrics_t *metrics, metrics_series_t *series,
                                 const record_t *record)
{
    switch (record->reply) {
    case REPLY_UPSTREAM_TIMEOUT:
    case REPLY_UPSTREAM_THROTTLED:
    case REPLY_UPSTREAM_ERROR:
    case REPLY_UPSTREAM_PROTOCOL_ERROR:
    case REPLY_UPSTREAM_ACCESS_DENIED:
    case REPLY_DEPENDENCY_FAILED:
        metrics_upstream_error(metrics, series,
                               *record->error_code != '\0' ? record->error_code : record->code);
        break;
    default:
        if (*record->error_code != '\0') {
            metrics_upstream_error(metrics, series, record->error_code);
        }
    }
}

static void count_chat(metrics_t *metrics, metrics_series_t *series, const record_t *record)
{
    apr_interval_time_t overhead = record->ended - record->started - record->upstream;

    metrics_observe(series, METRIC_UPSTREAM, (uint64_t)record->upstream);
    metrics_observe(series, METRIC_OVERHEAD, overhead > 0 ? (uint64_t)overhead : 0);
    if (record->first_text >= 0) {
        metrics_observe(series, METRIC_FIRST_TOKEN, (uint64_t)record->first_text);
    }
    if (record->tokens > 0) {
        metrics_observe(series, METRIC_TOKENS, (uint64_t)record->tokens * THOUSANDTHS);
    }
    metrics_add(series, METRIC_RETRIES, (uint64_t)record->retries);
    metrics_add(series, METRIC_UNSAVED, record->unsaved ? 1 : 0);
    count_upstream_error(metrics, series, record);
}

static void count(const request_rec *r, record_t *record)
{
    metrics_t *metrics = shared_metrics();
    metrics_series_t *series =
        metrics_series(metrics, config_of_server(r->server)->publisher, endpoint_of(r));

    complete(record, r);
    metrics_outcome(metrics, series, r->status, record->code); /* as the access log has them */
    metrics_observe(series, METRIC_DURATION, (uint64_t)(record->ended - record->started));
    metrics_add(series, METRIC_CLIENT_GONE, record->reply == REPLY_CLIENT_GONE ? 1 : 0);
    metrics_add(series, METRIC_RATE_LIMITED, record->reply == REPLY_RATE_LIMITED ? 1 : 0);
    if (record->was_asked) {
        count_chat(metrics, series, record);
    }
    record->is_counted = 0;
}

/* httpd logs the first of a chain of internal redirects; ours may be any of them. */
int metrics_count_request(request_rec *r)
{
    const request_rec *one;

    for (one = r; one != NULL; one = one->next) {
        record_t *record = record_find(one);
        if (record != NULL && record->is_counted && one->method_number != M_OPTIONS) {
            count(one, record);
        }
    }
    return DECLINED;
}
