#include "http/handlers.h"

#include "http/config.h"
#include "http/cors.h"
#include "http/handler_chat.h"
#include "http/handler_docs.h"
#include "http/handler_metrics.h"
#include "http/handler_openai.h"
#include "http/handler_sessions.h"
#include "http/handler_status.h"
#include "http/handler_ui.h"
#include "http/record.h"
#include "http/served.h"

#include <ap_expr.h>
#include <http_core.h>
#include <http_request.h>

APLOG_USE_MODULE(chatbot);

static const struct {
    const char *name;
    int (*run)(request_rec *r);
    int is_counted; /* in the metrics */
    int is_page;    /* at the very path of its section: what is below it is others' */
} handlers[] = {{"chatbot", handler_chat, 1, 0},
                {"chatbot-openai", handler_openai, 0, 0}, /* counts its chats itself */
                {"chatbot-sessions", handler_sessions, 0, 0},
                {"chatbot-health", handler_health, 0, 0},
                {"chatbot-metrics", handler_metrics, 0, 0},
                {"chatbot-openapi", handler_openapi, 0, 1},
                {"chatbot-docs", handler_docs, 0, 1},
                {"chatbot-ui", handler_ui, 0, 1}};

/* Index in the table, -1 for others' handlers. */
static int find(const char *name)
{
    size_t i;

    for (i = 0; name != NULL && i < sizeof(handlers) / sizeof(handlers[0]); i++) {
        if (strcmp(handlers[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

/* Index of the handler that answers this path, -1: none of ours. */
static int find_for(request_rec *r, const char *name)
{
    int index = find(name);

    return index >= 0 && handlers[index].is_page && !served_is_place(r, name) ? -1 : index;
}

int handlers_run(request_rec *r)
{
    int index = find_for(r, r->handler);

    if (index < 0) {
        return DECLINED;
    }
    if (handlers[index].is_counted) {
        record_start(r);
    }
    cors_set_headers(r); /* again, where the handler came by AddHandler or a rewrite */
    return handlers[index].run(r);
}

/* What SetHandler says here; it is an expression, most often a constant. */
static const char *configured_handler(request_rec *r)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);
    const char *problem = NULL;

    return core->expr_handler != NULL ? ap_expr_str_exec(r, core->expr_handler, &problem) : NULL;
}

int handlers_note_path(request_rec *r)
{
    if (find_for(r, configured_handler(r)) >= 0) {
        /* The path as it is now: when another module rewrites it, the note no longer fits. */
        record_of(r)->walked_uri = r->uri;
    }
    return DECLINED;
}

static int is_noted(const request_rec *r)
{
    const record_t *record = record_find(r);

    return record != NULL && record->walked_uri != NULL && strcmp(record->walked_uri, r->uri) == 0;
}

int handlers_skip_walk(request_rec *r)
{
    return is_noted(r) ? OK : DECLINED;
}

int handlers_set_headers(request_rec *r)
{
    if (is_noted(r)) {
        cors_set_headers(r);
    }
    return DECLINED;
}

int handlers_refuse_unwalked(request_rec *r)
{
    if (!is_noted(r) || find_for(r, r->handler) >= 0) {
        return DECLINED;
    }
    ap_log_rerror(
        APLOG_MARK, APLOG_ERR, 0, r,
        "CHAT0441: choosing the handler of %s: it began as one of this module's and became "
        "\"%s\"; write SetHandler without an expression",
        r->uri, r->handler != NULL ? r->handler : "");
    return HTTP_INTERNAL_SERVER_ERROR;
}
