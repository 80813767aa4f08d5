#include "http/config.h"

#include "backend/agent.h"
#include "http/backend_config.h"
#include "http/cors_check.h"
#include "http/metrics_publish.h"

#include <apr_strings.h>
#include <http_core.h>
#include <stdlib.h>

APLOG_USE_MODULE(chatbot);

#define DEFAULT_MAX_IN_FLIGHT  10000
#define DEFAULT_CLIENTS        65536
#define DEFAULT_MAX_MESSAGE    4000
#define DEFAULT_MAX_BODY       (64 * 1024)
#define DEFAULT_COMPRESS_MIN   1000
#define DEFAULT_TOTAL          apr_time_from_sec(30)
#define DEFAULT_CONNECT        apr_time_from_sec(3)
#define DEFAULT_FIRST          apr_time_from_sec(30)
#define DEFAULT_IDLE           apr_time_from_sec(30)
#define DEFAULT_STREAM         apr_time_from_sec(300)
#define DEFAULT_HEARTBEAT      apr_time_from_sec(15)
#define DEFAULT_TIMEOUT_STATUS HTTP_REQUEST_TIME_OUT
#define DEFAULT_ALIAS          "TSTALIASID" /* Bedrock's alias of an agent's draft */

/* What the environment of httpd says; read once a configuration. */
static struct {
    const char *agent_id;
    const char *alias_id;
} environment;

/* ---- records ---- */

#define TAKE_OVER(field, unset) merged->field = over->field != (unset) ? over->field : base->field

void *config_create_server(apr_pool_t *pool, server_rec *server)
{
    config_server_t *config = apr_pcalloc(pool, sizeof(*config));

    (void)server;
    config->max_in_flight = CONFIG_UNSET;
    config->rate_limit_clients = CONFIG_UNSET;
    aws_directives_init(&config->said, pool);
    session_directives_init(&config->sessions);
    metrics_directives_init(&config->metrics, pool);
    return config;
}

void *config_merge_servers(apr_pool_t *pool, void *base_, void *over_)
{
    const config_server_t *base = base_;
    const config_server_t *over = over_;
    config_server_t *merged = apr_pmemdup(pool, base, sizeof(*merged));

    aws_directives_merge(&merged->said, pool, &base->said, &over->said);
    TAKE_OVER(limit_table, NULL);
    session_directives_merge(&merged->sessions, &base->sessions, &over->sessions);
    metrics_directives_merge(&merged->metrics, pool, &base->metrics, &over->metrics);
    merged->backend = over->backend; /* what its own lines say */
    return merged;
}

void *config_create_location(apr_pool_t *pool)
{
    config_location_t *config = apr_pcalloc(pool, sizeof(*config));

    config->token_usage = CONFIG_UNSET;
    config->total = CONFIG_UNSET;
    config->connect = CONFIG_UNSET;
    config->first = CONFIG_UNSET;
    config->idle = CONFIG_UNSET;
    config->stream = CONFIG_UNSET;
    config->timeout_status = CONFIG_UNSET;
    config->streams = CONFIG_UNSET;
    config->heartbeat = CONFIG_UNSET;
    config->max_message = CONFIG_UNSET;
    config->max_body = CONFIG_UNSET;
    config->compress_min = CONFIG_UNSET;
    return config;
}

