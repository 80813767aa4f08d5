#include "http/session_directives.h"

#include "base/text.h"
#include "http/config.h"

#include <ap_expr.h>
#include <apr_strings.h>
#include <stdlib.h>

#define TTL_MIN     apr_time_from_sec(60)
#define TTL_MAX     (apr_time_from_sec(86400) * 366 * 5)
#define HISTORY_MAX 1000

/* Of a table's name and of an ARN. */
#define TABLE_MIN 3
#define TABLE_MAX 255
#define ARN_MAX   1024

void session_directives_init(session_directives_t *directives)
{
    memset(directives, 0, sizeof(*directives));
    directives->ttl = CONFIG_UNSET;
    directives->history = CONFIG_UNSET;
}

#define TAKE_OVER(field, unset) merged->field = over->field != (unset) ? over->field : base->field

void session_directives_merge(session_directives_t *merged, const session_directives_t *base,
                              const session_directives_t *over)
{
    const session_directives_t *said = over->store != SESSION_STORE_UNSET ? over : base;

    /* A provider and its arguments belong together. */
    merged->store = said->store;
    merged->provider = said->provider;
    merged->arguments = said->arguments;
    TAKE_OVER(table, NULL);
    TAKE_OVER(ttl, CONFIG_UNSET);
    TAKE_OVER(history, CONFIG_UNSET);
}

static session_directives_t *of(const cmd_parms *cmd)
{
    return &config_of_server(cmd->server)->sessions;
}

static const char *refuse(cmd_parms *cmd, const char *value, const char *what_to_write)
{
    return apr_psprintf(cmd->pool, "%s: \"%s\" %s", cmd->cmd->name, value, what_to_write);
}

const char *session_directives_set_store(cmd_parms *cmd, void *location, const char *value)
{
    session_directives_t *said = of(cmd);
    const char *colon = strchr(value, ':');
    size_t length = colon != NULL ? (size_t)(colon - value) : strlen(value);

    (void)location;
    said->provider = NULL;
    said->arguments = NULL;
    if (strcasecmp(value, "none") == 0) {
        said->store = SESSION_STORE_NONE;
        return NULL;
    }
    if (strcasecmp(value, "dynamodb") == 0) {
        said->store = SESSION_STORE_DYNAMODB;
        return NULL;
    }
    if (length == 0 || !text_only(value, length, "-_") || strncasecmp(value, "dynamodb:", 9) == 0 ||
        strncasecmp(value, "none:", 5) == 0) {
        return refuse(cmd, value,
                      "is no store; write dynamodb, none, or a provider of httpd's socache modules "
                      "and its arguments, as in shmcb, redis:127.0.0.1:6379 or memcache:host:11211 "
                      "(the table of dynamodb is named by ChatbotSessionTable)");
    }
    said->store = SESSION_STORE_CACHE;
    said->provider = apr_pstrmemdup(cmd->pool, value, length);
    said->arguments = colon != NULL && colon[1] != '\0' ? colon + 1 : NULL;
    return NULL;
}

static int is_arn(const char *name, size_t length)
{
    return length <= ARN_MAX && strncmp(name, "arn:", 4) == 0 &&
           strstr(name, ":dynamodb:") != NULL && strstr(name, ":table/") != NULL &&
           text_only(name, length, ":/_.-");
}

int session_directives_is_table(const char *name)
{
    size_t length = strlen(name);

    return (length >= TABLE_MIN && length <= TABLE_MAX && text_only(name, length, "_.-")) ||
           is_arn(name, length);
}

const char *session_directives_set_table(cmd_parms *cmd, void *location, const char *value)
{
    (void)location;
    if (!session_directives_is_table(value)) {
        return refuse(cmd, value,
                      "is no table; write the name of a DynamoDB table, 3 to 255 of letters, "
                      "digits, \"_\", \".\" and \"-\", or its ARN");
    }
    of(cmd)->table = value;
    return NULL;
}

const char *session_directives_set_ttl(cmd_parms *cmd, void *location, const char *value)
{
    apr_interval_time_t ttl;

    (void)location;
    if (ap_timeout_parameter_parse(value, &ttl, "s") != APR_SUCCESS || ttl < TTL_MIN ||
        ttl > TTL_MAX) {
        return refuse(cmd, value, "is no time; write 1min to 43920h (5 years), as in 24h");
    }
    of(cmd)->ttl = ttl;
    return NULL;
}

const char *session_directives_set_history(cmd_parms *cmd, void *location, const char *value)
{
    char *end;
    long number = strtol(value, &end, 10);

    (void)location;
    if (*value < '0' || *value > '9' || *end != '\0' || number > HISTORY_MAX) {
        return refuse(cmd, value, "is no number of turns; write 0 (none is kept) to 1000");
    }
    of(cmd)->history = (int)number;
    return NULL;
}

const char *session_directives_set_user(cmd_parms *cmd, void *location, const char *value)
{
    config_location_t *config = location;
    const char *problem = NULL;

    config->user = ap_expr_parse_cmd(cmd, value, AP_EXPR_FLAG_STRING_RESULT, &problem, NULL);
    if (problem != NULL) {
        return apr_psprintf(cmd->pool,
                            "%s: \"%s\" is no expression: %s; write a string, as in "
                            "%%{REMOTE_USER} or %%{reqenv:OIDC_CLAIM_sub}",
                            cmd->cmd->name, value, problem);
    }
    return NULL;
}
