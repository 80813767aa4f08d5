#include "emulator/agentcore_answer.h"

#include "base/json.h"
#include "emulator/speech.h"
#include "emulator/sse.h"

#include <string.h>

#define DOCUMENT_MAX    (32 * 1024 * 1024)
#define CHUNK_BYTES_MAX 1000000

static const struct {
    const char *name;
    const char *type;
} forms[AGENTCORE_FORMS] = {
    [AGENTCORE_RESPONSE] = {"response", "application/json"},
    [AGENTCORE_RESULT] = {"result", "application/json"},
    [AGENTCORE_MESSAGE] = {"message", "application/json"},
    [AGENTCORE_STRING] = {"string", "application/json"},
    [AGENTCORE_TEXT] = {"text", "text/plain; charset=utf-8"},
    [AGENTCORE_SSE] = {"sse", SSE_TYPE},
};

agentcore_form_e agentcore_form(const char *name)
{
    int form = 0;

    while (form < AGENTCORE_FORMS && strcmp(forms[form].name, name) != 0) {
        form++;
    }
    return (agentcore_form_e)form;
}

const char *agentcore_type(agentcore_form_e form)
{
    return forms[form].type;
}

/* ---- documents ---- */

static void put_message(json_writer_t *writer, const char *text, size_t length)
{
    json_open(writer, '{');
    json_put_member(writer, "role", "assistant");
    json_name(writer, "content");
    json_open(writer, '[');
    json_open(writer, '{');
    json_name(writer, "text");
    json_put_string(writer, text, length);
    json_close(writer, '}');
    json_close(writer, ']');
    json_close(writer, '}');
}

static void write_document(agentcore_form_e form, const char *text, size_t length, answer_t *answer)
{
    json_writer_t writer;
    buffer_t body;

    buffer_init(&body, DOCUMENT_MAX);
    json_write_to(&writer, &body);
    if (form == AGENTCORE_STRING) {
        json_put_string(&writer, text, length);
    } else {
        json_open(&writer, '{');
        json_name(&writer, form == AGENTCORE_RESPONSE ? "response" : "result");
        if (form == AGENTCORE_MESSAGE) {
            put_message(&writer, text, length);
        } else {
            json_put_string(&writer, text, length);
        }
        json_close(&writer, '}');
    }
    answer->failed |= body.failed;
    answer_send(answer, buffer_text(&body), body.length);
    buffer_free(&body);
}

/* ---- streams ---- */

/* As a runtime made with the AgentCore SDK for Python tells of an exception. */
static void put_error(buffer_t *out, const char *name, const char *message)
{
    json_writer_t writer;

    json_write_to(&writer, out);
    json_open(&writer, '{');
    json_put_member(&writer, "error", message);
    json_put_member(&writer, "error_type", name);
    json_put_member(&writer, "message", "An error occurred during streaming");
    json_close(&writer, '}');
}

static void write_events(const script_t *script, const char *text, size_t length, answer_t *answer)
{
    const speech_cut_t cut = {
        .script = script, .words = 1, .characters = 1, .longest = CHUNK_BYTES_MAX};
    sse_t sse;

    sse_begin(&sse, answer, script, put_error);
    while (length > 0 && sse_next_chunk(&sse)) {
        size_t piece = speech_piece(&cut, text, length);
        json_writer_t writer;
        json_write_to(&writer, &sse.data);
        json_put_string(&writer, text, piece);
        sse_send_chunk(&sse);
        text += piece;
        length -= piece;
    }
    sse_behind(&sse);
    sse_end(&sse);
}

/* Plain text has no way to tell of an error: the connection ends. */
static void write_text(const script_t *script, const char *text, size_t length, answer_t *answer)
{
    const speech_cut_t cut = {.script = script, .words = 1, .longest = CHUNK_BYTES_MAX};
    speech_e what = SPEECH_ON;
    size_t chunks;

    answer->streamed = 1;
    for (chunks = 0; length > 0; chunks++) {
        size_t piece = speech_piece(&cut, text, length);
        what = speech_before(script, chunks);
        if (what == SPEECH_ERROR || what == SPEECH_HANG) {
            break;
        }
        speech_pause(script, chunks, answer);
        answer_send(answer, text, piece);
        text += piece;
        length -= piece;
    }
    what = length == 0 ? speech_behind(script, chunks) : what;
    if (what == SPEECH_HANG) {
        answer_step(answer, ANSWER_HANG, 0);
    } else if (what == SPEECH_ERROR || what == SPEECH_ERROR_CODE) {
        answer_step(answer, ANSWER_CLOSE, 0);
    }
}

void agentcore_answer_write(agentcore_form_e form, const script_t *script, const char *text,
                            size_t length, answer_t *answer)
{
    if (script_has(script, SCRIPT_EMPTY)) {
        length = 0;
    }
    if (form == AGENTCORE_SSE) {
        write_events(script, text, length, answer);
    } else if (form == AGENTCORE_TEXT) {
        write_text(script, text, length, answer);
    } else {
        write_document(form, text, length, answer);
    }
}
