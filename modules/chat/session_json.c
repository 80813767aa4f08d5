#include "chat/session_json.h"

#include "base/json.h"

#include <apr_strings.h>
#include <string.h>

#define FORMAT    1
#define DEPTH_MAX 4

/* The last a time stamp of RFC 3339 can say: 9999-12-31T23:59:59Z. */
#define TIME_MAX (apr_time_from_sec(253402300799))

static const char *const roles[] = {[SESSION_USER] = "user", [SESSION_ASSISTANT] = "assistant"};

/* ---- writing ---- */

static void put_integer(json_writer_t *writer, const char *name, int64_t number)
{
    json_name(writer, name);
    json_put_integer(writer, number);
}

/* An empty one stands for none. */
static void put_optional(json_writer_t *writer, const char *name, const buffer_t *text)
{
    json_name(writer, name);
    if (text->length > 0) {
        json_put_string(writer, text->data, text->length);
    } else {
        json_put_null(writer);
    }
}

static void put_message(json_writer_t *writer, const session_t *session,
                        const session_message_t *message)
{
    json_open(writer, '{');
    json_put_member(writer, "role", roles[message->role]);
    json_name(writer, "text");
    json_put_string(writer, buffer_text(&session->texts) + message->at, message->length);
    json_close(writer, '}');
}

void session_json_write(buffer_t *out, const session_t *session, size_t first)
{
    json_writer_t writer;
    size_t i;

    json_write_to(&writer, out);
    json_open(&writer, '{');
    put_integer(&writer, "format", FORMAT);
    put_integer(&writer, "version", session->version);
    put_integer(&writer, "updated_at", session->updated_at);
    json_put_member(&writer, "session_id", session->id);
    put_optional(&writer, "user", &session->user);
    put_optional(&writer, "last_message", &session->last_message);
    put_integer(&writer, "created_at", session->created_at);
    put_integer(&writer, "expires_at", session->expires_at);
    put_integer(&writer, "turns", session->turns);
    json_name(&writer, "history");
    json_open(&writer, '[');
    for (i = first; i < session->history_count; i++) {
        put_message(&writer, session, &session->history[i]);
    }
    json_close(&writer, ']');
    json_close(&writer, '}');
}

size_t session_json_start(char *out, const session_t *session)
{
    return (size_t)apr_snprintf(out, SESSION_JSON_START,
                                "{\"format\":%d,\"version\":%" APR_INT64_T_FMT
                                ",\"updated_at\":%" APR_TIME_T_FMT ",",
                                FORMAT, session->version, session->updated_at);
}

/* ---- reading ---- */

/* 0 unless the member is a number within the bounds. */
static int take_integer(const json_t *record, const char *name, int64_t least, int64_t most,
                        int64_t *number)
{
    return json_integer(json_member(record, name), number) && *number >= least && *number <= most;
}

static int take_time(const json_t *record, const char *name, apr_time_t *when)
{
    return take_integer(record, name, 0, TIME_MAX, when);
}

static int take_optional(const json_t *record, const char *name, buffer_t *into)
{
    const json_t *value = json_member(record, name);
    size_t length;
    const char *text = json_text(value, &length);

    return value == NULL || (text != NULL && buffer_append(into, text, length));
}

static int take_message(session_t *session, const json_t *message)
{
    const char *role;
    const char *text;
    size_t role_length;
    size_t length;
    int i;

    role = json_member_text(message, "role", &role_length);
    text = json_member_text(message, "text", &length);
    if (role == NULL || text == NULL) {
        return 0;
    }
    for (i = SESSION_USER; i <= SESSION_ASSISTANT; i++) {
        if (role_length == strlen(roles[i]) && memcmp(role, roles[i], role_length) == 0) {
            return session_add_message(session, (session_role_e)i, text, length);
        }
    }
    return 0;
}

static int take_history(session_t *session, const json_t *record)
{
    const json_t *history = json_member(record, "history");
    size_t count = json_length(history);
    size_t i;

    if (json_kind(history) != JSON_ARRAY) {
        return 0;
    }
    for (i = 0; i < count; i++) {
        if (!take_message(session, json_item(history, i))) {
            return 0;
        }
    }
    return 1;
}

static int take_record(session_t *session, const json_t *record)
{
    size_t length;
    const char *id = json_member_text(record, "session_id", &length);
    int64_t format;

    return take_integer(record, "format", FORMAT, FORMAT, &format) && id != NULL &&
           length == strlen(session->id) && memcmp(id, session->id, length) == 0 &&
           take_optional(record, "user", &session->user) &&
           take_optional(record, "last_message", &session->last_message) &&
           take_time(record, "created_at", &session->created_at) &&
           take_time(record, "updated_at", &session->updated_at) &&
           take_time(record, "expires_at", &session->expires_at) &&
           take_integer(record, "turns", 1, INT64_MAX - 1, &session->turns) &&
           take_integer(record, "version", 1, INT64_MAX - 1, &session->version) &&
           take_history(session, record);
}

int session_json_read(session_t *session, const char *text, size_t length)
{
    json_error_t error;
    json_t *record = json_parse(text, length, DEPTH_MAX, &error);
    int taken = error.reason == NULL && take_record(session, record);

    json_release(record);
    if (!taken) {
        session_free(session);
    }
    return taken;
}
