#include "chat/session.h"

#include "base/text.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

/* Above what a store takes, so that whatever it has can be read. */
#define TEXT_MAX (2 * SESSION_BYTES_MAX)

/* The history and a long user id are to fit beside it. */
#define LAST_MESSAGE_MAX ((size_t)64 * 1024)

#define ROOM_FIRST 16

/* What DynamoDB counts (the developer guide, "Item sizes and formats"): names and strings as they
 * are, a number up to 21 bytes, a list or map 3, and one more for each of its members. */
#define NUMBER_BYTES 21
#define NEST_BYTES   3
#define TIME_BYTES   TEXT_RFC3339_LENGTH
#define NAMES                                                                                      \
    "session_id"                                                                                   \
    "user_data"                                                                                    \
    "user_id"                                                                                      \
    "last_message"                                                                                 \
    "created_at"                                                                                   \
    "updated_at"                                                                                   \
    "ttl"                                                                                          \
    "turns"                                                                                        \
    "version"                                                                                      \
    "history"
#define FIXED_BYTES   (sizeof(NAMES) - 1 + 3 * NUMBER_BYTES + 2 * TIME_BYTES + 2 * NEST_BYTES + 2)
#define MESSAGE_NAMES "roletext"
#define MESSAGE_BYTES (NEST_BYTES + 1 + 2 + sizeof(MESSAGE_NAMES) - 1 + sizeof("assistant") - 1)

void session_init(session_t *session, const char *id)
{
    memset(session, 0, sizeof(*session));
    (void)apr_cpystrn(session->id, id, sizeof(session->id));
    buffer_init(&session->user, TEXT_MAX);
    buffer_init(&session->last_message, TEXT_MAX);
    buffer_init(&session->texts, TEXT_MAX);
}

void session_free(session_t *session)
{
    char id[sizeof(session->id)];

    buffer_free(&session->user);
    buffer_free(&session->last_message);
    buffer_free(&session->texts);
    free(session->history);
    memcpy(id, session->id, sizeof(id));
    session_init(session, id);
}

/* ---- the history ---- */

static int make_room(session_t *session)
{
    size_t room = session->history_room > 0 ? 2 * session->history_room : ROOM_FIRST;
    session_message_t *history;

    if (session->history_count < session->history_room) {
        return 1;
    }
    history = reallocarray(session->history, room, sizeof(*history));
    if (history == NULL) {
        return 0;
    }
    session->history = history;
    session->history_room = room;
    return 1;
}

int session_add_message(session_t *session, session_role_e role, const char *text, size_t length)
{
    session_message_t *message;

    if (!make_room(session) || !buffer_append(&session->texts, text, length)) {
        return 0;
    }
    message = &session->history[session->history_count++];
    message->role = role;
    message->at = session->texts.length - length;
    message->length = length;
    return 1;
}

static int starts_turn(const session_t *session, size_t index)
{
    return index == 0 || session->history[index].role == SESSION_USER;
}

static int count_turns(const session_t *session)
{
    int turns = 0;
    size_t i;

    for (i = 0; i < session->history_count; i++) {
        turns += starts_turn(session, i);
    }
    return turns;
}

/* How many of the oldest messages are to go, whole turns, so that at most `turns` are left, of at
 * most `room` bytes. */
static size_t count_surplus(const session_t *session, int turns, size_t room)
{
    int have = count_turns(session);
    size_t bytes = session->texts.length + session->history_count * MESSAGE_BYTES;
    size_t i;

    for (i = 0; i < session->history_count; i++) {
        if (starts_turn(session, i) && have-- <= turns && bytes <= room) {
            break;
        }
        bytes -= session->history[i].length + MESSAGE_BYTES;
    }
    return i;
}

static void drop_oldest(session_t *session, size_t count)
{
    size_t length;
    size_t i;

    if (count == 0) {
        return;
    }
    length = session->history[count - 1].at + session->history[count - 1].length;
    buffer_consume(&session->texts, length);
    session->history_count -= count;
    memmove(session->history, session->history + count,
            session->history_count * sizeof(*session->history));
    for (i = 0; i < session->history_count; i++) {
        session->history[i].at -= length;
    }
}

/* What is left of a record for its history. */
static size_t room_for_history(const session_t *session)
{
    size_t taken =
        FIXED_BYTES + strlen(session->id) + session->user.length + session->last_message.length;

    return taken < SESSION_BYTES_MAX ? SESSION_BYTES_MAX - taken : 0;
}

/* A turn that no record could hold is left out. */
static int add_to_history(session_t *session, const session_turn_t *turn)
{
    size_t room = room_for_history(session);
    size_t bytes = turn->message_length + turn->answer_length + 2 * MESSAGE_BYTES;

    if (turn->history_turns <= 0) {
        drop_oldest(session, session->history_count);
        return 1;
    }
    if (bytes > room) {
        drop_oldest(session, count_surplus(session, turn->history_turns, room));
        return 1;
    }
    drop_oldest(session, count_surplus(session, turn->history_turns - 1, room - bytes));
    return session_add_message(session, SESSION_USER, turn->message, turn->message_length) &&
           session_add_message(session, SESSION_ASSISTANT, turn->answer, turn->answer_length);
}

/* ---- a turn ---- */

/* Replaces; cut between characters. */
static int set_last_message(session_t *session, const char *text, size_t length)
{
    if (length > LAST_MESSAGE_MAX) {
        length = LAST_MESSAGE_MAX - text_utf8_pending(text, LAST_MESSAGE_MAX);
    }
    buffer_clear(&session->last_message);
    return buffer_append(&session->last_message, text, length);
}

static int set_owner(session_t *session, const char *user)
{
    return session->user.length > 0 || user == NULL || buffer_puts(&session->user, user);
}

int session_add_turn(session_t *session, const session_turn_t *turn)
{
    if (!set_owner(session, turn->user) ||
        !set_last_message(session, turn->message, turn->message_length) ||
        !add_to_history(session, turn)) {
        return 0;
    }
    if (session->turns == 0 || session->created_at == 0) {
        session->created_at = turn->when;
    }
    session->updated_at = turn->when;
    session->expires_at = turn->when + turn->ttl;
    session->turns++;
    return 1;
}

int session_is_open_to(const session_t *session, const char *user)
{
    return session->user.length == 0 ||
           (user != NULL && strlen(user) == session->user.length &&
            memcmp(user, session->user.data, session->user.length) == 0);
}
