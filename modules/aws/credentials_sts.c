#include "aws/credentials_sts.h"

#include "aws/credentials_file.h"
#include "aws/credentials_http.h"
#include "aws/credentials_sts_answer.h"
#include "aws/sigv4.h"
#include "base/clock.h"
#include "base/text.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#define TRIES           3
#define GAP             (APR_USEC_PER_SEC / 10)
#define CONNECT_TIMEOUT apr_time_from_sec(3)
#define TOTAL_TIMEOUT   apr_time_from_sec(10)

#define TOKEN_MIN    4 /* of a WebIdentityToken */
#define TOKEN_MAX    20000
#define FILE_MAX     (TOKEN_MAX + 64) /* the token and blanks around it */
#define BODY_MAX     (3 * (TOKEN_MAX + 4 * 2048))
#define HEADER_MAX   20000
#define DURATION_MIN 900
#define DURATION_MAX 43200

static const char form[] = "application/x-www-form-urlencoded; charset=utf-8";

typedef struct {
    const credentials_fetch_t *fetch;
    const credentials_role_t *role;
    credentials_done_t done;
    const char *action;
    endpoint_t endpoint;
    const credentials_t *caller; /* NULL: not signed */
    credentials_file_t token;
    buffer_t *body;
} assumption_t;

/* ---- the answer ---- */

static int says(const credentials_answer_t *answer, const char *code)
{
    return memmem(answer->body, answer->length, code, strlen(code)) != NULL;
}

static int is_transient(const credentials_answer_t *answer)
{
    return credentials_http_is_transient(answer) || says(answer, ">IDPCommunicationError<") ||
           says(answer, ">Throttling<");
}

static const char *advice(const credentials_answer_t *answer)
{
    static const struct {
        const char *code;
        const char *advice;
    } table[] = {
        {">AccessDenied<", "allow it in the role's trust policy and, for AssumeRole, in the "
                           "policy of the caller"},
        {">RegionDisabledException<", "activate STS for this region, or set ChatbotAWSRegion"},
        {">ExpiredTokenException<", "is the token in the file renewed?"},
        {">InvalidIdentityToken<", "does the role trust the issuer of this token?"},
        {">SignatureDoesNotMatch<", "are the caller's keys and this machine's clock right?"},
    };
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (says(answer, table[i].code)) {
            return table[i].advice;
        }
    }
    return "look at the role and the region";
}

static void on_answer(void *baton, const credentials_answer_t *answer)
{
    assumption_t *assumption = baton;
    const credentials_fetch_t *fetch = assumption->fetch;
    const credentials_role_t *role = assumption->role;
    const char *reason = answer->error;
    const credentials_t *set = NULL;
    const char *source = apr_psprintf(fetch->pool, "the role %s (%s)", role->arn, role->where);

    if (reason == NULL) {
        set =
            credentials_sts_answer_read(fetch->pool, answer->body, answer->length, source, &reason);
    }
    if (set != NULL && answer->status == 200) {
        credentials_source_found(&assumption->done, set);
        return;
    }
    credentials_source_failed(fetch, &assumption->done, "%s of %s (%s) at %s: HTTP %d: %s; %s",
                              assumption->action, role->arn, role->where,
                              assumption->endpoint.origin, answer->status,
                              reason != NULL ? reason : "not a success", advice(answer));
}

/* ---- the request ---- */

static void put_parameter(assumption_t *assumption, const char *name, const char *value)
{
    if (value != NULL) {
        (void)buffer_puts(assumption->body, assumption->body->length > 0 ? "&" : "");
        (void)buffer_puts(assumption->body, name);
        (void)buffer_puts(assumption->body, "=");
        (void)text_percent_encode(assumption->body, value, strlen(value), "");
    }
}

static void put_role(assumption_t *assumption)
{
    const credentials_role_t *role = assumption->role;

    put_parameter(assumption, "Action", assumption->action);
    put_parameter(assumption, "Version", "2011-06-15");
    put_parameter(assumption, "RoleArn", role->arn);
    put_parameter(assumption, "RoleSessionName",
                  role->session_name != NULL ? role->session_name : "mod_chatbot");
    put_parameter(assumption, "DurationSeconds", role->duration);
}

