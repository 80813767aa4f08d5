#include "emulator/converse_answer.h"

#include "base/json.h"
#include "emulator/events.h"
#include "emulator/speech.h"

#include <string.h>

#define WHOLE_MAX       (32 * 1024 * 1024)
#define CHUNK_BYTES_MAX 1000000
#define SIGNATURE       "c2lnbmF0dXJlIG9mIHRoZSByZWFzb25pbmc="
#define TOOL_ID         "tooluse_2b1f3c1e7d0a4f0e9a55"
#define TOOL_INPUT      "{\"city\":\"Berlin\"}"

/* ---- what both have ---- */

static int has(const converse_answer_t *answer, script_command_e command)
{
    return script_has(answer->script, command);
}

static void put_count(json_writer_t *writer, const char *name, size_t count)
{
    json_name(writer, name);
    json_put_integer(writer, (int64_t)count);
}

static void put_text(json_writer_t *writer, const char *name, const char *text, size_t length)
{
    json_name(writer, name);
    json_put_string(writer, text, length);
}

static void open_member(json_writer_t *writer, const char *name, char bracket)
{
    json_name(writer, name);
    json_open(writer, bracket);
}

static void put_usage(const converse_answer_t *answer, json_writer_t *writer)
{
    size_t output = speech_tokens(answer->length);

    open_member(writer, "usage", '{');
    put_count(writer, "inputTokens", answer->input_tokens);
    put_count(writer, "outputTokens", output);
    put_count(writer, "totalTokens", answer->input_tokens + output);
    json_close(writer, '}');
}

static void put_metrics(const converse_answer_t *answer, json_writer_t *writer)
{
    open_member(writer, "metrics", '{');
    put_count(writer, "latencyMs", script_number(answer->script, SCRIPT_DELAY));
    json_close(writer, '}');
}

/* What the guardrail found, when it was asked to say so. */
static void put_trace(const converse_answer_t *answer, json_writer_t *writer)
{
    static const char found[] = "{\"topicPolicy\":{\"topics\":[{\"name\":\"Forbidden\",\"type\":"
                                "\"DENY\",\"action\":\"BLOCKED\"}]}}";

    if (answer->guardrail == NULL) {
        return;
    }
    open_member(writer, "trace", '{');
    open_member(writer, "guardrail", '{');
    open_member(writer, "inputAssessment", '{');
    if (has(answer, SCRIPT_GUARDRAIL)) {
        json_name(writer, answer->guardrail);
        json_put_raw(writer, found, sizeof(found) - 1);
    }
    json_close(writer, '}');
    json_close(writer, '}');
    json_close(writer, '}');
}

/* ---- the document ---- */

static void put_reasoning(const converse_answer_t *answer, json_writer_t *writer)
{
    buffer_t words;

    buffer_init(&words, WHOLE_MAX);
    speech_reasoning(answer->script, &words);
    json_open(writer, '{');
    open_member(writer, "reasoningContent", '{');
    open_member(writer, "reasoningText", '{');
    put_text(writer, "text", buffer_text(&words), words.length);
    json_put_member(writer, "signature", SIGNATURE);
    json_close(writer, '}');
    json_close(writer, '}');
    json_close(writer, '}');
    buffer_free(&words);
}

static void put_content(const converse_answer_t *answer, json_writer_t *writer)
{
    if (has(answer, SCRIPT_REASONING)) {
        put_reasoning(answer, writer);
    }
    if (!has(answer, SCRIPT_EMPTY)) {
        json_open(writer, '{');
        put_text(writer, "text", answer->text, answer->length);
        json_close(writer, '}');
    }
    if (has(answer, SCRIPT_TOOL_USE)) {
        json_open(writer, '{');
        open_member(writer, "toolUse", '{');
        json_put_member(writer, "toolUseId", TOOL_ID);
        json_put_member(writer, "name", "getWeather");
        json_name(writer, "input");
        json_put_raw(writer, TOOL_INPUT, sizeof(TOOL_INPUT) - 1);
        json_close(writer, '}');
        json_close(writer, '}');
    }
}

void converse_answer_whole(const converse_answer_t *answer, answer_t *out)
{
    json_writer_t writer;
    buffer_t body;

    buffer_init(&body, WHOLE_MAX);
    json_write_to(&writer, &body);
    json_open(&writer, '{');
    put_metrics(answer, &writer);
    open_member(&writer, "output", '{');
    open_member(&writer, "message", '{');
    open_member(&writer, "content", '[');
    put_content(answer, &writer);
    json_close(&writer, ']');
    json_put_member(&writer, "role", "assistant");
    json_close(&writer, '}');
    json_close(&writer, '}');
    if (!has(answer, SCRIPT_NO_STOP)) {
        json_put_member(&writer, "stopReason", answer->stop_reason);
    }
    put_trace(answer, &writer);
    if (!has(answer, SCRIPT_NO_TOKENS)) {
        put_usage(answer, &writer);
    }
    json_close(&writer, '}');
    out->failed |= body.failed;
    answer_send(out, buffer_text(&body), body.length);
    buffer_free(&body);
}

/* ---- the stream ---- */

typedef struct {
    const converse_answer_t *answer;
    events_t events;
    json_writer_t writer; /* of the event at hand */
    int64_t block;
} stream_t;

static void open_event(stream_t *stream)
{
    json_write_to(&stream->writer, &stream->events.payload);
    json_open(&stream->writer, '{');
}

