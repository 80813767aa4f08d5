#include "emulator/dynamodb_items.h"

#include "base/log.h"
#include "emulator/attribute_json.h"

#include <string.h>

#define CONDITION "ConditionExpression"

/* ---- reading the request ---- */

/* The member's map of attributes, an item or a key. */
static attribute_t *read_map(dynamodb_request_t *request, const char *member, const char *at)
{
    const json_t *json = json_member(request->body, member);

    if (json == NULL) {
        (void)refusal_set(&request->refusal, REFUSAL_VALIDATION,
                          "1 validation error detected: Value null at '%s' failed to satisfy "
                          "constraint: Member must not be null",
                          at);
        return NULL;
    }
    return attribute_json_read_map(request->pool, json, &request->refusal);
}

/* The table, with every expression read and every placeholder used. */
static int find_table(dynamodb_request_t *request)
{
    return substitutions_check_used(&request->substitutions) &&
           dynamodb_request_find_table(request);
}

static int read_key(dynamodb_request_t *request)
{
    const attribute_t *key = read_map(request, "Key", "key");

    request->key = key;
    return key != NULL && find_table(request) && dynamodb_request_check_key(request, key);
}

/* The item that is there, copied; an empty one when there is none. */
static attribute_t *copy_stored(const dynamodb_request_t *request, int *there)
{
    const attribute_t *stored = tables_get(request->table, request->key);

    *there = stored != NULL;
    return stored != NULL ? attributes_copy(request->pool, stored)
                          : attributes_make(request->pool, ATTRIBUTE_M);
}

static int check_condition(dynamodb_request_t *request, const attribute_t *before, int there)
{
    if (expressions_holds(request->pool, request->condition, before)) {
        return 1;
    }
    if (there && dynamodb_request_asks(request, "ReturnValuesOnConditionCheckFailure", "ALL_OLD")) {
        request->refused_item = before;
    }
    return refusal_set(&request->refusal, DYNAMODB_CONDITION, "The conditional request failed");
}

static int check_size(dynamodb_request_t *request, const attribute_t *item, const char *reason)
{
    return attributes_item_size(item) <= ATTRIBUTES_ITEM_MAX ||
           refusal_set(&request->refusal, REFUSAL_VALIDATION, "%s", reason);
}

static int store(dynamodb_request_t *request, const attribute_t *item)
{
    if (tables_put(request->table, item)) {
        return 1;
    }
    log_error("EMUL0040: keeping an item in the table %s failed: memory is out; empty a table",
              request->table_name);
    return refusal_set(&request->refusal, "InternalServerError", "The stand-in is out of memory.");
}

/* ---- answering ---- */

static void put_attributes(dynamodb_request_t *request, const char *name, const attribute_t *item)
{
    if (item != NULL) {
        json_name(&request->writer, name);
        attribute_json_write_map(&request->writer, item);
    }
}

static int finish_write(dynamodb_request_t *request, const attribute_t *returned,
                        const attribute_t *before, const attribute_t *item)
{
    size_t old = attributes_item_size(before);
    size_t fresh = item != NULL ? attributes_item_size(item) : 0;

    json_open(&request->writer, '{');
    put_attributes(request, "Attributes", returned);
    dynamodb_request_put_capacity(request, old > fresh ? old : fresh, 1);
    json_close(&request->writer, '}');
    return 1;
}

int dynamodb_items_get(dynamodb_request_t *request)
{
    const attribute_t *item;
    size_t size;

    if (!dynamodb_request_returns(request, 0) ||
        !dynamodb_request_expressions(request, NULL, 1, 0) || !read_key(request)) {
        return 0;
    }
    item = tables_get(request->table, request->key);
    size = item != NULL ? attributes_item_size(item) : 0;
    if (item != NULL && request->projection.count > 0) {
        item = paths_project(request->pool, item, request->projection.paths,
                             request->projection.count);
    }
    json_open(&request->writer, '{');
    put_attributes(request, "Item", item);
    dynamodb_request_put_capacity(request, size, 0);
    json_close(&request->writer, '}');
    return 1;
}

int dynamodb_items_put(dynamodb_request_t *request)
{
    const attribute_t *item;
    const attribute_t *before;
    int there;

    if (!dynamodb_request_returns(request, 0) ||
        !dynamodb_request_expressions(request, CONDITION, 0, 0)) {
        return 0;
    }
    item = read_map(request, "Item", "item");
    request->key = item;
    if (item == NULL ||
        !check_size(request, item, "Item size has exceeded the maximum allowed size") ||
        !find_table(request) || !dynamodb_request_check_item(request, item)) {
        return 0;
    }
    before = copy_stored(request, &there);
    if (!check_condition(request, before, there) || !store(request, item)) {
        return 0;
    }
    return finish_write(request, there && request->wanted == RETURN_ALL_OLD ? before : NULL, before,
                        item);
}

int dynamodb_items_delete(dynamodb_request_t *request)
{
    const attribute_t *before;
    int there;

    if (!dynamodb_request_returns(request, 0) ||
        !dynamodb_request_expressions(request, CONDITION, 0, 0) || !read_key(request)) {
        return 0;
    }
    before = copy_stored(request, &there);
    if (!check_condition(request, before, there)) {
        return 0;
    }
    tables_delete(request->table, request->key);
    return finish_write(request, there && request->wanted == RETURN_ALL_OLD ? before : NULL, before,
                        NULL);
}

/* ---- updating ---- */

static int check_paths(dynamodb_request_t *request)
{
    size_t i;

    for (i = 0; i < request->updates.count; i++) {
        const char *name = request->updates.paths[i]->steps[0].name;
        if (strcmp(name, request->table->partition.name) == 0 ||
            strcmp(name, request->table->sort.name) == 0) {
            return refusal_set(&request->refusal, REFUSAL_VALIDATION,
                               "One or more parameter values were invalid: Cannot update attribute "
                               "%.255s. This attribute is part of the key",
                               name);
        }
    }
    return 1;
}

/* What the caller wants to see; NULL: nothing. */
static const attribute_t *returned(const dynamodb_request_t *request, const attribute_t *before,
                                   const attribute_t *item)
{
    const attribute_t *shown =
        request->wanted == RETURN_ALL_OLD || request->wanted == RETURN_UPDATED_OLD ? before : item;

    if (request->wanted == RETURN_NONE) {
        return NULL;
    }
    if (request->wanted == RETURN_UPDATED_OLD || request->wanted == RETURN_UPDATED_NEW) {
        shown = paths_project(request->pool, shown, request->updates.paths, request->updates.count);
    }
    return shown->count > 0 ? shown : NULL;
}

int dynamodb_items_update(dynamodb_request_t *request)
{
    const attribute_t *before;
    attribute_t *item;
    int there;

    if (!dynamodb_request_returns(request, 1) ||
        !dynamodb_request_expressions(request, CONDITION, 0, 1) || !read_key(request) ||
        !check_paths(request)) {
        return 0;
    }
    before = copy_stored(request, &there);
    item = attributes_copy(request->pool, there ? before : request->key);
    if (!check_condition(request, before, there) ||
        !updates_apply(request->pool, &request->updates, before, item, &request->refusal) ||
        !check_size(request, item, "Item size to update has exceeded the maximum allowed size") ||
        !store(request, item)) {
        return 0;
    }
    return finish_write(request, returned(request, before, item), before, item);
}
