/*
 * CloudWatch's ListMetrics and GetMetricStatistics, so that an SDK can read back
 * what was put. One thread.
 */
#ifndef EMULATOR_METRIC_VIEWS_H
#define EMULATOR_METRIC_VIEWS_H

#include "emulator/cloudwatch_request.h"

/* Each writes its answer, or is 0 with the refusal. */
int metric_views_list(cloudwatch_request_t *request);
int metric_views_statistics(cloudwatch_request_t *request);

#endif
