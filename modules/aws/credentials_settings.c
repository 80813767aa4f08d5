#include "aws/credentials_settings.h"

#include "aws/profile.h"

#include <apr_strings.h>
#include <string.h>

static const char *const choices[] = {"auto",         "env",       "profile",
                                      "web-identity", "container", "imds"};

typedef struct {
    const char *(*variable)(void *baton, const char *name);
    void *baton;
    apr_pool_t *pool;
} environment_t;

static apr_status_t on_wipe(void *secret)
{
    explicit_bzero(secret, strlen(secret));
    return APR_SUCCESS;
}

static const char *text_of(const environment_t *environment, const char *name)
{
    const char *value = environment->variable(environment->baton, name);

    if (value == NULL || value[strspn(value, " \t")] == '\0') {
        return NULL;
    }
    return apr_pstrdup(environment->pool, value);
}

static const char *secret_of(const environment_t *environment, const char *name)
{
    const char *copy = text_of(environment, name);

    if (copy != NULL) {
        apr_pool_cleanup_register(environment->pool, copy, on_wipe, apr_pool_cleanup_null);
    }
    return copy;
}

static void read_keys(credentials_settings_t *settings, const environment_t *environment)
{
    settings->access_key_id = text_of(environment, "AWS_ACCESS_KEY_ID");
    settings->secret_access_key = secret_of(environment, "AWS_SECRET_ACCESS_KEY");
    settings->session_token = secret_of(environment, "AWS_SESSION_TOKEN");
}

static void read_files(credentials_settings_t *settings, const environment_t *environment)
{
    apr_pool_t *pool = environment->pool;

    settings->config_file =
        profile_path(pool, PROFILE_CONFIG, environment->variable, environment->baton);
    settings->credentials_file =
        profile_path(pool, PROFILE_CREDENTIALS, environment->variable, environment->baton);
    settings->config_file_named = text_of(environment, "AWS_CONFIG_FILE") != NULL;
    settings->credentials_file_named = text_of(environment, "AWS_SHARED_CREDENTIALS_FILE") != NULL;
}

static void read_role(credentials_settings_t *settings, const environment_t *environment)
{
    settings->web_identity_token_file = text_of(environment, "AWS_WEB_IDENTITY_TOKEN_FILE");
    settings->role_arn = text_of(environment, "AWS_ROLE_ARN");
    settings->role_session_name = text_of(environment, "AWS_ROLE_SESSION_NAME");
}

static void read_metadata(credentials_settings_t *settings, const environment_t *environment)
{
    settings->container_relative_uri =
        text_of(environment, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    settings->container_full_uri = text_of(environment, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    settings->container_token = secret_of(environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    settings->container_token_file = text_of(environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    settings->container_base = "http://169.254.170.2";
    settings->imds_disabled = text_of(environment, "AWS_EC2_METADATA_DISABLED");
    settings->imds_endpoint = text_of(environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    settings->imds_endpoint_mode = text_of(environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
}

void credentials_settings_read(credentials_settings_t *settings, apr_pool_t *pool,
                               const char *(*variable)(void *baton, const char *name), void *baton)
{
    const environment_t environment = {variable, baton, pool};

    if (settings->profile == NULL) {
        settings->profile = text_of(&environment, "AWS_PROFILE");
    }
    if (settings->region == NULL) {
        settings->region = text_of(&environment, "AWS_REGION");
    }
    if (settings->region == NULL) {
        settings->region = text_of(&environment, "AWS_DEFAULT_REGION");
    }
    read_keys(settings, &environment);
    read_files(settings, &environment);
    read_role(settings, &environment);
    read_metadata(settings, &environment);
}

int credentials_settings_choose(credentials_settings_t *settings, const char *name)
{
    size_t i;

    for (i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
        if (strcasecmp(name, choices[i]) == 0) {
            settings->choice = (credentials_choice_e)i;
            return 1;
        }
    }
    return 0;
}
