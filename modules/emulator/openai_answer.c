#include "emulator/openai_answer.h"

#include "base/json.h"
#include "base/text.h"
#include "emulator/speech.h"
#include "emulator/sse.h"

#include <string.h>

#define DOCUMENT_MAX    (64 * 1024 * 1024)
#define CHUNK_BYTES_MAX 1000000
#define MODEL           "emulator"
#define JSON_TYPE       "application/json"
#define TOOL_ID         "call_2b1f3c1e7d0a4f0e9a55"
#define TOOL_INPUT      "{\"city\":\"Berlin\"}"
#define THROTTLED       429
#define SERVER_FAULT    500

answer_t *openai_answer_begin(int status, const char *content_type)
{
    answer_t *answer = answer_create(status, content_type);
    char id[TEXT_UUID_LENGTH + 1];

    if (answer != NULL && text_uuid4(id)) {
        answer_header(answer, "x-request-id", id);
    }
    return answer;
}

static answer_t *send_document(int status, buffer_t *body)
{
    answer_t *answer = openai_answer_begin(status, JSON_TYPE);

    if (answer != NULL) {
        answer->failed |= body->failed;
        answer_send(answer, buffer_text(body), body->length);
    }
    buffer_free(body);
    return answer;
}

/* ---- errors ---- */

static void put_error(buffer_t *out, const char *code, const char *type, const char *message)
{
    json_writer_t writer;

    json_write_to(&writer, out);
    json_open(&writer, '{');
    json_name(&writer, "error");
    json_open(&writer, '{');
    json_put_member(&writer, "message",
                    text_utf8_length(message, strlen(message)) != TEXT_NOT_UTF8
                        ? message
                        : "The request is not UTF-8.");
    json_put_member(&writer, "type", type);
    json_put_member(&writer, "param", NULL);
    json_put_member(&writer, "code", code);
    json_close(&writer, '}');
    json_close(&writer, '}');
}

static void put_stream_error(buffer_t *out, const char *name, const char *message)
{
    put_error(out, name, "server_error", message);
}

answer_t *openai_answer_error(int status, const char *code, const char *message)
{
    const char *type = status >= SERVER_FAULT ? "server_error"
                       : status == THROTTLED  ? code
                                              : "invalid_request_error";
    buffer_t body;

    buffer_init(&body, DOCUMENT_MAX);
    put_error(&body, strcmp(code, type) != 0 || status == THROTTLED ? code : NULL, type, message);
    return send_document(status, &body);
}

/* ---- models ---- */

static void put_model(json_writer_t *writer, const char *model, int64_t created)
{
    json_open(writer, '{');
    json_put_member(writer, "id", model);
    json_put_member(writer, "object", "model");
    json_name(writer, "created");
    json_put_integer(writer, created);
    json_put_member(writer, "owned_by", "emulator");
    json_close(writer, '}');
}

answer_t *openai_answer_models(const char *model, int64_t created)
{
    json_writer_t writer;
    buffer_t body;

    buffer_init(&body, DOCUMENT_MAX);
    json_write_to(&writer, &body);
    if (model != NULL) {
        put_model(&writer, model, created);
        return send_document(200, &body);
    }
    json_open(&writer, '{');
    json_put_member(&writer, "object", "list");
    json_name(&writer, "data");
    json_open(&writer, '[');
    put_model(&writer, MODEL, created);
    json_close(&writer, ']');
    json_close(&writer, '}');
    return send_document(200, &body);
}

/* ---- completions ---- */

static int has(const openai_answer_t *answer, script_command_e command)
{
    return script_has(answer->script, command);
}

static void put_text(json_writer_t *writer, const char *name, const char *text, size_t length)
{
    json_name(writer, name);
    json_put_string(writer, text, length);
}

static void put_count(json_writer_t *writer, const char *name, size_t count)
{
    json_name(writer, name);
    json_put_integer(writer, (int64_t)count);
}

static void open_completion(const openai_answer_t *answer, json_writer_t *writer,
                            const char *object)
{
    json_open(writer, '{');
    json_put_member(writer, "id", answer->id);
    json_put_member(writer, "object", object);
    json_name(writer, "created");
    json_put_integer(writer, answer->created);
    json_put_member(writer, "model", answer->model);
    json_name(writer, "choices");
    json_open(writer, '[');
}

static void put_usage(const openai_answer_t *answer, json_writer_t *writer)
{
    size_t output = speech_tokens(answer->length);

    json_name(writer, "usage");
    json_open(writer, '{');
    put_count(writer, "prompt_tokens", answer->prompt_tokens);
    put_count(writer, "completion_tokens", output);
    put_count(writer, "total_tokens", answer->prompt_tokens + output);
    json_close(writer, '}');
}

static void put_tool_call(json_writer_t *writer, int streamed)
{
    json_name(writer, "tool_calls");
    json_open(writer, '[');
    json_open(writer, '{');
    if (streamed) {
        put_count(writer, "index", 0);
    }
    json_put_member(writer, "id", TOOL_ID);
    json_put_member(writer, "type", "function");
    json_name(writer, "function");
    json_open(writer, '{');
    json_put_member(writer, "name", "getWeather");
    json_put_member(writer, "arguments", TOOL_INPUT);
    json_close(writer, '}');
    json_close(writer, '}');
    json_close(writer, ']');
}

