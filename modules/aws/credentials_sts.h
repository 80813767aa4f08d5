/*
 * Credentials of a role, from STS: AssumeRole, signed by other credentials, and
 * AssumeRoleWithWebIdentity, by a token in a file. (API reference of STS, Query
 * protocol, version 2011-06-15.) I/O thread.
 */
#ifndef AWS_CREDENTIALS_STS_H
#define AWS_CREDENTIALS_STS_H

#include "aws/credentials_source.h"

/* Which role, and how; lives as long as the fetch's pool. NULL: not said. */
typedef struct {
    const char *arn;
    const char *session_name; /* NULL: mod_chatbot */
    const char *external_id;
    const char *duration; /* seconds, 900 to 43200, in digits */
    const char *region;   /* when neither a directive nor the environment names one */
    const char *where;    /* who asks for it, for the log: "profile web" */
} credentials_role_t;

/* Both call `done` exactly once, perhaps from within. */
void credentials_sts_assume(const credentials_fetch_t *fetch, const credentials_role_t *role,
                            const credentials_t *caller, const credentials_done_t *done);
void credentials_sts_web_identity(const credentials_fetch_t *fetch, const credentials_role_t *role,
                                  const char *token_file, const credentials_done_t *done);

#endif