static void close_event(stream_t *stream)
{
    events_put_padding(&stream->events, &stream->writer);
    json_close(&stream->writer, '}');
}

static void open_delta(stream_t *stream)
{
    open_event(stream);
    put_count(&stream->writer, "contentBlockIndex", (size_t)stream->block);
    open_member(&stream->writer, "delta", '{');
}

static void close_delta(stream_t *stream)
{
    json_close(&stream->writer, '}');
    close_event(stream);
}

static void send_block_stop(stream_t *stream)
{
    open_event(stream);
    put_count(&stream->writer, "contentBlockIndex", (size_t)stream->block);
    close_event(stream);
    events_send(&stream->events, "contentBlockStop");
    stream->block++;
}

static void send_reasoning_delta(stream_t *stream, const char *member, const char *text,
                                 size_t length)
{
    open_delta(stream);
    open_member(&stream->writer, "reasoningContent", '{');
    put_text(&stream->writer, member, text, length);
    json_close(&stream->writer, '}');
    close_delta(stream);
    events_send(&stream->events, "contentBlockDelta");
}

static void send_reasoning(stream_t *stream)
{
    const speech_cut_t cut = {
        .script = stream->answer->script, .words = 1, .characters = 1, .longest = CHUNK_BYTES_MAX};
    const char *text;
    size_t left;
    buffer_t words;

    buffer_init(&words, WHOLE_MAX);
    speech_reasoning(stream->answer->script, &words);
    text = buffer_text(&words);
    left = words.length;
    while (left > 0) {
        size_t length = speech_piece(&cut, text, left);
        send_reasoning_delta(stream, "text", text, length);
        text += length;
        left -= length;
    }
    send_reasoning_delta(stream, "signature", SIGNATURE, sizeof(SIGNATURE) - 1);
    send_block_stop(stream);
    buffer_free(&words);
}

static void send_text(stream_t *stream)
{
    const converse_answer_t *answer = stream->answer;
    const speech_cut_t cut = {
        .script = answer->script, .words = 1, .characters = 1, .longest = CHUNK_BYTES_MAX};
    const char *text = answer->text;
    size_t left = answer->length;

    while (left > 0) {
        size_t length = speech_piece(&cut, text, left);
        if (!events_next_chunk(&stream->events)) {
            return;
        }
        open_delta(stream);
        put_text(&stream->writer, "text", text, length);
        close_delta(stream);
        events_send_chunk(&stream->events, "contentBlockDelta");
        text += length;
        left -= length;
    }
    events_behind(&stream->events);
    if (!stream->events.over) {
        send_block_stop(stream);
    }
}

static void send_tool_delta(stream_t *stream, const char *input, size_t length)
{
    open_delta(stream);
    open_member(&stream->writer, "toolUse", '{');
    put_text(&stream->writer, "input", input, length);
    json_close(&stream->writer, '}');
    close_delta(stream);
    events_send(&stream->events, "contentBlockDelta");
}

/* Its input comes in two pieces of JSON text. */
static void send_tool_use(stream_t *stream)
{
    open_event(stream);
    put_count(&stream->writer, "contentBlockIndex", (size_t)stream->block);
    open_member(&stream->writer, "start", '{');
    open_member(&stream->writer, "toolUse", '{');
    json_put_member(&stream->writer, "toolUseId", TOOL_ID);
    json_put_member(&stream->writer, "name", "getWeather");
    json_close(&stream->writer, '}');
    json_close(&stream->writer, '}');
    close_event(stream);
    events_send(&stream->events, "contentBlockStart");
    send_tool_delta(stream, TOOL_INPUT, 6);
    send_tool_delta(stream, &TOOL_INPUT[6], sizeof(TOOL_INPUT) - 1 - 6);
    send_block_stop(stream);
}

static void send_content(stream_t *stream)
{
    if (has(stream->answer, SCRIPT_REASONING)) {
        send_reasoning(stream);
    }
    if (!has(stream->answer, SCRIPT_EMPTY)) {
        send_text(stream);
    } else {
        events_behind(&stream->events);
    }
    if (has(stream->answer, SCRIPT_TOOL_USE) && !stream->events.over) {
        send_tool_use(stream);
    }
}

static void send_start(stream_t *stream)
{
    open_event(stream);
    json_put_member(&stream->writer, "role", "assistant");
    close_event(stream);
    events_send(&stream->events, "messageStart");
}

static void send_stop(stream_t *stream)
{
    open_event(stream);
    json_put_member(&stream->writer, "stopReason", stream->answer->stop_reason);
    close_event(stream);
    events_send(&stream->events, "messageStop");
}

static void send_metadata(stream_t *stream)
{
    open_event(stream);
    put_metrics(stream->answer, &stream->writer);
    put_trace(stream->answer, &stream->writer);
    put_usage(stream->answer, &stream->writer);
    close_event(stream);
    events_send(&stream->events, "metadata");
}

void converse_answer_stream(const converse_answer_t *answer, answer_t *out)
{
    stream_t stream = {.answer = answer};

    events_begin(&stream.events, out, answer->script, answer->modelled);
    if (!stream.events.over) {
        send_start(&stream);
        send_content(&stream);
    }
    if (!stream.events.over && !has(answer, SCRIPT_NO_STOP)) {
        send_stop(&stream);
        if (!has(answer, SCRIPT_NO_TOKENS)) {
            send_metadata(&stream);
        }
    }
    events_end(&stream.events);
}
