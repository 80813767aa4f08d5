#include "http/status_section.h"

#include "base/clock.h"
#include "base/text.h"
#include "http/config.h"
#include "http/metrics_publish.h"
#include "http/shared.h"

#include <apr_optional_hooks.h>
#include <apr_strings.h>
#include <http_main.h>
#include <http_protocol.h>
#include <mod_status.h>
#include <stdlib.h>

/* What is shown, over all endpoints. */
typedef struct {
    uint64_t requests;
    uint64_t errors;
    uint64_t tokens;
    uint64_t undelivered;
    uint64_t outcomes[METRICS_OUTCOMES];
    metrics_values_t values; /* of the series being read */
} overview_t;

static void take(overview_t *overview, const metrics_t *metrics)
{
    uint64_t errors;
    unsigned i;
    unsigned k;

    for (i = 0; i < METRICS_SERIES; i++) {
        metrics_values_t *values = &overview->values;
        if (!metrics_read(metrics, i, values)) {
            continue;
        }
        overview->requests += metrics_requests(metrics, values, &errors);
        overview->errors += errors;
        overview->tokens += histogram_sum(&values->histograms[METRIC_TOKENS]) / 1000;
        for (k = 0; k < METRICS_OUTCOMES; k++) {
            overview->outcomes[k] += values->outcomes[k];
        }
        if (metrics_pending(metrics, i, values) && values->publisher != METRICS_NOBODY) {
            overview->undelivered += metrics_requests(metrics, values, &errors);
        }
    }
}

/* One fact as both forms show it; `name` and `value` are printable. */
static void put(request_rec *r, int is_short, const char *name, const char *title,
                const char *value)
{
    if (is_short) {
        ap_rprintf(r, "Chatbot%s: %s\n", name, value);
    } else {
        ap_rprintf(r, "<tr><th scope=\"row\">%s</th><td>%s</td></tr>\n",
                   ap_escape_html(r->pool, title), ap_escape_html(r->pool, value));
    }
}

static void put_number(request_rec *r, int is_short, const char *name, const char *title,
                       uint64_t number)
{
    put(r, is_short, name, title, apr_psprintf(r->pool, "%" APR_UINT64_T_FMT, number));
}

static void put_outcomes(request_rec *r, int is_short, const overview_t *overview)
{
    char code[NAMES_TEXT_MAX + 1];
    int status;
    unsigned i;

    for (i = 0; i < METRICS_OUTCOMES; i++) {
        if (overview->outcomes[i] > 0 && metrics_outcome_at(shared_metrics(), i, &status, code)) {
            put_number(r, is_short, apr_psprintf(r->pool, "Outcome-%d-%s", status, code),
                       apr_psprintf(r->pool, "Outcome %d %s", status, code), overview->outcomes[i]);
        }
    }
}

static void put_deliveries(request_rec *r, int is_short, const overview_t *overview)
{
    metrics_publish_state_t state;
    char when[TEXT_RFC3339_LENGTH + 1] = "never";

    if (!metrics_publish_state(&state)) {
        put(r, is_short, "LastDelivery", "Last delivery of metrics", "off");
        return;
    }
    if (state.delivered != 0) {
        text_rfc3339(when, state.delivered);
    }
    put(r, is_short, "LastDelivery", "Last delivery of metrics", when);
    put(r, is_short, "LastDeliveryResult", "It went",
        state.failures > 0     ? "failed"
        : state.delivered != 0 ? "ok"
                               : "none");
    put_number(r, is_short, "DeliveryFailures", "Deliveries that failed since", state.failures);
    put_number(r, is_short, "Undelivered", "Requests whose metrics were not delivered yet",
               overview->undelivered);
}

static void put_all(request_rec *r, int is_short, const overview_t *overview)
{
    put_number(r, is_short, "InFlight", "Chats in flight", shared_chats_in_flight());
    put_number(r, is_short, "MaxInFlight", "Chats in flight at most",
               config_max_in_flight(ap_server_conf));
    put_number(r, is_short, "Requests", "Requests", overview->requests);
    put_number(r, is_short, "Errors", "Of these with an error", overview->errors);
    put_outcomes(r, is_short, overview);
    put_number(r, is_short, "Tokens", "Tokens", overview->tokens);
    put_number(r, is_short, "OpenCircuits", "Open circuits", shared_open_circuits());
    put_deliveries(r, is_short, overview);
}

/* httpd's hook status_hook. */
static int on_status(request_rec *r, int flags)
{
    int is_short = (flags & AP_STATUS_SHORT) != 0;
    overview_t *overview = calloc(1, sizeof(*overview));

    if (overview == NULL) {
        return DECLINED;
    }
    take(overview, shared_metrics());
    if (!is_short) {
        ap_rputs("<hr />\n<h2>Chatbot</h2>\n<table>\n", r);
    }
    put_all(r, is_short, overview);
    if (!is_short) {
        ap_rputs("</table>\n", r);
    }
    free(overview);
    return OK;
}

void status_section_register(void)
{
    APR_OPTIONAL_HOOK(ap, status_hook, on_status, NULL, NULL, APR_HOOK_MIDDLE);
}
