#include "backend/agent_answer.h"

#include "base/text.h"

#include <string.h>

#define CHUNK_MAX (4 * 1024 * 1024)

static agent_turn_t *mine(backend_turn_t *turn)
{
    return (agent_turn_t *)(void *)turn;
}

static int on_chunk(backend_turn_t *turn, const json_t *event)
{
    size_t length = 0;
    const char *encoded = json_member_text(event, "bytes", &length);
    buffer_t text;
    int fine;

    if (encoded == NULL) {
        return 1;
    }
    buffer_init(&text, CHUNK_MAX);
    fine = text_base64_decode(&text, encoded, length)
               ? turn_tell(turn, text.data, text.length)
               : turn_fail(turn, BACKEND_PROTOCOL_ERROR, "the bytes of a chunk are not base64");
    buffer_free(&text);
    return fine;
}

/* `value` is one member of the union trace.trace: each kind may hold a model's output. */
static int on_trace_member(void *baton, const char *name, const json_t *value)
{
    backend_turn_t *turn = baton;
    const json_t *output = json_member(value, "modelInvocationOutput");
    const json_t *usage = json_member(json_member(output, "metadata"), "usage");
    const char *action = json_member_text(value, "action", NULL);
    int64_t input = 0;
    int64_t produced = 0;

    if (json_integer(json_member(usage, "inputTokens"), &input) |
        json_integer(json_member(usage, "outputTokens"), &produced)) {
        turn_count(turn, input, produced);
    }
    if (strcmp(name, "guardrailTrace") == 0 && action != NULL &&
        strcmp(action, "INTERVENED") == 0) {
        turn->stop = BACKEND_STOP_FILTERED;
    }
    return 1;
}

static int on_trace(backend_turn_t *turn, const json_t *event)
{
    json_each(json_member(event, "trace"), on_trace_member, turn);
    return 1;
}

static int on_return_control(backend_turn_t *turn, const json_t *event)
{
    (void)event;
    mine(turn)->returned_control = 1;
    return 1;
}

/* Traces are long, and only a few of them have something for us. */
static const char *const in_traces[] = {"\"usage\"", "\"INTERVENED\"", NULL};

static const events_kind_t kinds[] = {{"chunk", on_chunk, NULL},
                                      {"trace", on_trace, in_traces},
                                      {"returnControl", on_return_control, NULL},
                                      {NULL, NULL, NULL}};

static int on_head(backend_turn_t *turn, const char *type)
{
    return events_start(&mine(turn)->events, turn, kinds, type);
}

static int on_body(backend_turn_t *turn, const char *bytes, size_t length)
{
    return events_feed(&mine(turn)->events, bytes, length);
}

static void on_whole(backend_turn_t *turn)
{
    if (!events_finish(&mine(turn)->events)) {
        return;
    }
    if (mine(turn)->returned_control && !turn->has_text) {
        (void)turn_fail(turn, BACKEND_ERROR,
                        "the agent returned control for an action group; give the action group a "
                        "Lambda function");
    }
    turn_check_text(turn);
}

static void forget(backend_turn_t *turn)
{
    events_free(&mine(turn)->events);
    mine(turn)->returned_control = 0;
}

const turn_reader_t agent_answer_reader = {
    "the agent's answer", on_head, on_body, on_whole, forget, NULL};
