#include "chat/session.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

/* A message that alone fills a record is nothing a page shows as "the last message". */
#define LAST_MESSAGE_MAX ((size_t)64 * 1024)
#define USER_MAX         ((size_t)8 * 1024)

/* What DynamoDB counts beside a message's text (developer guide, "Item sizes and formats"): a map
 * and its place in the list, the names "role" and "text", the role. */
#define MESSAGE_OVERHEAD ((size_t)(3 + 1 + 4 + 4 + 9 + 2))

/* And beside history, user and last message: names, times and numbers. */
#define RECORD_OVERHEAD ((size_t)1024)

void session_init(session_t *session, const char *id)
{
    memset(session, 0, sizeof(*session));
    (void)apr_cpystrn(session->id, id, sizeof(session->id));
    buffer_init(&session->user, USER_MAX);
    buffer_init(&session->last_message, LAST_MESSAGE_MAX);
    buffer_init(&session->texts, 4 * SESSION_BYTES_MAX);
}

void session_free(session_t *session)
{
    char id[SESSION_ID_MAX + 1];

    memcpy(id, session->id, sizeof(id));
    buffer_free(&session->user);
    buffer_free(&session->last_message);
    buffer_free(&session->texts);
    free(session->history);
    session_init(session, id);
}

static int make_room(session_t *session)
{
    size_t room = session->history_room > 0 ? 2 * session->history_room : 16;
    session_message_t *more;

    if (session->history_count < session->history_room) {
        return 1;
    }
    more = realloc(session->history, room * sizeof(*more));
    if (more == NULL) {
        return 0;
    }
    session->history = more;
    session->history_room = room;
    return 1;
}

int session_add_message(session_t *session, session_role_e role, const char *text, size_t length)
{
    size_t at = session->texts.length;

    if (!make_room(session) || !buffer_append(&session->texts, text, length)) {
        return 0;
    }
    session->history[session->history_count++] = (session_message_t){role, at, length};
    return 1;
}

/* ---- what a record can hold ---- */

static size_t bytes_of(const session_t *session, size_t from)
{
    size_t bytes = RECORD_OVERHEAD + session->user.length + session->last_message.length;

    for (; from < session->history_count; from++) {
        bytes += MESSAGE_OVERHEAD + session->history[from].length;
    }
    return bytes;
}

/* A turn begins with what the user said. */
static size_t turns_from(const session_t *session, size_t from)
{
    size_t turns = 0;

    for (; from < session->history_count; from++) {
        turns += session->history[from].role == SESSION_USER;
    }
    return turns;
}

/* The start of the next turn after `from`. */
static size_t next_turn(const session_t *session, size_t from)
{
    do {
        from++;
    } while (from < session->history_count && session->history[from].role != SESSION_USER);
    return from;
}

static void drop_oldest(session_t *session, size_t count)
{
    size_t cut =
        count < session->history_count ? session->history[count].at : session->texts.length;
    size_t i;

    if (count == 0) {
        return;
    }
    session->history_count -= count;
    memmove(session->history, session->history + count,
            session->history_count * sizeof(*session->history));
    for (i = 0; i < session->history_count; i++) {
        session->history[i].at -= cut;
    }
    buffer_consume(&session->texts, cut);
}

static void trim(session_t *session, size_t turns)
{
    size_t from = 0;

    while (from < session->history_count &&
           (turns_from(session, from) > turns || bytes_of(session, from) > SESSION_BYTES_MAX)) {
        from = next_turn(session, from);
    }
    drop_oldest(session, from);
}

/* ---- a turn ---- */

/* At most that many bytes, and no character cut. */
static size_t cut_utf8(const char *text, size_t length, size_t most)
{
    if (length <= most) {
        return length;
    }
    while (most > 0 && ((unsigned char)text[most] & 0xC0) == 0x80) {
        most--;
    }
    return most;
}

static int set(buffer_t *buffer, const char *text, size_t length)
{
    buffer_clear(buffer);
    return buffer_append(buffer, text, cut_utf8(text, length, buffer->maximum));
}

static int record(session_t *session, const session_turn_t *turn)
{
    return session_add_message(session, SESSION_USER, turn->message, turn->message_length) &&
           session_add_message(session, SESSION_ASSISTANT, turn->answer, turn->answer_length);
}

int session_add_turn(session_t *session, const session_turn_t *turn)
{
    if (session->turns == 0 && session->created_at == 0) {
        session->created_at = turn->when;
    }
    session->turns++;
    session->updated_at = turn->when;
    session->expires_at = turn->when + turn->ttl;
    if (session->user.length == 0 && turn->user != NULL &&
        !set(&session->user, turn->user, strlen(turn->user))) {
        return 0;
    }
    if (!set(&session->last_message, turn->message, turn->message_length)) {
        return 0;
    }
    if (turn->history_turns > 0 && turn->message_length + turn->answer_length < SESSION_BYTES_MAX &&
        !record(session, turn)) {
        return 0;
    }
    trim(session, (size_t)turn->history_turns);
    return 1;
}

int session_is_open_to(const session_t *session, const char *user)
{
    return session->user.length == 0 ||
           (user != NULL && strlen(user) == session->user.length &&
            memcmp(user, session->user.data, session->user.length) == 0);
}
