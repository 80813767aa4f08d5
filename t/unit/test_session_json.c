/* chat/session_json and chat/session_reply: what is written is read again, nothing else is; the
 * body of GET /sessions/{id}. */
#include "base/json.h"
#include "chat/session_json.h"
#include "chat/session_reply.h"

#include "tap.h"

#include <stdlib.h>

static session_t make(void)
{
    session_t session;

    session_init(&session, "s:1");
    buffer_puts(&session.user, "Zo\xc3\xab");
    buffer_append(&session.last_message, "a\0\"b", 4);
    session.created_at = 1769862896789000;
    session.updated_at = 1769862897000000;
    session.expires_at = 1769949297000000;
    session.turns = 2;
    session.version = 7;
    session_add_message(&session, SESSION_USER, "Hello", 5);
    session_add_message(&session, SESSION_ASSISTANT, "\xf0\x9f\x98\x80\n", 5);
    session_add_message(&session, SESSION_USER, "a\0\"b", 4);
    session_add_message(&session, SESSION_ASSISTANT, "", 0);
    return session;
}

static const char *text_of(const session_t *session, size_t i)
{
    static char text[100];

    snprintf(text, sizeof(text), "%.*s", (int)session->history[i].length,
             session->texts.data + session->history[i].at);
    return text;
}

static void what_is_written_is_read(void)
{
    session_t session = make();
    session_t again;
    buffer_t json;
    char start[SESSION_JSON_START];
    size_t length;

    buffer_init(&json, SESSION_BYTES_MAX);
    session_json_write(&json, &session, 0);
    OK(!json.failed, "a record is written");
    length = session_json_start(start, &session);
    OK(length > 40 && strncmp(json.data, start, length) == 0, "its start is known");
    session.version++;
    length = session_json_start(start, &session);
    OK(strncmp(json.data, start, length) != 0, "and not another version's");
    session.version--;
    session_init(&again, "s:1");
    OK(session_json_read(&again, json.data, json.length), "and read");
    IS(buffer_text(&again.user), "Zo\xc3\xab", "the user");
    IS_NUMBER(again.last_message.length, 4, "the last message, NUL and all");
    IS_NUMBER(again.created_at, session.created_at, "the first turn's time");
    IS_NUMBER(again.updated_at, session.updated_at, "the last turn's");
    IS_NUMBER(again.expires_at, session.expires_at, "the end");
    IS_NUMBER(again.turns, 2, "the turns");
    IS_NUMBER(again.version, 7, "the version");
    IS_NUMBER(again.history_count, 4, "the history");
    OK(again.history[1].role == SESSION_ASSISTANT, "its roles");
    IS(text_of(&again, 1), "\xf0\x9f\x98\x80\n", "its texts");
    IS_NUMBER(again.history[2].length, 4, "a text with a NUL");
    IS_NUMBER(again.history[3].length, 0, "an empty text");
    session_free(&again);
    buffer_clear(&json);
    session_json_write(&json, &session, 2);
    OK(session_json_read(&again, json.data, json.length), "a record without its oldest turn");
    IS_NUMBER(again.history_count, 2, "has the others");
    session_free(&again);
    session_free(&session);
    buffer_free(&json);
}

static void an_anonymous_record(void)
{
    session_t session;
    session_t again;
    buffer_t json;

    session_init(&session, "s:1");
    session.turns = 1;
    session.version = 1;
    buffer_init(&json, SESSION_BYTES_MAX);
    session_json_write(&json, &session, 0);
    session_init(&again, "s:1");
    OK(session_json_read(&again, json.data, json.length), "a record of nobody is read");
    IS_NUMBER(again.user.length, 0, "it has no user");
    OK(session_is_open_to(&again, "anybody"), "and is open to all");
    session_free(&again);
    buffer_free(&json);
    buffer_init(&json, 40);
    session_json_write(&json, &session, 0);
    OK(json.failed, "one that does not fit says so");
    buffer_free(&json);
    session_free(&session);
}

#define RECORD(changed)                                                                            \
    "{\"format\":1,\"session_id\":\"s:1\",\"user\":null,\"last_message\":\"x\",\"created_at\":1,"  \
    "\"updated_at\":1,\"expires_at\":1,\"turns\":1,\"version\":1,\"history\":[]" changed "}"

static void refuse(const char *text, const char *what)
{
    session_t session;

    session_init(&session, "s:1");
    OK(!session_json_read(&session, text, strlen(text)), what);
    OK(session.turns == 0 && session.version == 0 && session.history_count == 0 &&
           session.user.length == 0 && strcmp(session.id, "s:1") == 0,
       "and the record is new");
    session_free(&session);
}

