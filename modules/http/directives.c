#include "http/directives.h"

#include "backend/agent.h"
#include "http/backend_directives.h"
#include "http/circuit_directives.h"
#include "http/config.h"
#include "http/cors_directives.h"
#include "http/limit_directives.h"
#include "http/metrics_directives.h"
#include "http/session_directives.h"
#include "http/values.h"

#include <apr_strings.h>
#include <limits.h>

/* Most characters AWS takes as input (InvokeAgent, inputText). */
#define MESSAGE_LIMIT 25000000
#define BODY_LIMIT    (100 * 1024 * 1024)

/* ---- context S and V ---- */

static const char *set_max_in_flight(cmd_parms *cmd, void *location, const char *value)
{
    const char *problem = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    apr_off_t number;

    (void)location;
    if (problem != NULL) {
        return problem;
    }
    if (!values_number(value, 0, 1, 10000000, &number)) {
        return values_complain(
            cmd, "\"%s\" is no number of chats; write 1 to 10000000, as in 10000", value);
    }
    config_of_server(cmd->server)->max_in_flight = (int)number;
    return NULL;
}

static const char *set_region(cmd_parms *cmd, void *location, const char *value)
{
    (void)location;
    if (!endpoint_is_region(value)) {
        return values_complain(cmd, "\"%s\" is no region; write a name like us-east-1", value);
    }
    config_of_server(cmd->server)->said.region = value;
    return NULL;
}

static const char *list_services(apr_pool_t *pool)
{
    const char *list = "*";
    size_t i;

    for (i = 0; endpoint_service_at(i) != NULL; i++) {
        list = apr_pstrcat(pool, list, " ", endpoint_service_at(i)->name, NULL);
    }
    return list;
}

static const char *set_endpoint(cmd_parms *cmd, void *location, const char *name, const char *url)
{
    const endpoint_service_t *service = endpoint_service(name);
    endpoint_t endpoint;
    const endpoint_options_t options = {.url = url};
    const char *problem;

    (void)location;
    if (service == NULL && strcmp(name, "*") != 0) {
        return values_complain(cmd, "\"%s\" is no service; write one of: %s", name,
                               list_services(cmd->pool));
    }
    problem =
        endpoint_resolve(&endpoint, cmd->temp_pool,
                         service != NULL ? service : endpoint_service_at(0), "us-east-1", &options);
    if (problem != NULL) {
        return values_complain(cmd, "\"%s\": %s", url, problem);
    }
    apr_table_setn(config_of_server(cmd->server)->said.endpoint_urls, name, url);
    return NULL;
}

static const char *set_profile(cmd_parms *cmd, void *location, const char *value)
{
    (void)location;
    config_of_server(cmd->server)->said.profile = value;
    return NULL;
}

static const char *set_credentials(cmd_parms *cmd, void *location, const char *value)
{
    credentials_settings_t probe;

    (void)location;
    if (!credentials_settings_choose(&probe, value)) {
        return values_complain(cmd,
                               "\"%s\" is no source; write one of: auto env profile web-identity "
                               "container imds",
                               value);
    }
    config_of_server(cmd->server)->said.credentials = value;
    return NULL;
}

static const char *set_fips(cmd_parms *cmd, void *location, int on)
{
    (void)location;
    config_of_server(cmd->server)->said.fips = on;
    return NULL;
}

static const char *set_dual_stack(cmd_parms *cmd, void *location, int on)
{
    (void)location;
    config_of_server(cmd->server)->said.dual_stack = on;
    return NULL;
}

/* Comments may stand in front of the first certificate. */
static int has_certificate(const char *path, apr_pool_t *pool)
{
    char line[HUGE_STRING_LEN];
    apr_file_t *file;
    int found = 0;

    if (apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BUFFERED, 0, pool) != APR_SUCCESS) {
        return 0;
    }
    while (!found && apr_file_gets(line, sizeof(line), file) == APR_SUCCESS) {
        found = strncmp(line, "-----BEGIN ", 11) == 0 && strstr(line, "CERTIFICATE-----") != NULL;
    }
    (void)apr_file_close(file);
    return found;
}

