#include "http/handler_docs.h"

#include "chat/openapi.h"
#include "http/answer.h"
#include "http/backend_config.h"
#include "http/config.h"
#include "http/limit.h"
#include "http/page.h"
#include "http/served.h"
#include "http/version.h"

#include <apr_strings.h>
#include <http_core.h>

APLOG_USE_MODULE(chatbot);

/* ---- what is described ---- */

static const struct {
    const char *handler;
    openapi_kind_e kind;
} described[] = {{"chatbot", OPENAPI_CHAT},
                 {"chatbot-sessions", OPENAPI_SESSIONS},
                 {"chatbot-openai", OPENAPI_COMPLETIONS},
                 {"chatbot-health", OPENAPI_HEALTH},
                 {"chatbot-metrics", OPENAPI_METRICS}};

static int find_described(const char *handler)
{
    size_t i;

    for (i = 0; i < sizeof(described) / sizeof(described[0]); i++) {
        if (strcmp(described[i].handler, handler) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static int is_described(const char *handler)
{
    return find_described(handler) >= 0;
}

static openapi_kind_e kind_of(const served_t *served)
{
    static const char ready[] = "/readyz"; /* as http/handler_status takes it */
    const size_t length = strlen(served->path);
    openapi_kind_e kind = described[find_described(served->handler)].kind;

    return kind == OPENAPI_HEALTH && length >= strlen(ready) &&
                   strcmp(served->path + length - strlen(ready), ready) == 0
               ? OPENAPI_READINESS
               : kind;
}

/* What AuthType asks for, in the words of HTTP where there are any. */
static const char *auth_of(request_rec *view)
{
    static const struct {
        const char *type;
        const char *name;
    } known[] = {{"Basic", "basic"},      {"Digest", "digest"},      {"Bearer", "bearer"},
                 {"JWT", "bearer"},       {"oauth20", "bearer"},     {"oauth2", "bearer"},
                 {"GSSAPI", "negotiate"}, {"Kerberos", "negotiate"}, {"Negotiate", "negotiate"}};
    const char *type = ap_auth_type(view);
    size_t i;

    if (type == NULL || strcasecmp(type, "None") == 0) {
        return NULL;
    }
    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcasecmp(known[i].type, type) == 0) {
            return known[i].name;
        }
    }
    return "cookie";
}

static backend_kind_e backend_of(const config_location_t *config)
{
    return config->backend.kind != BACKEND_UNSET ? config->backend.kind : BACKEND_AGENT;
}

static int takes_files(const request_rec *view)
{
    return backend_config_ready(view) ? backend_config_make(view)->takes_file != NULL
                                      : backend_of(config_of_location(view)) != BACKEND_AGENTCORE;
}

/* `view` is the request as it would be at that path, as far as the configuration goes. */
static void describe(openapi_location_t *location, request_rec *view, const served_t *served)
{
    const config_location_t *config = config_of_location(view);
    const sliding_log_rule_t *rule = limit_rule(view);

    location->kind = kind_of(served);
    location->path = served_encode(view->pool, served->path);
    location->auth = auth_of(view);
    location->backend = backend_directives_kind(backend_of(config));
    location->model = backend_config_model_name(view);
    location->max_message = config_max_message(config);
    location->max_body = config_max_body(config);
    location->streams = config_streams(config);
    location->takes_files = takes_files(view);
    location->timeout = apr_time_sec(config_total_timeout(config));
    location->stream_timeout = apr_time_sec(config_stream_timeout(config));
    location->heartbeat = apr_time_sec(config_heartbeat(config));
    location->timeout_status = config_timeout_status(config);
    location->limit = rule != NULL ? rule->n : 0;
    location->limit_window = rule != NULL ? apr_time_sec(rule->window) : 0;
}

static void fill(openapi_t *api, request_rec *r)
{
    const apr_array_header_t *list = served_list(r, is_described);
    const apr_size_t count = (apr_size_t)list->nelts;
    openapi_location_t *locations = apr_pcalloc(r->pool, (count + 1) * sizeof(*locations));
    openapi_untold_t *untold = apr_pcalloc(r->pool, (count + 1) * sizeof(*untold));
    request_rec view = *r;
    int i;

    api->version = CHATBOT_VERSION;
    api->root = served_reference(r, "/");
    api->locations = locations;
    api->untold = untold;
    for (i = 0; i < list->nelts; i++) {
        const served_t *served = &APR_ARRAY_IDX(list, i, served_t);
        if (served->path == NULL) {
            untold[api->untold_count++] =
                (openapi_untold_t){served->handler, served->pattern, served->why};
        } else {
            view.per_dir_config = served->config;
            describe(&locations[api->location_count++], &view, served);
        }
    }
}

/* ---- the handlers ---- */

int handler_openapi(request_rec *r)
{
    int status = answer_other_methods(r, AP_METHOD_BIT << M_GET);
    openapi_t api = {.location_count = 0};
    buffer_t document;

    if (status != DECLINED) {
        return status;
    }
    fill(&api, r);
    buffer_init(&document, OPENAPI_MAX);
    if (openapi_write(&document, &api)) {
        status = page_send(r, "application/json", document.data, document.length);
    } else {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "CHAT0570: writing the OpenAPI document of %" APR_SIZE_T_FMT
                      " locations: it does not fit into %" APR_SIZE_T_FMT
                      " bytes, or memory is out",
                      api.location_count, OPENAPI_MAX);
        status = answer_error(r, REPLY_INTERNAL_ERROR, NULL);
    }
    buffer_free(&document);
    return status;
}

static int is_openapi(const char *handler)
{
    return strcmp(handler, "chatbot-openapi") == 0;
}

int handler_docs(request_rec *r)
{
    int status = answer_other_methods(r, AP_METHOD_BIT << M_GET);
    page_blank_t blanks[] = {{"openapi", ""}, {NULL, NULL}};
    const char *path;

    if (status != DECLINED) {
        return status;
    }
    path = served_path(served_list(r, is_openapi), "chatbot-openapi");
    if (path != NULL) {
        blanks[0].value = served_reference(r, path);
    }
    return page_answer(r, "docs", blanks);
}
