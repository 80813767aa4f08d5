#include "http/backend_directives.h"

#include "base/text.h"
#include "http/config.h"
#include "http/values.h"

#include <apr_strings.h>
#include <apr_uri.h>
#include <stdlib.h>

/* Bounds of the API references: modelId, qualifier, guardrailIdentifier. */
#define MODEL_MAX      2048
#define NAME_MAX_BYTES 256
#define TOKENS_MAX     10000000
#define STOPS_MAX      2500
#define KEY_FILE_MAX   8192
#define TEXT_FILE_MAX  (256 * 1024)

static const char *const kind_names[BACKEND_KINDS] = {
    [BACKEND_AGENT] = "agent",
    [BACKEND_AGENTCORE] = "agentcore",
    [BACKEND_CONVERSE] = "converse",
    [BACKEND_OPENAI] = "openai",
};

const char *backend_directives_kind(backend_kind_e kind)
{
    return kind_names[kind];
}

/* ---- merging ---- */

#define TAKE_OVER(field) merged->field = over->field ? over->field : base->field

/* The outer ones, and the inner ones in the place of those of the same name. */
static apr_array_header_t *merge_attributes(apr_pool_t *pool, const apr_array_header_t *base,
                                            const apr_array_header_t *over)
{
    apr_array_header_t *merged;
    int i;
    int j;

    if (base == NULL || over == NULL) {
        return base == NULL ? (over != NULL ? apr_array_copy(pool, over) : NULL)
                            : apr_array_copy(pool, base);
    }
    merged = apr_array_copy(pool, over);
    for (i = 0; i < base->nelts; i++) {
        const backend_expression_t *one = &APR_ARRAY_IDX(base, i, backend_expression_t);

        for (j = 0; j < over->nelts &&
                    strcmp(APR_ARRAY_IDX(over, j, backend_expression_t).name, one->name) != 0;
             j++) {
        }
        if (j == over->nelts) {
            APR_ARRAY_PUSH(merged, backend_expression_t) = *one;
        }
    }
    return merged;
}

void backend_directives_merge(backend_location_t *merged, apr_pool_t *pool,
                              const backend_location_t *base, const backend_location_t *over)
{
    const backend_location_t *runtime = over->arn != NULL ? over : base;
    const backend_location_t *server = over->base_url != NULL ? over : base;
    const backend_location_t *guardrail = over->guardrail_id != NULL ? over : base;

    TAKE_OVER(kind);
    merged->arn = runtime->arn;
    merged->qualifier = runtime->qualifier;
    merged->base_url = server->base_url;
    merged->key = server->key;
    merged->guardrail_id = guardrail->guardrail_id;
    merged->guardrail_version = guardrail->guardrail_version;
    TAKE_OVER(model);
    TAKE_OVER(model_name);
    TAKE_OVER(system);
    TAKE_OVER(max_tokens);
    merged->temperature = over->has_temperature ? over->temperature : base->temperature;
    TAKE_OVER(has_temperature);
    merged->top_p = over->has_top_p ? over->top_p : base->top_p;
    TAKE_OVER(has_top_p);
    TAKE_OVER(stops);
    merged->session_attributes =
        merge_attributes(pool, base->session_attributes, over->session_attributes);
    merged->prompt_attributes =
        merge_attributes(pool, base->prompt_attributes, over->prompt_attributes);
}

/* ---- values ---- */

static backend_location_t *said(void *location)
{
    return &((config_location_t *)location)->backend;
}

static backend_server_t *server_of(const cmd_parms *cmd)
{
    return &config_of_server(cmd->server)->backend;
}

static const char *refuse(cmd_parms *cmd, const char *value, const char *what_to_write)
{
    return values_complain(cmd, "\"%s\" %s", value, what_to_write);
}

/* Printable ASCII without blanks. */
static int is_word(const char *text, size_t max)
{
    size_t i;

    for (i = 0; text[i] > ' ' && text[i] < 0x7f; i++) {
    }
    return i > 0 && i <= max && text[i] == '\0';
}

static const char *place_of(const cmd_parms *cmd)
{
    return apr_psprintf(cmd->pool, "line %d of %s", cmd->directive->line_num,
                        cmd->directive->filename);
}

