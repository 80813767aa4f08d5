#include "emulator/events.h"

#include "emulator/frames.h"
#include "emulator/rest.h"
#include "emulator/speech.h"

#include <apr_strings.h>
#include <ctype.h>
#include <string.h>

#define EVENT_MAX       (16 * 1024 * 1024)
#define SPOILED_MESSAGE 2

/* Hands the frame at hand to the answer. */
static void send_frame(events_t *events)
{
    events->messages++;
    if (events->messages == SPOILED_MESSAGE && !events->frame.failed) {
        frames_spoil(events->frame.data, events->frame.length,
                     script_has(events->script, SCRIPT_BAD_PRELUDE) ? FRAMES_BAD_PRELUDE_CRC
                     : script_has(events->script, SCRIPT_BAD_CRC)   ? FRAMES_BAD_MESSAGE_CRC
                                                                    : FRAMES_INTACT);
    }
    events->answer->failed |= events->payload.failed | events->frame.failed;
    answer_send(events->answer, events->frame.data, events->frame.length);
    buffer_clear(&events->frame);
    buffer_clear(&events->payload);
}

void events_put_padding(const events_t *events, json_writer_t *writer)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    json_name(writer, "p");
    json_put_string(writer, letters, (events->messages * 7 + 4) % (sizeof(letters) - 1));
}

void events_send(events_t *events, const char *type)
{
    frames_event(&events->frame, type, buffer_text(&events->payload), events->payload.length);
    send_frame(events);
}

static void send_unknown(events_t *events)
{
    (void)buffer_puts(&events->payload, "{\"note\":\"an event of a later version\"}");
    events_send(events, "futureEvent");
}

/* The name of an exception as a member of the stream's union: ThrottlingException becomes
 * throttlingException. */
static void member_name(const events_t *events, const char *given, char *to, size_t room)
{
    const effects_exception_t *found = effects_find(events->modelled, given);

    (void)apr_cpystrn(to, found != NULL ? found->name : given, room);
    if (found != NULL) {
        to[0] = (char)tolower((unsigned char)to[0]);
    }
}

static void send_exception(events_t *events)
{
    char name[SCRIPT_WORD_MAX];

    member_name(events, script_word(events->script, SCRIPT_STREAM_ERROR), name, sizeof(name));
    rest_error_body(&events->payload, "This error was asked for.");
    frames_exception(&events->frame, name, buffer_text(&events->payload), events->payload.length);
    send_frame(events);
    events->over = 1;
}

static void send_error(events_t *events)
{
    const script_t *script = events->script;

    frames_error(&events->frame, script_word(script, SCRIPT_STREAM_ERROR_CODE),
                 script_text(script, SCRIPT_STREAM_ERROR_CODE));
    send_frame(events);
    events->over = 1;
}

static void interrupt(events_t *events, speech_e what)
{
    switch (what) {
    case SPEECH_ON: break;
    case SPEECH_ERROR: send_exception(events); break;
    case SPEECH_ERROR_CODE: send_error(events); break;
    case SPEECH_HANG:
        answer_step(events->answer, ANSWER_HANG, 0);
        events->over = 1;
        break;
    case SPEECH_UNKNOWN: send_unknown(events); break;
    }
}

int events_next_chunk(events_t *events)
{
    if (!events->over) {
        interrupt(events, speech_before(events->script, events->chunks));
    }
    return !events->over;
}

void events_send_chunk(events_t *events, const char *type)
{
    speech_pause(events->script, events->chunks, events->answer);
    events_send(events, type);
    events->chunks++;
}

void events_behind(events_t *events)
{
    if (!events->over) {
        interrupt(events, speech_behind(events->script, events->chunks));
    }
}

void events_begin(events_t *events, answer_t *answer, const script_t *script,
                  const effects_exception_t *modelled)
{
    memset(events, 0, sizeof(*events));
    events->answer = answer;
    events->script = script;
    events->modelled = modelled;
    buffer_init(&events->payload, EVENT_MAX);
    buffer_init(&events->frame, EVENT_MAX);
    answer->streamed = 1;
    if (script_has(script, SCRIPT_STREAM_ERROR) &&
        script_number(script, SCRIPT_STREAM_ERROR) == 0) {
        send_exception(events);
    }
}

void events_end(events_t *events)
{
    buffer_free(&events->payload);
    buffer_free(&events->frame);
}
