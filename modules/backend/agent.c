#include "backend/agent.h"

#include "aws/eventstream.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

/* Events of text traffic are small; a file or a long trace may be larger. */
#define EVENT_MAX       (8 * 1024 * 1024)
#define EVENT_DEPTH_MAX 64
#define BODY_MAX        (32 * 1024 * 1024)
#define CHUNK_MAX       (4 * 1024 * 1024)
#define REASON_MAX      512

struct backend_turn_t {
    const agent_t *agent;
    backend_owner_t owner;
    call_t *call;
    buffer_t body;
    eventstream_t stream;
    int64_t tokens;
    int has_text;
    int is_event_stream;
    int returned_control;  /* the agent asked for a function's result instead of answering */
    backend_end_e failure; /* what the stream itself said; BACKEND_ANSWERED: nothing */
    char *reason;          /* of that failure */
};

/* Remembers the first failure; always 0, so that decoding stops. */
static int fail(backend_turn_t *turn, backend_end_e failure, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(backend_turn_t *turn, backend_end_e failure, const char *format, ...)
{
    va_list args;

    if (turn->failure != BACKEND_ANSWERED) {
        return 0;
    }
    turn->failure = failure;
    turn->reason = malloc(REASON_MAX);
    if (turn->reason != NULL) {
        va_start(args, format);
        (void)apr_vsnprintf(turn->reason, REASON_MAX, format, args);
        va_end(args);
    }
    return 0;
}

/* ---- what AWS's errors mean ---- */

static const struct {
    const char *code; /* as in an answer; in the stream its first letter is lower case */
    backend_end_e end;
} modelled_errors[] = {
    {"ThrottlingException", BACKEND_THROTTLED},
    {"TooManyRequestsException", BACKEND_THROTTLED},
    {"RequestLimitExceeded", BACKEND_THROTTLED},
    {"AccessDeniedException", BACKEND_ACCESS_DENIED},
    {"UnrecognizedClientException", BACKEND_ACCESS_DENIED},
    {"InvalidSignatureException", BACKEND_ACCESS_DENIED},
    {"MissingAuthenticationTokenException", BACKEND_ACCESS_DENIED},
    {"ExpiredTokenException", BACKEND_ACCESS_DENIED},
    {"ConflictException", BACKEND_BUSY},
    {"DependencyFailedException", BACKEND_DEPENDENCY_FAILED},
    {"BadGatewayException", BACKEND_DEPENDENCY_FAILED},
    {"ModelNotReadyException", BACKEND_ERROR},
    {"ResourceNotFoundException", BACKEND_ERROR},
    {"ServiceQuotaExceededException", BACKEND_ERROR},
    {"ValidationException", BACKEND_ERROR},
    {"InternalServerException", BACKEND_UNAVAILABLE},
};

/* By the code when it is a known one, else by the status; 0 when there was none. */
static backend_end_e classify(const char *code, size_t length, int status)
{
    size_t i;

    for (i = 0; i < sizeof(modelled_errors) / sizeof(modelled_errors[0]); i++) {
        if (strlen(modelled_errors[i].code) == length &&
            strncasecmp(modelled_errors[i].code, code, length) == 0) {
            return modelled_errors[i].end;
        }
    }
    switch (status) {
    case 401:
    case 403: return BACKEND_ACCESS_DENIED;
    case 408:
    case 504: return BACKEND_TIMEOUT;
    case 409: return BACKEND_BUSY;
    case 424: return BACKEND_DEPENDENCY_FAILED;
    case 429: return BACKEND_THROTTLED;
    default: return status >= 500 ? BACKEND_UNAVAILABLE : BACKEND_ERROR;
    }
}

/* ---- one event ---- */

static int on_chunk(backend_turn_t *turn, const json_t *event)
{
    size_t length = 0;
    const char *encoded = json_member_text(event, "bytes", &length);
    buffer_t text;
    int fine = 1;

    if (encoded == NULL) {
        return 1;
    }
    buffer_init(&text, CHUNK_MAX);
    if (!text_base64_decode(&text, encoded, length)) {
        fine = fail(turn, BACKEND_PROTOCOL_ERROR,
                    "reading the agent's answer: the bytes of a chunk are not base64");
    } else if (text.length > 0) {
        turn->has_text = 1;
        call_delivered(turn->call);
        fine = turn->owner.on_text(turn->owner.baton, text.data, text.length) ||
               fail(turn, BACKEND_INTERNAL,
                    "reading the agent's answer: it is longer than this server keeps");
    }
    buffer_free(&text);
    return fine;
}

static int64_t usage_of(const json_t *output)
{
    const json_t *usage = json_member(json_member(output, "metadata"), "usage");
    int64_t input = 0;
    int64_t produced = 0;
    int known = json_integer(json_member(usage, "inputTokens"), &input);

    known |= json_integer(json_member(usage, "outputTokens"), &produced);
    return known && input >= 0 && produced >= 0 ? input + produced : BACKEND_TOKENS_UNKNOWN;
}

/* `value` is one member of the union trace.trace: each kind may hold a model's output. */
static int add_usage(void *baton, const char *name, const json_t *value)
{
    backend_turn_t *turn = baton;
    int64_t tokens = usage_of(json_member(value, "modelInvocationOutput"));

    (void)name;
    if (tokens != BACKEND_TOKENS_UNKNOWN) {
        turn->tokens = tokens + (turn->tokens != BACKEND_TOKENS_UNKNOWN ? turn->tokens : 0);
    }
    return 1;
}

/* Traces are long, and only a few of them have counts: the others need not be parsed. */
static int may_have_usage(const eventstream_message_t *message)
{
    static const char name[] = "\"usage\"";

    return memmem(message->payload, message->payload_length, name, sizeof(name) - 1) != NULL;
}

static int on_trace(backend_turn_t *turn, const json_t *event)
{
    json_each(json_member(event, "trace"), add_usage, turn);
    return 1;
}

static int on_return_control(backend_turn_t *turn, const json_t *event)
{
    (void)event;
    turn->returned_control = 1;
    return 1;
}

static const struct {
    const char *type;
    int (*take)(backend_turn_t *turn, const json_t *event);
} events[] = {{"chunk", on_chunk}, {"trace", on_trace}, {"returnControl", on_return_control}};

static int is(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(text, word, length) == 0;
}

static int on_event(backend_turn_t *turn, const eventstream_message_t *message)
{
    size_t length = 0;
    const char *type = eventstream_text_header(message, ":event-type", &length);
    json_error_t error;
    json_t *event;
    size_t i = 0;
    int fine;

    if (type == NULL) {
        return fail(turn, BACKEND_PROTOCOL_ERROR,
                    "reading the agent's answer: an event without type");
    }
    while (i < sizeof(events) / sizeof(events[0]) && !is(type, length, events[i].type)) {
        i++;
    }
    if (i == sizeof(events) / sizeof(events[0])) {
        return 1; /* AWS adds new kinds; they are no part of the text */
    }
    if (events[i].take == on_trace && !may_have_usage(message)) {
        return 1;
    }
    event = json_parse(message->payload, message->payload_length, EVENT_DEPTH_MAX, &error);
    if (event == NULL) {
        return fail(turn, BACKEND_PROTOCOL_ERROR,
                    "reading the agent's answer: the payload of %s is not JSON: %s", events[i].type,
                    error.reason != NULL ? error.reason : "null");
    }
    fine = events[i].take(turn, event);
    json_release(event);
    return fine;
}

static int on_exception(backend_turn_t *turn, const eventstream_message_t *message)
{
    size_t length = 0;
    const char *type = eventstream_text_header(message, ":exception-type", &length);
    json_error_t error;
    json_t *body = json_parse(message->payload, message->payload_length, EVENT_DEPTH_MAX, &error);
    const char *text = json_member_text(body, "message", NULL);

    type = type != NULL ? type : "";
    call_found_error(turn->call, type, length);
    (void)fail(turn, classify(type, length, 0), "reading the agent's answer: %.*s: %s", (int)length,
               type, text != NULL ? text : "no message");
    json_release(body);
    return 0;
}

static int on_unmodelled_error(backend_turn_t *turn, const eventstream_message_t *message)
{
    size_t code_length = 0;
    size_t text_length = 0;
    const char *code = eventstream_text_header(message, ":error-code", &code_length);
    const char *text = eventstream_text_header(message, ":error-message", &text_length);

    code = code != NULL ? code : "";
    text = text != NULL ? text : "";
    call_found_error(turn->call, code, code_length);
    return fail(turn, classify(code, code_length, 0),
                "reading the agent's answer: error %.*s: %.*s", (int)code_length, code,
                (int)text_length, text);
}

static int on_message(void *baton, const eventstream_message_t *message)
{
    backend_turn_t *turn = baton;
    size_t length = 0;
    const char *type = eventstream_text_header(message, ":message-type", &length);

    if (type != NULL && is(type, length, "event")) {
        return on_event(turn, message);
    }
    if (type != NULL && is(type, length, "exception")) {
        return on_exception(turn, message);
    }
    if (type != NULL && is(type, length, "error")) {
        return on_unmodelled_error(turn, message);
    }
    return fail(turn, BACKEND_PROTOCOL_ERROR,
                "reading the agent's answer: a message of an unknown :message-type");
}

/* ---- the call ---- */

static int on_head(void *baton, call_t *call)
{
    static const char wanted[] = "application/vnd.amazon.eventstream";
    backend_turn_t *turn = baton;
    const char *type = call_header(call, "Content-Type");

    turn->is_event_stream = type != NULL && strncasecmp(type, wanted, strlen(wanted)) == 0;
    return turn->is_event_stream ||
           fail(turn, BACKEND_PROTOCOL_ERROR,
                "reading the agent's answer: a success of type %s is no event stream; is the "
                "endpoint AWS's?",
                type != NULL ? type : "(none)");
}

static int on_body(void *baton, const char *bytes, size_t length)
{
    backend_turn_t *turn = baton;
    eventstream_status_e status = eventstream_feed(&turn->stream, bytes, length);

    return status == EVENTSTREAM_OK ||
           fail(turn, BACKEND_PROTOCOL_ERROR, "reading the agent's answer: %s",
                eventstream_reason(status));
}

static backend_end_e end_of_call(const call_result_t *result)
{
    switch (result->end) {
    case CALL_TIMEOUT: return BACKEND_TIMEOUT;
    case CALL_NO_CREDENTIALS: return BACKEND_NO_CREDENTIALS;
    case CALL_INTERNAL: return BACKEND_INTERNAL;
    case CALL_REFUSED: return classify(result->code, strlen(result->code), result->status);
    case CALL_BROKEN: return result->status != 0 ? BACKEND_PROTOCOL_ERROR : BACKEND_UNAVAILABLE;
    default: return BACKEND_ANSWERED;
    }
}

/* The call is whole: is the answer? */
static void check_whole(backend_turn_t *turn)
{
    eventstream_status_e status = eventstream_finish(&turn->stream);

    if (status != EVENTSTREAM_OK) {
        (void)fail(turn, BACKEND_PROTOCOL_ERROR, "reading the agent's answer: %s",
                   eventstream_reason(status));
    } else if (turn->returned_control && !turn->has_text) {
        (void)fail(turn, BACKEND_ERROR,
                   "reading the agent's answer: the agent returned control for an action group; "
                   "give the action group a Lambda function");
    } else if (!turn->has_text) {
        (void)fail(turn, BACKEND_PROTOCOL_ERROR,
                   "reading the agent's answer: it ended without any text and any error");
    }
}

static void start_decoding(backend_turn_t *turn)
{
    eventstream_init(&turn->stream, EVENT_MAX, on_message, turn);
    turn->tokens = BACKEND_TOKENS_UNKNOWN;
    turn->failure = BACKEND_ANSWERED;
    turn->has_text = 0;
    turn->returned_control = 0;
}

static void stop_decoding(backend_turn_t *turn)
{
    eventstream_free(&turn->stream);
    free(turn->reason);
    turn->reason = NULL;
}

static void on_retry(void *baton)
{
    stop_decoding(baton);
    start_decoding(baton);
}

static void release(backend_turn_t *turn)
{
    stop_decoding(turn);
    buffer_free(&turn->body);
    free(turn);
}

static void on_end(void *baton, const call_result_t *result)
{
    backend_turn_t *turn = baton;
    backend_outcome_t outcome = {0};

    turn->call = NULL;
    if (result->end == CALL_OK && turn->failure == BACKEND_ANSWERED) {
        check_whole(turn);
    }
    outcome.tokens = turn->tokens;
    outcome.input_tokens = BACKEND_TOKENS_UNKNOWN;
    outcome.code = result->code;
    outcome.retries = result->retries;
    outcome.retry_in = result->retry_in;
    outcome.aws_request_id = result->aws_request_id;
    if (turn->failure != BACKEND_ANSWERED) {
        outcome.end = turn->failure;
        outcome.reason = turn->reason != NULL ? turn->reason : "out of memory";
    } else {
        outcome.end = end_of_call(result);
        outcome.reason = result->reason;
    }
    turn->owner.on_end(turn->owner.baton, &outcome);
    release(turn);
}

/* ---- the owner's side ---- */

static void write_body(backend_turn_t *turn, const backend_prompt_t *prompt)
{
    json_writer_t writer;

    json_write_to(&writer, &turn->body);
    json_open(&writer, '{');
    json_name(&writer, "inputText");
    json_put_string(&writer, prompt->message, prompt->message_length);
    json_name(&writer, "enableTrace");
    json_put_boolean(&writer, turn->agent->token_usage);
    json_close(&writer, '}');
}

static int write_path(buffer_t *path, const agent_t *agent, const char *session_id)
{
    return buffer_printf(path, "/agents/%s/agentAliases/%s/sessions/", agent->agent_id,
                         agent->alias_id) &&
           text_percent_encode(path, session_id, strlen(session_id), "") &&
           buffer_puts(path, "/text");
}

static int invoke(backend_turn_t *turn, const backend_prompt_t *prompt, const char *path)
{
    const agent_t *agent = turn->agent;
    const call_owner_t owner = {on_head, on_body, on_retry, on_end, turn};
    const call_request_t request = {.operation = "InvokeAgent",
                                    .method = "POST",
                                    .path = path,
                                    .content_type = "application/json",
                                    .accept = "application/vnd.amazon.eventstream",
                                    .body = turn->body.data,
                                    .body_length = turn->body.length,
                                    .limits = agent->limits,
                                    .deadline = prompt->deadline};

    return call_start(&turn->call, agent->client, &request, &owner);
}

static backend_turn_t *make(const agent_t *agent, const backend_owner_t *owner)
{
    backend_turn_t *turn = calloc(1, sizeof(*turn));

    if (turn != NULL) {
        turn->agent = agent;
        turn->owner = *owner;
        buffer_init(&turn->body, BODY_MAX);
        start_decoding(turn);
    }
    return turn;
}

static int start(const backend_t *backend, backend_turn_t **started, const backend_prompt_t *prompt,
                 const backend_owner_t *owner)
{
    const agent_t *agent = (const agent_t *)(const void *)backend;
    backend_turn_t *turn = make(agent, owner);
    buffer_t path;
    int fine;

    if (turn == NULL) {
        log_error("CHAT0201: starting InvokeAgent: out of memory");
        return 0;
    }
    *started = turn;
    buffer_init(&path, 1024);
    write_body(turn, prompt);
    fine = !turn->body.failed && write_path(&path, agent, prompt->session_id);
    if (!fine || !invoke(turn, prompt, path.data)) {
        log_error(
            "CHAT0202: starting InvokeAgent failed; the lines above say why, or memory is out");
        release(turn);
        fine = 0;
    }
    buffer_free(&path);
    return fine;
}

static void cancel(backend_turn_t *turn)
{
    call_cancel(turn->call);
    release(turn);
}

void agent_init(agent_t *agent)
{
    agent->backend.name = "agent";
    agent->backend.start = start;
    agent->backend.cancel = cancel;
}

int agent_is_id(const char *id)
{
    size_t length = strlen(id);

    return length >= 1 && length <= 10 && text_only(id, length, "");
}
