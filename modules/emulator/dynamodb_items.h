/*
 * DynamoDB's operations on one item. Each is 0 with the request's refusal, or
 * writes its answer's body. One thread.
 */
#ifndef EMULATOR_DYNAMODB_ITEMS_H
#define EMULATOR_DYNAMODB_ITEMS_H

#include "emulator/dynamodb_request.h"

int dynamodb_items_get(dynamodb_request_t *request);
int dynamodb_items_put(dynamodb_request_t *request);
int dynamodb_items_update(dynamodb_request_t *request);
int dynamodb_items_delete(dynamodb_request_t *request);

#endif
