#include "emulator/agent_stream.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "emulator/events.h"
#include "emulator/speech.h"

#define EVENT_MAX         (4 * 1024 * 1024)
#define CHUNK_BYTES_MAX   1000000 /* of text in one chunk, by the API reference */
#define TRACED_TEXT_MAX   1000
#define PRE_OUTPUT_TOKENS 7
#define PRE_INPUT_TOKENS  10
#define TRACE_ID          "9d1c6a3e-52c4-4c1b-8f1b-0a6f5e2d7c10-0"
#define INPUT_TOKENS      100

/* The stream as it is being written. */
typedef struct {
    const agent_stream_t *plan;
    events_t events;
} stream_t;

static int has(const stream_t *stream, script_command_e command)
{
    return script_has(stream->plan->script, command);
}

/* ---- text ---- */

static void send_chunk(stream_t *stream, const char *text, size_t length)
{
    json_writer_t writer;
    buffer_t encoded;

    buffer_init(&encoded, EVENT_MAX);
    (void)text_base64_encode(&encoded, text, length);
    json_write_to(&writer, &stream->events.payload);
    json_open(&writer, '{');
    json_name(&writer, "bytes");
    json_put_string(&writer, buffer_text(&encoded), encoded.length);
    events_put_padding(&stream->events, &writer);
    json_close(&writer, '}');
    buffer_free(&encoded);
    events_send_chunk(&stream->events, "chunk");
}

static void send_text(stream_t *stream)
{
    const agent_stream_t *plan = stream->plan;
    const speech_cut_t cut = {
        .script = plan->script, .words = plan->streamed, .longest = CHUNK_BYTES_MAX};
    const char *text = plan->output;
    size_t left = plan->output_length;

    do {
        size_t length = speech_piece(&cut, text, left);
        if (!events_next_chunk(&stream->events)) {
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
        &stream->events.payload,
        "{\"invocationId\":\"2b1f3c1e-7d0a-4f0e-9a55-6f0c2d1e8b70\",\"invocationInputs\":[{"
        "\"functionInvocationInput\":{\"actionGroup\":\"weather\",\"actionInvocationType\":"
        "\"RESULT\",\"function\":\"getWeather\",\"parameters\":[{\"name\":\"city\",\"type\":"
        "\"string\",\"value\":\"Berlin\"}]}}]}");
    events_send(&stream->events, "returnControl");
}

static void send_files(stream_t *stream)
{
    static const char content[] = "city,degrees\r\nBerlin,21\r\n";
    buffer_t encoded;

    buffer_init(&encoded, sizeof(content) * 2);
    (void)text_base64_encode(&encoded, content, sizeof(content) - 1);
    (void)buffer_printf(&stream->events.payload,
                        "{\"files\":[{\"bytes\":\"%s\",\"name\":\"weather.csv\",\"type\":"
                        "\"text/csv\"}]}",
                        buffer_text(&encoded));
    buffer_free(&encoded);
    events_send(&stream->events, "files");
}

/* ---- traces ---- */

/* Opens an event up to the inside of the one trace that it holds. */
static void open_kind(stream_t *stream, json_writer_t *writer, const char *kind)
{
    const agent_stream_t *plan = stream->plan;
    char when[TEXT_RFC3339_LENGTH + 1];

    text_rfc3339(when, clock_wall());
    json_write_to(writer, &stream->events.payload);
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
}

static void close_kind(stream_t *stream, json_writer_t *writer)
{
    json_close(writer, '}');
    json_close(writer, '}');
    events_put_padding(&stream->events, writer);
    json_close(writer, '}');
    events_send(&stream->events, "trace");
}

/* The same up to the inside of the trace's member. */
static void open_trace(stream_t *stream, json_writer_t *writer, const char *kind,
                       const char *member)
{
    open_kind(stream, writer, kind);
    json_name(writer, member);
    json_open(writer, '{');
    json_put_member(writer, "traceId", TRACE_ID);
}

static void close_trace(stream_t *stream, json_writer_t *writer)
{
    json_close(writer, '}');
    close_kind(stream, writer);
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

/* What the guardrail found in the message. */
static void send_guardrail(stream_t *stream)
{
    static const char found[] = "[{\"topicPolicy\":{\"topics\":[{\"action\":\"BLOCKED\",\"name\":"
                                "\"Forbidden\",\"type\":\"DENY\"}]}}]";
    json_writer_t writer;

    open_kind(stream, &writer, "guardrailTrace");
    json_put_member(&writer, "action", "INTERVENED");
    json_name(&writer, "inputAssessments");
    json_put_raw(&writer, found, sizeof(found) - 1);
    json_put_member(&writer, "traceId", TRACE_ID);
    close_kind(stream, &writer);
}

static void send_traces_before(stream_t *stream)
{
    size_t asked = speech_tokens(stream->plan->input_length);

    send_model_input(stream, "preProcessingTrace", "PRE_PROCESSING");
    send_model_output(stream, "preProcessingTrace", PRE_INPUT_TOKENS + asked, PRE_OUTPUT_TOKENS);
    send_model_input(stream, "orchestrationTrace", "ORCHESTRATION");
}

static void send_traces_after(stream_t *stream)
{
    json_writer_t writer;

    send_model_output(stream, "orchestrationTrace",
                      INPUT_TOKENS + speech_tokens(stream->plan->input_length),
                      speech_tokens(stream->plan->output_length));
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
    if (has(stream, SCRIPT_FILES) && !stream->events.over) {
        send_files(stream);
    }
}

void agent_stream_write(const agent_stream_t *plan, answer_t *answer)
{
    stream_t stream = {.plan = plan};
    events_t *events = &stream.events;

    events_begin(events, answer, plan->script, plan->modelled);
    if (!events->over && plan->traced && has(&stream, SCRIPT_GUARDRAIL)) {
        send_guardrail(&stream);
    }
    if (!events->over && plan->traced) {
        send_traces_before(&stream);
    }
    if (!events->over) {
        send_body(&stream);
    }
    events_behind(events);
    if (!events->over && plan->traced) {
        send_traces_after(&stream);
    }
    events_end(events);
}
