#include "chat/session_operation.h"

#include "base/clock.h"
#include "base/log.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#define REASON_MAX 1400

/* Who waits for a chat waits less; this bounds what nobody waits for. */
#define CONNECT_TIME   apr_time_from_sec(1)
#define ANSWER_TIME    apr_time_from_sec(2)
#define OPERATION_TIME apr_time_from_sec(8)

/* ---- start and end ---- */

/* The wall clock, put right by what AWS's answers say: other machines read what is written. */
static apr_time_t now_at(const session_table_t *table)
{
    return skew_signing_time(&table->client->skew, clock_wall());
}

static void tell_of_no_memory(const session_owner_t *owner)
{
    if (owner != NULL) {
        owner->on_end(owner->baton, SESSION_FAILED, "asking the table of sessions: out of memory");
    }
}

session_operation_t *session_operation_start(const session_store_t *store,
                                             session_operation_t **started, const char *id,
                                             const session_asker_t *asker,
                                             const session_owner_t *owner)
{
    session_operation_t *operation = calloc(1, sizeof(*operation));

    if (started != NULL) {
        *started = operation;
    }
    if (operation == NULL) {
        tell_of_no_memory(owner);
        return NULL;
    }
    operation->table = (const session_table_t *)(const void *)store;
    if (owner != NULL) {
        operation->owner = *owner;
    }
    (void)apr_cpystrn(operation->id, id, sizeof(operation->id));
    operation->asker = *asker;
    operation->now = now_at(operation->table);
    operation->asker.until += operation->now - clock_wall();
    return operation;
}

int session_operation_own_asker(session_operation_t *operation)
{
    operation->own_request_id = strdup(operation->asker.request_id);
    if (operation->own_request_id != NULL) {
        operation->asker.request_id = operation->own_request_id;
    }
    return operation->own_request_id != NULL;
}

static void release(session_operation_t *operation)
{
    free(operation->own_request_id);
    free(operation);
}

void session_operation_finish(session_operation_t *operation, session_end_e end, const char *reason)
{
    char line[REASON_MAX] = "";

    if (reason[0] != '\0') {
        (void)apr_snprintf(line, sizeof(line), "%s: %s", operation->step->doing, reason);
    }
    if (operation->owner.on_end != NULL) {
        operation->owner.on_end(operation->owner.baton, end, line);
    } else if (end == SESSION_FAILED) {
        log_debug("CHAT0500: request %s: %s", operation->asker.request_id, line);
    }
    release(operation);
}

void session_operation_cancel(session_operation_t *operation)
{
    dynamodb_cancel(operation->request);
    release(operation);
}

/* ---- requests ---- */

static void start_request(session_operation_t *operation, const char *name, buffer_t *body,
                          void (*on_end)(void *, const dynamodb_result_t *))
{
    const dynamodb_owner_t owner = {on_end, operation};
    const dynamodb_request_t request = {
        .operation = name,
        .body = body,
        .limits = {.connect = CONNECT_TIME, .first = ANSWER_TIME, .idle = ANSWER_TIME},
        .deadline = clock_monotonic() + OPERATION_TIME};

    dynamodb_start(&operation->request, operation->table->client, &request, &owner);
}

static void on_look_end(void *baton, const dynamodb_result_t *result)
{
    session_operation_t *operation = baton;

    operation->request = NULL;
    if (result->end == DYNAMODB_OK) {
        operation->step->on_refused(operation, result->item);
    } else {
        session_operation_finish(operation, SESSION_FAILED, result->reason);
    }
}

/* There was no item, or the server is one that does not return it: the two look the same. */
static void look(session_operation_t *operation)
{
    buffer_t body;

    buffer_init(&body, DYNAMODB_BODY_MAX);
    session_request_get(&body, operation->table->name, operation->id);
    start_request(operation, "GetItem", &body, on_look_end);
}

static void on_failed(session_operation_t *operation, const dynamodb_result_t *result)
{
    const session_step_t *step = operation->step;

    if (step->on_failed == NULL || !step->on_failed(operation, result)) {
        session_operation_finish(operation, SESSION_FAILED, result->reason);
    }
}

static void on_step_end(void *baton, const dynamodb_result_t *result)
{
    session_operation_t *operation = baton;

    operation->request = NULL;
    operation->retries = result->retries;
    switch (result->end) {
    case DYNAMODB_OK: operation->step->on_done(operation, result->item); break;
    case DYNAMODB_CONDITION_FAILED:
        if (result->item != NULL) {
            operation->step->on_refused(operation, result->item);
        } else {
            look(operation);
        }
        break;
    case DYNAMODB_FAILED: on_failed(operation, result); break;
    }
}

void session_operation_send(session_operation_t *operation, const session_step_t *step)
{
    buffer_t body;

    operation->step = step;
    buffer_init(&body, DYNAMODB_BODY_MAX);
    step->write(operation, &body);
    start_request(operation, step->request, &body, on_step_end);
}

void session_operation_again(session_operation_t *operation)
{
    if (++operation->tries < SESSION_OPERATION_TRIES) {
        session_operation_send(operation, operation->step);
    } else {
        session_operation_finish(operation, SESSION_FAILED,
                                 "the condition failed again and again, and the item does not say "
                                 "why; are its attributes of the types that they should be?");
    }
}