void *config_merge_locations(apr_pool_t *pool, void *base_, void *over_)
{
    const config_location_t *base = base_;
    const config_location_t *over = over_;
    config_location_t *merged = apr_pcalloc(pool, sizeof(*merged));

    /* An agent and its alias belong together: an inner agent never gets an outer alias. */
    merged->agent_id = over->agent_id != NULL ? over->agent_id : base->agent_id;
    merged->alias_id = over->agent_id != NULL ? over->alias_id : base->alias_id;
    TAKE_OVER(token_usage, CONFIG_UNSET);
    backend_directives_merge(&merged->backend, pool, &base->backend, &over->backend);
    TAKE_OVER(total, CONFIG_UNSET);
    TAKE_OVER(connect, CONFIG_UNSET);
    TAKE_OVER(first, CONFIG_UNSET);
    TAKE_OVER(idle, CONFIG_UNSET);
    TAKE_OVER(stream, CONFIG_UNSET);
    TAKE_OVER(timeout_status, CONFIG_UNSET);
    TAKE_OVER(streams, CONFIG_UNSET);
    TAKE_OVER(heartbeat, CONFIG_UNSET);
    file_config_merge(&merged->files, &base->files, &over->files);
    merged->circuit_is_set = over->circuit_is_set || base->circuit_is_set;
    merged->circuit = over->circuit_is_set ? over->circuit : base->circuit;
    limit_directives_merge(&merged->limit, &base->limit, &over->limit);
    cors_directives_merge(&merged->cors, &base->cors, &over->cors);
    TAKE_OVER(max_message, CONFIG_UNSET);
    TAKE_OVER(max_body, CONFIG_UNSET);
    TAKE_OVER(compress_min, CONFIG_UNSET);
    TAKE_OVER(user, NULL);
    return merged;
}

config_server_t *config_of_server(const server_rec *server)
{
    return ap_get_module_config(server->module_config, &chatbot_module);
}

config_location_t *config_of_location(const request_rec *request)
{
    return ap_get_module_config(request->per_dir_config, &chatbot_module);
}

/* ---- effective values ---- */

const char *config_agent_id(const config_location_t *location)
{
    return location->agent_id != NULL ? location->agent_id : environment.agent_id;
}

const char *config_alias_id(const config_location_t *location)
{
    if (location->alias_id != NULL) {
        return location->alias_id;
    }
    if (location->agent_id == NULL && environment.alias_id != NULL) {
        return environment.alias_id;
    }
    return DEFAULT_ALIAS;
}

static apr_int64_t or_default(apr_int64_t value, apr_int64_t otherwise)
{
    return value != CONFIG_UNSET ? value : otherwise;
}

int config_token_usage(const config_location_t *location)
{
    return location->token_usage != 0;
}

int config_timeout_status(const config_location_t *location)
{
    return (int)or_default(location->timeout_status, DEFAULT_TIMEOUT_STATUS);
}

apr_off_t config_max_message(const config_location_t *location)
{
    return or_default(location->max_message, DEFAULT_MAX_MESSAGE);
}

apr_off_t config_max_body(const config_location_t *location)
{
    return or_default(location->max_body, DEFAULT_MAX_BODY);
}

apr_off_t config_compress_min(const config_location_t *location)
{
    return or_default(location->compress_min, DEFAULT_COMPRESS_MIN);
}

apr_interval_time_t config_total_timeout(const config_location_t *location)
{
    return or_default(location->total, DEFAULT_TOTAL);
}

apr_interval_time_t config_stream_timeout(const config_location_t *location)
{
    return or_default(location->stream, DEFAULT_STREAM);
}

int config_streams(const config_location_t *location)
{
    return location->streams != 0;
}

apr_interval_time_t config_heartbeat(const config_location_t *location)
{
    return or_default(location->heartbeat, DEFAULT_HEARTBEAT);
}

call_limits_t config_call_limits(const config_location_t *location)
{
    const call_limits_t limits = {.connect = or_default(location->connect, DEFAULT_CONNECT),
                                  .first = or_default(location->first, DEFAULT_FIRST),
                                  .idle = or_default(location->idle, DEFAULT_IDLE)};

    return limits;
}

circuit_settings_t config_circuit(const config_location_t *location)
{
    static const circuit_settings_t normal = CONFIG_CIRCUIT_DEFAULT;

    return location->circuit_is_set ? location->circuit : normal;
}

unsigned config_max_in_flight(const server_rec *main_server)
{
    return (unsigned)or_default(config_of_server(main_server)->max_in_flight,
                                DEFAULT_MAX_IN_FLIGHT);
}

unsigned config_rate_limit_clients(const server_rec *main_server)
{
    return (unsigned)or_default(config_of_server(main_server)->rate_limit_clients, DEFAULT_CLIENTS);
}

/* ---- the check of the whole ---- */

static const char *variable(apr_pool_t *pool, const char *name)
{
    const char *value = getenv(name);

    return value != NULL && *value != '\0' ? apr_pstrdup(pool, value) : NULL;
}

