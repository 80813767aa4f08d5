#include "emulator/dynamodb_tables.h"

#include <apr_strings.h>
#include <string.h>

#define INVALID   "One or more parameter values were invalid: "
#define LIST_MOST 100
#define ARN       "arn:aws:dynamodb:us-east-1:" ISSUER_ACCOUNT ":table/"

static int refuse(dynamodb_request_t *request, const char *message)
{
    return refusal_set(&request->refusal, REFUSAL_VALIDATION, "%s", message);
}

static int find_table(dynamodb_request_t *request)
{
    if (!dynamodb_request_table_name(request)) {
        return 0;
    }
    request->table = tables_find(request->emulator->tables, request->table_name);
    return request->table != NULL ||
           refusal_set(&request->refusal, DYNAMODB_NOT_FOUND,
                       "Requested resource not found: Table: %s not found", request->table_name);
}

/* ---- the schema of a new table ---- */

/* The type of the attribute in AttributeDefinitions; ATTRIBUTE_KINDS when it is not there. */
static attribute_kind_e defined_kind(const dynamodb_request_t *request, const char *name)
{
    const json_t *definitions = json_member(request->body, "AttributeDefinitions");
    size_t i;

    for (i = 0; i < json_length(definitions); i++) {
        const json_t *definition = json_item(definitions, i);
        const char *defined = json_member_text(definition, "AttributeName", NULL);
        const char *type = json_member_text(definition, "AttributeType", NULL);
        if (defined != NULL && type != NULL && strcmp(defined, name) == 0) {
            return attributes_kind_of(type, strlen(type));
        }
    }
    return ATTRIBUTE_KINDS;
}

static int read_key(dynamodb_request_t *request, size_t index, const char *type, table_key_t *key)
{
    const json_t *element = json_item(json_member(request->body, "KeySchema"), index);
    const char *name = json_member_text(element, "AttributeName", NULL);
    const char *given = json_member_text(element, "KeyType", NULL);

    if (name == NULL || given == NULL || strlen(name) > TABLES_NAME_MAX || *name == '\0') {
        return refuse(request, "1 validation error detected: Value null at 'keySchema' failed to "
                               "satisfy constraint: Member must not be null");
    }
    if (strcmp(given, type) != 0) {
        return refuse(request, index == 0 ? "Invalid KeySchema: The first KeySchemaElement is not "
                                            "a HASH key type"
                                          : "Invalid KeySchema: The second KeySchemaElement is not "
                                            "a RANGE key type");
    }
    memcpy(key->name, name, strlen(name) + 1);
    key->kind = defined_kind(request, name);
    if (key->kind == ATTRIBUTE_KINDS) {
        return refusal_set(&request->refusal, REFUSAL_VALIDATION,
                           INVALID "Some index key attributes are not defined in "
                                   "AttributeDefinitions. Keys: [%s], AttributeDefinitions: []",
                           name);
    }
    return key->kind <= ATTRIBUTE_B ||
           refuse(request, "1 validation error detected: Value at 'attributeDefinitions' failed to "
                           "satisfy constraint: Member must satisfy enum value set: [B, N, S]");
}

static int check_definitions(dynamodb_request_t *request, size_t keys)
{
    if (json_has(request->body, "GlobalSecondaryIndexes") ||
        json_has(request->body, "LocalSecondaryIndexes")) {
        return refuse(request, "The stand-in's tables have no secondary indexes");
    }
    if (keys < 1 || keys > 2) {
        return refuse(request, "1 validation error detected: Value at 'keySchema' failed to "
                               "satisfy constraint: Member must have length between 1 and 2");
    }
    return json_length(json_member(request->body, "AttributeDefinitions")) == keys ||
           refuse(request,
                  INVALID "Number of attributes in KeySchema does not exactly match number "
                          "of attributes defined in AttributeDefinitions");
}

