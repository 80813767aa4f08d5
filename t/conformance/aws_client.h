/*
 * A client of one AWS service at a URL, whose credentials are in the variables
 * CLIENT_ACCESS_KEY and CLIENT_SECRET_KEY.
 */
#ifndef CONFORMANCE_AWS_CLIENT_H
#define CONFORMANCE_AWS_CLIENT_H

#include "aws/call.h"

#include <stdlib.h>
#include <string.h>

static inline const char *aws_client_variable(void *baton, const char *name)
{
    (void)baton;
    if (strcmp(name, "AWS_ACCESS_KEY_ID") == 0) {
        return getenv("CLIENT_ACCESS_KEY");
    }
    return strcmp(name, "AWS_SECRET_ACCESS_KEY") == 0 ? getenv("CLIENT_SECRET_KEY") : NULL;
}

/* `client` is zeroed; what it points to is in `pool`. */
static inline void aws_client_make(call_client_t *client, loop_t *loop, apr_pool_t *pool,
                                   const char *service, const char *url)
{
    const endpoint_options_t own = {.url = url};
    credentials_settings_t *settings = apr_pcalloc(pool, sizeof(*settings));
    endpoint_t *endpoint = apr_pcalloc(pool, sizeof(*endpoint));

    credentials_settings_read(settings, pool, aws_client_variable, NULL);
    (void)endpoint_resolve(endpoint, pool, endpoint_service(service), "us-east-1", &own);
    client->loop = loop;
    client->service = service;
    client->endpoint = endpoint;
    client->credentials = credentials_create(loop, settings, pool);
    client->keys = sigv4_keys_create(pool);
    retry_bucket_fill(&client->bucket, RETRY_BUCKET_TOKENS);
}

#endif
