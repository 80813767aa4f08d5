/*
 * The header lines of one attempt at an AWS call, signed. I/O thread only.
 */
#ifndef AWS_CALL_HEAD_H
#define AWS_CALL_HEAD_H

#include "aws/call.h"
#include "aws/credentials_set.h"
#include "aws/endpoint.h"
#include "aws/sigv4.h"
#include "base/buffer.h"

/* Most lines there can be: those of every call, and the request's own. */
#define CALL_HEAD_LINES (9 + CALL_HEADERS_MAX)

/* What the lines are made of; used by call_head_sign() alone. */
typedef struct {
    const endpoint_t *endpoint;
    const credentials_t *credentials;
    sigv4_keys_t *keys;
    apr_time_t when;  /* as AWS's clock has it */
    const char *path; /* with the endpoint's prefix, and the query */
    const call_request_t *request;
    const char *invocation_id; /* the same for all attempts of a call */
    int attempt;
    int attempts;
} call_head_facts_t;

typedef struct {
    buffer_t text; /* all lines, each ended by NUL */
    size_t offsets[CALL_HEAD_LINES];
    size_t count;
    const char *lines[CALL_HEAD_LINES + 1]; /* "Name: value", NULL-terminated */
} call_head_t;

/* Writes and signs the lines; 0 when memory is out or the crypto library fails (logged). Either way
 * call_head_wipe() it: the lines hold the signature and the security token. */
int call_head_sign(call_head_t *head, const call_head_facts_t *facts);
void call_head_wipe(call_head_t *head);

#endif