static int check_billing(dynamodb_request_t *request)
{
    int on_demand = dynamodb_request_asks(request, "BillingMode", "PAY_PER_REQUEST");
    int provisioned = json_has(request->body, "ProvisionedThroughput");

    if (on_demand && provisioned) {
        return refuse(request, INVALID "Neither ReadCapacityUnits nor WriteCapacityUnits can be "
                                       "specified when BillingMode is PAY_PER_REQUEST");
    }
    return on_demand || provisioned ||
           refuse(request,
                  INVALID "ReadCapacityUnits and WriteCapacityUnits must both be specified "
                          "when BillingMode is PROVISIONED");
}

/* ---- answers ---- */

static void put_schema(json_writer_t *writer, const table_key_t *key, const char *type)
{
    json_open(writer, '{');
    json_put_member(writer, "AttributeName", key->name);
    json_put_member(writer, "KeyType", type);
    json_close(writer, '}');
}

static void put_definition(json_writer_t *writer, const table_key_t *key)
{
    json_open(writer, '{');
    json_put_member(writer, "AttributeName", key->name);
    json_put_member(writer, "AttributeType", attributes_kind_name(key->kind));
    json_close(writer, '}');
}

static void put_keys(json_writer_t *writer, const table_t *table)
{
    int sorted = *table->sort.name != '\0';

    json_name(writer, "KeySchema");
    json_open(writer, '[');
    put_schema(writer, &table->partition, "HASH");
    if (sorted) {
        put_schema(writer, &table->sort, "RANGE");
    }
    json_close(writer, ']');
    json_name(writer, "AttributeDefinitions");
    json_open(writer, '[');
    put_definition(writer, &table->partition);
    if (sorted) {
        put_definition(writer, &table->sort);
    }
    json_close(writer, ']');
}

static void put_integer(json_writer_t *writer, const char *name, size_t number)
{
    json_name(writer, name);
    json_put_integer(writer, (int64_t)number);
}

static int put_table(dynamodb_request_t *request, const char *member, const table_t *table,
                     const char *status)
{
    json_writer_t *writer = &request->writer;

    json_open(writer, '{');
    json_name(writer, member);
    json_open(writer, '{');
    json_put_member(writer, "TableName", table->name);
    json_put_member(writer, "TableArn", apr_pstrcat(request->pool, ARN, table->name, NULL));
    json_put_member(writer, "TableId", table->id);
    json_put_member(writer, "TableStatus", status);
    put_keys(writer, table);
    json_name(writer, "CreationDateTime");
    json_put_decimal(writer, (double)table->created / APR_USEC_PER_SEC, 3);
    put_integer(writer, "ItemCount", table->count);
    put_integer(writer, "TableSizeBytes", table->bytes);
    json_name(writer, "ProvisionedThroughput");
    json_open(writer, '{');
    put_integer(writer, "NumberOfDecreasesToday", 0);
    put_integer(writer, "ReadCapacityUnits", 0);
    put_integer(writer, "WriteCapacityUnits", 0);
    json_close(writer, '}');
    json_name(writer, "BillingModeSummary");
    json_open(writer, '{');
    json_put_member(writer, "BillingMode", "PAY_PER_REQUEST");
    json_close(writer, '}');
    json_close(writer, '}');
    json_close(writer, '}');
    return 1;
}

int dynamodb_tables_create(dynamodb_request_t *request)
{
    size_t keys = json_length(json_member(request->body, "KeySchema"));
    table_key_t partition = {.name = ""};
    table_key_t sort = {.name = ""};

    if (!dynamodb_request_table_name(request) || !check_definitions(request, keys) ||
        !read_key(request, 0, "HASH", &partition) ||
        (keys == 2 && !read_key(request, 1, "RANGE", &sort)) || !check_billing(request)) {
        return 0;
    }
    if (tables_find(request->emulator->tables, request->table_name) != NULL) {
        return refusal_set(&request->refusal, DYNAMODB_IN_USE, "Table already exists: %s",
                           request->table_name);
    }
    request->table = tables_add(request->emulator->tables, request->table_name, &partition,
                                keys == 2 ? &sort : NULL, emulator_now(request->emulator));
    if (request->table == NULL) {
        return refusal_set(&request->refusal, "InternalServerError",
                           "The stand-in is out of memory.");
    }
    return put_table(request, "TableDescription", request->table, "CREATING");
}

