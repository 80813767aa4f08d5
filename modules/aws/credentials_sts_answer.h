/*
 * What STS answers, in the XML of the Query protocol: credentials, or an error
 * (API reference of STS, AssumeRole and "Common errors"). Pure.
 */
#ifndef AWS_CREDENTIALS_STS_ANSWER_H
#define AWS_CREDENTIALS_STS_ANSWER_H

#include "aws/credentials_set.h"

/* The set in `text`, as from `source`. NULL when there is none: why is in `*reason`, in `pool`,
 * never with a secret in it. */
const credentials_t *credentials_sts_answer_read(apr_pool_t *pool, const char *text, size_t length,
                                                 const char *source, const char **reason);

#endif
