#include "http/backend_config.h"

#include "backend/agent.h"
#include "backend/agentcore.h"
#include "backend/converse.h"
#include "backend/openai.h"
#include "base/text.h"
#include "http/answer.h"
#include "http/config.h"
#include "http/upstream.h"

#include <apr_strings.h>

APLOG_USE_MODULE(chatbot);

static const backend_location_t *said(const request_rec *r)
{
    return &config_of_location(r)->backend;
}

static backend_kind_e kind_of(const request_rec *r)
{
    return said(r)->kind != BACKEND_UNSET ? said(r)->kind : BACKEND_AGENT;
}

/* ---- what each kind needs ---- */

/* AWS's service of the kind; openai has none. */
static call_client_t *client_of(const request_rec *r)
{
    static const aws_service_e services[BACKEND_KINDS] = {
        [BACKEND_AGENT] = AWS_AGENTS,
        [BACKEND_AGENTCORE] = AWS_AGENTCORE,
        [BACKEND_CONVERSE] = AWS_MODELS,
    };

    return upstream_client(r->server, services[kind_of(r)]);
}

/* Who it is, among all of its kind; NULL: the location does not say. */
static const char *identity(const request_rec *r)
{
    const backend_location_t *backend = said(r);

    switch (kind_of(r)) {
    case BACKEND_AGENTCORE: return backend->arn;
    case BACKEND_CONVERSE: return backend->model;
    case BACKEND_OPENAI: return backend->model != NULL ? backend->base_url : NULL;
    default: return config_agent_id(config_of_location(r));
    }
}

int backend_config_is_aws(const request_rec *r)
{
    return kind_of(r) != BACKEND_OPENAI;
}

int backend_config_ready(const request_rec *r)
{
    return identity(r) != NULL &&
           (backend_config_is_aws(r) ? client_of(r) != NULL : upstream_http(r->server) != NULL);
}

void backend_config_tell_missing(request_rec *r)
{
    static const char *const needed[BACKEND_KINDS] = {
        [BACKEND_AGENT] = "no agent is named; write ChatbotAgent id, or set BEDROCK_AGENT_ID in "
                          "httpd's environment",
        [BACKEND_AGENTCORE] = "no runtime is named; write ChatbotAgentCore arn",
        [BACKEND_CONVERSE] = "no model is named; write ChatbotModel id",
        [BACKEND_OPENAI] = "no server or no model is named; write ChatbotOpenAI base-url and "
                           "ChatbotModel name",
    };

    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "CHAT0233: request %s: not_configured: %s",
                  answer_request_id(r),
                  identity(r) == NULL ? needed[kind_of(r)]
                                      : "no AWS region is known; write ChatbotAWSRegion region, or "
                                        "set AWS_REGION in httpd's environment");
}

const char *backend_config_key(const request_rec *r)
{
    const endpoint_t *endpoint;

    if (!backend_config_ready(r)) {
        return NULL;
    }
    if (!backend_config_is_aws(r)) {
        return apr_pstrcat(r->pool, identity(r), " ", said(r)->model, NULL);
    }
    endpoint = client_of(r)->endpoint;
    return apr_pstrcat(r->pool, endpoint->origin, endpoint->prefix, " ", identity(r), NULL);
}

/* ---- making them ---- */

static model_t model_of(const request_rec *r)
{
    const backend_location_t *backend = said(r);
    model_t model = {.id = backend->model,
                     .system = backend->system,
                     .max_tokens = backend->max_tokens,
                     .has_temperature = backend->has_temperature,
                     .temperature = backend->temperature,
                     .has_top_p = backend->has_top_p,
                     .top_p = backend->top_p};

    if (backend->stops != NULL) {
        model.stop_sequences = (const char *const *)(void *)backend->stops->elts;
        model.stop_count = (size_t)backend->stops->nelts;
    }
    return model;
}

static const backend_t *make_agent(const request_rec *r)
{
    const config_location_t *location = config_of_location(r);
    agent_t *agent = apr_pcalloc(r->pool, sizeof(*agent));

    agent_init(agent);
    agent->agent_id = config_agent_id(location);
    agent->alias_id = config_alias_id(location);
    agent->token_usage = config_token_usage(location);
    agent->client = client_of(r);
    agent->limits = config_call_limits(location);
    return &agent->backend;
}

static const backend_t *make_agentcore(const request_rec *r)
{
    agentcore_t *agentcore = apr_pcalloc(r->pool, sizeof(*agentcore));

    agentcore_init(agentcore);
    agentcore->arn = said(r)->arn;
    agentcore->qualifier = said(r)->qualifier;
    agentcore->client = client_of(r);
    agentcore->limits = config_call_limits(config_of_location(r));
    return &agentcore->backend;
}

static const backend_t *make_converse(const request_rec *r)
{
    const backend_location_t *backend = said(r);
    converse_t *converse = apr_pcalloc(r->pool, sizeof(*converse));

    converse_init(converse);
    converse->model = model_of(r);
    if (backend->guardrail_id != NULL && *backend->guardrail_id != '\0') {
        converse->guardrail_id = backend->guardrail_id;
        converse->guardrail_version = backend->guardrail_version;
    }
    converse->client = client_of(r);
    converse->limits = config_call_limits(config_of_location(r));
    return &converse->backend;
}