static const char *read_open_file(apr_file_t *file, apr_pool_t *pool, apr_off_t max, char **text)
{
    apr_finfo_t info;
    apr_size_t length = 0;

    if (apr_file_info_get(&info, APR_FINFO_SIZE, file) != APR_SUCCESS || info.size > max) {
        return apr_psprintf(pool, "it is longer than %" APR_OFF_T_FMT " bytes", max);
    }
    *text = apr_pcalloc(pool, (apr_size_t)info.size + 1);
    (void)apr_file_read_full(file, *text, (apr_size_t)info.size, &length);
    if (length > 0 && (*text)[length - 1] == '\n') {
        (*text)[--length] = '\0';
    }
    return strlen(*text) != length || text_utf8_length(*text, length) == TEXT_NOT_UTF8
               ? "it is no text in UTF-8"
               : NULL;
}

/* The whole of a file, without a newline at its end; NULL and why. */
static char *read_file(cmd_parms *cmd, const char *path, apr_off_t max, const char **problem)
{
    const char *full = ap_server_root_relative(cmd->temp_pool, path);
    const char *reason = "no such path";
    apr_file_t *file = NULL;
    char *text = NULL;
    char words[128];

    if (full != NULL) {
        apr_status_t status = apr_file_open(&file, full, APR_FOPEN_READ, 0, cmd->temp_pool);
        reason = status == APR_SUCCESS ? read_open_file(file, cmd->pool, max, &text)
                                       : apr_strerror(status, words, sizeof(words));
    }
    if (file != NULL) {
        (void)apr_file_close(file);
    }
    if (reason != NULL) {
        *problem = apr_psprintf(cmd->pool, "%s: %s: %s", cmd->cmd->name, path, reason);
        return NULL;
    }
    return text;
}

/* ---- who answers ---- */

const char *backend_directives_set_kind(cmd_parms *cmd, void *location, const char *name)
{
    backend_kind_e kind = BACKEND_AGENT;

    while (kind < BACKEND_KINDS && strcasecmp(kind_names[kind], name) != 0) {
        kind++;
    }
    if (kind == BACKEND_KINDS) {
        return refuse(cmd, name, "is no backend; write agent, agentcore, converse or openai");
    }
    said(location)->kind = kind;
    if (server_of(cmd)->wanted[kind] == NULL) {
        server_of(cmd)->wanted[kind] = place_of(cmd);
    }
    return NULL;
}

/* arn:aws:bedrock-agentcore:region:account:runtime/name; the region, or NULL. */
static const char *region_of_runtime(apr_pool_t *pool, const char *arn)
{
    char *copy = apr_pstrdup(pool, arn);
    char *part[6];
    int i;

    for (i = 0; i < 5; i++) {
        part[i] = copy;
        copy = strchr(copy, ':');
        if (copy == NULL) {
            return NULL;
        }
        *copy++ = '\0';
    }
    part[5] = copy;
    return strcmp(part[0], "arn") == 0 && strncmp(part[1], "aws", 3) == 0 &&
                   strcmp(part[2], "bedrock-agentcore") == 0 && endpoint_is_region(part[3]) &&
                   strspn(part[4], "0123456789") == 12 && part[4][12] == '\0' &&
                   strncmp(part[5], "runtime/", 8) == 0 && is_word(part[5] + 8, NAME_MAX_BYTES)
               ? part[3]
               : NULL;
}

const char *backend_directives_set_agentcore(cmd_parms *cmd, void *location, const char *arn,
                                             const char *qualifier)
{
    const char *region = region_of_runtime(cmd->pool, arn);
    backend_server_t *server = server_of(cmd);

    if (region == NULL) {
        return refuse(cmd, arn,
                      "is no runtime; write its ARN, as in "
                      "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/name-a1b2c3d4e5");
    }
    if (qualifier != NULL &&
        !(text_only(qualifier, strlen(qualifier), "_-.") && is_word(qualifier, NAME_MAX_BYTES))) {
        return refuse(cmd, qualifier,
                      "is no qualifier; write the name of an endpoint of the runtime, as in "
                      "DEFAULT");
    }
    said(location)->arn = arn;
    said(location)->qualifier = qualifier;
    server->is_named[BACKEND_AGENTCORE] = 1;
    if (server->runtimes == NULL) {
        server->runtimes = apr_array_make(cmd->pool, 2, sizeof(const char *));
    }
    APR_ARRAY_PUSH(server->runtimes, const char *) = region;
    APR_ARRAY_PUSH(server->runtimes, const char *) = place_of(cmd);
    return NULL;
}

