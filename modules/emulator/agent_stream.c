#include "emulator/agent_stream.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "emulator/frames.h"
#include "emulator/rest.h"

#include <apr_strings.h>
#include <ctype.h>
#include <string.h>

#define EVENT_MAX          (4 * 1024 * 1024)
#define CHUNK_BYTES_MAX    1000000 /* of text in one chunk, by the API reference */
#define CUT_CHARACTER_SIZE 3       /* {{unicode}}: cuts characters of two and of four bytes */
#define TRACED_TEXT_MAX    1000
#define SPOILED_MESSAGE    2
#define BYTES_A_TOKEN      4
#define PRE_OUTPUT_TOKENS  7
#define PRE_INPUT_TOKENS   10
#define INPUT_TOKENS       100

/* The stream as it is being written. */
typedef struct {
    const agent_stream_t *plan;
    answer_t *answer;
    buffer_t payload; /* of the event at hand */
    buffer_t frame;
    size_t messages;
    size_t chunks;
    int over; /* nothing follows */
} stream_t;

/* ---- any event ---- */

static int has(const stream_t *stream, script_command_e command)
{
    return script_has(stream->plan->script, command);
}

static size_t number(const stream_t *stream, script_command_e command)
{
    return script_number(stream->plan->script, command);
}

/* Hands the frame at hand to the answer. */
static void send_frame(stream_t *stream)
{
    stream->messages++;
    if (stream->messages == SPOILED_MESSAGE && !stream->frame.failed) {
        frames_spoil(stream->frame.data, stream->frame.length,
                     has(stream, SCRIPT_BAD_PRELUDE) ? FRAMES_BAD_PRELUDE_CRC
                     : has(stream, SCRIPT_BAD_CRC)   ? FRAMES_BAD_MESSAGE_CRC
                                                     : FRAMES_INTACT);
    }
    stream->answer->failed |= stream->frame.failed;
    answer_send(stream->answer, stream->frame.data, stream->frame.length);
    buffer_clear(&stream->frame);
    buffer_clear(&stream->payload);
}

static void send_event(stream_t *stream, const char *type)
{
    frames_event(&stream->frame, type, buffer_text(&stream->payload), stream->payload.length);
    send_frame(stream);
}

/* The service pads its events so that their size says nothing about the text. */
static void put_padding(const stream_t *stream, json_writer_t *writer)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    json_name(writer, "p");
    json_put_string(writer, letters, (stream->messages * 7 + 4) % (sizeof(letters) - 1));
}

/* ---- text ---- */

static void send_chunk(stream_t *stream, const char *text, size_t length)
{
    json_writer_t writer;
    buffer_t encoded;

    buffer_init(&encoded, EVENT_MAX);
    (void)text_base64_encode(&encoded, text, length);
    json_write_to(&writer, &stream->payload);
    json_open(&writer, '{');
    json_name(&writer, "bytes");
    json_put_string(&writer, buffer_text(&encoded), encoded.length);
    put_padding(stream, &writer);
    json_close(&writer, '}');
    buffer_free(&encoded);
    if (stream->chunks > 0 && number(stream, SCRIPT_CHUNK_DELAY) > 0) {
        answer_step(stream->answer, ANSWER_WAIT, number(stream, SCRIPT_CHUNK_DELAY));
    }
    send_event(stream, "chunk");
    stream->chunks++;
}

static void send_unknown(stream_t *stream)
{
    (void)buffer_puts(&stream->payload, "{\"note\":\"an event of a later version\"}");
    send_event(stream, "futureEvent");
}

/* The name of an exception as a member of the stream's union: ThrottlingException becomes
 * throttlingException. */
static void member_name(const stream_t *stream, const char *given, char *to, size_t room)
{
    const effects_exception_t *found = effects_find(stream->plan->modelled, given);

    (void)apr_cpystrn(to, found != NULL ? found->name : given, room);
    if (found != NULL) {
        to[0] = (char)tolower((unsigned char)to[0]);
    }
}

static void send_exception(stream_t *stream)
{
    char name[SCRIPT_WORD_MAX];

    member_name(stream, script_word(stream->plan->script, SCRIPT_STREAM_ERROR), name, sizeof(name));
    rest_error_body(&stream->payload, "This error was asked for.");
    frames_exception(&stream->frame, name, buffer_text(&stream->payload), stream->payload.length);
    send_frame(stream);
    stream->over = 1;
}

