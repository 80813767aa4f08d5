#include "backend/agentcore_answer.h"

#include "base/json.h"

#include <string.h>
#include <strings.h>

#define ANSWER_MAX (16 * 1024 * 1024)
#define EVENT_MAX  (4 * 1024 * 1024)
#define DEPTH_MAX  64
#define NESTED_MAX 3 /* {"output": {"message": {"content": …}}} */

static agentcore_turn_t *mine(backend_turn_t *turn)
{
    return (agentcore_turn_t *)(void *)turn;
}

/* ---- where agents have their text ---- */

typedef enum { NOTHING, TOLD, FAILED } found_e;

static found_e tell(backend_turn_t *turn, const json_t *text)
{
    size_t length = 0;
    const char *bytes = json_text(text, &length);

    return turn_tell(turn, bytes, length) ? TOLD : FAILED;
}

/* [{"text": …}, …] */
static found_e tell_parts(backend_turn_t *turn, const json_t *parts)
{
    found_e found = NOTHING;
    size_t i;

    for (i = 0; i < json_length(parts) && found != FAILED; i++) {
        const json_t *text = json_member(json_item(parts, i), "text");

        if (json_kind(text) == JSON_STRING) {
            found = tell(turn, text);
        }
    }
    return found;
}

/* The first member that has text, by its name in `*form`; only there when that is given. */
static found_e tell_members(backend_turn_t *turn, const json_t *object, const char **form,
                            int depth)
{
    static const char *const names[] = {"response", "result", "output", "completion", "message",
                                        "content",  "text",   "data",   "delta",      NULL};
    found_e found = NOTHING;
    size_t i;

    for (i = 0; names[i] != NULL && found == NOTHING; i++) {
        const json_t *value = json_member(object, names[i]);
        const char *inner = NULL;

        if (form != NULL && *form != NULL && *form != names[i]) {
            continue;
        }
        switch (json_kind(value)) {
        case JSON_STRING: found = tell(turn, value); break;
        case JSON_ARRAY: found = tell_parts(turn, value); break;
        case JSON_OBJECT:
            found = depth < NESTED_MAX ? tell_members(turn, value, &inner, depth + 1) : NOTHING;
            break;
        default: break;
        }
        if (found != NOTHING) {
            *form = names[i];
        }
    }
    return found;
}

static int fail_by_error(backend_turn_t *turn, const json_t *error)
{
    const char *text = json_text(error, NULL);

    text = text != NULL ? text : json_member_text(error, "message", NULL);
    return turn_fail(turn, BACKEND_DEPENDENCY_FAILED, "the agent says that it failed: %s",
                     text != NULL ? text : "it does not say how");
}

/* ---- Server-Sent Events ---- */

static const char plain[] = "plain";     /* a string, or a text that is no JSON */
static const char bedrock[] = "bedrock"; /* what a model's stream says */

static int tell_plain(backend_turn_t *turn, const char *text, size_t length)
{
    const char **form = &mine(turn)->form;

    if (*form != NULL && *form != plain) {
        return 1;
    }
    *form = plain;
    return turn_tell(turn, text, length);
}

static int take_object(backend_turn_t *turn, const json_t *object)
{
    const char **form = &mine(turn)->form;
    const json_t *delta =
        json_member(json_member(json_member(object, "event"), "contentBlockDelta"), "delta");
    const json_t *text = json_member(delta, "text");

    if (json_member(object, "error") != NULL) {
        return fail_by_error(turn, json_member(object, "error"));
    }
    if (json_kind(text) == JSON_STRING) {
        if (*form != NULL && *form != bedrock) {
            return 1;
        }
        *form = bedrock;
        return tell(turn, text) != FAILED;
    }
    return tell_members(turn, object, form, 0) != FAILED;
}

static int take_json(backend_turn_t *turn, const json_t *value)
{
    size_t length = 0;
    const char *text = json_text(value, &length);

    if (text != NULL) {
        return tell_plain(turn, text, length);
    }
    return json_kind(value) != JSON_OBJECT || take_object(turn, value);
}

/* A line of data; 0 in `*is_json` when it is something else, which is not taken then. */
static int take_if_json(backend_turn_t *turn, const char *data, size_t length, int *is_json)
{
    json_error_t error;
    json_t *value = json_parse(data, length, DEPTH_MAX, &error);
    int fine;

    *is_json = error.reason == NULL;
    fine = !*is_json || take_json(turn, value);
    json_release(value);
    return fine;
}