static const char *set_ca_file(cmd_parms *cmd, void *location, const char *value)
{
    const char *path = ap_server_root_relative(cmd->pool, value);

    (void)location;
    if (path == NULL || !has_certificate(path, cmd->temp_pool)) {
        return values_complain(cmd,
                               "\"%s\" cannot be read or has no certificate; write a file of "
                               "certificates in PEM form",
                               value);
    }
    config_of_server(cmd->server)->said.ca_file = path;
    return NULL;
}

static const char *set_retry(cmd_parms *cmd, void *location, int argc, char *const argv[])
{
    aws_directives_t *said = &config_of_server(cmd->server)->said;
    apr_off_t number;
    int i;

    (void)location;
    for (i = 0; i < argc; i++) {
        if (strncasecmp(argv[i], "attempts=", 9) == 0 &&
            values_number(argv[i] + 9, 0, 1, 10, &number)) {
            said->attempts = (int)number;
        } else if (strncasecmp(argv[i], "bucket=", 7) == 0 &&
                   values_number(argv[i] + 7, 0, 0, 100000, &number)) {
            said->bucket = (int)number;
        } else {
            return values_complain(cmd,
                                   "\"%s\": write attempts=1 to 10 or bucket=0 to 100000, as in "
                                   "attempts=3 bucket=500",
                                   argv[i]);
        }
    }
    return argc > 0
               ? NULL
               : values_complain(cmd, "write attempts= or bucket=, as in attempts=3 bucket=500");
}

/* ---- context D ---- */

static const char *set_agent(cmd_parms *cmd, void *location, const char *id, const char *alias)
{
    config_location_t *config = location;

    if (!agent_is_id(id)) {
        return values_complain(
            cmd,
            "\"%s\" is no agent id; write the 1 to 10 letters and digits that the "
            "Bedrock console shows, not a name or an ARN",
            id);
    }
    if (alias != NULL && !agent_is_id(alias)) {
        return values_complain(
            cmd,
            "\"%s\" is no alias id; write 1 to 10 letters and digits, or leave it "
            "out for the draft's TSTALIASID",
            alias);
    }
    config->agent_id = id;
    config->alias_id = alias;
    config_of_server(cmd->server)->backend.is_named[BACKEND_AGENT] = 1;
    return NULL;
}

static const char *set_token_usage(cmd_parms *cmd, void *location, int on)
{
    config_location_t *config = location;

    (void)cmd;
    config->token_usage = on;
    return NULL;
}

/* One part of ChatbotTimeout: where "name=" is stored, or NULL. */
static apr_interval_time_t *timeout_part(config_location_t *config, const char *name, size_t length)
{
    const struct {
        const char *name;
        apr_interval_time_t *value;
    } parts[] = {{"total", &config->total},
                 {"connect", &config->connect},
                 {"first", &config->first},
                 {"idle", &config->idle},
                 {"stream", &config->stream}};
    size_t i;

    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (strlen(parts[i].name) == length && strncasecmp(parts[i].name, name, length) == 0) {
            return parts[i].value;
        }
    }
    return NULL;
}

static const char *set_timeout_part(cmd_parms *cmd, config_location_t *config, const char *word)
{
    size_t length = strcspn(word, "=");
    apr_interval_time_t *part = timeout_part(config, word, length);
    apr_interval_time_t value;

    if (part == NULL || word[length] != '=') {
        return values_complain(cmd,
                               "\"%s\" is no part of it; write any of total= connect= first= idle= "
                               "stream=, as in total=30 first=20s",
                               word);
    }
    if (ap_timeout_parameter_parse(word + length + 1, &value, "s") != APR_SUCCESS ||
        value < apr_time_from_msec(1) || value > apr_time_from_sec(86400)) {
        return values_complain(cmd, "\"%s\" is no time; write 1ms to 24h, as in 30, 1500ms or 2min",
                               word);
    }
    *part = value;
    return NULL;
}

