#include "aws/call.h"

#include "aws/call_checksum.h"
#include "aws/call_error.h"
#include "aws/call_head.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

/* An error body beyond this is no error of AWS's, unless the owner knows of longer ones. */
#define ERROR_BODY_MAX  (64 * 1024)
#define REQUEST_ID_MAX  80
#define RETRY_AFTER_MAX 40 /* a number or an HTTP date */
#define MESSAGE_MAX     1024
#define URL_MAX         8192

typedef enum { CREDENTIALS, SIGN, SEND, RECEIVE, BACKOFF, DONE } state_e;

static const char *const state_names[] = {"CREDENTIALS", "SIGN",    "SEND",
                                          "RECEIVE",     "BACKOFF", "DONE"};

/* What one attempt has come to. */
typedef struct {
    transfer_t *transfer;
    const credentials_t *credentials; /* held */
    apr_int64_t signed_with;          /* the clock's offset */
    apr_time_t sent;                  /* monotonic */
    int status;
    char code[CALL_ERROR_CODE_MAX];
    char retry_after_ms[RETRY_AFTER_MAX]; /* the headers that say when to come again */
    char retry_after[RETRY_AFTER_MAX];
    call_checksum_t checksum;
    buffer_t error_body;
} attempt_t;

struct call_t {
    state_e state;
    call_client_t *client;
    call_owner_t owner;
    call_request_t request;
    buffer_t path;
    retry_t retry;
    attempt_t attempt;
    credentials_waiter_t waiter;
    loop_timer_t timer;
    int delivered;
    int paused;
    int renewed; /* expired credentials were replaced once */
    char invocation_id[TEXT_UUID_LENGTH + 1];
    char request_id[REQUEST_ID_MAX];
};

static void enter(call_t *call, state_e state);
static void end(call_t *call, call_end_e how, const char *message, const char *reason);

static void clear_attempt(call_t *call)
{
    attempt_t *attempt = &call->attempt;

    credentials_set_release(attempt->credentials);
    buffer_free(&attempt->error_body);
    memset(attempt, 0, sizeof(*attempt));
    buffer_init(&attempt->error_body,
                call->request.error_max > 0 ? call->request.error_max : ERROR_BODY_MAX);
}

static void release(call_t *call)
{
    clear_attempt(call);
    buffer_free(&call->path);
    free(call);
}

/* ---- CREDENTIALS ---- */

static void on_credentials(void *baton, const credentials_t *set, const char *reason)
{
    call_t *call = baton;

    if (set == NULL) {
        end(call, CALL_NO_CREDENTIALS, "", reason);
        return;
    }
    call->attempt.credentials = credentials_set_hold(set);
    enter(call, SIGN);
}

static void get_credentials(call_t *call)
{
    clear_attempt(call);
    memset(&call->waiter, 0, sizeof(call->waiter));
    call->waiter.fn = on_credentials;
    call->waiter.baton = call;
    credentials_get(call->client->credentials, &call->waiter);
}

/* ---- SIGN and SEND ---- */

static int on_head(void *baton, transfer_t *transfer, int status);
static int on_body(void *baton, transfer_t *transfer, const char *bytes, size_t length);
static void on_transfer_end(void *baton, const transfer_result_t *ended);

static transfer_t *start_transfer(call_t *call, const call_head_t *head)
{
    const transfer_owner_t owner = {on_head, on_body, on_transfer_end, call};
    const call_request_t *request = &call->request;
    transfer_t *transfer;
    buffer_t url;

    buffer_init(&url, URL_MAX);
    (void)buffer_puts(&url, call->request.endpoint->origin);
    (void)buffer_append(&url, call->path.data, call->path.length);
    const transfer_request_t exchange = {.method = request->method,
                                         .url = buffer_text(&url),
                                         .headers = head->lines,
                                         .body = request->body,
                                         .body_length = request->body_length,
                                         .connect_timeout = request->limits.connect,
                                         .first_timeout = request->limits.first,
                                         .idle_timeout = request->limits.idle,
                                         .ca_file = call->client->ca_file,
                                         .single_send = !call->retry.policy.idempotent};
    transfer = url.failed ? NULL : transfer_start(call->client->loop, &exchange, &owner);
    buffer_free(&url);
    if (transfer != NULL && call->paused) {
        transfer_pause(transfer);
    }
    return transfer;
}