/* What a command puts before the next chunk, at its end or in place of it. */
static void interrupt(stream_t *stream)
{
    if (has(stream, SCRIPT_STREAM_ERROR) && stream->chunks == number(stream, SCRIPT_STREAM_ERROR)) {
        send_exception(stream);
    } else if (has(stream, SCRIPT_HANG_AFTER) &&
               stream->chunks == number(stream, SCRIPT_HANG_AFTER)) {
        answer_step(stream->answer, ANSWER_HANG, 0);
        stream->over = 1;
    } else if (has(stream, SCRIPT_UNKNOWN_EVENT) && stream->chunks == 1) {
        send_unknown(stream);
    }
}

/* How much of the text goes into the next chunk. */
static size_t piece_length(const stream_t *stream, const char *text, size_t length)
{
    size_t most = has(stream, SCRIPT_UNICODE) ? CUT_CHARACTER_SIZE : CHUNK_BYTES_MAX;
    const char *space;

    most = most < length ? most : length;
    if (!stream->plan->streamed || has(stream, SCRIPT_UNICODE) || length == 0) {
        return most;
    }
    space = memchr(text + 1, ' ', most - 1);
    return space != NULL ? (size_t)(space - text) : most;
}

static void send_text(stream_t *stream)
{
    const char *text = stream->plan->output;
    size_t left = stream->plan->output_length;

    do {
        size_t length = piece_length(stream, text, left);
        interrupt(stream);
        if (stream->over) {
            return;
        }
        send_chunk(stream, text, length);
        text += length;
        left -= length;
    } while (left > 0);
}

/* ---- what is no text ---- */

static void send_return_control(stream_t *stream)
{
    (void)buffer_puts(
        &stream->payload,
        "{\"invocationId\":\"2b1f3c1e-7d0a-4f0e-9a55-6f0c2d1e8b70\",\"invocationInputs\":[{"
        "\"functionInvocationInput\":{\"actionGroup\":\"weather\",\"actionInvocationType\":"
        "\"RESULT\",\"function\":\"getWeather\",\"parameters\":[{\"name\":\"city\",\"type\":"
        "\"string\",\"value\":\"Berlin\"}]}}]}");
    send_event(stream, "returnControl");
}

static void send_files(stream_t *stream)
{
    static const char content[] = "city,degrees\r\nBerlin,21\r\n";
    buffer_t encoded;

    buffer_init(&encoded, sizeof(content) * 2);
    (void)text_base64_encode(&encoded, content, sizeof(content) - 1);
    (void)buffer_printf(&stream->payload,
                        "{\"files\":[{\"bytes\":\"%s\",\"name\":\"weather.csv\",\"type\":"
                        "\"text/csv\"}]}",
                        buffer_text(&encoded));
    buffer_free(&encoded);
    send_event(stream, "files");
}

static void send_error(stream_t *stream)
{
    const script_t *script = stream->plan->script;

    frames_error(&stream->frame, script_word(script, SCRIPT_STREAM_ERROR_CODE),
                 script_text(script, SCRIPT_STREAM_ERROR_CODE));
    send_frame(stream);
    stream->over = 1;
}

/* ---- traces ---- */

/* Opens an event up to the inside of the one trace that it holds. */
static void open_trace(stream_t *stream, json_writer_t *writer, const char *kind,
                       const char *member)
{
    const agent_stream_t *plan = stream->plan;
    char when[TEXT_RFC3339_LENGTH + 1];

    text_rfc3339(when, clock_wall());
    json_write_to(writer, &stream->payload);
    json_open(writer, '{');
    json_put_member(writer, "agentAliasId", plan->alias);
    json_put_member(writer, "agentId", plan->agent);
    json_put_member(writer, "agentVersion", "1");
    json_name(writer, "callerChain");
    json_open(writer, '[');
    json_close(writer, ']');
    json_put_member(writer, "eventTime", when);
    json_put_member(writer, "sessionId", plan->session);
    json_name(writer, "trace");
    json_open(writer, '{');
    json_name(writer, kind);
    json_open(writer, '{');
    json_name(writer, member);
    json_open(writer, '{');
    json_put_member(writer, "traceId", "9d1c6a3e-52c4-4c1b-8f1b-0a6f5e2d7c10-0");
}

static void close_trace(stream_t *stream, json_writer_t *writer)
{
    json_close(writer, '}');
    json_close(writer, '}');
    json_close(writer, '}');
    put_padding(stream, writer);
    json_close(writer, '}');
    send_event(stream, "trace");
}