int dynamodb_tables_describe(dynamodb_request_t *request)
{
    return find_table(request) && put_table(request, "Table", request->table, "ACTIVE");
}

int dynamodb_tables_delete(dynamodb_request_t *request)
{
    if (!find_table(request)) {
        return 0;
    }
    (void)put_table(request, "TableDescription", request->table, "DELETING");
    tables_drop(request->emulator->tables, request->table);
    return 1;
}

int dynamodb_tables_list(dynamodb_request_t *request)
{
    const char *start = json_member_text(request->body, "ExclusiveStartTableName", NULL);
    const table_t *table = tables_first(request->emulator->tables);
    const char *last = NULL;
    int64_t limit = LIST_MOST;
    int64_t count = 0;

    if (json_member(request->body, "Limit") != NULL &&
        (!json_integer(json_member(request->body, "Limit"), &limit) || limit < 1 ||
         limit > LIST_MOST)) {
        return refuse(request, "1 validation error detected: Value at 'limit' failed to satisfy "
                               "constraint: Member must have value between 1 and 100");
    }
    while (table != NULL && start != NULL && strcmp(table->name, start) <= 0) {
        table = table->next;
    }
    json_open(&request->writer, '{');
    json_name(&request->writer, "TableNames");
    json_open(&request->writer, '[');
    for (; table != NULL && count < limit; table = table->next, count++) {
        json_put_text(&request->writer, table->name);
        last = table->name;
    }
    json_close(&request->writer, ']');
    if (table != NULL) {
        json_put_member(&request->writer, "LastEvaluatedTableName", last);
    }
    json_close(&request->writer, '}');
    return 1;
}

/* ---- time to live ---- */

static int read_ttl(dynamodb_request_t *request, const char **name, int *enabled)
{
    const json_t *given = json_member(request->body, "TimeToLiveSpecification");

    *name = json_member_text(given, "AttributeName", NULL);
    if (*name == NULL || **name == '\0' || strlen(*name) > TABLES_NAME_MAX ||
        !json_boolean(json_member(given, "Enabled"), enabled)) {
        return refuse(request, "1 validation error detected: Value null at "
                               "'timeToLiveSpecification' failed to satisfy constraint: Member "
                               "must not be null");
    }
    return 1;
}

int dynamodb_tables_update_ttl(dynamodb_request_t *request)
{
    const char *name;
    int enabled = 0;

    if (!find_table(request) || !read_ttl(request, &name, &enabled)) {
        return 0;
    }
    if (enabled == (*request->table->expiry != '\0')) {
        return refuse(request,
                      enabled ? "TimeToLive is already enabled" : "TimeToLive is already disabled");
    }
    if (!enabled && strcmp(name, request->table->expiry) != 0) {
        return refuse(request, "TimeToLive is active on a different AttributeName");
    }
    memcpy(request->table->expiry, enabled ? name : "", enabled ? strlen(name) + 1 : 1);
    json_open(&request->writer, '{');
    json_name(&request->writer, "TimeToLiveSpecification");
    json_put_value(&request->writer, json_member(request->body, "TimeToLiveSpecification"));
    json_close(&request->writer, '}');
    return 1;
}

int dynamodb_tables_describe_ttl(dynamodb_request_t *request)
{
    json_writer_t *writer = &request->writer;
    const table_t *table;

    if (!find_table(request)) {
        return 0;
    }
    table = request->table;
    json_open(writer, '{');
    json_name(writer, "TimeToLiveDescription");
    json_open(writer, '{');
    json_put_member(writer, "TimeToLiveStatus", *table->expiry != '\0' ? "ENABLED" : "DISABLED");
    if (*table->expiry != '\0') {
        json_put_member(writer, "AttributeName", table->expiry);
    }
    json_close(writer, '}');
    json_close(writer, '}');
    return 1;
}
