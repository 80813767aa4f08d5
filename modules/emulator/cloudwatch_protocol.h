/*
 * The three protocols of CloudWatch: how parameters come, how answers and errors
 * go. No state: one thread. Source: Smithy, "AWS query protocol", "AWS JSON 1.0
 * protocol", "Smithy RPC v2 CBOR protocol" and its query compatibility.
 */
#ifndef EMULATOR_CLOUDWATCH_PROTOCOL_H
#define EMULATOR_CLOUDWATCH_PROTOCOL_H

#include "emulator/answer.h"
#include "emulator/effects.h"
#include "emulator/http_parse.h"
#include "emulator/metrics.h"
#include "emulator/refusal.h"

/* Source: API Reference, "Common Errors" and those of the operations; names of both kinds. */
extern const effects_exception_t cloudwatch_protocol_errors[];

int cloudwatch_protocol_is_compressed(const http_request_t *request);

/* Appends the body without its compression; 0 and the refusal when it is broken. */
int cloudwatch_protocol_body(const http_request_t *request, buffer_t *out, refusal_t *refusal);

/* Appends the name of the operation that the request is for in that protocol, if any. */
void cloudwatch_protocol_operation(metrics_protocol_e protocol, const http_request_t *request,
                                   buffer_t *name);

/* The parameters of a body; NULL and the refusal when it is malformed. */
json_t *cloudwatch_protocol_parameters(metrics_protocol_e protocol, const buffer_t *body,
                                       refusal_t *refusal);

/* An answer whose content is this JSON object; NULL when memory is out. */
answer_t *cloudwatch_protocol_answer(metrics_protocol_e protocol, const char *operation,
                                     const buffer_t *json);

/* An error, by its name of either kind. */
answer_t *cloudwatch_protocol_error(metrics_protocol_e protocol, int status, const char *type,
                                    const char *message);

#endif
