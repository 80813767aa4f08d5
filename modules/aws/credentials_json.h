/*
 * The JSON in which the container's and the instance's metadata services give
 * credentials: {"AccessKeyId","SecretAccessKey","Token","Expiration"}, and in
 * IMDS also {"Code":"Success"} (ECS developer guide, "Task IAM role"; EC2 user
 * guide, "Retrieve security credentials"). Pure.
 */
#ifndef AWS_CREDENTIALS_JSON_H
#define AWS_CREDENTIALS_JSON_H

#include "aws/credentials_set.h"

/* The set in `text`; its source and static stability are those of `kind`. NULL when there is none:
 * why is in `*reason`, in `pool`, never with a secret in it. */
const credentials_t *credentials_json_read(apr_pool_t *pool, const char *text, size_t length,
                                           const credentials_t *kind, const char **reason);

/* What an error answer says, "Code: Message" made printable and short, or "" when it is no JSON of
 * that kind. In `pool`. */
const char *credentials_json_error(apr_pool_t *pool, const char *text, size_t length);

#endif