static void hostile_values(void)
{
    session_t session;

    session_init(&session, "s:1");
    OK(session_json_read(&session, RECORD(""), strlen(RECORD(""))), "the least record");
    session_free(&session);
    refuse("", "nothing");
    refuse("null", "null");
    refuse("[]", "an array");
    refuse("{", "half an object");
    refuse("\x80\x04 pickle", "other bytes");
    refuse(RECORD(",\"format\":2"), "another format");
    refuse(RECORD(",\"format\":\"1\""), "a format that is no number");
    refuse(RECORD(",\"session_id\":\"s:2\""), "the record of another session");
    refuse(RECORD(",\"session_id\":\"s:1\\u0000\""), "an id with a NUL");
    refuse(RECORD(",\"session_id\":null"), "no id");
    refuse(RECORD(",\"user\":5"), "a user that is no text");
    refuse(RECORD(",\"last_message\":[]"), "a message that is no text");
    refuse(RECORD(",\"turns\":0"), "no turns");
    refuse(RECORD(",\"turns\":1.5"), "half a turn");
    refuse(RECORD(",\"version\":-1"), "a version below one");
    refuse(RECORD(",\"expires_at\":99999999999999999999"), "a time that is no number of 64 bits");
    refuse(RECORD(",\"created_at\":null"), "no time");
    refuse(RECORD(",\"history\":{}"), "a history that is no list");
    refuse(RECORD(",\"history\":[1]"), "a message that is no object");
    refuse(RECORD(",\"history\":[{\"role\":\"user\"}]"), "a message without a text");
    refuse(
        RECORD(",\"history\":[{\"role\":\"user\",\"text\":\"a\"},{\"role\":\"x\",\"text\":\"\"}]"),
        "a message of nobody");
    refuse(RECORD(",\"history\":[{\"role\":\"user\\u0000\",\"text\":\"a\"}]"), "a role with a NUL");
    refuse(RECORD(",\"history\":[[[[[[]]]]]]"), "too deep");
}

static void each_byte_changed(void)
{
    session_t session = make();
    session_t again;
    buffer_t json;
    size_t i;

    buffer_init(&json, SESSION_BYTES_MAX);
    session_json_write(&json, &session, 0);
    session_init(&again, "s:1");
    for (i = 0; i < json.length; i++) {
        char before = json.data[i];
        json.data[i] ^= 0x11;
        (void)session_json_read(&again, json.data, json.length);
        session_free(&again);
        json.data[i] = before;
        (void)session_json_read(&again, json.data, i);
        session_free(&again);
    }
    OK(session_json_read(&again, json.data, json.length), "changed and cut records do no harm");
    session_free(&again);
    session_free(&session);
    buffer_free(&json);
}

static void the_body_of_a_session(void)
{
    session_t session = make();
    buffer_t body;

    buffer_init(&body, SESSION_REPLY_MAX);
    session_reply_write(&body, &session);
    IS(buffer_text(&body),
       "{\"session_id\":\"s:1\",\"user_id\":\"Zo\xc3\xab\","
       "\"created_at\":\"2026-01-31T12:34:56.789Z\",\"updated_at\":\"2026-01-31T12:34:57.000Z\","
       "\"expires_at\":\"2026-02-01T12:34:57.000Z\",\"turns\":2,\"last_message\":\"a\\u0000\\\"b\","
       "\"history\":[{\"role\":\"user\",\"text\":\"Hello\"},"
       "{\"role\":\"assistant\",\"text\":\"\xf0\x9f\x98\x80\\n\"},"
       "{\"role\":\"user\",\"text\":\"a\\u0000\\\"b\"},{\"role\":\"assistant\",\"text\":\"\"}]}",
       "the body");
    session_free(&session);
    buffer_clear(&body);
    session_reply_write(&body, &session);
    OK(strstr(buffer_text(&body), "\"user_id\":null") != NULL, "no user is null");
    OK(strstr(buffer_text(&body), "\"last_message\":null") != NULL, "no message is null");
    OK(strstr(buffer_text(&body), "\"history\":[]") != NULL, "no history is an empty list");
    buffer_free(&body);
}

int main(void)
{
    what_is_written_is_read();
    an_anonymous_record();
    hostile_values();
    each_byte_changed();
    the_body_of_a_session();
    return tap_done();
}
