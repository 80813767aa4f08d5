#include "aws/credentials.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

static apr_status_t on_wipe(void *secret)
{
    explicit_bzero(secret, strlen(secret));
    return APR_SUCCESS;
}

static const char *read_variable(apr_pool_t *pool, const char *name)
{
    const char *value = getenv(name);
    char *copy;

    if (value == NULL || value[strspn(value, " \t")] == '\0') {
        return NULL;
    }
    copy = apr_pstrdup(pool, value);
    apr_pool_cleanup_register(pool, copy, on_wipe, apr_pool_cleanup_null);
    return copy;
}

const credentials_t *credentials_from_environment(apr_pool_t *pool, const char **reason)
{
    credentials_t *found = apr_pcalloc(pool, sizeof(*found));

    found->access_key_id = read_variable(pool, "AWS_ACCESS_KEY_ID");
    found->secret_access_key = read_variable(pool, "AWS_SECRET_ACCESS_KEY");
    found->session_token = read_variable(pool, "AWS_SESSION_TOKEN");
    *reason = NULL;
    if (found->access_key_id == NULL) {
        *reason = "AWS_ACCESS_KEY_ID is not set in the environment of httpd";
    } else if (found->secret_access_key == NULL) {
        *reason = "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not";
    }
    return *reason == NULL ? found : NULL;
}
