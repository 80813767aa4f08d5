#include "backend/turn_http.h"

#include "backend/modelled.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#define ERROR_BODY_MAX (64 * 1024)
#define REASON_MAX     1024
#define URL_MAX        4096
#define HEAD_MAX       32768
#define LINES_MAX      (3 + CALL_HEADERS_MAX)

static turn_http_t *mine(backend_turn_t *turn)
{
    return (turn_http_t *)(void *)turn;
}

/* ---- what the turn asks of its transport ---- */

static void delivered(backend_turn_t *turn)
{
    mine(turn)->has_delivered = 1;
}

static void found_error(backend_turn_t *turn, const char *code, size_t length)
{
    (void)apr_snprintf(mine(turn)->code, TURN_HTTP_WORD_MAX, "%.*s", (int)length, code);
}

static void cancel(backend_turn_t *turn)
{
    if (mine(turn)->transfer != NULL) {
        transfer_cancel(mine(turn)->transfer);
        mine(turn)->transfer = NULL;
    }
    loop_timer_disarm(mine(turn)->client->loop, &mine(turn)->timer);
    buffer_free(&mine(turn)->error_body);
}

static void suspend(backend_turn_t *turn)
{
    if (mine(turn)->transfer != NULL) {
        transfer_pause(mine(turn)->transfer);
    }
}

static void resume(backend_turn_t *turn)
{
    if (mine(turn)->transfer != NULL) {
        transfer_resume(mine(turn)->transfer);
    }
}

const turn_transport_t turn_http_transport = {delivered, found_error, cancel, suspend, resume};

/* ---- receiving ---- */

static int is_success(const turn_http_t *turn)
{
    return turn->status >= 200 && turn->status <= 299;
}

static void keep_header(char *out, transfer_t *transfer, const char *name)
{
    const char *value = transfer_header(transfer, name);

    (void)apr_cpystrn(out, value != NULL ? value : "", TURN_HTTP_WORD_MAX);
}

static int on_head(void *baton, transfer_t *transfer, int status)
{
    turn_http_t *turn = baton;
    const char *type = transfer_header(transfer, "Content-Type");

    turn->status = status;
    keep_header(turn->request_id, transfer, "X-Request-ID");
    keep_header(turn->retry_after, transfer, "Retry-After");
    return !is_success(turn) || turn->turn.reader->on_head(&turn->turn, type != NULL ? type : "");
}

static int on_body(void *baton, transfer_t *transfer, const char *bytes, size_t length)
{
    turn_http_t *turn = baton;

    (void)transfer;
    if (is_success(turn)) {
        return turn->turn.reader->on_body(&turn->turn, bytes, length);
    }
    /* What is over the maximum is dropped: the status still tells. */
    (void)buffer_append(&turn->error_body, bytes, length);
    return 1;
}

/* ---- the end of an attempt ---- */

static backend_end_e end_of(const turn_http_t *turn, const transfer_result_t *ended)
{
    if (turn->status != 0 && !is_success(turn)) {
        return modelled_end("", 0, turn->status);
    }
    switch (ended->end) {
    case TRANSFER_OK: return BACKEND_ANSWERED;
    case TRANSFER_CONNECT_TIMEOUT:
    case TRANSFER_FIRST_TIMEOUT:
    case TRANSFER_IDLE_TIMEOUT:
    case TRANSFER_TOTAL_TIMEOUT: return BACKEND_TIMEOUT;
    case TRANSFER_INTERNAL: return BACKEND_INTERNAL;
    default: return turn->status != 0 ? BACKEND_PROTOCOL_ERROR : BACKEND_UNAVAILABLE;
    }
}

static retry_failure_e failure_of(const turn_http_t *turn, const transfer_result_t *ended)
{
    if (turn->status != 0 && !is_success(turn)) {
        return RETRY_ANSWER;
    }
    if (ended->end == TRANSFER_CERTIFICATE_REFUSED || ended->end == TRANSFER_REFUSED_BY_OWNER ||
        ended->end == TRANSFER_INTERNAL) {
        return RETRY_FINAL;
    }
    return ended->request_sent ? RETRY_ANSWER_LOST : RETRY_NOT_SENT;
}

