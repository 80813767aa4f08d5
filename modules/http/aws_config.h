/*
 * What a server needs of AWS: from its directives, httpd's environment and the
 * shared files, in that order. While httpd reads its configuration.
 */
#ifndef HTTP_AWS_CONFIG_H
#define HTTP_AWS_CONFIG_H

#include "aws/credentials_settings.h"
#include "aws/endpoint.h"

#include <apr_tables.h>

/* The services that a child calls itself; the sources of credentials call STS for theirs. */
typedef enum {
    AWS_AGENTS,    /* bedrock-agent-runtime */
    AWS_MODELS,    /* bedrock-runtime */
    AWS_AGENTCORE, /* bedrock-agentcore */
    AWS_DYNAMODB,
    AWS_MONITORING, /* CloudWatch */
    AWS_S3,
    AWS_SERVICES
} aws_service_e;

/* Its name, as endpoint_service() knows it. */
const char *aws_service_name(aws_service_e service);

/* What the directives of context V say; -1 and NULL are unset. */
typedef struct {
    const char *region;
    apr_table_t *endpoint_urls; /* by service; "*": all */
    const char *profile;
    const char *credentials; /* the name of the choice */
    const char *ca_file;
    int fips;
    int dual_stack;
    int attempts;
    int bucket;
} aws_directives_t;

/* The outcome; in the configuration's pool, read-only. */
typedef struct {
    const char *region; /* NULL: the instance is asked for it */
    endpoint_options_t options[AWS_SERVICES];
    const endpoint_t *endpoints[AWS_SERVICES]; /* NULL without a region */
    const credentials_settings_t *credentials;
    const char *ca_file;
    int attempts; /* 0: each service's own default */
    int bucket;
    int no_skew_correction;
} aws_config_t;

/* An unset record, and the merge of two. */
void aws_directives_init(aws_directives_t *directives, apr_pool_t *pool);
void aws_directives_merge(aws_directives_t *merged, apr_pool_t *pool, const aws_directives_t *base,
                          const aws_directives_t *over);

/* Resolves; NULL, or what is wrong and what to write, for the operator. */
const char *aws_config_resolve(aws_config_t *config, apr_pool_t *pool,
                               const aws_directives_t *directives);

/* Whether both ask the same sources for credentials: then one provider serves both. */
int aws_config_shares_credentials(const aws_config_t *one, const aws_config_t *other);

/* Whether any source of credentials is set up, the instance's aside. */
int aws_config_has_credentials(const aws_config_t *config);

#endif
