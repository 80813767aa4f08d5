/*
 * Check of a request's AWS Signature Version 4, from the bytes that came.
 *
 * The product's signer and this check share no line: whatever both agree on
 * was understood twice. Rules: IAM User Guide, "Create a signed AWS API
 * request"; the refusals' names and texts are those of the real services.
 * No state: one thread.
 */
#ifndef EMULATOR_VERIFY_H
#define EMULATOR_VERIFY_H

#include "base/buffer.h"
#include "emulator/http_parse.h"
#include "emulator/settings.h"

#include <apr_time.h>

/* How a service wants to be signed. */
typedef struct {
    const char *service; /* the scope's service: "bedrock" */
    int plain_path;      /* S3: the path is taken as it is on the wire */
} verify_rules_t;

typedef struct {
    const char *code; /* NULL: the signature is right */
    buffer_t message; /* freed by the caller */
} verify_refusal_t;

#define VERIFY_REFUSAL_STATUS 403

/* Whether the request is signed by one of the keys within five minutes of `now`; else 0 and why. */
int verify_request(const http_request_t *request, const settings_t *settings,
                   const verify_rules_t *rules, apr_time_t now, verify_refusal_t *refusal);

#endif
