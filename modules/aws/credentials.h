/*
 * Who we are to AWS: a set of credentials, always used and replaced whole.
 */
#ifndef AWS_CREDENTIALS_H
#define AWS_CREDENTIALS_H

#include <apr_pools.h>

typedef struct {
    const char *access_key_id;
    const char *secret_access_key;
    const char *session_token; /* NULL: long-lived keys */
} credentials_t;

/* The set in AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN of the process, copied
 * into `pool` and wiped with it; blank variables count as unset. NULL when there is none, and why
 * in `*reason` (a constant text). Reads the environment: call it while starting, on one thread. */
const credentials_t *credentials_from_environment(apr_pool_t *pool, const char **reason);

#endif
