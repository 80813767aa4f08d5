#include "backend/events.h"

#include <string.h>
#include <strings.h>

/* Events of text are small; a file or a long trace may be larger. */
#define EVENT_MAX (8 * 1024 * 1024)
#define DEPTH_MAX 64

static int is(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(text, word, length) == 0;
}

static int is_worth_parsing(const events_kind_t *kind, const eventstream_message_t *message)
{
    const char *const *text = kind->only_with;

    while (text != NULL && *text != NULL) {
        if (memmem(message->payload, message->payload_length, *text, strlen(*text)) != NULL) {
            return 1;
        }
        text++;
    }
    return text == NULL;
}

static int take(backend_turn_t *turn, const events_kind_t *kind,
                const eventstream_message_t *message)
{
    json_error_t error;
    json_t *event;
    int fine;

    if (!is_worth_parsing(kind, message)) {
        return 1;
    }
    event = json_parse(message->payload, message->payload_length, DEPTH_MAX, &error);
    if (event == NULL) {
        return turn_fail(turn, BACKEND_PROTOCOL_ERROR, "the payload of %s is not JSON: %s",
                         kind->type, error.reason != NULL ? error.reason : "null");
    }
    fine = kind->take(turn, event);
    json_release(event);
    return fine;
}

static int on_event(const events_t *events, const eventstream_message_t *message)
{
    const events_kind_t *kind = events->kinds;
    size_t length = 0;
    const char *type = eventstream_text_header(message, ":event-type", &length);

    if (type == NULL) {
        return turn_fail(events->turn, BACKEND_PROTOCOL_ERROR, "an event without type");
    }
    while (kind->type != NULL && !is(type, length, kind->type)) {
        kind++;
    }
    return kind->type == NULL || take(events->turn, kind, message);
}

static int on_exception(const events_t *events, const eventstream_message_t *message)
{
    size_t length = 0;
    const char *type = eventstream_text_header(message, ":exception-type", &length);
    json_error_t error;
    json_t *body = json_parse(message->payload, message->payload_length, DEPTH_MAX, &error);
    size_t text_length = 0;
    const char *text = json_member_text(body, "message", &text_length);

    (void)turn_fail_with_code(events->turn, type != NULL ? type : "", length, text, text_length);
    json_release(body);
    return 0;
}

static int on_unmodelled_error(const events_t *events, const eventstream_message_t *message)
{
    size_t code_length = 0;
    size_t text_length = 0;
    const char *code = eventstream_text_header(message, ":error-code", &code_length);
    const char *text = eventstream_text_header(message, ":error-message", &text_length);

    return turn_fail_with_code(events->turn, code != NULL ? code : "", code_length, text,
                               text_length);
}

static int on_message(void *baton, const eventstream_message_t *message)
{
    const events_t *events = baton;
    size_t length = 0;
    const char *type = eventstream_text_header(message, ":message-type", &length);

    if (type != NULL && is(type, length, "event")) {
        return on_event(events, message);
    }
    if (type != NULL && is(type, length, "exception")) {
        return on_exception(events, message);
    }
    if (type != NULL && is(type, length, "error")) {
        return on_unmodelled_error(events, message);
    }
    return turn_fail(events->turn, BACKEND_PROTOCOL_ERROR, "a message of an unknown :message-type");
}

int events_start(events_t *events, backend_turn_t *turn, const events_kind_t *kinds,
                 const char *type)
{
    static const char wanted[] = "application/vnd.amazon.eventstream";

    events->turn = turn;
    events->kinds = kinds;
    eventstream_init(&events->stream, EVENT_MAX, on_message, events);
    return strncasecmp(type, wanted, strlen(wanted)) == 0 ||
           turn_fail(turn, BACKEND_PROTOCOL_ERROR,
                     "a success of type %s is no event stream; is the endpoint AWS's?",
                     type[0] != '\0' ? type : "(none)");
}

static int check(const events_t *events, eventstream_status_e status)
{
    return status == EVENTSTREAM_OK ||
           turn_fail(events->turn, BACKEND_PROTOCOL_ERROR, "%s", eventstream_reason(status));
}

int events_feed(events_t *events, const char *bytes, size_t length)
{
    return check(events, eventstream_feed(&events->stream, bytes, length));
}

int events_finish(events_t *events)
{
    return check(events, eventstream_finish(&events->stream));
}

void events_free(events_t *events)
{
    if (events->turn != NULL) {
        eventstream_free(&events->stream);
    }
    memset(events, 0, sizeof(*events));
}
