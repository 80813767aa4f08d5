/*
 * CloudWatch's PutMetricData. Source: API Reference, PutMetricData and
 * MetricDatum. One thread.
 */
#ifndef EMULATOR_METRIC_DATA_H
#define EMULATOR_METRIC_DATA_H

#include "emulator/cloudwatch_request.h"

/* Takes all data of the request, or none: then 0 and the refusal. */
int metric_data_put(cloudwatch_request_t *request);

#endif