/* "Name: value" lines; the signature and the token are secrets. */
static const char *line(const assumption_t *assumption, const char *name, const char *value)
{
    buffer_t *text = credentials_source_buffer(assumption->fetch, strlen(name) + strlen(value) + 2);

    (void)buffer_printf(text, "%s: %s", name, value);
    return text->failed ? NULL : text->data;
}

/* The value of Authorization, or NULL when the crypto library fails. */
static const char *authorization(const assumption_t *assumption, const char *path, const char *date,
                                 apr_time_t when)
{
    const credentials_t *caller = assumption->caller;
    const buffer_t *body = assumption->body;
    buffer_t *value = credentials_source_buffer(assumption->fetch, HEADER_MAX);
    char hash[SIGV4_HEX_LENGTH + 1];
    const sigv4_header_t headers[] = {{"host", assumption->endpoint.host},
                                      {"content-type", form},
                                      {"x-amz-date", date},
                                      {"x-amz-security-token", caller->session_token}};
    const sigv4_request_t request = {.method = "POST",
                                     .path = path,
                                     .headers = headers,
                                     .header_count = caller->session_token != NULL ? 4 : 3,
                                     .payload_hash = hash};
    const sigv4_identity_t identity = {caller->access_key_id, caller->secret_access_key,
                                       assumption->endpoint.region,
                                       assumption->endpoint.signing_name, when};

    if (!sigv4_hash(hash, body->data, body->length) ||
        !sigv4_authorize(value, &request, &identity, NULL)) {
        return NULL;
    }
    return value->data;
}

/* NULL when it cannot be signed. */
static const char *const *headers_of(const assumption_t *assumption, const char *path)
{
    const char **lines = apr_pcalloc(assumption->fetch->pool, 7 * sizeof(*lines));
    const credentials_t *caller = assumption->caller;
    apr_time_t now = clock_wall();
    char date[SIGV4_DATE_LENGTH + 1];
    const char *value;
    size_t count = 0;

    lines[count++] = line(assumption, "Host", assumption->endpoint.host);
    lines[count++] = line(assumption, "Content-Type", form);
    lines[count++] = "Accept: */*";
    if (caller == NULL) {
        return lines;
    }
    sigv4_date(date, now);
    value = authorization(assumption, path, date, now);
    if (value == NULL) {
        return NULL;
    }
    lines[count++] = line(assumption, "X-Amz-Date", date);
    lines[count++] = line(assumption, "Authorization", value);
    if (caller->session_token != NULL) {
        lines[count++] = line(assumption, "X-Amz-Security-Token", caller->session_token);
    }
    return lines;
}

static void send_request(assumption_t *assumption)
{
    const credentials_fetch_t *fetch = assumption->fetch;
    const char *path = apr_pstrcat(fetch->pool, assumption->endpoint.prefix, "/", NULL);
    credentials_http_t request = {.tries = TRIES, .gap = GAP, .gap_doubles = 1};

    request.exchange.method = "POST";
    request.exchange.url = apr_pstrcat(fetch->pool, assumption->endpoint.origin, path, NULL);
    request.exchange.headers = headers_of(assumption, path);
    request.exchange.body = assumption->body->data;
    request.exchange.body_length = assumption->body->length;
    request.exchange.connect_timeout = CONNECT_TIMEOUT;
    request.exchange.total_timeout = TOTAL_TIMEOUT;
    request.exchange.ca_file = fetch->settings->ca_file;
    request.is_transient = is_transient;
    request.done = on_answer;
    request.baton = assumption;
    if (request.exchange.headers == NULL || assumption->body->failed) {
        credentials_source_failed(fetch, &assumption->done,
                                  "signing %s: out of memory, or the crypto library failed",
                                  assumption->action);
        return;
    }
    credentials_http_start(fetch, &request);
}

/* ---- what was asked for ---- */

static int is_duration(const char *text)
{
    char *end;
    long seconds = strtol(text, &end, 10);

    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && seconds >= DURATION_MIN &&
           seconds <= DURATION_MAX;
}