static int take_line(backend_turn_t *turn, const char *line, size_t length)
{
    static const char done[] = "[DONE]";
    int is_json;
    int fine = take_if_json(turn, line, length, &is_json);

    if (is_json || (length == strlen(done) && memcmp(line, done, length) == 0)) {
        return fine;
    }
    return tell_plain(turn, line, length);
}

/* Lines of one event are one text only when that is JSON. */
static int on_event(void *baton, const char *type, const char *data, size_t length)
{
    backend_turn_t *turn = baton;
    const char *end = data + length;
    int is_json;
    int fine;

    if (strcmp(type, "error") == 0) {
        return turn_fail(turn, BACKEND_DEPENDENCY_FAILED, "the agent says that it failed: %.*s",
                         length < 500 ? (int)length : 500, data);
    }
    fine = take_if_json(turn, data, length, &is_json);
    while (fine && !is_json && data < end) {
        const char *line_end = memchr(data, '\n', (size_t)(end - data));

        line_end = line_end != NULL ? line_end : end;
        fine = take_line(turn, data, (size_t)(line_end - data));
        data = line_end + 1;
    }
    return fine;
}

static int check_events(backend_turn_t *turn, sse_status_e status)
{
    return status == SSE_OK || turn_fail(turn, BACKEND_PROTOCOL_ERROR, "%s", sse_reason(status));
}

/* ---- JSON ---- */

static void take_answer(backend_turn_t *turn, const buffer_t *bytes)
{
    json_error_t error;
    json_t *value = json_parse(buffer_text(bytes), bytes->length, DEPTH_MAX, &error);
    const char *form = NULL;
    found_e found;

    if (error.reason != NULL) {
        (void)turn_fail(turn, BACKEND_PROTOCOL_ERROR, "it is not JSON: %s", error.reason);
    } else if (json_kind(value) == JSON_STRING) {
        (void)tell(turn, value);
    } else {
        found = tell_members(turn, value, &form, 0);
        if (found == NOTHING && json_member(value, "error") != NULL) {
            (void)fail_by_error(turn, json_member(value, "error"));
        } else if (found == NOTHING) {
            (void)turn_tell(turn, bytes->data, bytes->length);
        }
    }
    json_release(value);
}

/* ---- the reader ---- */

static int starts(const char *type, const char *with)
{
    return strncasecmp(type, with, strlen(with)) == 0;
}

static int on_head(backend_turn_t *turn, const char *type)
{
    agentcore_turn_t *agentcore = mine(turn);

    buffer_init(&agentcore->answer, ANSWER_MAX);
    sse_init(&agentcore->events, EVENT_MAX, on_event, turn);
    agentcore->kind = starts(type, "text/event-stream") ? AGENTCORE_EVENTS
                      : starts(type, "text/")           ? AGENTCORE_TEXT
                                                        : AGENTCORE_JSON;
    return 1;
}

static int on_body(backend_turn_t *turn, const char *bytes, size_t length)
{
    if (turn->ends_session) {
        return 1;
    }
    switch (mine(turn)->kind) {
    case AGENTCORE_EVENTS: return check_events(turn, sse_feed(&mine(turn)->events, bytes, length));
    case AGENTCORE_TEXT: return turn_tell(turn, bytes, length);
    default:
        return buffer_append(&mine(turn)->answer, bytes, length) ||
               turn_fail(turn, BACKEND_PROTOCOL_ERROR, "it is too long, or memory is out");
    }
}

static void on_whole(backend_turn_t *turn)
{
    if (turn->ends_session) {
        return;
    }
    if (mine(turn)->kind == AGENTCORE_JSON) {
        take_answer(turn, &mine(turn)->answer);
    } else if (mine(turn)->kind == AGENTCORE_EVENTS) {
        (void)check_events(turn, sse_finish(&mine(turn)->events));
    }
    turn_check_text(turn);
}

static void forget(backend_turn_t *turn)
{
    agentcore_turn_t *agentcore = mine(turn);

    buffer_free(&agentcore->answer);
    sse_free(&agentcore->events);
    agentcore->form = NULL;
}

static void release(backend_turn_t *turn)
{
    buffer_free(&mine(turn)->session);
    buffer_free(&mine(turn)->user);
}

const turn_reader_t agentcore_answer_reader = {
    "the agent's answer", on_head, on_body, on_whole, forget, release};
