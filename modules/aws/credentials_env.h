/*
 * Credentials in httpd's environment, as the settings have them. I/O thread.
 */
#ifndef AWS_CREDENTIALS_ENV_H
#define AWS_CREDENTIALS_ENV_H

#include "aws/credentials_source.h"

/* Calls `done` exactly once, from within. */
void credentials_env_start(const credentials_fetch_t *fetch, const credentials_done_t *done);

#endif