static const char *set_timeout(cmd_parms *cmd, void *location, int argc, char *const argv[])
{
    config_location_t *config = location;
    config_location_t line = {.total = CONFIG_UNSET,
                              .connect = CONFIG_UNSET,
                              .first = CONFIG_UNSET,
                              .idle = CONFIG_UNSET,
                              .stream = CONFIG_UNSET};
    const char *problem = argc == 0
                              ? values_complain(cmd, "write any of total= connect= first= idle= "
                                                     "stream=, as in total=30 first=20s")
                              : NULL;
    int i;

    for (i = 0; i < argc && problem == NULL; i++) {
        problem = set_timeout_part(cmd, &line, argv[i]);
    }
    if (problem == NULL && line.total != CONFIG_UNSET &&
        (line.connect > line.total || line.first > line.total || line.idle > line.total)) {
        problem = values_complain(
            cmd, "connect, first and idle are parts of the whole: none can be longer "
                 "than total");
    }
    if (problem != NULL) {
        return problem;
    }
    config->total = line.total != CONFIG_UNSET ? line.total : config->total;
    config->connect = line.connect != CONFIG_UNSET ? line.connect : config->connect;
    config->first = line.first != CONFIG_UNSET ? line.first : config->first;
    config->idle = line.idle != CONFIG_UNSET ? line.idle : config->idle;
    config->stream = line.stream != CONFIG_UNSET ? line.stream : config->stream;
    return NULL;
}

static const char *set_stream(cmd_parms *cmd, void *location, int on)
{
    config_location_t *config = location;

    (void)cmd;
    config->streams = on;
    return NULL;
}

static const char *set_heartbeat(cmd_parms *cmd, void *location, const char *value)
{
    config_location_t *config = location;
    apr_interval_time_t interval;

    if (ap_timeout_parameter_parse(value, &interval, "s") != APR_SUCCESS ||
        interval < apr_time_from_msec(100) || interval > apr_time_from_sec(3600)) {
        return values_complain(cmd, "\"%s\" is no time; write 100ms to 1h, as in 15 or 15s", value);
    }
    config->heartbeat = interval;
    return NULL;
}

static const char *set_timeout_status(cmd_parms *cmd, void *location, const char *value)
{
    config_location_t *config = location;

    if (strcmp(value, "408") != 0 && strcmp(value, "504") != 0) {
        return values_complain(cmd, "\"%s\" is not possible; write 408 or 504", value);
    }
    config->timeout_status = value[0] == '4' ? HTTP_REQUEST_TIME_OUT : HTTP_GATEWAY_TIME_OUT;
    return NULL;
}

static const char *set_max_message(cmd_parms *cmd, void *location, const char *value)
{
    config_location_t *config = location;

    if (!values_number(value, 0, 1, MESSAGE_LIMIT, &config->max_message)) {
        return values_complain(cmd, "\"%s\" is no number of characters; write 1 to %d, as in 4000",
                               value, MESSAGE_LIMIT);
    }
    return NULL;
}

static const char *set_max_body(cmd_parms *cmd, void *location, const char *value)
{
    config_location_t *config = location;

    if (!values_number(value, 1, 64, BODY_LIMIT, &config->max_body)) {
        return values_complain(cmd,
                               "\"%s\" is no size; write 64 to %d bytes, as in 65536, 64k or 1m",
                               value, BODY_LIMIT);
    }
    return NULL;
}

static const char *set_compress_min(cmd_parms *cmd, void *location, const char *value)
{
    config_location_t *config = location;

    if (!values_number(value, 1, 0, BODY_LIMIT, &config->compress_min)) {
        return values_complain(cmd, "\"%s\" is no size; write 0 to %d bytes, as in 1000 or 2k",
                               value, BODY_LIMIT);
    }
    return NULL;
}

/* httpd's macros for the table hide casts between function types; the union of cmd_func is what
 * they are meant for. */
#define CONTEXT_SERVER   RSRC_CONF
#define CONTEXT_LOCATION (RSRC_CONF | ACCESS_CONF)

