/*
 * One call of CloudWatch while it is worked on: its parameters, whatever the
 * protocol was, and the answer, as JSON. One thread.
 */
#ifndef EMULATOR_CLOUDWATCH_REQUEST_H
#define EMULATOR_CLOUDWATCH_REQUEST_H

#include "base/json.h"
#include "emulator/emulator.h"
#include "emulator/refusal.h"

#include <apr_pools.h>

#define CLOUDWATCH_INVALID     "InvalidParameterValueException"
#define CLOUDWATCH_MISSING     "MissingRequiredParameterException"
#define CLOUDWATCH_COMBINATION "InvalidParameterCombinationException"
#define CLOUDWATCH_NAME_MAX    255

typedef struct {
    emulator_t *emulator;
    apr_pool_t *pool;
    json_t *parameters;
    metrics_protocol_e protocol;
    refusal_t refusal;
    buffer_t out;
    json_writer_t writer;
} cloudwatch_request_t;

/* Each is 0, with the refusal, when the parameter is not as it must be; `at` is its name there. */

/* A finite number in CloudWatch's range. */
int cloudwatch_request_number(cloudwatch_request_t *request, const json_t *value, const char *at,
                              double *out);

/* A whole number. */
int cloudwatch_request_integer(cloudwatch_request_t *request, const json_t *value, const char *at,
                               int64_t least, int64_t most, int64_t *out);

/* A time: seconds since 1970, or in the Query protocol ISO 8601. */
int cloudwatch_request_time(cloudwatch_request_t *request, const json_t *value, const char *at,
                            int64_t *seconds);

/* A text of 1 to `most` ASCII characters, one of them no blank; NULL and the refusal otherwise. */
const char *cloudwatch_request_text(cloudwatch_request_t *request, const json_t *value,
                                    const char *at, size_t most);

/* A namespace; a unit, "None" when it is absent. */
const char *cloudwatch_request_name_space(cloudwatch_request_t *request);
const char *cloudwatch_request_unit(cloudwatch_request_t *request, const json_t *value,
                                    const char *at);

/* Dimensions, in the order of their names. */
int cloudwatch_request_dimensions(cloudwatch_request_t *request, const json_t *value,
                                  const char *at, metric_key_t *key);

#endif
