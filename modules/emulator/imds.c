#include "emulator/imds.h"

#include "base/clock.h"
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX       "/latest/"
#define TOKEN_PATH   PREFIX "api/token"
#define ROLE_PATH    PREFIX "meta-data/iam/security-credentials/"
#define ZONE_PATH    PREFIX "meta-data/placement/availability-zone"
#define REGION_PATH  PREFIX "meta-data/placement/region"
#define TTL_HEADER   "x-aws-ec2-metadata-token-ttl-seconds"
#define TOKEN_HEADER "x-aws-ec2-metadata-token"
#define TTL_MAX      21600
#define TOKENS       256 /* the oldest are forgotten */
#define TOKEN_BYTES  42
#define TOKEN_LENGTH 56
#define SESSION_NAME "i-0123456789abcdef0"
#define PLAIN        "text/plain"
#define BODY_MAX     8192
#define TTL_TEXT_MAX 16

struct imds_t {
    struct {
        char text[TOKEN_LENGTH + 1];
        apr_time_t expires; /* monotonic */
    } tokens[TOKENS];
    uint64_t count; /* token number n at n % TOKENS */
};

static const effects_exception_t modelled[] = {{NULL, 0}};

imds_t *imds_create(void)
{
    return calloc(1, sizeof(imds_t));
}

void imds_destroy(imds_t *imds)
{
    free(imds);
}

static answer_t *send_text(int status, const char *type, const char *text)
{
    answer_t *answer = answer_create(status, type);

    if (answer != NULL) {
        answer_header(answer, "Server", "EC2ws");
        answer_send(answer, text, strlen(text));
    }
    return answer;
}

/* Its errors are pages for people; the status is all that a client may go by. */
static answer_t *error(int status, const char *type, const char *message)
{
    char page[BODY_MAX];

    (void)snprintf(
        page, sizeof(page),
        "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n<html>\n <head>\n  <title>%d - "
        "%s</title>\n </head>\n <body>\n  <h1>%s</h1>\n </body>\n</html>\n",
        status, type, message);
    return send_text(status, "text/html", page);
}

/* ---- which operation ---- */

static int has_path(const http_request_t *request, const char *path)
{
    size_t length = strlen(path);

    return strncmp(request->path, path, length) == 0 &&
           (request->path[length] == '\0' || strcmp(request->path + length, "/") == 0);
}

static const char *find_operation(const http_request_t *request)
{
    if (strncmp(request->path, PREFIX, strlen(PREFIX)) != 0) {
        return NULL;
    }
    if (strcmp(request->path, TOKEN_PATH) == 0) {
        return "IMDSToken";
    }
    if (strcmp(request->path, ROLE_PATH) == 0) {
        return "IMDSRole";
    }
    if (strncmp(request->path, ROLE_PATH, strlen(ROLE_PATH)) == 0) {
        return "IMDSCredentials";
    }
    return has_path(request, ZONE_PATH)     ? "IMDSZone"
           : has_path(request, REGION_PATH) ? "IMDSRegion"
                                            : "IMDSOther";
}

/* ---- session tokens ---- */

/* The seconds that the header asks for, 0 when it is absent or wrong. */
static int64_t asked_ttl(const http_request_t *request)
{
    const char *text = http_header(request, TTL_HEADER);
    int64_t seconds;

    if (text == NULL || strlen(text) > 5 || text[strspn(text, "0123456789")] != '\0') {
        return 0;
    }
    seconds = strtoll(text, NULL, 10);
    return seconds <= TTL_MAX ? seconds : 0;
}

/* The answer says the lifetime that was asked for; a shorter one shows by 401 only. */
static answer_t *answer_token(emulator_t *emulator, const http_request_t *request)
{
    imds_t *imds = emulator->imds;
    char *text = imds->tokens[imds->count % TOKENS].text;
    int64_t ttl = asked_ttl(request);
    int64_t most = emulator->switches.numbers[SWITCHES_IMDS_TOKEN_TTL];
    char ttl_text[TTL_TEXT_MAX];
    answer_t *answer;

    if (strcmp(request->method, "PUT") != 0) {
        return error(405, "Method Not Allowed", "Give PUT.");
    }
    if (http_header(request, "x-forwarded-for") != NULL) {
        return error(403, "Forbidden", "The request came through a proxy.");
    }
    if (ttl == 0) {
        return error(400, "Bad Request", "Give " TTL_HEADER " from 1 to 21600.");
    }
    if (!issuer_random_text(text, TOKEN_LENGTH + 1, TOKEN_BYTES)) {
        return error(500, "Internal Server Error", "The system's random generator failed.");
    }
    imds->tokens[imds->count % TOKENS].expires =
        clock_monotonic() + apr_time_from_sec(ttl < most ? ttl : most);
    imds->count++;
    answer = send_text(200, PLAIN, text);
    if (answer != NULL) {
        (void)snprintf(ttl_text, sizeof(ttl_text), "%d", (int)ttl);
        answer_header(answer, "X-Aws-Ec2-Metadata-Token-Ttl-Seconds", ttl_text);
    }
    return answer;
}

