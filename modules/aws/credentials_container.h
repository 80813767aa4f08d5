/*
 * Credentials of the container that httpd runs in: ECS task roles and EKS Pod
 * Identity (AWS SDKs and Tools reference, "Container credential provider").
 */
#ifndef AWS_CREDENTIALS_CONTAINER_H
#define AWS_CREDENTIALS_CONTAINER_H

#include "aws/credentials_source.h"

/* Whether the environment names such a service. */
int credentials_container_is_set(const credentials_settings_t *settings);

/* The URL to ask, in `pool`; NULL and `*problem` when it must not be asked: an http URL is allowed
 * for this machine and for AWS's own link-local services only. Any thread. */
const char *credentials_container_url(const credentials_settings_t *settings, apr_pool_t *pool,
                                      const char **problem);

/* Calls `done` exactly once, perhaps from within. I/O thread. */
void credentials_container_start(const credentials_fetch_t *fetch, const credentials_done_t *done);

#endif