static void sign_and_send(call_t *call)
{
    call_client_t *client = call->client;
    const call_head_facts_t facts = {.endpoint = call->request.endpoint,
                                     .credentials = call->attempt.credentials,
                                     .keys = client->keys,
                                     .when = skew_signing_time(&client->skew, clock_wall()),
                                     .path = call->path.data,
                                     .request = &call->request,
                                     .invocation_id = call->invocation_id,
                                     .attempt = call->retry.attempt,
                                     .attempts = call->retry.policy.attempts};
    call_head_t head;

    call->attempt.signed_with = client->skew.seconds;
    call->attempt.sent = clock_monotonic();
    if (call_head_sign(&head, &facts)) {
        enter(call, SEND);
        call->attempt.transfer = start_transfer(call, &head);
    }
    call_head_wipe(&head);
    if (call->attempt.transfer == NULL) {
        end(call, CALL_INTERNAL, "",
            "signing and sending: out of memory; the lines above may say more");
    }
}

/* ---- RECEIVE ---- */

static int is_success(const call_t *call)
{
    return call->attempt.status >= 200 && call->attempt.status <= 299;
}

static int is_event_stream(transfer_t *transfer)
{
    static const char wanted[] = "application/vnd.amazon.eventstream";
    const char *type = transfer_header(transfer, "Content-Type");

    return type != NULL && strncasecmp(type, wanted, strlen(wanted)) == 0;
}

static void learn_the_time(call_t *call, transfer_t *transfer)
{
    const skew_answer_t answer = {.received = clock_wall(),
                                  .took = clock_monotonic() - call->attempt.sent,
                                  .date = transfer_header(transfer, "Date"),
                                  .age = transfer_header(transfer, "Age"),
                                  .event_stream = is_event_stream(transfer)};

    skew_learn(&call->client->skew, &answer);
}

static void keep_header(char *out, size_t size, transfer_t *transfer, const char *name)
{
    const char *value = transfer_header(transfer, name);

    (void)apr_cpystrn(out, value != NULL ? value : "", size);
}

static int on_head(void *baton, transfer_t *transfer, int status)
{
    call_t *call = baton;
    attempt_t *attempt = &call->attempt;
    const char *error_type = transfer_header(transfer, "X-Amzn-Errortype");

    attempt->transfer = transfer;
    attempt->status = status;
    enter(call, RECEIVE);
    learn_the_time(call, transfer);
    keep_header(call->request_id, REQUEST_ID_MAX, transfer, "x-amzn-RequestId");
    if (call->request_id[0] == '\0') {
        keep_header(call->request_id, REQUEST_ID_MAX, transfer, "x-amz-request-id"); /* S3's */
    }
    call_checksum_start(&attempt->checksum, transfer_header(transfer, "x-amz-crc32"));
    if (is_success(call)) {
        return call->owner.on_head == NULL || call->owner.on_head(call->owner.baton, call);
    }
    keep_header(attempt->retry_after_ms, RETRY_AFTER_MAX, transfer, "x-amz-retry-after");
    keep_header(attempt->retry_after, RETRY_AFTER_MAX, transfer, "Retry-After");
    if (error_type != NULL) {
        call_error_code(attempt->code, error_type, strlen(error_type));
    }
    return 1;
}

static int on_body(void *baton, transfer_t *transfer, const char *bytes, size_t length)
{
    call_t *call = baton;

    (void)transfer;
    call_checksum_add(&call->attempt.checksum, bytes, length);
    if (is_success(call)) {
        return call->owner.on_body(call->owner.baton, bytes, length);
    }
    /* What is over the maximum is dropped: the status still tells. */
    (void)buffer_append(&call->attempt.error_body, bytes, length);
    return 1;
}

/* ---- the end of an attempt ---- */

/* Whether the answer is whole, but not as AWS sent it. */
static int is_corrupt(const call_t *call, const transfer_result_t *ended)
{
    return ended->end == TRANSFER_OK && call_checksum_differs(&call->attempt.checksum);
}

