#include "backend/openai_answer.h"

#include <string.h>
#include <strings.h>

#define ANSWER_MAX (16 * 1024 * 1024)
#define EVENT_MAX  (4 * 1024 * 1024)
#define DEPTH_MAX  64

static openai_turn_t *mine(backend_turn_t *turn)
{
    return (openai_turn_t *)(void *)turn;
}

/* ---- errors ---- */

static const char *either(const char *first, const char *second)
{
    return first != NULL ? first : second;
}

/* {"error": {…}} as OpenAI has it, {"error": "…"} as others do, or the members at the top. */
static void find_error(const json_t *value, const char **code, const char **message)
{
    const json_t *error = json_member(value, "error");
    const json_t *holder = json_kind(error) == JSON_OBJECT ? error : value;

    *code = either(json_member_text(holder, "code", NULL), json_member_text(holder, "type", NULL));
    *message = either(json_text(error, NULL), either(json_member_text(holder, "message", NULL),
                                                     json_member_text(holder, "detail", NULL)));
}

void openai_answer_error(const buffer_t *body, json_t **error, const char **code,
                         const char **message)
{
    json_error_t problem;

    *error = json_parse(buffer_text(body), body->length, DEPTH_MAX, &problem);
    find_error(*error, code, message);
}

static const struct {
    const char *word; /* a code or a type */
    backend_end_e end;
} meanings[] = {
    {"rate_limit_exceeded", BACKEND_THROTTLED},
    {"rate_limit_error", BACKEND_THROTTLED},
    {"overloaded_error", BACKEND_UNAVAILABLE},
    {"server_error", BACKEND_UNAVAILABLE},
    {"timeout", BACKEND_TIMEOUT},
};

/* An error within a success. */
static int fail_by_error(backend_turn_t *turn, const json_t *value)
{
    const char *message = NULL;
    const char *code = NULL;
    backend_end_e end = BACKEND_ERROR;
    size_t i;

    find_error(value, &code, &message);
    code = either(code, "");
    for (i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        if (strcmp(meanings[i].word, code) == 0) {
            end = meanings[i].end;
        }
    }
    turn->transport->found_error(turn, code, strlen(code));
    return turn_fail(turn, end, "error %s: %s", code, either(message, "no message"));
}

/* ---- what both answers have ---- */

/* Servers may tell the count so far with each piece: the last one counts. */
static void take_usage(backend_turn_t *turn, const json_t *usage)
{
    int64_t input = 0;
    int64_t output = 0;

    if (json_integer(json_member(usage, "prompt_tokens"), &input) |
        json_integer(json_member(usage, "completion_tokens"), &output)) {
        turn->tokens = BACKEND_TOKENS_UNKNOWN;
        turn->input_tokens = BACKEND_TOKENS_UNKNOWN;
        turn_count(turn, input, output);
    }
}

static void take_stop(backend_turn_t *turn, const json_t *choice)
{
    const char *reason = json_member_text(choice, "finish_reason", NULL);

    if (reason == NULL) {
        return;
    }
    mine(turn)->has_stopped = 1;
    if (strcmp(reason, "length") == 0) {
        turn->stop = BACKEND_STOP_LENGTH;
    } else if (strcmp(reason, "content_filter") == 0) {
        turn->stop = BACKEND_STOP_FILTERED;
    }
}

/* A string, or parts that have one. */
static int tell(backend_turn_t *turn, const json_t *content)
{
    size_t length = 0;
    const char *text = json_text(content, &length);
    int fine = text == NULL || turn_tell(turn, text, length);
    size_t i;

    for (i = 0; i < json_length(content) && fine; i++) {
        text = json_member_text(json_item(content, i), "text", &length);
        fine = text == NULL || turn_tell(turn, text, length);
    }
    return fine;
}

/* `where` is "message" of a whole answer, "delta" of a piece. A refusal is an answer to read. */
static int take_completion(backend_turn_t *turn, const json_t *value, const char *where)
{
    const json_t *choice = json_item(json_member(value, "choices"), 0);
    const json_t *message = json_member(choice, where);

    if (json_member(value, "error") != NULL) {
        return fail_by_error(turn, value);
    }
    take_usage(turn, json_member(value, "usage"));
    take_stop(turn, choice);
    return tell(turn, json_member(message, "content")) &&
           tell(turn, json_member(message, "refusal"));
}

static int take_json(backend_turn_t *turn, const char *bytes, size_t length, const char *where)
{
    json_error_t error;
    json_t *value = json_parse(bytes, length, DEPTH_MAX, &error);
    int fine;

    if (value == NULL) {
        return turn_fail(turn, BACKEND_PROTOCOL_ERROR, "it is not JSON: %s",
                         error.reason != NULL ? error.reason : "null");
    }
    fine = take_completion(turn, value, where);
    json_release(value);
    return fine;
}

static int on_event(void *baton, const char *type, const char *data, size_t length)
{
    static const char done[] = "[DONE]";
    backend_turn_t *turn = baton;

    (void)type;
    if (length == strlen(done) && memcmp(data, done, length) == 0) {
        mine(turn)->is_done = 1;
    }
    return mine(turn)->is_done || take_json(turn, data, length, "delta");
}

/* ---- the reader ---- */

static int on_head(backend_turn_t *turn, const char *type)
{
    static const char stream[] = "text/event-stream";

    buffer_init(&mine(turn)->answer, ANSWER_MAX);
    sse_init(&mine(turn)->events, EVENT_MAX, on_event, turn);
    mine(turn)->is_stream = strncasecmp(type, stream, strlen(stream)) == 0;
    return 1;
}

static int check_events(backend_turn_t *turn, sse_status_e status)
{
    return status == SSE_OK || turn_fail(turn, BACKEND_PROTOCOL_ERROR, "%s", sse_reason(status));
}

static int on_body(backend_turn_t *turn, const char *bytes, size_t length)
{
    if (mine(turn)->is_stream) {
        return check_events(turn, sse_feed(&mine(turn)->events, bytes, length));
    }
    return buffer_append(&mine(turn)->answer, bytes, length) ||
           turn_fail(turn, BACKEND_PROTOCOL_ERROR, "it is too long, or memory is out");
}

static void on_whole(backend_turn_t *turn)
{
    openai_turn_t *openai = mine(turn);

    if (!openai->is_stream) {
        (void)take_json(turn, buffer_text(&openai->answer), openai->answer.length, "message");
    } else if (check_events(turn, sse_finish(&openai->events)) && !openai->is_done &&
               !openai->has_stopped) {
        (void)turn_fail(turn, BACKEND_PROTOCOL_ERROR,
                        "it is incomplete: the server did not say that it is at its end");
    }
    turn_check_text(turn);
}

static void forget(backend_turn_t *turn)
{
    openai_turn_t *openai = mine(turn);

    buffer_free(&openai->answer);
    sse_free(&openai->events);
    openai->is_done = 0;
    openai->has_stopped = 0;
}

const turn_reader_t openai_answer_reader = {
    "the server's answer", on_head, on_body, on_whole, forget, NULL};