/* A number in [0, 1): the last eight digits of a random UUID are 32 random bits. */
static double chance(void)
{
    char id[TEXT_UUID_LENGTH + 1];

    return text_uuid4(id) ? (double)strtoul(id + TEXT_UUID_LENGTH - 8, NULL, 16) / 4294967296.0 : 0;
}

static retry_decision_t decide(turn_http_t *turn, const transfer_result_t *ended)
{
    const retry_attempt_t attempt = {.failure = failure_of(turn, ended),
                                     .status = turn->status,
                                     .code = "",
                                     .retry_after =
                                         turn->retry_after[0] != '\0' ? turn->retry_after : NULL,
                                     .now = clock_wall(),
                                     .remaining = turn->request.deadline - clock_monotonic(),
                                     .delivered = turn->has_delivered};

    return retry_decide(&turn->retry, &attempt, chance());
}

/* Servers have repeated a wrong key in their errors. */
static void hide_key(const turn_http_t *turn, char *text)
{
    const char *key = turn->request.key;

    while (key != NULL && text != NULL && (text = strstr(text, key)) != NULL) {
        memset(text, '*', strlen(key));
    }
}

/* What the server says of an error goes to the log; its name also to the owner. */
static void describe(turn_http_t *turn, const transfer_result_t *ended, char *reason)
{
    const char *code = NULL;
    const char *message = NULL;
    json_t *error = NULL;

    if (turn->status == 0 || is_success(turn)) {
        (void)apr_snprintf(reason, REASON_MAX, "%s: %s", turn->request.operation, ended->error);
        return;
    }
    turn->request.read_error(&turn->error_body, &error, &code, &message);
    (void)apr_cpystrn(turn->code, code != NULL ? code : "", TURN_HTTP_WORD_MAX);
    (void)apr_snprintf(reason, REASON_MAX, "reading the answer of %s: HTTP %d %s: %s",
                       turn->request.operation, turn->status,
                       code != NULL ? code : "without a code",
                       message != NULL ? message : "no message");
    json_release(error);
    hide_key(turn, turn->code);
    hide_key(turn, reason);
}

/* Of a whole number of seconds. */
static apr_interval_time_t wished(const turn_http_t *turn)
{
    size_t length = strspn(turn->retry_after, "0123456789");

    return length > 0 && length < 7 && turn->retry_after[length] == '\0'
               ? apr_time_from_sec(strtol(turn->retry_after, NULL, 10))
               : 0;
}

static int send_request(turn_http_t *turn);

static void finish(turn_http_t *turn, backend_end_e end, const char *reason)
{
    const backend_outcome_t outcome = {.end = end,
                                       .code = turn->code,
                                       .retries = turn->retry.attempt - 1,
                                       .retry_in = wished(turn),
                                       .aws_request_id = turn->request_id,
                                       .reason = reason};

    buffer_free(&turn->error_body);
    hide_key(turn, turn->turn.reason);
    turn_end(&turn->turn, &outcome);
}

static void on_backoff_over(loop_timer_t *timer)
{
    turn_http_t *turn = LOOP_CONTAINER(timer, turn_http_t, timer);

    if (!send_request(turn)) {
        finish(turn, BACKEND_INTERNAL, "sending the request again: out of memory");
    }
}

static void try_again(turn_http_t *turn, const retry_decision_t *decision, const char *reason)
{
    log_info("CHAT0210: %s: attempt %d of %d in %d ms; the last one ended so: %s",
             turn->request.operation, turn->retry.attempt, turn->retry.policy.attempts,
             (int)apr_time_as_msec(decision->delay), reason);
    turn_start_over(&turn->turn);
    loop_timer_arm(turn->client->loop, &turn->timer, decision->delay, on_backoff_over);
}

static void on_transfer_end(void *baton, const transfer_result_t *ended)
{
    turn_http_t *turn = baton;
    backend_end_e end = end_of(turn, ended);
    retry_decision_t decision = {0};
    char reason[REASON_MAX];

    turn->transfer = NULL;
    describe(turn, ended, reason);
    if (end == BACKEND_ANSWERED) {
        retry_succeeded(&turn->retry);
        turn->turn.reader->on_whole(&turn->turn);
    } else {
        decision = decide(turn, ended);
    }
    if (decision.again) {
        try_again(turn, &decision, reason);
    } else {
        finish(turn, end, reason);
    }
}

