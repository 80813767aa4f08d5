/*
 * Where credentials are to come from, as the directives and httpd's own
 * environment say it. Filled while httpd reads its configuration, then only
 * read: any thread.
 */
#ifndef AWS_CREDENTIALS_SETTINGS_H
#define AWS_CREDENTIALS_SETTINGS_H

#include "aws/endpoint.h"

#include <apr_pools.h>

/* ChatbotAWSCredentials: the sources in their order, or one of them alone. */
typedef enum {
    CREDENTIALS_AUTO,
    CREDENTIALS_ENV,
    CREDENTIALS_PROFILE,
    CREDENTIALS_WEB_IDENTITY,
    CREDENTIALS_CONTAINER,
    CREDENTIALS_IMDS
} credentials_choice_e;

/* Texts are NULL where nothing is said. */
typedef struct {
    /* The directives'. */
    credentials_choice_e choice;
    const char *profile;    /* also AWS_PROFILE; NULL: "default", which need not be there */
    const char *region;     /* for STS, also AWS_REGION; NULL: that of the profile */
    endpoint_options_t sts; /* of STS; all zero: AWS's own */
    const char *ca_file;    /* NULL: the system's */

    /* The environment's. */
    const char *access_key_id;
    const char *secret_access_key;
    const char *session_token;
    const char *config_file; /* where the shared files are; NULL: nowhere */
    const char *credentials_file;
    int config_file_named; /* by a variable: one that cannot be read is then an error */
    int credentials_file_named;
    const char *web_identity_token_file;
    const char *role_arn;
    const char *role_session_name;
    const char *container_relative_uri;
    const char *container_full_uri;
    const char *container_token;
    const char *container_token_file;
    const char *container_base; /* before a relative URI: http://169.254.170.2 */
    const char *imds_disabled;
    const char *imds_endpoint;
    const char *imds_endpoint_mode;
} credentials_settings_t;

/* Reads the environment through `variable`, which gives NULL for what is not set; blank counts as
 * unset. Everything is copied into `pool`, secrets are wiped with it. The directives' fields are
 * left alone, but for `profile` and `region` when they are NULL. */
void credentials_settings_read(credentials_settings_t *settings, apr_pool_t *pool,
                               const char *(*variable)(void *baton, const char *name), void *baton);

/* The choice of that name ("auto", "web-identity", …); 0 when there is none. */
int credentials_settings_choose(credentials_settings_t *settings, const char *name);

#endif
