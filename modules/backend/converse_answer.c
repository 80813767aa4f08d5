#include "backend/converse_answer.h"

#include <string.h>

/* Text, and the reasoning that some models tell beside it. */
#define ANSWER_MAX (16 * 1024 * 1024)
#define DEPTH_MAX  64

static converse_turn_t *mine(backend_turn_t *turn)
{
    return (converse_turn_t *)(void *)turn;
}

/* ---- what both answers have ---- */

/* Why the model stopped where it did. The others (end_turn, stop_sequence, tool_use, and those to
 * come) end an answer as well. */
static const struct {
    const char *reason;
    backend_stop_e stop;
    backend_end_e failure; /* BACKEND_ANSWERED: none */
    const char *help;
} stops[] = {
    {"max_tokens", BACKEND_STOP_LENGTH, BACKEND_ANSWERED, NULL},
    {"guardrail_intervened", BACKEND_STOP_FILTERED, BACKEND_ANSWERED, NULL},
    {"content_filtered", BACKEND_STOP_FILTERED, BACKEND_ANSWERED, NULL},
    {"malformed_model_output", BACKEND_STOP_END, BACKEND_PROTOCOL_ERROR,
     "the model's output makes no sense"},
    {"malformed_tool_use", BACKEND_STOP_END, BACKEND_PROTOCOL_ERROR,
     "the model's output makes no sense"},
    {"model_context_window_exceeded", BACKEND_STOP_END, BACKEND_ERROR,
     "the conversation is longer than the model's context: keep less of it "
     "(ChatbotSessionHistory)"},
};

static int take_stop(backend_turn_t *turn, const json_t *holder)
{
    const char *reason = json_member_text(holder, "stopReason", NULL);
    size_t i;

    if (reason == NULL) {
        return 1;
    }
    mine(turn)->has_stopped = 1;
    for (i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
        if (strcmp(stops[i].reason, reason) == 0) {
            turn->stop = stops[i].stop;
            return stops[i].failure == BACKEND_ANSWERED ||
                   turn_fail(turn, stops[i].failure, "%s: %s", reason, stops[i].help);
        }
    }
    return 1;
}

/* 0 when there is none. */
static int64_t count_of(const json_t *usage, const char *name)
{
    int64_t number = 0;

    (void)json_integer(json_member(usage, name), &number);
    return number;
}

/* What the cache read or took in is input as well. */
static int take_usage(backend_turn_t *turn, const json_t *holder)
{
    const json_t *usage = json_member(holder, "usage");

    if (usage != NULL) {
        turn_count(turn,
                   count_of(usage, "inputTokens") + count_of(usage, "cacheReadInputTokens") +
                       count_of(usage, "cacheWriteInputTokens"),
                   count_of(usage, "outputTokens"));
    }
    return 1;
}

static int take_text(backend_turn_t *turn, const json_t *holder)
{
    size_t length = 0;
    const char *text = json_member_text(holder, "text", &length);

    return text == NULL || turn_tell(turn, text, length);
}

static void check(backend_turn_t *turn)
{
    if (!mine(turn)->has_stopped) {
        (void)turn_fail(turn, BACKEND_PROTOCOL_ERROR,
                        "it is incomplete: the model did not say that it is at its end");
    }
    turn_check_text(turn);
}

static void forget(backend_turn_t *turn)
{
    events_free(&mine(turn)->events);
    buffer_free(&mine(turn)->answer);
    mine(turn)->has_stopped = 0;
}

/* ---- ConverseStream ---- */

/* Of the kinds of a delta only the text is told: not what the model thinks, nor its tools. */
static int on_delta(backend_turn_t *turn, const json_t *event)
{
    return take_text(turn, json_member(event, "delta"));
}

static const events_kind_t kinds[] = {{"contentBlockDelta", on_delta, NULL},
                                      {"messageStop", take_stop, NULL},
                                      {"metadata", take_usage, NULL},
                                      {NULL, NULL, NULL}};

static int on_stream_head(backend_turn_t *turn, const char *type)
{
    return events_start(&mine(turn)->events, turn, kinds, type);
}

static int on_stream_body(backend_turn_t *turn, const char *bytes, size_t length)
{
    return events_feed(&mine(turn)->events, bytes, length);
}

static void on_stream_whole(backend_turn_t *turn)
{
    if (events_finish(&mine(turn)->events)) {
        check(turn);
    }
}

const turn_reader_t converse_answer_stream = {"the model's answer", on_stream_head, on_stream_body,
                                              on_stream_whole,      forget,         NULL};

/* ---- Converse ---- */

static int on_head(backend_turn_t *turn, const char *type)
{
    (void)type;
    buffer_init(&mine(turn)->answer, ANSWER_MAX);
    return 1;
}

static int on_body(backend_turn_t *turn, const char *bytes, size_t length)
{
    return buffer_append(&mine(turn)->answer, bytes, length) ||
           turn_fail(turn, BACKEND_PROTOCOL_ERROR, "it is too long, or memory is out");
}

static void take_answer(backend_turn_t *turn, const json_t *answer)
{
    const json_t *message = json_member(json_member(answer, "output"), "message");
    const json_t *content = json_member(message, "content");
    size_t i;

    (void)take_usage(turn, answer);
    for (i = 0; i < json_length(content) && take_text(turn, json_item(content, i)); i++) {
    }
    if (take_stop(turn, answer)) {
        check(turn);
    }
}

static void on_whole(backend_turn_t *turn)
{
    const buffer_t *bytes = &mine(turn)->answer;
    json_error_t error;
    json_t *answer = json_parse(buffer_text(bytes), bytes->length, DEPTH_MAX, &error);

    if (answer == NULL) {
        (void)turn_fail(turn, BACKEND_PROTOCOL_ERROR, "it is not JSON: %s",
                        error.reason != NULL ? error.reason : "null");
        return;
    }
    take_answer(turn, answer);
    json_release(answer);
}

const turn_reader_t converse_answer_whole = {
    "the model's answer", on_head, on_body, on_whole, forget, NULL};