/* What AWS would refuse, said more clearly. */
static const char *find_problem(const credentials_role_t *role)
{
    const char *name = role->session_name;
    size_t length = strlen(role->arn);

    if (length < 20 || length > 2048 || strncmp(role->arn, "arn:", 4) != 0 ||
        !text_only(role->arn, length, ":/_+=,.@-")) {
        return "the role is no ARN like arn:aws:iam::123456789012:role/chat";
    }
    if (name != NULL &&
        (strlen(name) < 2 || strlen(name) > 64 || !text_only(name, strlen(name), "_+=,.@-"))) {
        return "the role session name is not 2 to 64 of letters, digits and _+=,.@-";
    }
    if (role->duration != NULL && !is_duration(role->duration)) {
        return "duration_seconds is not between 900 and 43200";
    }
    return NULL;
}

static const char *find_endpoint(assumption_t *assumption)
{
    const credentials_settings_t *settings = assumption->fetch->settings;
    const char *region = settings->region != NULL ? settings->region : assumption->role->region;

    if (region == NULL) {
        return "no region for STS: set ChatbotAWSRegion, AWS_REGION or the profile's region";
    }
    return endpoint_resolve(&assumption->endpoint, assumption->fetch->pool, endpoint_service("sts"),
                            region, &settings->sts);
}

/* NULL when it cannot be: `done` was called. */
static assumption_t *prepare(const credentials_fetch_t *fetch, const credentials_role_t *role,
                             const char *action, const credentials_done_t *done)
{
    assumption_t *assumption = apr_pcalloc(fetch->pool, sizeof(*assumption));
    const char *problem = find_problem(role);

    assumption->fetch = fetch;
    assumption->role = role;
    assumption->action = action;
    assumption->done = *done;
    assumption->body = credentials_source_buffer(fetch, BODY_MAX);
    if (problem == NULL) {
        problem = find_endpoint(assumption);
    }
    if (problem != NULL) {
        credentials_source_failed(fetch, done, "preparing %s (%s): %s", action, role->where,
                                  problem);
        return NULL;
    }
    return assumption;
}

void credentials_sts_assume(const credentials_fetch_t *fetch, const credentials_role_t *role,
                            const credentials_t *caller, const credentials_done_t *done)
{
    assumption_t *assumption = prepare(fetch, role, "AssumeRole", done);

    if (assumption == NULL) {
        return;
    }
    assumption->caller = caller;
    put_role(assumption);
    put_parameter(assumption, "ExternalId", role->external_id);
    send_request(assumption);
}

/* Blanks at its ends are the editor's. */
static char *trim(buffer_t *content)
{
    char *start = content->data;

    while (content->length > 0 && strchr(" \t\r\n", content->data[content->length - 1]) != NULL) {
        content->data[--content->length] = '\0';
    }
    return start + strspn(start, " \t\r\n");
}

static void on_token(void *baton)
{
    assumption_t *assumption = baton;
    const credentials_fetch_t *fetch = assumption->fetch;
    const credentials_file_t *file = &assumption->token;
    const char *token;

    if (file->status != APR_SUCCESS) {
        credentials_source_failed(fetch, &assumption->done,
                                  "reading the web identity token %s: %s; may httpd's user read "
                                  "it?",
                                  file->path, credentials_file_problem(fetch, file));
        return;
    }
    token = trim(file->content);
    if (strlen(token) < TOKEN_MIN || strlen(token) > TOKEN_MAX) {
        credentials_source_failed(fetch, &assumption->done,
                                  "reading the web identity token %s: it has not 4 to 20000 "
                                  "characters",
                                  file->path);
        return;
    }
    put_role(assumption);
    put_parameter(assumption, "WebIdentityToken", token);
    send_request(assumption);
}

void credentials_sts_web_identity(const credentials_fetch_t *fetch, const credentials_role_t *role,
                                  const char *token_file, const credentials_done_t *done)
{
    assumption_t *assumption = prepare(fetch, role, "AssumeRoleWithWebIdentity", done);

    if (assumption == NULL) {
        return;
    }
    assumption->token.path = token_file;
    assumption->token.maximum = FILE_MAX;
    credentials_file_read(fetch, &assumption->token, 1, on_token, assumption);
}
