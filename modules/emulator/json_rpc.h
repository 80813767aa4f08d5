/*
 * What the services of the AWS JSON 1.0 protocol have in common: the operation
 * in X-Amz-Target, the request id and the checksum of an answer, errors. No
 * state: one thread. Source: Smithy, "AWS JSON 1.0 protocol".
 */
#ifndef EMULATOR_JSON_RPC_H
#define EMULATOR_JSON_RPC_H

#include "base/buffer.h"
#include "emulator/answer.h"
#include "emulator/http_parse.h"

/* What of X-Amz-Target follows `prefix`; NULL when the request is not for this service. */
const char *json_rpc_operation(const http_request_t *request, const char *prefix);

/* An answer with x-amzn-RequestId; NULL when memory is out. */
answer_t *json_rpc_answer(int status, const char *body, size_t length);

/* Adds x-amz-crc32, the decimal CRC-32 of the body, or a wrong one. */
void json_rpc_put_checksum(answer_t *answer, int wrong);

/* Appends {"__type": name space and type, "message": ...} without its end, so that members may
 * follow. */
void json_rpc_open_error(buffer_t *out, const char *name_space, const char *type,
                         const char *message);

/* Status of an error of that name: what refuses a signature is 400 in this protocol. */
int json_rpc_status(int status, const char *type);

/* Name space of an error that is not the service's own; NULL for all others. */
const char *json_rpc_common_space(const char *type);

#endif
