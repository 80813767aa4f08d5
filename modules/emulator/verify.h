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
#include "emulator/issuer.h"
#include "emulator/settings.h"

#include <apr_time.h>

#define VERIFY_KEY_ID 129

/* How a service wants to be signed. */
typedef struct {
    const char *service; /* the scope's service: "bedrock" */
    int plain_path;      /* S3: the path is taken as it is on the wire, and the header
                            x-amz-content-sha256 must be there */
} verify_rules_t;

/* Who may sign, and what time it is for the services. */
typedef struct {
    const settings_t *settings;
    issuer_t *issuer;
    apr_time_t now;
    apr_time_t grace; /* for how long an expired set is still taken */
} verify_authority_t;

typedef struct {
    const char *code;           /* NULL: the signature is right */
    buffer_t message;           /* why it is not; freed by the caller */
    char key_id[VERIFY_KEY_ID]; /* of the Authorization header, be it known or not; may be "" */
    const issuer_set_t *caller; /* NULL: a key of the configuration */
} verify_result_t;

#define VERIFY_REFUSAL_STATUS 403

/* Whether the request is signed by a known key within five minutes of now; else 0 and why. */
int verify_request(const http_request_t *request, const verify_authority_t *authority,
                   const verify_rules_t *rules, verify_result_t *result);

#endif
