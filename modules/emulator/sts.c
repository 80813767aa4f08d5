#include "emulator/sts.h"

#include "base/text.h"
#include "emulator/query.h"
#include "emulator/web_identity.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSION          "2011-06-15"
#define NAME_SPACE       "https://sts.amazonaws.com/doc/2011-06-15/"
#define VALIDATION       "ValidationError"
#define DENIED           "AccessDenied"
#define DENIED_PREFIX    "DENIED" /* roles named so may not be assumed by anybody */
#define ACTION_MAX       64
#define NAME_SIGNS       "_+=,.@-"
#define NAME_PATTERN     "[\\w+=,.@-]*"
#define ARN_LEAST        20
#define ARN_MAX          2048
#define TOKEN_LEAST      4
#define TOKEN_MAX        20000
#define EXTERNAL_ID_MAX  1224
#define DURATION         3600
#define DURATION_LEAST   900
#define DURATION_MAX     43200
#define DURATION_CHAINED 3600 /* the most for a caller that is a role itself */
#define USER_ID          "AIDAEMULATOREXAMPLE0"
#define USER_ARN         "arn:aws:iam::" ISSUER_ACCOUNT ":user/emulator"
#define MESSAGE_MAX      4096

/* Source: STS API Reference, "Errors" of both operations. */
static const effects_exception_t modelled[] = {{"AccessDenied", 403},
                                               {"ExpiredTokenException", 400},
                                               {"IDPCommunicationError", 400},
                                               {"IDPRejectedClaim", 403},
                                               {"InvalidIdentityToken", 400},
                                               {"MalformedPolicyDocument", 400},
                                               {"PackedPolicyTooLarge", 400},
                                               {"RegionDisabledException", 403},
                                               {"Throttling", 400},
                                               {"ServiceUnavailable", 503},
                                               {"InternalFailure", 500},
                                               {NULL, 0}};

/* What a request asks for. */
typedef struct {
    emulator_t *emulator;
    const call_t *call;
    buffer_t arn;
    buffer_t session;
    buffer_t external_id;
    buffer_t token;
    buffer_t duration_text;
    const char *role; /* the last part of the ARN */
    int64_t duration;
    web_identity_t identity;
    answer_t *refusal;
} assume_t;

static answer_t *error(int status, const char *code, const char *message)
{
    return query_error(NAME_SPACE, status, code, message);
}

/* ---- which operation ---- */

static const char *find_among(const http_request_t *request, const char *const *operations)
{
    const char *found = NULL;
    buffer_t action;

    buffer_init(&action, ACTION_MAX);
    if (query_is_for(request, VERSION) && query_parameter(request, "Action", &action)) {
        while (*operations != NULL && strcmp(*operations, buffer_text(&action)) != 0) {
            operations++;
        }
        found = *operations;
    }
    buffer_free(&action);
    return found;
}

static const char *find_signed(const http_request_t *request)
{
    static const char *const operations[] = {"AssumeRole", "GetCallerIdentity", NULL};

    return find_among(request, operations);
}

static const char *find_unsigned(const http_request_t *request)
{
    static const char *const operations[] = {"AssumeRoleWithWebIdentity", NULL};

    return find_among(request, operations);
}

/* ---- checks ---- */