/* ---- an OpenAI-compatible server ---- */

static apr_status_t wipe(void *key)
{
    explicit_bzero(key, strlen(key));
    return APR_SUCCESS;
}

static const char *read_key(cmd_parms *cmd, const char *source, const char **key)
{
    const char *problem = NULL;
    char *text = NULL;

    if (strncasecmp(source, "env:", 4) == 0) {
        text = getenv(source + 4) != NULL ? apr_pstrdup(cmd->pool, getenv(source + 4)) : NULL;
        if (text == NULL) {
            return refuse(cmd, source,
                          "names a variable that is not set; set it in httpd's environment");
        }
    } else if (strncasecmp(source, "file:", 5) == 0) {
        text = read_file(cmd, source + 5, KEY_FILE_MAX, &problem);
    } else {
        return apr_psprintf(cmd->pool,
                            "%s: a key does not stand in the configuration; write env:NAME or "
                            "file:path, where it is",
                            cmd->cmd->name);
    }
    if (text == NULL) {
        return problem;
    }
    apr_pool_cleanup_register(cmd->pool, text, wipe, apr_pool_cleanup_null);
    if (!is_word(text, KEY_FILE_MAX)) {
        return refuse(cmd, source, "holds no key: one is a line of printable characters");
    }
    *key = text;
    return NULL;
}

const char *backend_directives_set_openai(cmd_parms *cmd, void *location, const char *url,
                                          const char *key)
{
    const endpoint_options_t options = {.url = url};
    backend_location_t *backend = said(location);
    endpoint_t endpoint;
    const char *problem =
        endpoint_resolve(&endpoint, cmd->pool, endpoint_service_at(0), "us-east-1", &options);

    if (problem != NULL) {
        return apr_psprintf(cmd->pool, "%s: \"%s\": %s", cmd->cmd->name, url, problem);
    }
    if (!is_word(url, MODEL_MAX)) {
        return refuse(cmd, url, "has characters that no URL has");
    }
    backend->base_url = apr_pstrcat(cmd->pool, endpoint.origin, endpoint.prefix, NULL);
    backend->key = NULL;
    server_of(cmd)->is_named[BACKEND_OPENAI] = 1;
    return key != NULL ? read_key(cmd, key, &backend->key) : NULL;
}

/* ---- the model ---- */

const char *backend_directives_set_model(cmd_parms *cmd, void *location, const char *id)
{
    if (!is_word(id, MODEL_MAX)) {
        return refuse(cmd, id,
                      "is no model; write its id, as in anthropic.claude-3-haiku-20240307-v1:0, or "
                      "the ARN of an inference profile");
    }
    said(location)->model = id;
    server_of(cmd)->is_named[BACKEND_CONVERSE] = 1;
    return NULL;
}

const char *backend_directives_set_model_name(cmd_parms *cmd, void *location, const char *name)
{
    if (!is_word(name, NAME_MAX_BYTES)) {
        return refuse(cmd, name, "is no name; write letters, digits and signs without blanks");
    }
    said(location)->model_name = name;
    return NULL;
}

const char *backend_directives_set_system(cmd_parms *cmd, void *location, const char *text)
{
    const char *problem = NULL;

    if (strcasecmp(text, "Off") == 0) {
        text = "";
    } else if (strncasecmp(text, "file:", 5) == 0) {
        text = read_file(cmd, text + 5, TEXT_FILE_MAX, &problem);
    } else if (text_utf8_length(text, strlen(text)) == TEXT_NOT_UTF8) {
        problem = refuse(cmd, text, "is not in UTF-8; save the configuration as UTF-8");
    }
    said(location)->system = text;
    return problem;
}

static int read_decimal(const char *text, double max, double *number)
{
    char *end;

    *number = strtod(text, &end);
    return *text >= '0' && *text <= '9' && *end == '\0' && *number >= 0 && *number <= max;
}

