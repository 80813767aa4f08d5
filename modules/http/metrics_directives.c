#include "http/metrics_directives.h"

#include "http/config.h"
#include "shm/metrics.h"

#include <apr_strings.h>

#define NAME_MAX_LENGTH  255 /* of a namespace and of a dimension */
#define VALUE_MAX_LENGTH 1024
#define DIMENSIONS_BYTES 1024 /* a line in the embedded metric format stays below 8 KB */
#define INTERVAL_MIN     apr_time_from_sec(1)
#define INTERVAL_MAX     apr_time_from_sec(3600)

void metrics_directives_init(metrics_directives_t *directives, apr_pool_t *pool)
{
    memset(directives, 0, sizeof(*directives));
    directives->dimensions = apr_table_make(pool, 4);
}

static int set_dimension(void *table, const char *name, const char *value)
{
    apr_table_setn(table, name, value);
    return 1;
}

void metrics_directives_merge(metrics_directives_t *merged, apr_pool_t *pool,
                              const metrics_directives_t *base, const metrics_directives_t *over)
{
    merged->mode = over->mode != METRICS_MODE_UNSET ? over->mode : base->mode;
    merged->namespace = over->namespace != NULL ? over->namespace : base->namespace;
    merged->interval = over->interval != 0 ? over->interval : base->interval;
    merged->dimensions = apr_table_copy(pool, base->dimensions);
    (void)apr_table_do(set_dimension, merged->dimensions, over->dimensions, NULL);
}

int metrics_directives_call_aws(const metrics_directives_t *directives)
{
    return directives->mode != METRICS_MODE_OFF && directives->mode != METRICS_MODE_EMF;
}

static int add_length(void *sum, const char *name, const char *value)
{
    *(size_t *)sum += strlen(name) + strlen(value);
    return 1;
}

const char *metrics_directives_problem(const metrics_directives_t *directives)
{
    size_t bytes = 0;

    (void)apr_table_do(add_length, &bytes, directives->dimensions, NULL);
    if (apr_table_elts(directives->dimensions)->nelts > METRICS_DIMENSIONS_MAX) {
        return "there are more than 28 dimensions; CloudWatch takes 30, and two are the module's";
    }
    return bytes > DIMENSIONS_BYTES
               ? "the dimensions' names and values are longer than 1024 bytes together"
               : NULL;
}

/* ---- values ---- */

static metrics_directives_t *of(const cmd_parms *cmd)
{
    return &config_of_server(cmd->server)->metrics;
}

static const char *refuse(const cmd_parms *cmd, const char *value, const char *what_to_write)
{
    return apr_psprintf(cmd->pool, "%s: \"%s\" %s", cmd->cmd->name, value, what_to_write);
}

/* Printable ASCII, not only blanks, without a colon in front. */
static int is_plain(const char *text, size_t max)
{
    size_t length = strlen(text);
    size_t i;
    int seen = 0;

    for (i = 0; i < length; i++) {
        if (text[i] < ' ' || text[i] > '~') {
            return 0;
        }
        seen = seen || text[i] != ' ';
    }
    return seen && length <= max && text[0] != ':';
}

const char *metrics_directives_set_mode(cmd_parms *cmd, void *location, const char *value)
{
    (void)location;
    if (strcasecmp(value, "cloudwatch") == 0) {
        of(cmd)->mode = METRICS_MODE_CLOUDWATCH;
    } else if (strcasecmp(value, "emf") == 0) {
        of(cmd)->mode = METRICS_MODE_EMF;
    } else if (strcasecmp(value, "Off") == 0) {
        of(cmd)->mode = METRICS_MODE_OFF;
    } else {
        return refuse(cmd, value, "is no way out for metrics; write cloudwatch, emf or Off");
    }
    return NULL;
}

const char *metrics_directives_set_namespace(cmd_parms *cmd, void *location, const char *value)
{
    (void)location;
    if (!is_plain(value, NAME_MAX_LENGTH) || strncmp(value, "AWS/", 4) == 0) {
        return refuse(cmd, value,
                      "is no namespace; write 1 to 255 ASCII characters that do not begin with "
                      "\":\" or \"AWS/\", as in ChatBot/httpd");
    }
    of(cmd)->namespace = value;
    return NULL;
}

const char *metrics_directives_set_interval(cmd_parms *cmd, void *location, const char *value)
{
    apr_interval_time_t interval;

    (void)location;
    if (ap_timeout_parameter_parse(value, &interval, "s") != APR_SUCCESS ||
        interval < INTERVAL_MIN || interval > INTERVAL_MAX) {
        return refuse(cmd, value, "is no interval; write 1s to 1h, as in 60s");
    }
    of(cmd)->interval = interval;
    return NULL;
}

/* In the embedded metric format they stand beside the metrics' own names. */
static int is_taken(const char *name)
{
    int i;

    for (i = 0; i < METRICS_COUNT; i++) {
        if (strcasecmp(name, metrics_info((metric_e)i)->cloudwatch) == 0) {
            return 1;
        }
    }
    return strcasecmp(name, "Endpoint") == 0 || strcasecmp(name, "Status") == 0 ||
           strcasecmp(name, "Code") == 0 || strcasecmp(name, "_aws") == 0;
}

const char *metrics_directives_set_dimension(cmd_parms *cmd, void *location, const char *name,
                                             const char *value)
{
    const char *problem;

    (void)location;
    if (!is_plain(name, NAME_MAX_LENGTH) || is_taken(name)) {
        return refuse(cmd, name,
                      "is no name of a dimension; write 1 to 255 ASCII characters that do not "
                      "begin with \":\", not Endpoint, Status, Code, _aws or a metric's own name");
    }
    if (!is_plain(value, VALUE_MAX_LENGTH)) {
        return refuse(cmd, value,
                      "is no value of a dimension; write 1 to 1024 ASCII characters that do not "
                      "begin with \":\"");
    }
    apr_table_setn(of(cmd)->dimensions, name, value);
    problem = metrics_directives_problem(of(cmd));
    return problem != NULL ? refuse(cmd, name, problem) : NULL;
}
