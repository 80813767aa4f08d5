#include "aws/dynamodb.h"

#include "aws/attributes.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#define REASON_MAX 1200

static const struct {
    const char *name;
    const char *target;
    const char *item; /* the member of its answer that holds one */
} operations[] = {
    {"GetItem", "DynamoDB_20120810.GetItem", "Item"},
    {"PutItem", "DynamoDB_20120810.PutItem", "Attributes"},
    {"UpdateItem", "DynamoDB_20120810.UpdateItem", "Attributes"},
    {"DeleteItem", "DynamoDB_20120810.DeleteItem", "Attributes"},
};

#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

struct dynamodb_t {
    dynamodb_owner_t owner;
    call_t *call;
    size_t kind; /* in operations[] */
    call_header_t target;
    buffer_t body;
    buffer_t answer; /* of a success */
    int is_too_long;
};

static void release(dynamodb_t *operation)
{
    buffer_free(&operation->body);
    buffer_free(&operation->answer);
    free(operation);
}

/* ---- the answer ---- */

static int on_body(void *baton, const char *bytes, size_t length)
{
    dynamodb_t *operation = baton;

    operation->is_too_long = !buffer_append(&operation->answer, bytes, length);
    return !operation->is_too_long;
}

static void on_retry(void *baton)
{
    dynamodb_t *operation = baton;

    buffer_clear(&operation->answer);
}

/* The caller releases `*answer`; `reason` has room for REASON_MAX. */
static void read_success(const dynamodb_t *operation, dynamodb_result_t *result, json_t **answer,
                         char *reason)
{
    json_error_t error;

    *answer = json_parse(buffer_text(&operation->answer), operation->answer.length,
                         ATTRIBUTES_JSON_DEPTH, &error);
    if (error.reason == NULL && json_kind(*answer) == JSON_OBJECT) {
        result->end = DYNAMODB_OK;
        result->item = json_member(*answer, operations[operation->kind].item);
        return;
    }
    (void)apr_snprintf(reason, REASON_MAX,
                       "reading the answer of %s: it is no JSON object%s%s; is the endpoint "
                       "DynamoDB's?",
                       operations[operation->kind].name, error.reason != NULL ? ": " : "",
                       error.reason != NULL ? error.reason : "");
    result->reason = reason;
}

static void read_error(const call_result_t *ended, dynamodb_result_t *result, json_t **answer)
{
    json_error_t error;

    if (strcmp(ended->code, "ConditionalCheckFailedException") == 0) {
        *answer = json_parse(ended->error_body, ended->error_length, ATTRIBUTES_JSON_DEPTH, &error);
        result->end = DYNAMODB_CONDITION_FAILED;
        result->item = json_member(*answer, "Item");
    }
}

static void on_end(void *baton, const call_result_t *ended)
{
    dynamodb_t *operation = baton;
    dynamodb_result_t result = {.end = DYNAMODB_FAILED,
                                .code = ended->code,
                                .message = ended->message,
                                .reason = ended->end == CALL_OK ? "" : ended->reason,
                                .retries = ended->retries};
    json_t *answer = NULL;
    char reason[REASON_MAX];

    if (operation->is_too_long) {
        (void)apr_snprintf(reason, sizeof(reason),
                           "reading the answer of %s: it is longer than an item can be, or memory "
                           "is out",
                           operations[operation->kind].name);
        result.reason = reason;
    } else if (ended->end == CALL_OK) {
        read_success(operation, &result, &answer, reason);
    } else if (ended->end == CALL_REFUSED) {
        read_error(ended, &result, &answer);
    }
    operation->owner.on_end(operation->owner.baton, &result);
    json_release(answer);
    release(operation);
}

/* ---- the owner's side ---- */

static size_t find_operation(const char *name)
{
    size_t kind = 0;

    while (kind < OPERATIONS && strcmp(operations[kind].name, name) != 0) {
        kind++;
    }
    return kind;
}

static dynamodb_t *make(const dynamodb_request_t *request, const dynamodb_owner_t *owner)
{
    size_t kind = find_operation(request->operation);
    dynamodb_t *operation = kind < OPERATIONS ? calloc(1, sizeof(*operation)) : NULL;

    if (operation != NULL) {
        operation->owner = *owner;
        operation->kind = kind;
        operation->target.name = "X-Amz-Target";
        operation->target.value = operations[kind].target;
        operation->body = *request->body;
        buffer_init(request->body, request->body->maximum);
        buffer_init(&operation->answer, DYNAMODB_BODY_MAX);
    }
    return operation;
}

static int send_it(dynamodb_t *operation, call_client_t *client, const dynamodb_request_t *request)
{
    const call_owner_t owner = {
        .on_body = on_body, .on_retry = on_retry, .on_end = on_end, .baton = operation};
    const call_request_t call = {.operation = operations[operation->kind].name,
                                 .method = "POST",
                                 .path = "/",
                                 .content_type = "application/x-amz-json-1.0",
                                 .accept = "application/json",
                                 .headers = &operation->target,
                                 .header_count = 1,
                                 .body = operation->body.data,
                                 .body_length = operation->body.length,
                                 .error_max = DYNAMODB_BODY_MAX,
                                 .limits = request->limits,
                                 .deadline = request->deadline};

    return !operation->body.failed && call_start(&operation->call, client, &call, &owner);
}

static void tell_it_never_started(const dynamodb_owner_t *owner, const char *name)
{
    dynamodb_result_t result = {.end = DYNAMODB_FAILED, .code = "", .message = ""};
    char reason[REASON_MAX];

    (void)apr_snprintf(reason, sizeof(reason),
                       "starting %s: out of memory, or the request is too long", name);
    result.reason = reason;
    owner->on_end(owner->baton, &result);
}

void dynamodb_start(dynamodb_t **operation, call_client_t *client,
                    const dynamodb_request_t *request, const dynamodb_owner_t *owner)
{
    dynamodb_t *made = make(request, owner);

    *operation = made;
    if (made == NULL) {
        buffer_free(request->body);
        tell_it_never_started(owner, request->operation);
    } else if (!send_it(made, client, request)) {
        release(made);
        tell_it_never_started(owner, request->operation);
    }
}

void dynamodb_cancel(dynamodb_t *operation)
{
    call_cancel(operation->call);
    release(operation);
}