static int has_token(const emulator_t *emulator, const http_request_t *request)
{
    const char *text = http_header(request, TOKEN_HEADER);
    const imds_t *imds = emulator->imds;
    size_t i;

    if (text == NULL) {
        return emulator->switches.numbers[SWITCHES_IMDS_V1] != 0;
    }
    for (i = 0; i < TOKENS && i < imds->count; i++) {
        if (strcmp(imds->tokens[i].text, text) == 0) {
            return clock_monotonic() < imds->tokens[i].expires;
        }
    }
    return 0;
}

/* ---- the role's credentials ---- */

static void write_failure(json_writer_t *writer, const char *code)
{
    json_put_member(writer, "Code", code);
    json_put_member(writer, "Message", "EC2 cannot assume the role of this instance.");
}

static void write_set(json_writer_t *writer, const issuer_set_t *set)
{
    char expires[ISSUER_INSTANT_LENGTH + 1];

    issuer_instant(expires, set->expires);
    json_put_member(writer, "Code", "Success");
    json_put_member(writer, "Type", "AWS-HMAC");
    json_put_member(writer, "AccessKeyId", set->id);
    json_put_member(writer, "SecretAccessKey", set->secret);
    json_put_member(writer, "Token", set->token);
    json_put_member(writer, "Expiration", expires);
}

static answer_t *answer_credentials(emulator_t *emulator, const char *role)
{
    const char *attached = emulator->switches.texts[SWITCHES_IMDS_ROLE];
    const char *code = emulator->switches.texts[SWITCHES_IMDS_CODE];
    int success = strcmp(code, "Success") == 0;
    const issuer_set_t *set = NULL;
    char updated[ISSUER_INSTANT_LENGTH + 1];
    json_writer_t writer;
    answer_t *answer;
    buffer_t body;

    if (*attached == '\0' || strcmp(role, attached) != 0) {
        return error(404, "Not Found", "This role is not attached to the instance.");
    }
    if (success) {
        set =
            issuer_issue(emulator->issuer, ISSUER_IMDS, role, SESSION_NAME, emulator_now(emulator),
                         emulator->switches.numbers[SWITCHES_IMDS_LIFETIME]);
    }
    if (success && set == NULL) {
        return error(500, "Internal Server Error", "The system's random generator failed.");
    }
    issuer_instant(updated, emulator_now(emulator));
    buffer_init(&body, BODY_MAX);
    json_write_to(&writer, &body);
    json_open(&writer, '{');
    json_put_member(&writer, "LastUpdated", updated);
    if (set != NULL) {
        write_set(&writer, set);
    } else {
        write_failure(&writer, code);
    }
    json_close(&writer, '}');
    answer = send_text(200, PLAIN, buffer_text(&body));
    buffer_free(&body);
    return answer;
}

static answer_t *answer_role(const emulator_t *emulator)
{
    const char *role = emulator->switches.texts[SWITCHES_IMDS_ROLE];

    return *role != '\0' ? send_text(200, PLAIN, role)
                         : error(404, "Not Found", "No role is attached to the instance.");
}

/* A region is its zone's name without the last letter. */
static answer_t *answer_place(const emulator_t *emulator, int region)
{
    char text[SWITCHES_TEXT_MAX];
    size_t length;

    (void)snprintf(text, sizeof(text), "%s", emulator->switches.texts[SWITCHES_IMDS_ZONE]);
    length = strlen(text);
    if (region && length > 0) {
        text[length - 1] = '\0';
    }
    return send_text(200, PLAIN, text);
}

/* ---- one call ---- */

static answer_t *answer_get(emulator_t *emulator, const call_t *call)
{
    const http_request_t *request = call->request;

    if (!has_token(emulator, request)) {
        return error(401, "Unauthorized", "The session token is missing, unknown or expired.");
    }
    if (strcmp(call->operation, "IMDSRole") == 0) {
        return answer_role(emulator);
    }
    if (strcmp(call->operation, "IMDSCredentials") == 0) {
        return answer_credentials(emulator, request->path + strlen(ROLE_PATH));
    }
    if (strcmp(call->operation, "IMDSOther") == 0) {
        return error(404, "Not Found", "There is no such metadata here.");
    }
    return answer_place(emulator, strcmp(call->operation, "IMDSRegion") == 0);
}

static answer_t *answer_call(emulator_t *emulator, call_t *call)
{
    const http_request_t *request = call->request;
    answer_t *answer;

    journal_subject(emulator->journal, call->ticket, "", request->path, strlen(request->path),
                    call->faults);
    answer = effects_replace(call->script, modelled, error);
    if (answer != NULL) {
        return answer;
    }
    if (emulator->switches.numbers[SWITCHES_IMDS_HANG]) {
        return effects_silent(ANSWER_HANG);
    }
    if (emulator->switches.numbers[SWITCHES_IMDS_DISABLED]) {
        return error(403, "Forbidden", "The metadata service is switched off.");
    }
    return strcmp(call->operation, "IMDSToken") == 0 ? answer_token(emulator, request)
                                                     : answer_get(emulator, call);
}

const service_t imds_service = {.operation = find_operation, .answer = answer_call, .error = error};
