/*
 * One call of DynamoDB while it is worked on: its body, its table, its
 * expressions, and the answer. In the call's pool. One thread.
 */
#ifndef EMULATOR_DYNAMODB_REQUEST_H
#define EMULATOR_DYNAMODB_REQUEST_H

#include "base/json.h"
#include "emulator/conditions.h"
#include "emulator/emulator.h"
#include "emulator/projections.h"
#include "emulator/refusal.h"
#include "emulator/substitutions.h"
#include "emulator/tables.h"
#include "emulator/updates.h"

#define DYNAMODB_NOT_FOUND "ResourceNotFoundException"
#define DYNAMODB_IN_USE    "ResourceInUseException"
#define DYNAMODB_CONDITION "ConditionalCheckFailedException"

typedef enum {
    RETURN_NONE,
    RETURN_ALL_OLD,
    RETURN_UPDATED_OLD,
    RETURN_ALL_NEW,
    RETURN_UPDATED_NEW
} return_e;

typedef struct {
    emulator_t *emulator;
    apr_pool_t *pool;
    json_t *body;
    char table_name[TABLES_NAME_MAX + 1];
    table_t *table;
    const attribute_t *key; /* the item's, or a whole item with its key attributes */
    substitutions_t substitutions;
    expression_t *condition;
    projection_t projection;
    updates_t updates;
    int has_updates;
    return_e wanted;
    refusal_t refusal;
    const attribute_t *refused_item; /* which a failed condition is to show */
    buffer_t out;
    json_writer_t writer;
} dynamodb_request_t;

/* Each is 0, with the refusal, when the request is not as it must be. */

int dynamodb_request_table_name(dynamodb_request_t *request);
int dynamodb_request_find_table(dynamodb_request_t *request);

/* Reads ExpressionAttributeNames and -Values and the expressions that the operation has. */
int dynamodb_request_expressions(dynamodb_request_t *request, const char *condition_label,
                                 int with_projection, int with_update);

/* Reads ReturnValues and the other members that ask for more in the answer. */
int dynamodb_request_returns(dynamodb_request_t *request, int is_update);

/* Checks the item's key attributes; those of a Key, which has no others. */
int dynamodb_request_check_item(dynamodb_request_t *request, const attribute_t *item);
int dynamodb_request_check_key(dynamodb_request_t *request, const attribute_t *key);

/* Whether a member is "yes". */
int dynamodb_request_asks(const dynamodb_request_t *request, const char *member, const char *yes);

/* Writes ConsumedCapacity when it was asked for: of that many bytes read, or written. */
void dynamodb_request_put_capacity(dynamodb_request_t *request, size_t bytes, int written);

#endif