static call_end_e end_of(const call_t *call, const transfer_result_t *ended)
{
    if (is_corrupt(call, ended)) {
        return CALL_BROKEN;
    }
    switch (ended->end) {
    case TRANSFER_CONNECT_TIMEOUT:
    case TRANSFER_FIRST_TIMEOUT:
    case TRANSFER_IDLE_TIMEOUT:
    case TRANSFER_TOTAL_TIMEOUT: return CALL_TIMEOUT;
    case TRANSFER_OK: return is_success(call) ? CALL_OK : CALL_REFUSED;
    default: return call->attempt.status != 0 && !is_success(call) ? CALL_REFUSED : CALL_BROKEN;
    }
}

static retry_failure_e failure_of(const call_t *call, const transfer_result_t *ended,
                                  call_end_e how)
{
    if (how == CALL_REFUSED || call->attempt.code[0] != '\0') {
        return RETRY_ANSWER;
    }
    if (ended->end == TRANSFER_CERTIFICATE_REFUSED || ended->end == TRANSFER_REFUSED_BY_OWNER ||
        ended->end == TRANSFER_INTERNAL) {
        return RETRY_FINAL;
    }
    return ended->request_sent ? RETRY_ANSWER_LOST : RETRY_NOT_SENT;
}

/* What AWS refused for its age is put right, once: the credentials, or the clock. */
static int repair(call_t *call)
{
    attempt_t *attempt = &call->attempt;

    if (!call->renewed && retry_is_expired(attempt->code)) {
        call->renewed = 1;
        credentials_reject(call->client->credentials, attempt->credentials);
        return 1;
    }
    return skew_explains(&call->client->skew, attempt->signed_with, attempt->code);
}

static double chance(void)
{
    char id[TEXT_UUID_LENGTH + 1];
    unsigned value = 0;

    /* The last eight digits of a random UUID are 32 random bits. */
    if (text_uuid4(id)) {
        value = (unsigned)strtoul(id + TEXT_UUID_LENGTH - 8, NULL, 16);
    }
    return (double)value / 4294967296.0;
}

static const char *or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static retry_decision_t decide(call_t *call, const transfer_result_t *ended, call_end_e how)
{
    const retry_attempt_t attempt = {.failure = failure_of(call, ended, how),
                                     .status = call->attempt.status,
                                     .code = call->attempt.code,
                                     .retry_after_ms = or_null(call->attempt.retry_after_ms),
                                     .retry_after = or_null(call->attempt.retry_after),
                                     .now = clock_wall(),
                                     .remaining = call->request.deadline - clock_monotonic(),
                                     .delivered = call->delivered,
                                     .repaired = repair(call)};

    return retry_decide(&call->retry, &attempt, chance());
}

static void describe(char *reason, const call_t *call, call_end_e how, const char *message,
                     const char *error)
{
    if (how == CALL_REFUSED) {
        call_error_describe(reason, MESSAGE_MAX, call->request.operation, call->attempt.status,
                            call->attempt.code, message);
    } else {
        (void)apr_snprintf(reason, MESSAGE_MAX, "%s: %s", call->request.operation, error);
    }
}

static void on_backoff_over(loop_timer_t *timer)
{
    enter(LOOP_CONTAINER(timer, call_t, timer), CREDENTIALS);
}

static void try_again(call_t *call, const retry_decision_t *decision, const char *reason)
{
    log_info("CHAT0104: %s: attempt %d of %d in %d ms: %s; the last one ended so: %s",
             call->request.operation, call->retry.attempt, call->retry.policy.attempts,
             (int)apr_time_as_msec(decision->delay), decision->why, reason);
    if (call->owner.on_retry != NULL) {
        call->owner.on_retry(call->owner.baton);
    }
    enter(call, BACKOFF);
    loop_timer_arm(call->client->loop, &call->timer, decision->delay, on_backoff_over);
}

