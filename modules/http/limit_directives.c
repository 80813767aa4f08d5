#include "http/limit_directives.h"

#include "http/config.h"
#include "http/session_directives.h"
#include "shm/ratelimit.h"

#include <apr_strings.h>

void limit_directives_merge(limit_location_t *merged, const limit_location_t *base,
                            const limit_location_t *over)
{
    const limit_location_t *key = over->key != NULL ? over : base;

    *merged = over->on != LIMIT_UNSET ? *over : *base;
    merged->key = key->key;
    merged->key_text = key->key_text;
}

static const char *refuse(cmd_parms *cmd, const char *value, const char *what_to_write)
{
    return apr_psprintf(cmd->pool, "%s: \"%s\" %s", cmd->cmd->name, value, what_to_write);
}

/* A whole number of at most that; 0 when it is none. `*end` is what comes after its digits. */
static apr_int64_t read_number(const char *text, apr_int64_t max, char **end)
{
    apr_int64_t number = *text >= '0' && *text <= '9' ? apr_strtoi64(text, end, 10) : 0;

    return number <= max ? number : 0;
}

/* As other durations of httpd's, and days; 0 when it is none. */
static apr_interval_time_t read_window(const char *text)
{
    static const struct {
        const char *name;
        int seconds;
    } units[] = {{"", 1}, {"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}};
    char *unit;
    const apr_int64_t number = read_number(text, 86400 * 30, &unit);
    size_t i;

    for (i = 0; number > 0 && i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcasecmp(unit, units[i].name) == 0) {
            return apr_time_from_sec(number * units[i].seconds);
        }
    }
    return 0;
}

const char *limit_directives_set_limit(cmd_parms *cmd, void *location, const char *count,
                                       const char *window)
{
    limit_location_t *limit = &((config_location_t *)location)->limit;
    char *end;

    limit->server = cmd->server;
    limit->path = cmd->path != NULL ? cmd->path : "";
    limit->on = LIMIT_ON;
    if (window == NULL) {
        limit->on = LIMIT_OFF;
        return strcasecmp(count, "Off") == 0
                   ? NULL
                   : refuse(cmd, count,
                            "is not enough; write Off, or how many requests in which "
                            "time, as in 100 1h");
    }
    limit->rule.n = (uint32_t)read_number(count, SLIDING_LOG_N_MAX, &end);
    if (limit->rule.n == 0 || *end != '\0') {
        return refuse(cmd, count, "is no number of requests; write 1 to 4000000, as in 100 1h");
    }
    limit->rule.window = read_window(window);
    if (limit->rule.window < SLIDING_LOG_WINDOW_MIN ||
        limit->rule.window > SLIDING_LOG_WINDOW_MAX) {
        return refuse(cmd, window,
                      "is no time; write 1s to 30d, as in 90 (seconds), 90s, 15min, 1h or 1d");
    }
    return NULL;
}

const char *limit_directives_set_key(cmd_parms *cmd, void *location, const char *text)
{
    limit_location_t *limit = &((config_location_t *)location)->limit;
    const char *problem = NULL;

    limit->key_text = text;
    limit->key = ap_expr_parse_cmd(cmd, text, AP_EXPR_FLAG_STRING_RESULT | AP_EXPR_FLAG_DONT_VARY,
                                   &problem, NULL);
    if (problem != NULL) {
        return refuse(cmd, text,
                      apr_psprintf(cmd->pool,
                                   "is no expression: %s; write a string, as in %%{REMOTE_ADDR} or "
                                   "%%{HTTP:X-Api-Key}",
                                   problem));
    }
    return NULL;
}

const char *limit_directives_set_shared(cmd_parms *cmd, void *location, const char *value)
{
    static const char prefix[] = "dynamodb:";
    const size_t length = sizeof(prefix) - 1;
    config_server_t *config = config_of_server(cmd->server);

    (void)location;
    if (strcasecmp(value, "Off") == 0) {
        config->limit_table = "";
    } else if (strncasecmp(value, prefix, length) == 0 &&
               session_directives_is_table(value + length)) {
        config->limit_table = value + length;
    } else {
        return refuse(cmd, value,
                      "is not possible; write Off, or dynamodb: and the name of a table or its "
                      "ARN, as in dynamodb:chat_sessions");
    }
    return NULL;
}

const char *limit_directives_set_clients(cmd_parms *cmd, void *location, const char *value)
{
    const char *problem = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    char *end;
    const apr_int64_t number = read_number(value, RATELIMIT_CLIENTS_MAX, &end);

    (void)location;
    if (problem != NULL) {
        return problem;
    }
    if (number == 0 || *end != '\0') {
        return refuse(cmd, value, "is no number of clients; write 1 to 10000000, as in 65536");
    }
    config_of_server(cmd->server)->rate_limit_clients = (int)number;
    return NULL;
}
