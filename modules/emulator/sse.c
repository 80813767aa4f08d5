#include "emulator/sse.h"

#include "emulator/speech.h"

#include <string.h>

#define EVENT_MAX     (32 * 1024 * 1024)
#define SPOILED_EVENT 2

static void send_line(sse_t *sse, const char *field, const char *value, size_t length,
                      const char *end)
{
    buffer_t line;

    buffer_init(&line, EVENT_MAX);
    (void)buffer_puts(&line, field);
    (void)buffer_append(&line, value, length);
    (void)buffer_puts(&line, end);
    sse->answer->failed |= line.failed;
    answer_send(sse->answer, buffer_text(&line), line.length);
    buffer_free(&line);
}

/* What a reader must skip. */
static void send_noise(sse_t *sse)
{
    static const char *const noise[] = {": a comment\n", "id: 7\nretry: 3000\n", ":\r\n\r\n"};
    const char *piece = noise[sse->events % (sizeof(noise) / sizeof(noise[0]))];

    answer_send(sse->answer, piece, strlen(piece));
}

void sse_send(sse_t *sse)
{
    int noisy = script_has(sse->script, SCRIPT_COMMENTS);

    sse->events++;
    if (noisy) {
        send_noise(sse);
    }
    if (sse->events == SPOILED_EVENT && script_has(sse->script, SCRIPT_BAD_CRC)) {
        sse->data.length /= 2;
    }
    sse->answer->failed |= sse->data.failed;
    /* The blank behind the colon may be missing, and a line may end in CR LF. */
    send_line(sse, noisy && sse->events % 2 == 0 ? "data:" : "data: ", buffer_text(&sse->data),
              sse->data.length, noisy && sse->events % 2 == 0 ? "\r\n\r\n" : "\n\n");
    buffer_clear(&sse->data);
}

static void send_unknown(sse_t *sse)
{
    static const char event[] =
        "event: future\ndata: {\"note\":\"an event of a later version\"}\n\n";

    answer_send(sse->answer, event, sizeof(event) - 1);
}

static void send_error(sse_t *sse, const char *name, const char *message)
{
    sse->error(&sse->data, name, message);
    sse_send(sse);
    sse->over = 1;
}

static void interrupt(sse_t *sse, speech_e what)
{
    switch (what) {
    case SPEECH_ON: break;
    case SPEECH_ERROR:
        send_error(sse, script_word(sse->script, SCRIPT_STREAM_ERROR), "This error was asked for.");
        break;
    case SPEECH_ERROR_CODE:
        send_error(sse, script_word(sse->script, SCRIPT_STREAM_ERROR_CODE),
                   script_text(sse->script, SCRIPT_STREAM_ERROR_CODE));
        break;
    case SPEECH_HANG:
        answer_step(sse->answer, ANSWER_HANG, 0);
        sse->over = 1;
        break;
    case SPEECH_UNKNOWN: send_unknown(sse); break;
    }
}

int sse_next_chunk(sse_t *sse)
{
    if (!sse->over) {
        interrupt(sse, speech_before(sse->script, sse->chunks));
    }
    return !sse->over;
}

void sse_send_chunk(sse_t *sse)
{
    speech_pause(sse->script, sse->chunks, sse->answer);
    sse_send(sse);
    sse->chunks++;
}

void sse_behind(sse_t *sse)
{
    if (!sse->over) {
        interrupt(sse, speech_behind(sse->script, sse->chunks));
    }
}

void sse_begin(sse_t *sse, answer_t *answer, const script_t *script, sse_error_fn error)
{
    memset(sse, 0, sizeof(*sse));
    sse->answer = answer;
    sse->script = script;
    sse->error = error;
    buffer_init(&sse->data, EVENT_MAX);
    answer->streamed = 1;
    if (script_has(script, SCRIPT_STREAM_ERROR) &&
        script_number(script, SCRIPT_STREAM_ERROR) == 0) {
        interrupt(sse, SPEECH_ERROR);
    }
}

void sse_end(sse_t *sse)
{
    buffer_free(&sse->data);
}
