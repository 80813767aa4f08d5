#include "emulator/dynamodb_request.h"

#include <apr_strings.h>
#include <stdio.h>
#include <string.h>

#define NAME_LEAST    3
#define PARTITION_MAX 2048
#define SORT_MAX      1024
#define READ_UNIT     4096
#define WRITE_UNIT    1024
#define INVALID       "One or more parameter values were invalid: "

static int refuse(dynamodb_request_t *request, const char *message)
{
    return refusal_set(&request->refusal, REFUSAL_VALIDATION, "%s", message);
}

/* ---- the table ---- */

static int is_name(const char *name)
{
    return name[strspn(
               name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")] == '\0';
}

/* The name in an Amazon Resource Name, or the text itself. */
static const char *bare_name(const char *name)
{
    const char *behind = strncmp(name, "arn:", 4) == 0 ? strstr(name, ":table/") : NULL;

    return behind != NULL ? behind + strlen(":table/") : name;
}

int dynamodb_request_table_name(dynamodb_request_t *request)
{
    const char *name = json_member_text(request->body, "TableName", NULL);

    if (name == NULL) {
        return refuse(request, "1 validation error detected: Value null at 'tableName' failed to "
                               "satisfy constraint: Member must not be null");
    }
    name = bare_name(name);
    if (!is_name(name)) {
        return refusal_set(&request->refusal, REFUSAL_VALIDATION,
                           "1 validation error detected: Value '%.255s' at 'tableName' failed to "
                           "satisfy constraint: Member must satisfy regular expression pattern: "
                           "[a-zA-Z0-9_.-]+",
                           name);
    }
    if (strlen(name) < NAME_LEAST || strlen(name) > TABLES_NAME_MAX) {
        return refuse(request, "TableName must be at least 3 characters long and at most 255 "
                               "characters long");
    }
    (void)snprintf(request->table_name, sizeof(request->table_name), "%s", name);
    return 1;
}

int dynamodb_request_find_table(dynamodb_request_t *request)
{
    request->table = tables_find(request->emulator->tables, request->table_name);
    if (request->table == NULL) {
        return refusal_set(&request->refusal, DYNAMODB_NOT_FOUND, "Requested resource not found");
    }
    if (request->emulator->switches.numbers[SWITCHES_TTL_SWEEP]) {
        (void)tables_sweep(request->table, emulator_now(request->emulator));
    }
    return 1;
}

/* ---- expressions ---- */

static const char *expression_text(const dynamodb_request_t *request, const char *label,
                                   size_t *length)
{
    return label != NULL ? json_member_text(request->body, label, length) : NULL;
}

static int refuse_legacy(dynamodb_request_t *request)
{
    static const char *const legacy[] = {
        "Expected",   "AttributeUpdates", "KeyConditions",      "QueryFilter",
        "ScanFilter", "AttributesToGet",  "ConditionalOperator"};
    size_t i;

    for (i = 0; i < sizeof(legacy) / sizeof(legacy[0]); i++) {
        if (json_has(request->body, legacy[i])) {
            return refusal_set(&request->refusal, REFUSAL_VALIDATION,
                               "The stand-in does not know the legacy parameter %s; use an "
                               "expression",
                               legacy[i]);
        }
    }
    return 1;
}

int dynamodb_request_expressions(dynamodb_request_t *request, const char *condition_label,
                                 int with_projection, int with_update)
{
    substitutions_t *substitutions = &request->substitutions;
    size_t lengths[3] = {0};
    const char *condition = expression_text(request, condition_label, &lengths[0]);
    const char *projection =
        expression_text(request, with_projection ? "ProjectionExpression" : NULL, &lengths[1]);
    const char *update =
        expression_text(request, with_update ? "UpdateExpression" : NULL, &lengths[2]);

    request->has_updates = update != NULL;
    return refuse_legacy(request) &&
           substitutions_read(substitutions, request->pool, request->body,
                              condition != NULL || projection != NULL || update != NULL ||
                                  json_has(request->body, "KeyConditionExpression"),
                              &request->refusal) &&
           (update == NULL || updates_read(substitutions, update, lengths[2], &request->updates)) &&
           (condition == NULL || conditions_read(substitutions, condition_label, condition,
                                                 lengths[0], &request->condition)) &&
           (projection == NULL ||
            projections_read(substitutions, projection, lengths[1], &request->projection));
}

/* ---- what the answer is to have ---- */

static int check_enum(dynamodb_request_t *request, const char *member, const char *at,
                      const char *const *values, int *found)
{
    const char *value = json_member_text(request->body, member, NULL);
    const char *list = "";
    int i;

    if (value == NULL) {
        return 1;
    }
    for (i = 0; values[i] != NULL; i++) {
        if (strcmp(values[i], value) == 0) {
            *found = i;
            return 1;
        }
        list = apr_pstrcat(request->pool, list, i > 0 ? ", " : "", values[i], NULL);
    }
    return refusal_set(&request->refusal, REFUSAL_VALIDATION,
                       "1 validation error detected: Value '%.100s' at '%s' failed to satisfy "
                       "constraint: Member must satisfy enum value set: [%s]",
                       value, at, list);
}

int dynamodb_request_returns(dynamodb_request_t *request, int is_update)
{
    static const char *const values[] = {"NONE",    "ALL_OLD",     "UPDATED_OLD",
                                         "ALL_NEW", "UPDATED_NEW", NULL};
    static const char *const capacities[] = {"INDEXES", "TOTAL", "NONE", NULL};
    static const char *const metrics[] = {"SIZE", "NONE", NULL};
    static const char *const on_failure[] = {"NONE", "ALL_OLD", NULL};
    int wanted = RETURN_NONE;
    int other = 0;

    if (!check_enum(request, "ReturnValues", "returnValues", values, &wanted) ||
        !check_enum(request, "ReturnConsumedCapacity", "returnConsumedCapacity", capacities,
                    &other) ||
        !check_enum(request, "ReturnItemCollectionMetrics", "returnItemCollectionMetrics", metrics,
                    &other) ||
        !check_enum(request, "ReturnValuesOnConditionCheckFailure",
                    "returnValuesOnConditionCheckFailure", on_failure, &other)) {
        return 0;
    }
    if (!is_update && wanted > RETURN_ALL_OLD) {
        return refuse(request, "ReturnValues can only be ALL_OLD or NONE");
    }
    request->wanted = (return_e)wanted;
    return 1;
}

int dynamodb_request_asks(const dynamodb_request_t *request, const char *member, const char *yes)
{
    const char *value = json_member_text(request->body, member, NULL);

    return value != NULL && strcmp(value, yes) == 0;
}

void dynamodb_request_put_capacity(dynamodb_request_t *request, size_t bytes, int written)
{
    size_t unit = written ? WRITE_UNIT : READ_UNIT;
    size_t halves = (bytes > unit ? (bytes + unit - 1) / unit : 1) * 2;
    int consistent = 0;

    if (!dynamodb_request_asks(request, "ReturnConsumedCapacity", "TOTAL") &&
        !dynamodb_request_asks(request, "ReturnConsumedCapacity", "INDEXES")) {
        return;
    }
    (void)json_boolean(json_member(request->body, "ConsistentRead"), &consistent);
    halves = written || consistent ? halves : halves / 2;
    json_name(&request->writer, "ConsumedCapacity");
    json_open(&request->writer, '{');
    json_put_member(&request->writer, "TableName", request->table_name);
    json_name(&request->writer, "CapacityUnits");
    json_put_decimal(&request->writer, (double)halves / 2, 1);
    json_close(&request->writer, '}');
}

/* ---- keys ---- */

static int check_key_value(dynamodb_request_t *request, const table_key_t *key,
                           const attribute_t *value, size_t most)
{
    if (value->length == 0 && value->kind != ATTRIBUTE_N) {
        return refusal_set(&request->refusal, REFUSAL_VALIDATION,
                           "One or more parameter values are not valid. The AttributeValue for a "
                           "key attribute cannot contain an empty %s value. Key: %s",
                           value->kind == ATTRIBUTE_S ? "string" : "binary", key->name);
    }
    return value->length <= most ||
           refuse(request, most == PARTITION_MAX ? INVALID
                               "Size of hashkey has exceeded the maximum size limit of2048 bytes"
                                                 : INVALID
                               "Aggregated size of all range keys has exceeded the size limit of "
                               "1024 bytes");
}

static int check_item_key(dynamodb_request_t *request, const table_key_t *key,
                          const attribute_t *item, size_t most)
{
    const attribute_t *value = attributes_get(item, key->name);

    if (*key->name == '\0') {
        return 1;
    }
    if (value == NULL) {
        return refusal_set(&request->refusal, REFUSAL_VALIDATION,
                           INVALID "Missing the key %s in the item", key->name);
    }
    if (value->kind != key->kind) {
        return refusal_set(&request->refusal, REFUSAL_VALIDATION,
                           INVALID "Type mismatch for key %s expected: %s actual: %s", key->name,
                           attributes_kind_name(key->kind), attributes_kind_name(value->kind));
    }
    return check_key_value(request, key, value, most);
}

int dynamodb_request_check_item(dynamodb_request_t *request, const attribute_t *item)
{
    return check_item_key(request, &request->table->partition, item, PARTITION_MAX) &&
           check_item_key(request, &request->table->sort, item, SORT_MAX);
}

static int fits(const table_key_t *key, const attribute_t *given)
{
    const attribute_t *value = attributes_get(given, key->name);

    return *key->name == '\0' || (value != NULL && value->kind == key->kind);
}

int dynamodb_request_check_key(dynamodb_request_t *request, const attribute_t *key)
{
    const table_t *table = request->table;

    if (key->count != (*table->sort.name != '\0' ? 2U : 1U) || !fits(&table->partition, key) ||
        !fits(&table->sort, key)) {
        return refuse(request, "The provided key element does not match the schema");
    }
    return dynamodb_request_check_item(request, key);
}
