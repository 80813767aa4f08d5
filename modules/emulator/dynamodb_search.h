/*
 * DynamoDB's Scan and Query of a table. Each is 0 with the request's refusal, or
 * writes its answer's body. One thread.
 */
#ifndef EMULATOR_DYNAMODB_SEARCH_H
#define EMULATOR_DYNAMODB_SEARCH_H

#include "emulator/dynamodb_request.h"

int dynamodb_search_scan(dynamodb_request_t *request);
int dynamodb_search_query(dynamodb_request_t *request);

#endif
