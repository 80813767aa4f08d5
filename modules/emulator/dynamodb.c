#include "emulator/dynamodb.h"

#include "base/log.h"
#include "emulator/attribute_json.h"
#include "emulator/dynamodb_items.h"
#include "emulator/dynamodb_search.h"
#include "emulator/dynamodb_tables.h"
#include "emulator/json_rpc.h"

#include <stdio.h>
#include <string.h>

#define PREFIX     "DynamoDB_20120810."
#define NAME_SPACE "com.amazonaws.dynamodb.v20120810#"
#define JSON_DEPTH 100
#define OUT_MAX    (16 * 1024 * 1024)

/* Source: API Reference, "Common Errors" and those of the operations. */
static const effects_exception_t modelled[] = {{"ConditionalCheckFailedException", 400},
                                               {"InternalServerError", 500},
                                               {"ItemCollectionSizeLimitExceededException", 400},
                                               {"LimitExceededException", 400},
                                               {"ProvisionedThroughputExceededException", 400},
                                               {"ReplicatedWriteConflictException", 400},
                                               {"RequestLimitExceeded", 400},
                                               {"ResourceInUseException", 400},
                                               {"ResourceNotFoundException", 400},
                                               {"ServiceUnavailable", 503},
                                               {"ThrottlingException", 400},
                                               {"TransactionConflictException", 400},
                                               {"TransactionInProgressException", 400},
                                               {"AccessDeniedException", 400},
                                               {"ExpiredTokenException", 400},
                                               {"UnrecognizedClientException", 400},
                                               {"ValidationException", 400},
                                               {NULL, 0}};

static const struct {
    const char *name;
    int (*work)(dynamodb_request_t *request);
    int names_table;
} operations[] = {{"GetItem", dynamodb_items_get, 1},
                  {"PutItem", dynamodb_items_put, 1},
                  {"UpdateItem", dynamodb_items_update, 1},
                  {"DeleteItem", dynamodb_items_delete, 1},
                  {"Scan", dynamodb_search_scan, 1},
                  {"Query", dynamodb_search_query, 1},
                  {"CreateTable", dynamodb_tables_create, 0},
                  {"DescribeTable", dynamodb_tables_describe, 0},
                  {"ListTables", dynamodb_tables_list, 0},
                  {"DeleteTable", dynamodb_tables_delete, 0},
                  {"UpdateTimeToLive", dynamodb_tables_update_ttl, 0},
                  {"DescribeTimeToLive", dynamodb_tables_describe_ttl, 0}};

#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))
#define UNKNOWN    "DynamoDBOther"

static size_t index_of(const char *name)
{
    size_t i = 0;

    while (i < OPERATIONS && strcmp(operations[i].name, name) != 0) {
        i++;
    }
    return i;
}

static const char *find_operation(const http_request_t *request)
{
    const char *name = json_rpc_operation(request, PREFIX);
    size_t index = name != NULL ? index_of(name) : 0;

    if (name == NULL) {
        return NULL;
    }
    return index < OPERATIONS ? operations[index].name : UNKNOWN;
}

/* ---- errors ---- */

static const char *name_space_of(const char *type)
{
    const char *common = json_rpc_common_space(type);

    return common != NULL ? common : NAME_SPACE;
}

static answer_t *end_error(int status, const char *type, buffer_t *body)
{
    answer_t *answer;

    (void)buffer_puts(body, "}");
    answer = json_rpc_answer(json_rpc_status(status, type), buffer_text(body), body->length);
    if (answer != NULL) {
        answer->failed |= body->failed;
    }
    buffer_free(body);
    return answer;
}

static answer_t *write_error(int status, const char *type, const char *message)
{
    buffer_t body;

    buffer_init(&body, OUT_MAX);
    json_rpc_open_error(&body, name_space_of(type), type, message);
    return end_error(status, type, &body);
}

static answer_t *error(int status, const char *type, const char *message)
{
    answer_t *answer = write_error(status, type, message);

    if (answer != NULL) {
        json_rpc_put_checksum(answer, 0);
    }
    return answer;
}

