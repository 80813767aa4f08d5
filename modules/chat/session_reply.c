#include "chat/session_reply.h"

#include "base/json.h"
#include "base/text.h"

static void put_time(json_writer_t *writer, const char *name, apr_time_t when)
{
    char text[TEXT_RFC3339_LENGTH + 1];

    text_rfc3339(text, when);
    json_put_member(writer, name, text);
}

static void put_optional(json_writer_t *writer, const char *name, const buffer_t *text)
{
    json_name(writer, name);
    if (text->length > 0) {
        json_put_string(writer, text->data, text->length);
    } else {
        json_put_null(writer);
    }
}

static void put_history(json_writer_t *writer, const session_t *session)
{
    size_t i;

    json_name(writer, "history");
    json_open(writer, '[');
    for (i = 0; i < session->history_count; i++) {
        const session_message_t *message = &session->history[i];
        json_open(writer, '{');
        json_put_member(writer, "role", message->role == SESSION_USER ? "user" : "assistant");
        json_name(writer, "text");
        json_put_string(writer, buffer_text(&session->texts) + message->at, message->length);
        json_close(writer, '}');
    }
    json_close(writer, ']');
}

void session_reply_write(buffer_t *out, const session_t *session)
{
    json_writer_t writer;

    json_write_to(&writer, out);
    json_open(&writer, '{');
    json_put_member(&writer, "session_id", session->id);
    put_optional(&writer, "user_id", &session->user);
    put_time(&writer, "created_at", session->created_at);
    put_time(&writer, "updated_at", session->updated_at);
    put_time(&writer, "expires_at", session->expires_at);
    json_name(&writer, "turns");
    json_put_integer(&writer, session->turns);
    put_optional(&writer, "last_message", &session->last_message);
    put_history(&writer, session);
    json_close(&writer, '}');
}