const command_rec directives_table[] = {
    AP_INIT_TAKE1("ChatbotMaxInFlight", set_max_in_flight, NULL, CONTEXT_SERVER,
                  "most chats at once over all children, as in 10000"),
    AP_INIT_TAKE1("ChatbotRateLimitClients", limit_directives_set_clients, NULL, CONTEXT_SERVER,
                  "clients whose requests are counted, over all children, as in 65536"),
    AP_INIT_TAKE1("ChatbotRateLimitShared", limit_directives_set_shared, NULL, CONTEXT_SERVER,
                  "Off, or dynamodb: and the table that all machines count in"),
    AP_INIT_TAKE1("ChatbotAWSRegion", set_region, NULL, CONTEXT_SERVER,
                  "AWS region, as in us-east-1"),
    AP_INIT_TAKE2("ChatbotAWSEndpoint", set_endpoint, NULL, CONTEXT_SERVER,
                  "service or *, and the URL it is reached at"),
    AP_INIT_TAKE1("ChatbotAWSProfile", set_profile, NULL, CONTEXT_SERVER,
                  "profile of the shared AWS files"),
    AP_INIT_TAKE1("ChatbotAWSCredentials", set_credentials, NULL, CONTEXT_SERVER,
                  "auto, env, profile, web-identity, container or imds"),
    AP_INIT_FLAG("ChatbotAWSFIPS", set_fips, NULL, CONTEXT_SERVER, "On: AWS's FIPS endpoints"),
    AP_INIT_FLAG("ChatbotAWSDualStack", set_dual_stack, NULL, CONTEXT_SERVER,
                 "On: AWS's dual-stack endpoints, for IPv6"),
    AP_INIT_TAKE1("ChatbotCAFile", set_ca_file, NULL, CONTEXT_SERVER,
                  "certificates that AWS's are checked against, in PEM form"),
    AP_INIT_TAKE_ARGV("ChatbotRetry", set_retry, NULL, CONTEXT_SERVER,
                      "attempts= of a call, bucket= of tokens for repeating calls"),
    AP_INIT_TAKE1("ChatbotSessionStore", session_directives_set_store, NULL, CONTEXT_SERVER,
                  "dynamodb, none, or a socache provider and its arguments, as in shmcb"),
    AP_INIT_TAKE1("ChatbotSessionTable", session_directives_set_table, NULL, CONTEXT_SERVER,
                  "name or ARN of the DynamoDB table of sessions"),
    AP_INIT_TAKE1("ChatbotSessionTTL", session_directives_set_ttl, NULL, CONTEXT_SERVER,
                  "how long a session lives after its last turn, as in 24h"),
    AP_INIT_TAKE1("ChatbotSessionHistory", session_directives_set_history, NULL, CONTEXT_SERVER,
                  "most turns kept of a session, as in 20; 0 keeps none"),
    AP_INIT_TAKE1("ChatbotMetrics", metrics_directives_set_mode, NULL, CONTEXT_SERVER,
                  "cloudwatch, emf or Off: where metrics are delivered to"),
    AP_INIT_TAKE1("ChatbotMetricsNamespace", metrics_directives_set_namespace, NULL, CONTEXT_SERVER,
                  "namespace of the metrics, as in ChatBot/httpd"),
    AP_INIT_TAKE1("ChatbotMetricsInterval", metrics_directives_set_interval, NULL, CONTEXT_SERVER,
                  "how often metrics are delivered, as in 60s"),
    AP_INIT_TAKE2("ChatbotMetricsDimension", metrics_directives_set_dimension, NULL, CONTEXT_SERVER,
                  "name and value of a further dimension of all metrics"),
    AP_INIT_TAKE1("ChatbotUser", session_directives_set_user, NULL, CONTEXT_LOCATION,
                  "expression: who the user is, as in %{REMOTE_USER}"),
    AP_INIT_TAKE12("ChatbotAgent", set_agent, NULL, CONTEXT_LOCATION,
                   "id of the Bedrock agent, and of its alias"),
    AP_INIT_TAKE1("ChatbotBackend", backend_directives_set_kind, NULL, CONTEXT_LOCATION,
                  "agent, agentcore, converse or openai: who answers"),
    AP_INIT_TAKE12("ChatbotAgentCore", backend_directives_set_agentcore, NULL, CONTEXT_LOCATION,
                   "ARN of the AgentCore runtime, and the name of its endpoint"),
    AP_INIT_TAKE12("ChatbotOpenAI", backend_directives_set_openai, NULL, CONTEXT_LOCATION,
                   "base URL of an OpenAI-compatible server, and env:NAME or file:path of its key"),
    AP_INIT_TAKE1("ChatbotModel", backend_directives_set_model, NULL, CONTEXT_LOCATION,
                  "id of the model that converse or openai asks"),
    AP_INIT_TAKE1("ChatbotModelName", backend_directives_set_model_name, NULL, CONTEXT_LOCATION,
                  "name by which clients of /v1 know the model"),
    AP_INIT_TAKE1("ChatbotSystemPrompt", backend_directives_set_system, NULL, CONTEXT_LOCATION,
                  "what the model is told first: a text, or file:path"),
    AP_INIT_TAKE2("ChatbotInference", backend_directives_set_inference, NULL, CONTEXT_LOCATION,
                  "max_tokens, temperature, top_p or stop, and its value"),
    AP_INIT_TAKE12("ChatbotGuardrail", backend_directives_set_guardrail, NULL, CONTEXT_LOCATION,
                   "id or ARN of the guardrail of converse, and its version; or Off"),
    AP_INIT_TAKE2("ChatbotSessionAttribute", backend_directives_set_session_attribute, NULL,
                  CONTEXT_LOCATION, "name of a session attribute of the agent, and an expression"),
    AP_INIT_TAKE2("ChatbotPromptAttribute", backend_directives_set_prompt_attribute, NULL,
                  CONTEXT_LOCATION, "name of a prompt attribute of the agent, and an expression"),
    AP_INIT_TAKE12(
        "ChatbotFileBucket", file_config_set_bucket, NULL, CONTEXT_LOCATION,
        "S3 bucket for files that come with a message, and a prefix of their keys; or Off"),
    AP_INIT_FLAG("ChatbotStream", set_stream, NULL, CONTEXT_LOCATION,
                 "whether answers are streamed to clients that ask for it"),
    AP_INIT_TAKE1("ChatbotStreamHeartbeat", set_heartbeat, NULL, CONTEXT_LOCATION,
                  "a stream's longest silence: then a comment line is sent"),
    AP_INIT_FLAG("ChatbotTokenUsage", set_token_usage, NULL, CONTEXT_LOCATION,
                 "On: ask the agent for traces, to count tokens"),
    AP_INIT_TAKE_ARGV("ChatbotTimeout", set_timeout, NULL, CONTEXT_LOCATION,
                      "any of total= connect= first= idle= stream=, in seconds or with a unit"),
    AP_INIT_TAKE1("ChatbotTimeoutStatus", set_timeout_status, NULL, CONTEXT_LOCATION,
                  "408 or 504: the status of an answer that took too long"),
    AP_INIT_TAKE_ARGV("ChatbotCircuitBreaker", circuit_directives_set, NULL, CONTEXT_LOCATION,
                      "Off, or any of errors= min= window= open="),
    AP_INIT_TAKE12("ChatbotRateLimit", limit_directives_set_limit, NULL, CONTEXT_LOCATION,
                   "Off, or how many requests of a client in which time, as in 100 1h"),
    AP_INIT_TAKE1("ChatbotRateLimitKey", limit_directives_set_key, NULL, CONTEXT_LOCATION,
                  "expression that tells clients apart, as in %{HTTP:X-Api-Key}"),
    AP_INIT_TAKE_ARGV("ChatbotCORS", cors_directives_set_origins, NULL, CONTEXT_LOCATION,
                      "Off, *, or the origins whose scripts may read the answers"),
    AP_INIT_FLAG("ChatbotCORSCredentials", cors_directives_set_credentials, NULL, CONTEXT_LOCATION,
                 "On: those origins' scripts may send cookies and other credentials"),
    AP_INIT_TAKE1("ChatbotMaxMessage", set_max_message, NULL, CONTEXT_LOCATION,
                  "longest message in characters, as in 4000"),
    AP_INIT_TAKE1("ChatbotMaxBody", set_max_body, NULL, CONTEXT_LOCATION,
                  "largest request body in bytes, as in 64k"),
    AP_INIT_TAKE1("ChatbotCompressMinSize", set_compress_min, NULL, CONTEXT_LOCATION,
                  "smallest answer that mod_deflate or mod_brotli may compress, as in 1000"),
    {NULL, {NULL}, NULL, 0, RAW_ARGS, NULL}};
