/*
 * DynamoDB's operations on tables. Each is 0 with the request's refusal, or
 * writes its answer's body. One thread.
 */
#ifndef EMULATOR_DYNAMODB_TABLES_H
#define EMULATOR_DYNAMODB_TABLES_H

#include "emulator/dynamodb_request.h"

int dynamodb_tables_create(dynamodb_request_t *request);
int dynamodb_tables_describe(dynamodb_request_t *request);
int dynamodb_tables_list(dynamodb_request_t *request);
int dynamodb_tables_delete(dynamodb_request_t *request);
int dynamodb_tables_update_ttl(dynamodb_request_t *request);
int dynamodb_tables_describe_ttl(dynamodb_request_t *request);

#endif
