/*
 * The directives that say who answers: what each value must be, and how scopes
 * merge. While httpd reads its configuration.
 */
#ifndef HTTP_BACKEND_DIRECTIVES_H
#define HTTP_BACKEND_DIRECTIVES_H

#include <httpd.h>

#include <ap_expr.h>
#include <http_config.h>

typedef enum {
    BACKEND_UNSET,
    BACKEND_AGENT,
    BACKEND_AGENTCORE,
    BACKEND_CONVERSE,
    BACKEND_OPENAI,
    BACKEND_KINDS
} backend_kind_e;

/* ChatbotSessionAttribute and ChatbotPromptAttribute. */
typedef struct {
    const char *name;
    const ap_expr_info_t *value;
} backend_expression_t;

/* What the directives of context D say; all zero is unset. What stands in one line belongs
 * together. */
typedef struct {
    backend_kind_e kind;
    const char *arn; /* of an AgentCore runtime */
    const char *qualifier;
    const char *base_url; /* of an OpenAI-compatible server, without a slash at its end */
    const char *key;      /* NULL: it takes none. Wiped with the configuration. */
    const char *model;
    const char *model_name;
    const char *system;       /* "": Off */
    const char *guardrail_id; /* "": Off */
    const char *guardrail_version;
    int max_tokens;
    int has_temperature;
    double temperature;
    int has_top_p;
    double top_p;
    apr_array_header_t *stops;              /* const char * */
    apr_array_header_t *session_attributes; /* backend_expression_t */
    apr_array_header_t *prompt_attributes;
} backend_location_t;

/* What a server's lines name, its sections' too: to find what cannot work. */
typedef struct {
    const char *wanted[BACKEND_KINDS]; /* the place of the first ChatbotBackend of that kind */
    int is_named[BACKEND_KINDS];       /* what that kind needs stands somewhere */
    apr_array_header_t *runtimes;      /* const char *: region and place, of each AgentCore ARN */
} backend_server_t;

/* The merge of two. */
void backend_directives_merge(backend_location_t *merged, apr_pool_t *pool,
                              const backend_location_t *base, const backend_location_t *over);

/* The name of a kind as ChatbotBackend takes it. */
const char *backend_directives_kind(backend_kind_e kind);

/* httpd's functions of the directives: NULL, or what is wrong and what to write. */
const char *backend_directives_set_kind(cmd_parms *cmd, void *location, const char *name);
const char *backend_directives_set_agentcore(cmd_parms *cmd, void *location, const char *arn,
                                             const char *qualifier);
const char *backend_directives_set_openai(cmd_parms *cmd, void *location, const char *url,
                                          const char *key);
const char *backend_directives_set_model(cmd_parms *cmd, void *location, const char *id);
const char *backend_directives_set_model_name(cmd_parms *cmd, void *location, const char *name);
const char *backend_directives_set_system(cmd_parms *cmd, void *location, const char *text);
const char *backend_directives_set_inference(cmd_parms *cmd, void *location, const char *name,
                                             const char *value);
const char *backend_directives_set_guardrail(cmd_parms *cmd, void *location, const char *id,
                                             const char *version);
const char *backend_directives_set_session_attribute(cmd_parms *cmd, void *location,
                                                     const char *name, const char *value);
const char *backend_directives_set_prompt_attribute(cmd_parms *cmd, void *location,
                                                    const char *name, const char *value);

#endif
