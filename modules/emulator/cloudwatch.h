/*
 * The stand-in for CloudWatch: PutMetricData, and what reads it back, one
 * service for each of its protocols. Source: CloudWatch API Reference, version
 * 2010-08-01. One thread.
 */
#ifndef EMULATOR_CLOUDWATCH_H
#define EMULATOR_CLOUDWATCH_H

#include "emulator/emulator.h"

extern const service_t cloudwatch_query_service;
extern const service_t cloudwatch_json_service;
extern const service_t cloudwatch_cbor_service;

#endif
