/*
 * Where credentials would be asked for: each question is answered by {"url"}
 * or {"problem"}.
 *
 *     {"service": "container", "env": {"AWS_…": "…"}}
 *     {"service": "imds", "env": {"AWS_…": "…"}, "config": "the config file's text",
 *      "endpoint": "…", "mode": "…"}
 *
 * `endpoint` and `mode` stand for the variables where those are not set.
 */
#include "aws/credentials_container.h"
#include "aws/credentials_imds.h"

#include "lines.h"

#include <apr_strings.h>
#include <string.h>

static const char *variable(void *baton, const char *name)
{
    return json_member_text(baton, name, NULL);
}

static const char *container_url(apr_pool_t *pool, const json_t *input, const char **problem)
{
    credentials_settings_t settings = {0};

    credentials_settings_read(&settings, pool, variable,
                              (void *)(uintptr_t)json_member(input, "env"));
    return credentials_container_url(&settings, pool, problem);
}

static const char *imds_url(apr_pool_t *pool, const json_t *input, const char **problem)
{
    const char *config = json_member_text(input, "config", NULL);
    profile_set_t *profiles = profile_set_create(pool);
    credentials_settings_t settings = {0};
    const credentials_fetch_t fetch = {.settings = &settings, .pool = pool, .profiles = profiles};
    const char *url;

    credentials_settings_read(&settings, pool, variable,
                              (void *)(uintptr_t)json_member(input, "env"));
    if (settings.imds_endpoint == NULL) {
        settings.imds_endpoint = json_member_text(input, "endpoint", NULL);
    }
    if (settings.imds_endpoint_mode == NULL) {
        settings.imds_endpoint_mode = json_member_text(input, "mode", NULL);
    }
    if (config != NULL) {
        *problem = profile_parse(profiles, config, strlen(config), PROFILE_CONFIG);
        if (*problem != NULL) {
            return NULL;
        }
    }
    url = credentials_imds_endpoint(&fetch, problem);
    return url != NULL ? apr_pstrcat(pool, url, "/latest/api/token", NULL) : NULL;
}

static void answer(apr_pool_t *pool, const json_t *question, json_writer_t *writer)
{
    const char *service = json_member_text(question, "service", NULL);
    const char *problem = NULL;
    const char *url = service != NULL && strcmp(service, "imds") == 0
                          ? imds_url(pool, question, &problem)
                          : container_url(pool, question, &problem);

    json_put_member(writer, "url", url);
    json_put_member(writer, "problem", problem);
}

int main(void)
{
    return lines_answer(answer);
}