static int resolve_server(apr_pool_t *pconf, server_rec *server)
{
    config_server_t *config = config_of_server(server);
    const char *problem;

    if (config->aws.credentials != NULL) {
        return OK; /* a virtual host without directives of its own: the main server's record */
    }
    problem = aws_config_resolve(&config->aws, pconf, &config->said);

    if (problem == NULL) {
        return OK;
    }
    ap_log_error(
        APLOG_MARK, APLOG_EMERG, 0, server,
        "CHAT0401: reading the configuration: %s; see ChatbotAWSRegion, ChatbotAWSEndpoint, "
        "ChatbotAWSFIPS and ChatbotAWSDualStack, and the variables and shared files that "
        "stand for them",
        problem);
    return HTTP_INTERNAL_SERVER_ERROR;
}

static int read_environment(apr_pool_t *pconf, server_rec *main_server)
{
    environment.agent_id = variable(pconf, "BEDROCK_AGENT_ID");
    environment.alias_id = variable(pconf, "BEDROCK_AGENT_ALIAS_ID");
    if ((environment.agent_id != NULL && !agent_is_id(environment.agent_id)) ||
        (environment.alias_id != NULL && !agent_is_id(environment.alias_id))) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, main_server,
                     "CHAT0402: reading the environment: BEDROCK_AGENT_ID and "
                     "BEDROCK_AGENT_ALIAS_ID are 1 to 10 letters and digits each; correct or "
                     "unset them");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return OK;
}

int config_shares_limit(const config_server_t *config)
{
    return config->limit_table != NULL && config->limit_table[0] != '\0';
}

static int names_aws(const config_server_t *config)
{
    const backend_server_t *backend = &config->backend;

    return backend->is_named[BACKEND_AGENT] || backend->wanted[BACKEND_AGENT] != NULL ||
           backend->wanted[BACKEND_AGENTCORE] != NULL ||
           backend->wanted[BACKEND_CONVERSE] != NULL ||
           config->session.kind == SESSION_STORE_DYNAMODB || config_shares_limit(config) ||
           metrics_directives_call_aws(&config->metrics);
}

int config_uses_aws(const server_rec *main_server)
{
    int has_others = 0;
    const server_rec *server;

    if (environment.agent_id != NULL) {
        return 1;
    }
    for (server = main_server; server != NULL; server = server->next) {
        const config_server_t *config = config_of_server(server);

        if (names_aws(config)) {
            return 1;
        }
        has_others = has_others || config->backend.wanted[BACKEND_OPENAI] != NULL;
    }
    return !has_others;
}

void config_tell_missing(server_rec *main_server)
{
    const aws_config_t *aws = &config_of_server(main_server)->aws;
    const char *off = aws->credentials->imds_disabled;
    int asks_instance = off == NULL || strcasecmp(off, "true") != 0;

    if (!config_uses_aws(main_server)) {
        return;
    }
    if (!aws_config_has_credentials(aws)) {
        ap_log_error(APLOG_MARK, asks_instance ? APLOG_INFO : APLOG_WARNING, 0, main_server,
                     "CHAT0403: no AWS credentials are set up (AWS_ACCESS_KEY_ID, a profile, a web "
                     "identity, a container's role); %s",
                     asks_instance ? "the instance metadata service will be asked"
                                   : "every chat will be answered with 503 no_credentials");
    }
    if (aws->region == NULL) {
        ap_log_error(APLOG_MARK, asks_instance ? APLOG_INFO : APLOG_WARNING, 0, main_server,
                     "CHAT0404: no AWS region is set (ChatbotAWSRegion, AWS_REGION, a profile); %s",
                     asks_instance ? "the instance metadata service will be asked"
                                   : "every chat will be answered with 503 not_configured");
    }
}

int config_check(apr_pool_t *pconf, server_rec *main_server)
{
    server_rec *server;

    if (read_environment(pconf, main_server) != OK) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    for (server = main_server; server != NULL; server = server->next) {
        if (resolve_server(pconf, server) != OK) {
            return HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    if (backend_config_check(main_server) != OK || cors_check(pconf, main_server) != OK ||
        session_config_check(pconf, main_server) != OK) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return metrics_publish_check(pconf, main_server);
}