static void put_message(const openai_answer_t *answer, json_writer_t *writer)
{
    json_name(writer, "message");
    json_open(writer, '{');
    json_put_member(writer, "role", "assistant");
    if (answer->reasoning != NULL) {
        put_text(writer, "reasoning_content", answer->reasoning, answer->reasoning_length);
    }
    if (has(answer, SCRIPT_EMPTY)) {
        json_put_member(writer, "content", NULL);
    } else {
        put_text(writer, "content", answer->text, answer->length);
    }
    json_put_member(writer, "refusal", NULL);
    if (has(answer, SCRIPT_TOOL_USE)) {
        put_tool_call(writer, 0);
    }
    json_close(writer, '}');
}

void openai_answer_whole(const openai_answer_t *answer, answer_t *out)
{
    json_writer_t writer;
    buffer_t body;

    buffer_init(&body, DOCUMENT_MAX);
    json_write_to(&writer, &body);
    open_completion(answer, &writer, "chat.completion");
    json_open(&writer, '{');
    put_count(&writer, "index", 0);
    put_message(answer, &writer);
    json_put_member(&writer, "logprobs", NULL);
    json_put_member(&writer, "finish_reason", answer->finish_reason);
    json_close(&writer, '}');
    json_close(&writer, ']');
    if (!has(answer, SCRIPT_NO_TOKENS)) {
        put_usage(answer, &writer);
    }
    json_close(&writer, '}');
    out->failed |= body.failed;
    answer_send(out, buffer_text(&body), body.length);
    buffer_free(&body);
}

/* ---- chunks ---- */

typedef struct {
    const openai_answer_t *answer;
    sse_t sse;
    json_writer_t writer; /* of the event at hand */
} stream_t;

/* Opens an event up to the inside of its delta. */
static void open_delta(stream_t *stream)
{
    json_write_to(&stream->writer, &stream->sse.data);
    open_completion(stream->answer, &stream->writer, "chat.completion.chunk");
    json_open(&stream->writer, '{');
    put_count(&stream->writer, "index", 0);
    json_name(&stream->writer, "delta");
    json_open(&stream->writer, '{');
}

static void close_delta(stream_t *stream, const char *finish_reason)
{
    json_close(&stream->writer, '}');
    json_put_member(&stream->writer, "logprobs", NULL);
    json_put_member(&stream->writer, "finish_reason", finish_reason);
    json_close(&stream->writer, '}');
    json_close(&stream->writer, ']');
    if (stream->answer->usage) {
        json_put_member(&stream->writer, "usage", NULL);
    }
    json_close(&stream->writer, '}');
}

static void send_start(stream_t *stream)
{
    open_delta(stream);
    json_put_member(&stream->writer, "role", "assistant");
    json_put_member(&stream->writer, "content", "");
    json_put_member(&stream->writer, "refusal", NULL);
    close_delta(stream, NULL);
    sse_send(&stream->sse);
}

/* The text word by word, as that member of the deltas. */
static void send_words(stream_t *stream, const char *member, const char *text, size_t left)
{
    const speech_cut_t cut = {
        .script = stream->answer->script, .words = 1, .characters = 1, .longest = CHUNK_BYTES_MAX};
    int counts = strcmp(member, "content") == 0;

    while (left > 0 && (!counts || sse_next_chunk(&stream->sse))) {
        size_t length = speech_piece(&cut, text, left);
        open_delta(stream);
        put_text(&stream->writer, member, text, length);
        close_delta(stream, NULL);
        if (counts) {
            sse_send_chunk(&stream->sse);
        } else {
            sse_send(&stream->sse);
        }
        text += length;
        left -= length;
    }
}

static void send_end(stream_t *stream)
{
    const openai_answer_t *answer = stream->answer;

    open_delta(stream);
    close_delta(stream, answer->finish_reason);
    sse_send(&stream->sse);
    if (answer->usage && !has(answer, SCRIPT_NO_TOKENS)) {
        json_write_to(&stream->writer, &stream->sse.data);
        open_completion(answer, &stream->writer, "chat.completion.chunk");
        json_close(&stream->writer, ']');
        put_usage(answer, &stream->writer);
        json_close(&stream->writer, '}');
        sse_send(&stream->sse);
    }
    (void)buffer_puts(&stream->sse.data, "[DONE]");
    sse_send(&stream->sse);
}

static void send_content(stream_t *stream)
{
    const openai_answer_t *answer = stream->answer;

    if (answer->reasoning != NULL) {
        send_words(stream, "reasoning_content", answer->reasoning, answer->reasoning_length);
    }
    if (!has(answer, SCRIPT_EMPTY)) {
        send_words(stream, "content", answer->text, answer->length);
    }
    sse_behind(&stream->sse);
    if (has(answer, SCRIPT_TOOL_USE) && !stream->sse.over) {
        open_delta(stream);
        put_tool_call(&stream->writer, 1);
        close_delta(stream, NULL);
        sse_send(&stream->sse);
    }
}

void openai_answer_stream(const openai_answer_t *answer, answer_t *out)
{
    stream_t stream = {.answer = answer};

    sse_begin(&stream.sse, out, answer->script, put_stream_error);
    if (!stream.sse.over) {
        send_start(&stream);
        send_content(&stream);
    }
    if (!stream.sse.over && !has(answer, SCRIPT_NO_STOP)) {
        send_end(&stream);
    }
    sse_end(&stream.sse);
}
