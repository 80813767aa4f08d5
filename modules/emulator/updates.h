/*
 * UpdateExpression of DynamoDB: SET, REMOVE, ADD and DELETE, read and carried
 * out. In the call's pool. One thread.
 */
#ifndef EMULATOR_UPDATES_H
#define EMULATOR_UPDATES_H

#include "emulator/expressions.h"
#include "emulator/substitutions.h"

typedef enum { UPDATE_SET, UPDATE_REMOVE, UPDATE_ADD, UPDATE_DELETE, UPDATE_SECTIONS } update_e;

typedef struct {
    update_e section;
    const path_t *path;
    const expression_t *operand; /* what SET puts there */
    const attribute_t *value;    /* what ADD or DELETE takes */
} update_action_t;

typedef struct {
    update_action_t *actions;
    const path_t **paths; /* of the actions */
    size_t count;
} updates_t;

/* 0 and the refusal of the substitutions when it is wrong. */
int updates_read(substitutions_t *substitutions, const char *text, size_t length,
                 updates_t *updates);

/* Changes `item` (a copy that is the caller's own) by what `before`, the item as it was, has. 0 and
 * the refusal when it cannot be. */
int updates_apply(apr_pool_t *pool, const updates_t *updates, const attribute_t *before,
                  attribute_t *item, refusal_t *refusal);

#endif