static int refuse(assume_t *assume, int status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static int refuse(assume_t *assume, int status, const char *code, const char *format, ...)
{
    char message[MESSAGE_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    assume->refusal = error(status, code,
                            text_utf8_length(message, strlen(message)) != TEXT_NOT_UTF8
                                ? message
                                : "The request is not UTF-8.");
    return 0;
}

static int refuse_value(assume_t *assume, const char *member, const char *value,
                        const char *constraint)
{
    return refuse(assume, 400, VALIDATION,
                  "1 validation error detected: Value '%.200s' at '%s' failed to satisfy "
                  "constraint: Member must %s",
                  value, member, constraint);
}

static int check_length(assume_t *assume, const char *member, const buffer_t *value, size_t least,
                        size_t most)
{
    char constraint[80];

    if (value->length >= least && value->length <= most) {
        return 1;
    }
    (void)snprintf(constraint, sizeof(constraint), "have length between %zu and %zu", least, most);
    return refuse_value(assume, member, buffer_text(value), constraint);
}

/* The role's name behind the last slash of arn:aws:iam::123456789012:role/path/name. */
static int check_arn(assume_t *assume)
{
    const char *arn = buffer_text(&assume->arn);
    const char *role = strstr(arn, ":role/");
    const char *name = strrchr(arn, '/');

    if (!check_length(assume, "roleArn", &assume->arn, ARN_LEAST, ARN_MAX)) {
        return 0;
    }
    if (strncmp(arn, "arn:aws", strlen("arn:aws")) != 0 || strstr(arn, ":iam::") == NULL ||
        role == NULL || name == NULL || name[1] == '\0' || strlen(name + 1) > ISSUER_NAME_MAX ||
        !text_only(name + 1, strlen(name + 1), NAME_SIGNS)) {
        return refuse(assume, 400, VALIDATION, "%.500s is invalid", arn);
    }
    assume->role = name + 1;
    return 1;
}

static int check_session(assume_t *assume)
{
    const buffer_t *session = &assume->session;

    if (!check_length(assume, "roleSessionName", session, 2, ISSUER_NAME_MAX)) {
        return 0;
    }
    return text_only(session->data, session->length, NAME_SIGNS) ||
           refuse_value(assume, "roleSessionName", session->data,
                        "satisfy regular expression pattern: " NAME_PATTERN);
}

static int check_duration(assume_t *assume)
{
    const char *text = buffer_text(&assume->duration_text);

    assume->duration = DURATION;
    if (assume->duration_text.length > 0) {
        assume->duration = strtoll(text, NULL, 10);
    }
    if (text[strspn(text, "0123456789")] != '\0' || assume->duration < DURATION_LEAST ||
        assume->duration > DURATION_MAX) {
        return refuse_value(assume, "durationSeconds", text, "have value between 900 and 43200");
    }
    if (assume->call->caller != NULL && assume->duration > DURATION_CHAINED) {
        return refuse(assume, 400, VALIDATION,
                      "The requested DurationSeconds exceeds the 1 hour session limit for roles "
                      "assumed by role chaining");
    }
    return 1;
}

static int take(assume_t *assume, const char *name, const char *member, buffer_t *out)
{
    return query_parameter(assume->call->request, name, out) ||
           refuse(assume, 400, VALIDATION,
                  "1 validation error detected: Value null at '%s' failed to satisfy constraint: "
                  "Member must not be null",
                  member);
}

static int check_common(assume_t *assume)
{
    (void)query_parameter(assume->call->request, "DurationSeconds", &assume->duration_text);
    return take(assume, "RoleArn", "roleArn", &assume->arn) &&
           take(assume, "RoleSessionName", "roleSessionName", &assume->session) &&
           check_arn(assume) && check_session(assume) && check_duration(assume);
}

/* ---- who asks ---- */

static void caller_arn(const call_t *call, buffer_t *out)
{
    const issuer_set_t *caller = call->caller;

    if (caller != NULL) {
        (void)buffer_printf(out, "arn:aws:sts::" ISSUER_ACCOUNT ":assumed-role/%s/%s", caller->role,
                            caller->session);
    } else {
        (void)buffer_puts(out, USER_ARN);
    }
}

static int deny(assume_t *assume)
{
    buffer_t who;

    buffer_init(&who, MESSAGE_MAX);
    caller_arn(assume->call, &who);
    (void)refuse(assume, 403, DENIED,
                 "User: %s is not authorized to perform: sts:AssumeRole on resource: %.500s",
                 buffer_text(&who), buffer_text(&assume->arn));
    buffer_free(&who);
    return 0;
}

static int check_role(assume_t *assume)
{
    const char *wanted = assume->emulator->switches.texts[SWITCHES_STS_EXTERNAL_ID];

    (void)query_parameter(assume->call->request, "ExternalId", &assume->external_id);
    if (!check_common(assume)) {
        return 0;
    }
    if (strncmp(assume->role, DENIED_PREFIX, strlen(DENIED_PREFIX)) == 0 ||
        (*wanted != '\0' && strcmp(wanted, buffer_text(&assume->external_id)) != 0)) {
        return deny(assume);
    }
    return 1;
}

static int check_identity(assume_t *assume)
{
    web_identity_t *identity = &assume->identity;

    if (!check_common(assume) ||
        !take(assume, "WebIdentityToken", "webIdentityToken", &assume->token) ||
        !check_length(assume, "webIdentityToken", &assume->token, TOKEN_LEAST, TOKEN_MAX)) {
        return 0;
    }
    if (strncmp(assume->role, DENIED_PREFIX, strlen(DENIED_PREFIX)) == 0) {
        return refuse(assume, 403, DENIED,
                      "Not authorized to perform sts:AssumeRoleWithWebIdentity");
    }
    return web_identity_read(buffer_text(&assume->token), emulator_now(assume->emulator),
                             identity) ||
           refuse(assume, 400, identity->code, "%s", identity->message);
}

/* ---- answers ---- */

static void put_user(query_answer_t *query, const issuer_set_t *set)
{
    char text[MESSAGE_MAX];

    query_open(query, "AssumedRoleUser");
    (void)snprintf(text, sizeof(text), "%s:%s", set->role_id, set->session);
    query_put(query, "AssumedRoleId", text);
    (void)snprintf(text, sizeof(text), "arn:aws:sts::" ISSUER_ACCOUNT ":assumed-role/%s/%s",
                   set->role, set->session);
    query_put(query, "Arn", text);
    query_close(query, "AssumedRoleUser");
}

static void put_credentials(query_answer_t *query, const issuer_set_t *set)
{
    char expires[ISSUER_INSTANT_LENGTH + 1];

    issuer_instant(expires, set->expires);
    query_open(query, "Credentials");
    query_put(query, "AccessKeyId", set->id);
    query_put(query, "SecretAccessKey", set->secret);
    query_put(query, "SessionToken", set->token);
    query_put(query, "Expiration", expires);
    query_close(query, "Credentials");
}

static answer_t *answer_assume(assume_t *assume, int with_identity)
{
    int64_t lifetime = assume->emulator->switches.numbers[SWITCHES_STS_LIFETIME];
    const issuer_set_t *set = issuer_issue(
        assume->emulator->issuer, ISSUER_STS, assume->role, buffer_text(&assume->session),
        emulator_now(assume->emulator), lifetime != 0 ? lifetime : assume->duration);
    query_answer_t query;

    if (set == NULL) {
        return error(500, "InternalFailure", "The system's random generator failed.");
    }
    query_begin(&query, NAME_SPACE, assume->call->operation);
    put_user(&query, set);
    put_credentials(&query, set);
    if (with_identity) {
        query_put(&query, "SubjectFromWebIdentityToken", assume->identity.subject);
        query_put(&query, "Audience", assume->identity.audience);
        query_put(&query, "Provider", assume->identity.issuer);
    }
    query_put(&query, "PackedPolicySize", "6");
    return query_end(&query);
}

static answer_t *answer_identity(const call_t *call)
{
    const issuer_set_t *caller = call->caller;
    query_answer_t query;
    buffer_t text;

    buffer_init(&text, MESSAGE_MAX);
    query_begin(&query, NAME_SPACE, call->operation);
    caller_arn(call, &text);
    query_put(&query, "Arn", buffer_text(&text));
    buffer_clear(&text);
    if (caller != NULL) {
        (void)buffer_printf(&text, "%s:%s", caller->role_id, caller->session);
    }
    query_put(&query, "UserId", caller != NULL ? buffer_text(&text) : USER_ID);
    query_put(&query, "Account", ISSUER_ACCOUNT);
    buffer_free(&text);
    return query_end(&query);
}

/* ---- one call ---- */

static void init_assume(assume_t *assume, emulator_t *emulator, const call_t *call)
{
    memset(assume, 0, sizeof(*assume));
    assume->emulator = emulator;
    assume->call = call;
    buffer_init(&assume->arn, ARN_MAX + 1);
    buffer_init(&assume->session, ARN_MAX);
    buffer_init(&assume->external_id, EXTERNAL_ID_MAX);
    buffer_init(&assume->token, TOKEN_MAX + 1);
    buffer_init(&assume->duration_text, ACTION_MAX);
}

static void free_assume(assume_t *assume)
{
    buffer_free(&assume->arn);
    buffer_free(&assume->session);
    buffer_free(&assume->external_id);
    buffer_free(&assume->token);
    buffer_free(&assume->duration_text);
}

static answer_t *answer_call(emulator_t *emulator, const call_t *call, int with_identity)
{
    answer_t *answer = NULL;
    assume_t assume;
    int good;

    init_assume(&assume, emulator, call);
    good = with_identity ? check_identity(&assume) : check_role(&assume);
    journal_subject(emulator->journal, call->ticket, buffer_text(&assume.session),
                    buffer_text(&assume.arn), assume.arn.length, call->faults);
    answer = effects_replace(call->script, modelled, error);
    if (answer == NULL) {
        answer = good ? answer_assume(&assume, with_identity) : assume.refusal;
    } else {
        answer_destroy(assume.refusal);
    }
    free_assume(&assume);
    return answer;
}

static answer_t *answer_signed(emulator_t *emulator, call_t *call)
{
    answer_t *answer;

    if (strcmp(call->operation, "AssumeRole") == 0) {
        return answer_call(emulator, call, 0);
    }
    journal_subject(emulator->journal, call->ticket, "", "", 0, call->faults);
    answer = effects_replace(call->script, modelled, error);
    return answer != NULL ? answer : answer_identity(call);
}

static answer_t *answer_unsigned(emulator_t *emulator, call_t *call)
{
    return answer_call(emulator, call, 1);
}

const service_t sts_service = {
    .rules = {.service = "sts"}, .operation = find_signed, .answer = answer_signed, .error = error};

const service_t sts_federation_service = {
    .operation = find_unsigned, .answer = answer_unsigned, .error = error};
