#include "emulator/container.h"

#include "base/json.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define ECS_PREFIX   "/v2/credentials/"
#define EKS_PATH     "/v1/credentials"
#define EKS_ROLE     "emulator-role"
#define SESSION_NAME "emulator-task"
#define ROLE_ARN     "arn:aws:iam::" ISSUER_ACCOUNT ":role/"
#define BODY_MAX     8192

static const effects_exception_t modelled[] = {{"AccessDeniedException", 403},
                                               {"ThrottlingException", 429},
                                               {"InternalServerException", 500},
                                               {NULL, 0}};

static answer_t *send_json(int status, buffer_t *body)
{
    answer_t *answer = answer_create(status, "application/json");

    if (answer != NULL) {
        answer_send(answer, buffer_text(body), body->length);
        answer->failed |= body->failed;
    }
    buffer_free(body);
    return answer;
}

static answer_t *error(int status, const char *code, const char *message)
{
    json_writer_t writer;
    buffer_t body;

    buffer_init(&body, BODY_MAX);
    json_write_to(&writer, &body);
    json_open(&writer, '{');
    json_put_member(&writer, "Code", code);
    json_put_member(&writer, "Message", message);
    json_close(&writer, '}');
    return send_json(status, &body);
}

/* The role that the path names, or NULL when it is not of this service. */
static const char *role_of(const http_request_t *request)
{
    if (strcmp(request->path, EKS_PATH) == 0) {
        return EKS_ROLE;
    }
    return strncmp(request->path, ECS_PREFIX, strlen(ECS_PREFIX)) == 0
               ? request->path + strlen(ECS_PREFIX)
               : NULL;
}

static const char *find_operation(const http_request_t *request)
{
    return strcmp(request->method, "GET") == 0 && role_of(request) != NULL ? "ContainerCredentials"
                                                                           : NULL;
}

static answer_t *give(emulator_t *emulator, const char *role)
{
    const issuer_set_t *set =
        issuer_issue(emulator->issuer, ISSUER_CONTAINER, role, SESSION_NAME, emulator_now(emulator),
                     emulator->switches.numbers[SWITCHES_CONTAINER_LIFETIME]);
    char arn[sizeof(ROLE_ARN) + ISSUER_NAME_MAX];
    char expires[ISSUER_INSTANT_LENGTH + 1];
    json_writer_t writer;
    buffer_t body;

    if (set == NULL) {
        return error(500, "InternalServerException", "The system's random generator failed.");
    }
    (void)snprintf(arn, sizeof(arn), ROLE_ARN "%s", role);
    issuer_instant(expires, set->expires);
    buffer_init(&body, BODY_MAX);
    json_write_to(&writer, &body);
    json_open(&writer, '{');
    json_put_member(&writer, "RoleArn", arn);
    json_put_member(&writer, "AccessKeyId", set->id);
    json_put_member(&writer, "SecretAccessKey", set->secret);
    json_put_member(&writer, "Token", set->token);
    json_put_member(&writer, "Expiration", expires);
    json_put_member(&writer, "AccountId", ISSUER_ACCOUNT);
    json_close(&writer, '}');
    return send_json(200, &body);
}

static answer_t *answer_call(emulator_t *emulator, call_t *call)
{
    const char *role = role_of(call->request);
    const char *wanted = emulator->switches.texts[SWITCHES_CONTAINER_TOKEN];
    const char *given = http_header(call->request, "authorization");
    answer_t *answer;

    journal_subject(emulator->journal, call->ticket, "", role, strlen(role), call->faults);
    answer = effects_replace(call->script, modelled, error);
    if (answer != NULL) {
        return answer;
    }
    if (*wanted != '\0' && (given == NULL || strcmp(given, wanted) != 0)) {
        return error(401, "AccessDeniedException",
                     given == NULL ? "The Authorization header is missing."
                                   : "The Authorization header is not the expected one.");
    }
    if (strlen(role) == 0 || strlen(role) > ISSUER_NAME_MAX ||
        !text_only(role, strlen(role), "_+=,.@-")) {
        return error(404, "ResourceNotFoundException", "There are no credentials of this id.");
    }
    return give(emulator, role);
}

const service_t container_service = {
    .operation = find_operation, .answer = answer_call, .error = error};