static const backend_t *make_openai(const request_rec *r)
{
    openai_t *openai = apr_pcalloc(r->pool, sizeof(*openai));

    openai_init(openai);
    openai->base_url = said(r)->base_url;
    openai->key = said(r)->key;
    openai->model = model_of(r);
    openai->client = upstream_http(r->server);
    openai->limits = config_call_limits(config_of_location(r));
    return &openai->backend;
}

const backend_t *backend_config_make(const request_rec *r)
{
    switch (kind_of(r)) {
    case BACKEND_AGENTCORE: return make_agentcore(r);
    case BACKEND_CONVERSE: return make_converse(r);
    case BACKEND_OPENAI: return make_openai(r);
    default: return make_agent(r);
    }
}

const char *backend_config_model_name(const request_rec *r)
{
    return said(r)->model_name != NULL ? said(r)->model_name : "chatbot";
}

/* ---- attributes ---- */

static size_t evaluate(request_rec *r, const apr_array_header_t *expressions,
                       const backend_attribute_t **attributes)
{
    backend_attribute_t *made;
    size_t count = 0;
    int i;

    if (expressions == NULL) {
        return 0;
    }
    made = apr_pcalloc(r->pool, (apr_size_t)expressions->nelts * sizeof(*made));
    for (i = 0; i < expressions->nelts; i++) {
        const backend_expression_t *one = &APR_ARRAY_IDX(expressions, i, backend_expression_t);
        const char *problem = NULL;
        const char *value = ap_expr_str_exec(r, one->value, &problem);

        if (problem != NULL) {
            ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                          "CHAT0231: the expression of the attribute %s failed: %s; it is left out",
                          one->name, problem);
        } else if (value != NULL && *value != '\0' &&
                   text_utf8_length(value, strlen(value)) != TEXT_NOT_UTF8) {
            made[count++] = (backend_attribute_t){one->name, value};
        }
    }
    *attributes = made;
    return count;
}

void backend_config_attributes(request_rec *r, backend_prompt_t *prompt)
{
    prompt->session_attribute_count =
        evaluate(r, said(r)->session_attributes, &prompt->session_attributes);
    prompt->prompt_attribute_count =
        evaluate(r, said(r)->prompt_attributes, &prompt->prompt_attributes);
}

/* ---- what cannot work ---- */

static const struct {
    backend_kind_e kind;  /* that is wanted */
    backend_kind_e named; /* by which its need is known */
    const char *directive;
} needs[] = {
    {BACKEND_AGENTCORE, BACKEND_AGENTCORE, "ChatbotAgentCore arn"},
    {BACKEND_CONVERSE, BACKEND_CONVERSE, "ChatbotModel id"},
    {BACKEND_OPENAI, BACKEND_OPENAI, "ChatbotOpenAI base-url"},
    {BACKEND_OPENAI, BACKEND_CONVERSE, "ChatbotModel name"},
};

/* Sections may complete each other, so a directive is missing only when it is nowhere. */
static int is_named(server_rec *main_server, backend_kind_e kind)
{
    const server_rec *server = main_server;

    while (server != NULL && !config_of_server(server)->backend.is_named[kind]) {
        server = server->next;
    }
    return server != NULL;
}

static int find_missing(server_rec *main_server, const server_rec *server)
{
    const backend_server_t *backend = &config_of_server(server)->backend;
    size_t i;

    for (i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
        if (backend->wanted[needs[i].kind] != NULL && !is_named(main_server, needs[i].named)) {
            ap_log_error(APLOG_MARK, APLOG_EMERG, 0, server,
                         "CHAT0230: ChatbotBackend %s on %s: who answers is not named anywhere; "
                         "write %s too",
                         backend_directives_kind(needs[i].kind), backend->wanted[needs[i].kind],
                         needs[i].directive);
            return HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    return OK;
}

/* A runtime is reached in its own region only. */
static int find_far(const server_rec *server)
{
    const config_server_t *config = config_of_server(server);
    const apr_array_header_t *runtimes = config->backend.runtimes;
    int i;

    for (i = 0; runtimes != NULL && config->aws.region != NULL && i < runtimes->nelts; i += 2) {
        const char *region = APR_ARRAY_IDX(runtimes, i, const char *);

        if (strcmp(region, config->aws.region) != 0) {
            ap_log_error(
                APLOG_MARK, APLOG_EMERG, 0, server,
                "CHAT0232: ChatbotAgentCore on %s: the runtime is in %s, but the region is "
                "%s; write ChatbotAWSRegion %s, in a virtual host of its own if others "
                "need another",
                APR_ARRAY_IDX(runtimes, i + 1, const char *), region, config->aws.region, region);
            return HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    return OK;
}

int backend_config_check(server_rec *main_server)
{
    server_rec *server;

    for (server = main_server; server != NULL; server = server->next) {
        if (find_missing(main_server, server) != OK || find_far(server) != OK) {
            return HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    return OK;
}
