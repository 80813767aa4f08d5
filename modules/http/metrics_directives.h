/*
 * The directives of metrics: what each value must be, and how scopes merge.
 * While httpd reads its configuration.
 */
#ifndef HTTP_METRICS_DIRECTIVES_H
#define HTTP_METRICS_DIRECTIVES_H

#include <httpd.h>

#include <http_config.h>

/* Beside the two that the module sets itself. */
#define METRICS_DIMENSIONS_MAX 28

typedef enum {
    METRICS_MODE_UNSET,
    METRICS_MODE_CLOUDWATCH,
    METRICS_MODE_EMF,
    METRICS_MODE_OFF
} metrics_mode_e;

/* What the directives of context V say; NULL, 0 and METRICS_MODE_UNSET are unset. */
typedef struct {
    metrics_mode_e mode;
    const char *namespace;
    apr_interval_time_t interval;
    apr_table_t *dimensions;
} metrics_directives_t;

/* An unset record, and the merge of two: of dimensions, those of the inner scope are added. */
void metrics_directives_init(metrics_directives_t *directives, apr_pool_t *pool);
void metrics_directives_merge(metrics_directives_t *merged, apr_pool_t *pool,
                              const metrics_directives_t *base, const metrics_directives_t *over);

/* Whether the numbers go to CloudWatch. */
int metrics_directives_call_aws(const metrics_directives_t *directives);

/* Too many dimensions, or too long all together: what is wrong; else NULL. */
const char *metrics_directives_problem(const metrics_directives_t *directives);

/* httpd's functions of the directives: NULL, or what is wrong and what to write. */
const char *metrics_directives_set_mode(cmd_parms *cmd, void *location, const char *value);
const char *metrics_directives_set_namespace(cmd_parms *cmd, void *location, const char *value);
const char *metrics_directives_set_interval(cmd_parms *cmd, void *location, const char *value);
const char *metrics_directives_set_dimension(cmd_parms *cmd, void *location, const char *name,
                                             const char *value);

#endif
