/*
 * Who answers at a location: the backend of a request, made as the merged
 * directives say. Workers, and httpd while it reads its configuration.
 */
#ifndef HTTP_BACKEND_CONFIG_H
#define HTTP_BACKEND_CONFIG_H

#include "backend/backend.h"
#include "http/backend_directives.h"

#include <httpd.h>

/* Whether what this location's backend needs is configured and known. */
int backend_config_ready(const request_rec *r);

/* Writes to the log what is missing. */
void backend_config_tell_missing(request_rec *r);

/* Whether it needs AWS credentials. */
int backend_config_is_aws(const request_rec *r);

/* The backend, in the request's pool; only where it is ready. */
const backend_t *backend_config_make(const request_rec *r);

/* What stands for it, and for all locations with the same one: the key of its circuit breaker. NULL
 * where it is not ready. */
const char *backend_config_key(const request_rec *r);

/* Fills in the prompt's attributes: those whose expressions have a value. */
void backend_config_attributes(request_rec *r, backend_prompt_t *prompt);

/* The name that /v1/models shows. */
const char *backend_config_model_name(const request_rec *r);

/* Looks for what cannot work, once all was read: OK, or HTTP_INTERNAL_SERVER_ERROR with the line
 * and what to write in the log. */
int backend_config_check(server_rec *main_server);

#endif
