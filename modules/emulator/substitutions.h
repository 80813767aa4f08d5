/*
 * ExpressionAttributeNames and ExpressionAttributeValues of a call: what the
 * placeholders of its expressions stand for, and which of them were used. They
 * live in the call's pool. One thread.
 */
#ifndef EMULATOR_SUBSTITUTIONS_H
#define EMULATOR_SUBSTITUTIONS_H

#include "base/json.h"
#include "emulator/attributes.h"
#include "emulator/refusal.h"

typedef struct {
    apr_pool_t *pool;
    refusal_t *refusal;
    attribute_t *names; /* maps, NULL when they are not there */
    attribute_t *values;
    attribute_t *used; /* the placeholders that were, of both */
} substitutions_t;

/* Takes them from a request's body. 0 and the refusal when they are malformed, or there though the
 * request has no expression. */
int substitutions_read(substitutions_t *substitutions, apr_pool_t *pool, const json_t *body,
                       int has_expression, refusal_t *refusal);

/* What "#name" or ":value" stands for; NULL when it is not defined. It counts as used. */
const char *substitutions_name(substitutions_t *substitutions, const char *placeholder);
const attribute_t *substitutions_value(substitutions_t *substitutions, const char *placeholder);

/* 0 and the refusal when one was not used. */
int substitutions_check_used(const substitutions_t *substitutions);

#endif