/* The refusal of a request, with the item that a failed condition shows. */
static answer_t *refusal_answer(const dynamodb_request_t *request)
{
    const char *type = request->refusal.type;
    const effects_exception_t *known = effects_find(modelled, type);
    json_writer_t writer;
    buffer_t body;

    buffer_init(&body, OUT_MAX);
    json_rpc_open_error(&body, name_space_of(type), type, request->refusal.message);
    if (request->refused_item != NULL) {
        (void)buffer_puts(&body, ",\"Item\":");
        json_write_to(&writer, &body);
        attribute_json_write_map(&writer, request->refused_item);
    }
    return end_error(known != NULL ? known->status : 400, type, &body);
}

/* ---- one call ---- */

static void work(dynamodb_request_t *request, const char *operation)
{
    size_t index = index_of(operation);

    if (json_kind(request->body) != JSON_OBJECT) {
        (void)refusal_set(&request->refusal, "SerializationException",
                          "The body is not a JSON object");
    } else if (index == OPERATIONS) {
        log_warn("EMUL0042: no operation of DynamoDB here is the one that X-Amz-Target names");
        (void)refusal_set(&request->refusal, "UnknownOperationException",
                          "The stand-in does not have this operation");
    } else if (!operations[index].names_table || dynamodb_request_table_name(request)) {
        (void)operations[index].work(request);
    }
}

/* What the books show of the call: the value of its partition key, its table. */
static void note(const emulator_t *emulator, const call_t *call, const dynamodb_request_t *request)
{
    const attribute_t *value = request->key != NULL && request->table != NULL
                                   ? attributes_get(request->key, request->table->partition.name)
                                   : NULL;
    const char *shown = value != NULL && value->kind != ATTRIBUTE_B ? value->bytes : NULL;

    journal_subject(emulator->journal, call->ticket, shown != NULL ? shown : "",
                    request->table_name, strlen(request->table_name), call->faults);
}

static answer_t *act(emulator_t *emulator, const call_t *call, apr_pool_t *pool)
{
    dynamodb_request_t *request = apr_pcalloc(pool, sizeof(*request));
    answer_t *answer;
    json_error_t problem;

    request->emulator = emulator;
    request->pool = pool;
    buffer_init(&request->out, OUT_MAX);
    json_write_to(&request->writer, &request->out);
    request->body =
        json_parse(call->request->body, call->request->body_length, JSON_DEPTH, &problem);
    work(request, call->operation);
    note(emulator, call, request);
    if (request->refusal.type != NULL) {
        answer = refusal_answer(request);
    } else {
        answer = json_rpc_answer(200, buffer_text(&request->out), request->out.length);
    }
    if (answer != NULL) {
        answer->failed |= request->out.failed;
    }
    buffer_free(&request->out);
    json_release(request->body);
    return answer;
}

static answer_t *act_in_pool(emulator_t *emulator, const call_t *call)
{
    apr_pool_t *pool;
    answer_t *answer;

    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return NULL;
    }
    answer = act(emulator, call, pool);
    apr_pool_destroy(pool);
    return answer;
}

static answer_t *answer_call(emulator_t *emulator, call_t *call)
{
    int acts = script_has(call->script, SCRIPT_ACT);
    answer_t *acted = acts ? act_in_pool(emulator, call) : NULL;
    answer_t *answer = effects_replace(call->script, modelled, write_error);

    if (!acts && answer != NULL) {
        journal_subject(emulator->journal, call->ticket, "", "", 0, call->faults);
    }
    if (answer != NULL) {
        answer_destroy(acted);
    } else {
        answer = acts ? acted : act_in_pool(emulator, call);
    }
    if (answer != NULL) {
        json_rpc_put_checksum(answer, script_has(call->script, SCRIPT_WRONG_CRC32));
    }
    return answer;
}

int dynamodb_create_tables(emulator_t *emulator)
{
    const settings_t *settings = emulator->settings;
    int i;

    for (i = 0; i < settings->table_count; i++) {
        table_key_t key = {.kind = ATTRIBUTE_S};
        (void)snprintf(key.name, sizeof(key.name), "%s", settings->tables[i].key);
        if (tables_add(emulator->tables, settings->tables[i].name, &key, NULL,
                       emulator_now(emulator)) == NULL) {
            return 0;
        }
    }
    return 1;
}

const service_t dynamodb_service = {.rules = {.service = "dynamodb"},
                                    .operation = find_operation,
                                    .answer = answer_call,
                                    .error = error};