/* ---- sending ---- */

static void put_line(buffer_t *head, size_t *offsets, size_t *count, const char *name,
                     const char *value)
{
    offsets[(*count)++] = head->length;
    (void)buffer_puts(head, name);
    (void)buffer_puts(head, ": ");
    (void)buffer_puts(head, value);
    (void)buffer_append(head, "", 1);
}

/* The lines of the head, found by offset until the text has stopped moving; 0: no memory. */
static int write_lines(const turn_http_request_t *request, buffer_t *head, const char **lines)
{
    size_t offsets[LINES_MAX];
    size_t count = 0;
    size_t i;

    put_line(head, offsets, &count, "Content-Type", "application/json");
    put_line(head, offsets, &count, "Accept", request->accept);
    for (i = 0; i < request->header_count && i < CALL_HEADERS_MAX; i++) {
        put_line(head, offsets, &count, request->headers[i].name, request->headers[i].value);
    }
    if (request->key != NULL) {
        /* The last one, so that no copy of the key stays behind when the text moves. */
        offsets[count++] = head->length;
        (void)buffer_puts(head, "Authorization: Bearer ");
        (void)buffer_append(head, request->key, strlen(request->key) + 1);
    }
    for (i = 0; i < count && !head->failed; i++) {
        lines[i] = head->data + offsets[i];
    }
    lines[count] = NULL;
    return !head->failed;
}

static transfer_t *start_transfer(turn_http_t *turn, const char *url, const char *const *lines)
{
    const transfer_owner_t owner = {on_head, on_body, on_transfer_end, turn};
    const turn_http_request_t *request = &turn->request;
    const transfer_request_t exchange = {.method = "POST",
                                         .url = url,
                                         .headers = lines,
                                         .body = turn->turn.body.data,
                                         .body_length = turn->turn.body.length,
                                         .connect_timeout = request->limits.connect,
                                         .first_timeout = request->limits.first,
                                         .idle_timeout = request->limits.idle,
                                         .ca_file = turn->client->ca_file,
                                         .single_send = 1};

    return transfer_start(turn->client->loop, &exchange, &owner);
}

static int send_request(turn_http_t *turn)
{
    const char *lines[LINES_MAX + 1];
    buffer_t head;
    buffer_t url;

    buffer_init(&head, HEAD_MAX);
    buffer_init(&url, URL_MAX);
    buffer_free(&turn->error_body);
    turn->status = 0;
    turn->code[0] = '\0';
    turn->retry_after[0] = '\0';
    if (write_lines(&turn->request, &head, lines) && buffer_puts(&url, turn->request.base_url) &&
        buffer_puts(&url, turn->request.path)) {
        turn->transfer = start_transfer(turn, url.data, lines);
    }
    if (turn->transfer != NULL && turn->turn.paused) {
        transfer_pause(turn->transfer);
    }
    buffer_wipe(&head);
    buffer_free(&head);
    buffer_free(&url);
    return turn->transfer != NULL;
}

turn_http_t *turn_http_make(size_t size, const turn_reader_t *reader, const backend_owner_t *owner)
{
    backend_turn_t *turn = turn_make(size, reader, &turn_http_transport, owner);

    if (turn != NULL) {
        buffer_init(&mine(turn)->error_body, ERROR_BODY_MAX);
    }
    return turn != NULL ? mine(turn) : NULL;
}

int turn_http_start(turn_http_t *turn, turn_http_client_t *client,
                    const turn_http_request_t *request)
{
    const retry_policy_t policy = retry_policy("", request->operation, client->attempts);

    turn->client = client;
    turn->request = *request;
    retry_start(&turn->retry, &client->bucket, &policy);
    if (turn->turn.body.failed || !send_request(turn)) {
        log_error("CHAT0211: starting %s failed: the request is too long, or memory is out",
                  request->operation);
        turn_release(&turn->turn);
        return 0;
    }
    return 1;
}
