/*
 * The stand-in for DynamoDB: the service, its protocol and its faults. What the
 * operations do is in dynamodb_items.c, dynamodb_tables.c and dynamodb_search.c.
 * Source: DynamoDB API Reference, version 2012-08-10. One thread.
 */
#ifndef EMULATOR_DYNAMODB_H
#define EMULATOR_DYNAMODB_H

#include "emulator/emulator.h"

extern const service_t dynamodb_service;

/* The tables of the configuration, which are not there yet. 0 when memory is out. */
int dynamodb_create_tables(emulator_t *emulator);

#endif
