/*
 * Reader of DynamoDB's conditions: ConditionExpression, FilterExpression,
 * KeyConditionExpression. In the call's pool. One thread.
 */
#ifndef EMULATOR_CONDITIONS_H
#define EMULATOR_CONDITIONS_H

#include "emulator/expressions.h"
#include "emulator/substitutions.h"

/* 0 and the refusal of the substitutions when it is wrong. */
int conditions_read(substitutions_t *substitutions, const char *label, const char *text,
                    size_t length, expression_t **condition);

#endif