/* As much of a text as a trace shows, whole characters only. */
static void put_shown(json_writer_t *writer, const char *name, const char *text, size_t length)
{
    size_t shown = length < TRACED_TEXT_MAX ? length : TRACED_TEXT_MAX;

    json_name(writer, name);
    json_put_string(writer, text, shown - text_utf8_pending(text, shown));
}

static void put_usage(const stream_t *stream, json_writer_t *writer, size_t input, size_t output)
{
    if (has(stream, SCRIPT_NO_TOKENS)) {
        return;
    }
    json_name(writer, "metadata");
    json_open(writer, '{');
    json_name(writer, "usage");
    json_open(writer, '{');
    json_name(writer, "inputTokens");
    json_put_integer(writer, (int64_t)input);
    json_name(writer, "outputTokens");
    json_put_integer(writer, (int64_t)output);
    json_close(writer, '}');
    json_close(writer, '}');
}

static size_t tokens(size_t bytes)
{
    return (bytes + BYTES_A_TOKEN - 1) / BYTES_A_TOKEN;
}

static void send_model_input(stream_t *stream, const char *kind, const char *type)
{
    json_writer_t writer;

    open_trace(stream, &writer, kind, "modelInvocationInput");
    put_shown(&writer, "text", stream->plan->input, stream->plan->input_length);
    json_put_member(&writer, "type", type);
    close_trace(stream, &writer);
}

static void send_model_output(stream_t *stream, const char *kind, size_t input, size_t output)
{
    json_writer_t writer;

    open_trace(stream, &writer, kind, "modelInvocationOutput");
    put_usage(stream, &writer, input, output);
    json_name(&writer, "rawResponse");
    json_open(&writer, '{');
    put_shown(&writer, "content", stream->plan->output, stream->plan->output_length);
    json_close(&writer, '}');
    close_trace(stream, &writer);
}

static void send_traces_before(stream_t *stream)
{
    size_t asked = tokens(stream->plan->input_length);

    send_model_input(stream, "preProcessingTrace", "PRE_PROCESSING");
    send_model_output(stream, "preProcessingTrace", PRE_INPUT_TOKENS + asked, PRE_OUTPUT_TOKENS);
    send_model_input(stream, "orchestrationTrace", "ORCHESTRATION");
}

static void send_traces_after(stream_t *stream)
{
    json_writer_t writer;

    send_model_output(stream, "orchestrationTrace",
                      INPUT_TOKENS + tokens(stream->plan->input_length),
                      tokens(stream->plan->output_length));
    open_trace(stream, &writer, "orchestrationTrace", "observation");
    json_name(&writer, "finalResponse");
    json_open(&writer, '{');
    put_shown(&writer, "text", stream->plan->output, stream->plan->output_length);
    json_close(&writer, '}');
    json_put_member(&writer, "type", "FINISH");
    close_trace(stream, &writer);
}

/* ---- the order ---- */

static void send_body(stream_t *stream)
{
    if (has(stream, SCRIPT_RETURN_CONTROL)) {
        send_return_control(stream);
    } else if (!has(stream, SCRIPT_EMPTY)) {
        send_text(stream);
    }
    if (has(stream, SCRIPT_FILES) && !stream->over) {
        send_files(stream);
    }
}

/* Commands that wait for more chunks than there were take effect behind the last one. */
static void send_late(stream_t *stream)
{
    if (has(stream, SCRIPT_STREAM_ERROR)) {
        send_exception(stream);
    } else if (has(stream, SCRIPT_STREAM_ERROR_CODE)) {
        send_error(stream);
    } else if (has(stream, SCRIPT_HANG_AFTER)) {
        answer_step(stream->answer, ANSWER_HANG, 0);
        stream->over = 1;
    } else if (has(stream, SCRIPT_UNKNOWN_EVENT) && stream->chunks <= 1) {
        send_unknown(stream);
    }
}

void agent_stream_write(const agent_stream_t *plan, answer_t *answer)
{
    stream_t stream = {.plan = plan, .answer = answer};

    buffer_init(&stream.payload, EVENT_MAX);
    buffer_init(&stream.frame, EVENT_MAX);
    if (has(&stream, SCRIPT_STREAM_ERROR) && number(&stream, SCRIPT_STREAM_ERROR) == 0) {
        send_exception(&stream);
    }
    if (!stream.over && plan->traced) {
        send_traces_before(&stream);
    }
    if (!stream.over) {
        send_body(&stream);
    }
    if (!stream.over) {
        send_late(&stream);
    }
    if (!stream.over && plan->traced) {
        send_traces_after(&stream);
    }
    buffer_free(&stream.payload);
    buffer_free(&stream.frame);
}
