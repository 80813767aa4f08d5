#include "aws/call.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

/* An error body beyond this is no error of AWS's. */
#define ERROR_BODY_MAX  (64 * 1024)
#define ERROR_DEPTH_MAX 16
#define SIGNED_MAX      5
#define HEADERS_MAX     8
#define CODE_MAX        128
#define MESSAGE_MAX     1024
#define REQUEST_ID_MAX  128

typedef enum { SIGN, SEND, RECEIVE, DONE } call_state_e;

static const char *const state_names[] = {"SIGN", "SEND", "RECEIVE", "DONE"};

struct call_t {
    call_state_e state;
    call_owner_t owner;
    char operation[32];
    transfer_t *transfer;
    int status;
    buffer_t error_body;
    char request_id[REQUEST_ID_MAX];
    char code[CODE_MAX];
};

/* The one place where the state changes. */
static void enter(call_t *call, call_state_e state)
{
    LOG_TRACE("CHAT0101: %s: %s -> %s", call->operation, state_names[call->state],
              state_names[state]);
    call->state = state;
}

static void release(call_t *call)
{
    buffer_free(&call->error_body);
    free(call);
}

/* ---- SIGN ---- */

/* The header lines of one attempt, on the stack of the attempt. */
typedef struct {
    buffer_t text; /* all lines, each ended by NUL */
    const char *lines[HEADERS_MAX + 1];
    size_t offsets[HEADERS_MAX];
    size_t count;
} head_t;

static void add_line(head_t *head, const char *name, const char *value)
{
    head->offsets[head->count++] = head->text.length;
    (void)buffer_puts(&head->text, name);
    (void)buffer_puts(&head->text, ": ");
    (void)buffer_puts(&head->text, value);
    (void)buffer_append(&head->text, "", 1);
}

/* Lines are found by offset until the text has stopped moving. */
static int settle_lines(head_t *head)
{
    size_t i;

    for (i = 0; i < head->count; i++) {
        head->lines[i] = head->text.data + head->offsets[i];
    }
    head->lines[head->count] = NULL;
    return !head->text.failed;
}

/* Writes all headers but the ones libcurl makes itself; 0 when it cannot be signed. */
static int sign(head_t *head, const call_client_t *client, const call_request_t *request,
                const char *path)
{
    const credentials_t *who = request->credentials;
    char date[SIGV4_DATE_LENGTH + 1];
    char payload_hash[SIGV4_HEX_LENGTH + 1];
    const sigv4_header_t headers[SIGNED_MAX] = {
        {"host", request->endpoint->host},
        {"content-type", request->content_type},
        {"x-amz-date", date},
        {"x-amz-security-token", who->session_token},
    };
    const sigv4_identity_t identity = {who->access_key_id, who->secret_access_key,
                                       request->endpoint->region, request->endpoint->signing_name,
                                       clock_wall()};
    const sigv4_request_t signed_request = {.method = request->method,
                                            .path = path,
                                            .headers = headers,
                                            .header_count = who->session_token != NULL ? 4 : 3,
                                            .payload_hash = payload_hash};
    buffer_t authorization;
    int fine;

    sigv4_date(date, identity.when);
    buffer_init(&authorization, 4096);
    fine = sigv4_hash(payload_hash, request->body, request->body_length) &&
           sigv4_authorize(&authorization, &signed_request, &identity, client->keys);
    add_line(head, "Host", request->endpoint->host);
    add_line(head, "Content-Type", request->content_type);
    add_line(head, "Accept", request->accept);
    add_line(head, "X-Amz-Date", date);
    if (who->session_token != NULL) {
        add_line(head, "X-Amz-Security-Token", who->session_token);
    }
    add_line(head, "Authorization", buffer_text(&authorization));
    buffer_free(&authorization);
    return settle_lines(head) && fine;
}

/* ---- RECEIVE ---- */

/* "aws.protocols#ThrottlingException:http://…" -> "ThrottlingException" (restJson1, awsJson1_0). */
static void take_code(char *code, const char *text)
{
    size_t length = strcspn(text, ":");
    size_t from = length;

    while (from > 0 && text[from - 1] != '#') {
        from--;
    }
    length -= from;
    length = length < CODE_MAX - 1 ? length : CODE_MAX - 1;
    memcpy(code, text + from, length);
    code[length] = '\0';
}

static const char *first_member(const json_t *object, const char *const *names)
{
    const char *text = NULL;

    for (; *names != NULL && text == NULL; names++) {
        text = json_member_text(object, *names, NULL);
    }
    return text;
}

/* The code is in a header, else in the body; the body may as well be empty, cut, or a proxy's
 * page: then the status is all there is. */
static void read_error(call_t *call, char *message)
{
    static const char *const code_names[] = {"code", "Code", "__type", NULL};
    static const char *const message_names[] = {"message", "Message", NULL};
    json_error_t error;
    json_t *body = json_parse(buffer_text(&call->error_body), call->error_body.length,
                              ERROR_DEPTH_MAX, &error);
    const char *code = first_member(body, code_names);
    const char *text = first_member(body, message_names);

    if (call->code[0] == '\0' && code != NULL) {
        take_code(call->code, code);
    }
    (void)apr_cpystrn(message, text != NULL ? text : "", MESSAGE_MAX);
    json_release(body);
}

static void note_request_id(call_t *call)
{
    const char *id = transfer_header(call->transfer, "x-amzn-RequestId");

    (void)apr_cpystrn(call->request_id, id != NULL ? id : "", sizeof(call->request_id));
}