static const char *set_stop(cmd_parms *cmd, backend_location_t *backend, const char *value)
{
    if (backend->stops == NULL) {
        backend->stops = apr_array_make(cmd->pool, 4, sizeof(const char *));
    }
    if (backend->stops->nelts == STOPS_MAX ||
        text_utf8_length(value, strlen(value)) == TEXT_NOT_UTF8) {
        return refuse(cmd, value,
                      "is no stop sequence; write a text in UTF-8, at most 2500 of them");
    }
    APR_ARRAY_PUSH(backend->stops, const char *) = value;
    return NULL;
}

const char *backend_directives_set_inference(cmd_parms *cmd, void *location, const char *name,
                                             const char *value)
{
    backend_location_t *backend = said(location);
    apr_off_t number;

    if (strcasecmp(name, "max_tokens") == 0) {
        if (!values_number(value, 0, 1, TOKENS_MAX, &number)) {
            return refuse(cmd, value, "is no number of tokens; write 1 to 10000000");
        }
        backend->max_tokens = (int)number;
    } else if (strcasecmp(name, "temperature") == 0) {
        backend->has_temperature = 1;
        if (!read_decimal(value, 2, &backend->temperature)) {
            return refuse(cmd, value, "is no temperature; write 0 to 1 (openai: to 2), as in 0.7");
        }
    } else if (strcasecmp(name, "top_p") == 0) {
        backend->has_top_p = 1;
        if (!read_decimal(value, 1, &backend->top_p)) {
            return refuse(cmd, value, "is no share; write 0 to 1, as in 0.9");
        }
    } else if (strcasecmp(name, "stop") == 0) {
        return set_stop(cmd, backend, value);
    } else {
        return refuse(cmd, name,
                      "is no parameter; write one of: max_tokens temperature top_p stop");
    }
    return NULL;
}

/* An id or an ARN; a version is a number or DRAFT. */
const char *backend_directives_set_guardrail(cmd_parms *cmd, void *location, const char *id,
                                             const char *version)
{
    backend_location_t *backend = said(location);

    if (version == NULL && strcasecmp(id, "Off") == 0) {
        backend->guardrail_id = "";
        return NULL;
    }
    if (!is_word(id, MODEL_MAX) || !text_only(id, strlen(id), ":/-") ||
        (version != NULL && strcmp(version, "DRAFT") != 0 &&
         (strspn(version, "0123456789") != strlen(version) || version[0] == '0' ||
          strlen(version) > 8 || version[0] == '\0'))) {
        return refuse(cmd, version != NULL ? version : id,
                      "is no guardrail; write its id or ARN and its version, a number or DRAFT, or "
                      "Off");
    }
    if (version == NULL) {
        return refuse(cmd, id, "needs its version; write a number or DRAFT behind it");
    }
    backend->guardrail_id = id;
    backend->guardrail_version = version;
    return NULL;
}

/* ---- attributes ---- */

static const char *set_attribute(cmd_parms *cmd, apr_array_header_t **attributes, const char *name,
                                 const char *text)
{
    const char *problem = NULL;
    backend_expression_t *attribute;
    const ap_expr_info_t *value = ap_expr_parse_cmd(
        cmd, text, AP_EXPR_FLAG_STRING_RESULT | AP_EXPR_FLAG_DONT_VARY, &problem, NULL);

    if (problem != NULL) {
        return refuse(cmd, text,
                      apr_psprintf(cmd->pool,
                                   "is no expression: %s; write a string, as in "
                                   "%%{REMOTE_USER}",
                                   problem));
    }
    if (text_utf8_length(name, strlen(name)) == TEXT_NOT_UTF8) {
        return refuse(cmd, name, "is no name of an attribute; write a text in UTF-8");
    }
    if (*attributes == NULL) {
        *attributes = apr_array_make(cmd->pool, 4, sizeof(backend_expression_t));
    }
    attribute = apr_array_push(*attributes);
    attribute->name = name;
    attribute->value = value;
    return NULL;
}

const char *backend_directives_set_session_attribute(cmd_parms *cmd, void *location,
                                                     const char *name, const char *value)
{
    return set_attribute(cmd, &said(location)->session_attributes, name, value);
}

const char *backend_directives_set_prompt_attribute(cmd_parms *cmd, void *location,
                                                    const char *name, const char *value)
{
    return set_attribute(cmd, &said(location)->prompt_attributes, name, value);
}