static void on_transfer_end(void *baton, const transfer_result_t *ended)
{
    call_t *call = baton;
    call_end_e how = end_of(call, ended);
    retry_decision_t decision = {0};
    char message[MESSAGE_MAX] = "";
    char reason[MESSAGE_MAX];

    if (how == CALL_REFUSED) {
        call_error_read(call->attempt.code, message, MESSAGE_MAX,
                        buffer_text(&call->attempt.error_body), call->attempt.error_body.length);
    }
    describe(reason, call, how, message,
             is_corrupt(call, ended) ? "reading the answer: its x-amz-crc32 is not the body's"
                                     : ended->error);
    if (how == CALL_OK) {
        retry_succeeded(&call->retry);
    } else {
        decision = decide(call, ended, how);
    }
    call->attempt.transfer = NULL;
    if (decision.again) {
        try_again(call, &decision, reason);
        return;
    }
    if (how != CALL_OK) {
        log_debug("CHAT0105: %s: no other attempt: %s", call->request.operation, decision.why);
    }
    end(call, how, message, reason);
}

static void end(call_t *call, call_end_e how, const char *message, const char *reason)
{
    const call_result_t result = {.end = how,
                                  .status = call->attempt.status,
                                  .retries = call->retry.attempt - 1,
                                  .code = call->attempt.code,
                                  .message = message,
                                  .aws_request_id = call->request_id,
                                  .reason = reason,
                                  .error_body = buffer_text(&call->attempt.error_body),
                                  .error_length = call->attempt.error_body.length,
                                  .retry_in = how == CALL_NO_CREDENTIALS
                                                  ? credentials_retry_in(call->client->credentials)
                                                  : 0};

    enter(call, DONE);
    call->owner.on_end(call->owner.baton, &result);
    release(call);
}

/* The one place where the state changes. */
static void enter(call_t *call, state_e state)
{
    log_trace("CHAT0101: %s: %s -> %s", call->request.operation, state_names[call->state],
              state_names[state]);
    call->state = state;
    switch (state) {
    case CREDENTIALS: get_credentials(call); break;
    case SIGN: sign_and_send(call); break;
    case SEND:
    case RECEIVE:
    case BACKOFF:
    case DONE: break;
    }
}

/* ---- the owner's side ---- */

static call_t *make(call_client_t *client, const call_request_t *request, const call_owner_t *owner)
{
    call_t *call = calloc(1, sizeof(*call));
    retry_policy_t policy = retry_policy(client->service, request->operation, client->attempts);

    if (call == NULL) {
        return NULL;
    }
    call->client = client;
    call->owner = *owner;
    call->request = *request;
    call->request.path = NULL; /* the copy counts */
    if (request->endpoint == NULL) {
        call->request.endpoint = client->endpoint;
    }
    buffer_init(&call->path, URL_MAX);
    clear_attempt(call);
    retry_start(&call->retry, &client->bucket, &policy);
    if (!text_uuid4(call->invocation_id) ||
        !buffer_puts(&call->path, call->request.endpoint->prefix) ||
        !buffer_puts(&call->path, request->path)) {
        release(call);
        return NULL;
    }
    return call;
}

int call_start(call_t **call, call_client_t *client, const call_request_t *request,
               const call_owner_t *owner)
{
    call_t *made = make(client, request, owner);

    if (made == NULL) {
        log_error("CHAT0103: starting %s: out of memory", request->operation);
        return 0;
    }
    *call = made;
    enter(made, CREDENTIALS);
    return 1;
}

void call_cancel(call_t *call)
{
    switch (call->state) {
    case CREDENTIALS: credentials_forget_waiter(&call->waiter); break;
    case SEND:
    case RECEIVE: transfer_cancel(call->attempt.transfer); break;
    case BACKOFF: loop_timer_disarm(call->client->loop, &call->timer); break;
    case SIGN:
    case DONE: break;
    }
    call->state = DONE;
    release(call);
}

void call_pause(call_t *call)
{
    call->paused = 1;
    if (call->attempt.transfer != NULL) {
        transfer_pause(call->attempt.transfer);
    }
}

void call_resume(call_t *call)
{
    call->paused = 0;
    if (call->attempt.transfer != NULL) {
        transfer_resume(call->attempt.transfer);
    }
}

void call_found_error(call_t *call, const char *code, size_t length)
{
    call_error_code(call->attempt.code, code, length);
}

void call_delivered(call_t *call)
{
    call->delivered = 1;
}

const char *call_header(call_t *call, const char *name)
{
    return call->attempt.transfer != NULL ? transfer_header(call->attempt.transfer, name) : NULL;
}