static int is_success(const call_t *call)
{
    return call->status >= 200 && call->status <= 299;
}

static int on_head(void *baton, transfer_t *transfer, int status)
{
    call_t *call = baton;
    const char *error_type;

    call->transfer = transfer;
    call->status = status;
    enter(call, RECEIVE);
    note_request_id(call);
    if (is_success(call)) {
        return call->owner.on_head == NULL || call->owner.on_head(call->owner.baton, call);
    }
    error_type = transfer_header(transfer, "X-Amzn-Errortype");
    if (error_type != NULL) {
        take_code(call->code, error_type);
    }
    return 1;
}

static int on_body(void *baton, transfer_t *transfer, const char *bytes, size_t length)
{
    call_t *call = baton;

    (void)transfer;
    if (is_success(call)) {
        return call->owner.on_body(call->owner.baton, bytes, length);
    }
    /* What is over the maximum is dropped: the status still tells. */
    (void)buffer_append(&call->error_body, bytes, length);
    return 1;
}

static call_end_e end_of(const call_t *call, const transfer_result_t *result)
{
    switch (result->end) {
    case TRANSFER_CONNECT_TIMEOUT:
    case TRANSFER_FIRST_TIMEOUT:
    case TRANSFER_IDLE_TIMEOUT:
    case TRANSFER_TOTAL_TIMEOUT: return CALL_TIMEOUT;
    case TRANSFER_OK: return is_success(call) ? CALL_OK : CALL_REFUSED;
    default: return call->status != 0 && !is_success(call) ? CALL_REFUSED : CALL_BROKEN;
    }
}

static void describe(char *reason, const call_t *call, const call_result_t *result,
                     const char *error)
{
    if (result->end == CALL_REFUSED) {
        (void)apr_snprintf(reason, MESSAGE_MAX, "reading the answer of %s: HTTP %d %s: %s",
                           call->operation, call->status,
                           call->code[0] != '\0' ? call->code : "without a code",
                           result->message[0] != '\0' ? result->message : "no message");
    } else {
        (void)apr_snprintf(reason, MESSAGE_MAX, "%s: %s", call->operation, error);
    }
}

static void on_end(void *baton, const transfer_result_t *ended)
{
    call_t *call = baton;
    call_result_t result = {0};
    char message[MESSAGE_MAX] = "";
    char reason[MESSAGE_MAX];

    call->transfer = NULL;
    result.end = end_of(call, ended);
    if (result.end == CALL_REFUSED) {
        read_error(call, message);
    }
    enter(call, DONE);
    result.status = call->status;
    result.code = call->code;
    result.message = message;
    result.aws_request_id = call->request_id;
    result.reason = reason;
    describe(reason, call, &result, ended->error);
    call->owner.on_end(call->owner.baton, &result);
    release(call);
}

/* ---- the owner's side ---- */

static transfer_t *send_signed(call_t *call, const call_client_t *client,
                               const call_request_t *request, const head_t *head, const char *path)
{
    const transfer_owner_t owner = {on_head, on_body, on_end, call};
    transfer_request_t exchange = {0};
    transfer_t *transfer;
    buffer_t url;

    buffer_init(&url, 8192);
    (void)buffer_puts(&url, request->endpoint->origin);
    (void)buffer_puts(&url, path);
    exchange.method = request->method;
    exchange.url = buffer_text(&url);
    exchange.headers = head->lines;
    exchange.body = request->body;
    exchange.body_length = request->body_length;
    exchange.connect_timeout = request->limits.connect;
    exchange.first_timeout = request->limits.first;
    exchange.idle_timeout = request->limits.idle;
    exchange.single_send = request->single_send;
    enter(call, SEND);
    transfer = url.failed ? NULL : transfer_start(client->loop, &exchange, &owner);
    buffer_free(&url);
    return transfer;
}

static transfer_t *sign_and_send(call_t *call, const call_client_t *client,
                                 const call_request_t *request)
{
    transfer_t *transfer = NULL;
    buffer_t path;
    head_t head = {0};

    buffer_init(&path, 4096);
    buffer_init(&head.text, 32768);
    (void)buffer_puts(&path, request->endpoint->prefix);
    (void)buffer_puts(&path, request->path);
    if (path.failed || !sign(&head, client, request, buffer_text(&path))) {
        LOG_ERROR("CHAT0102: signing %s: out of memory, or the crypto library failed",
                  request->operation);
    } else {
        transfer = send_signed(call, client, request, &head, buffer_text(&path));
    }
    buffer_wipe(&head.text);
    buffer_free(&head.text);
    buffer_free(&path);
    return transfer;
}

call_t *call_start(const call_client_t *client, const call_request_t *request,
                   const call_owner_t *owner)
{
    call_t *call = calloc(1, sizeof(*call));

    if (call == NULL) {
        LOG_ERROR("CHAT0103: starting %s: out of memory", request->operation);
        return NULL;
    }
    call->owner = *owner;
    (void)apr_cpystrn(call->operation, request->operation, sizeof(call->operation));
    buffer_init(&call->error_body, ERROR_BODY_MAX);
    call->transfer = sign_and_send(call, client, request);
    if (call->transfer == NULL) {
        release(call);
        return NULL;
    }
    return call;
}

void call_cancel(call_t *call)
{
    enter(call, DONE);
    transfer_cancel(call->transfer);
    release(call);
}

const char *call_header(call_t *call, const char *name)
{
    return call->transfer != NULL ? transfer_header(call->transfer, name) : NULL;
}
