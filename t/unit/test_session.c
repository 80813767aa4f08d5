/* chat/session: what a record keeps of its turns. */
#include "chat/session.h"

#include "base/text.h"

#include "tap.h"

#include <apr_general.h>
#include <stdlib.h>

#define HOUR apr_time_from_sec(3600)

static session_turn_t turn_of(const char *message, const char *answer)
{
    const session_turn_t turn = {.message = message,
                                 .message_length = strlen(message),
                                 .answer = answer,
                                 .answer_length = strlen(answer),
                                 .when = 1000,
                                 .ttl = HOUR,
                                 .history_turns = 3};

    return turn;
}

static const char *message_at(const session_t *session, size_t index)
{
    static char copy[64];
    const session_message_t *message = &session->history[index];

    (void)snprintf(copy, sizeof(copy), "%c:%.*s", message->role == SESSION_USER ? 'u' : 'a',
                   (int)message->length, session->texts.data + message->at);
    return copy;
}

static char *repeat(const char *what, size_t bytes)
{
    size_t length = strlen(what);
    char *text = malloc(bytes + 1);
    size_t i;

    for (i = 0; i < bytes; i++) {
        text[i] = what[i % length];
    }
    text[bytes] = '\0';
    return text;
}

static void first_turns(void)
{
    session_t session;
    session_turn_t turn = turn_of("Hello", "Hi");

    session_init(&session, "s:1");
    IS(session.id, "s:1", "a new record has its id");
    OK(session_is_open_to(&session, NULL) && session_is_open_to(&session, "ada"),
       "a new record is open to anyone");
    OK(session_add_turn(&session, &turn), "a first turn");
    IS_NUMBER(session.turns, 1, "is counted");
    IS_NUMBER(session.created_at, 1000, "creates it");
    IS_NUMBER(session.updated_at, 1000, "updates it");
    IS_NUMBER(session.expires_at, 1000 + HOUR, "and says when it will expire");
    IS_NUMBER(session.version, 0, "the version is the store's");
    IS(buffer_text(&session.last_message), "Hello", "the last message is the user's");
    turn = turn_of("And?", "So.");
    turn.when = 2000;
    turn.user = "ada";
    OK(session_add_turn(&session, &turn), "a second turn, by somebody known");
    IS_NUMBER(session.created_at, 1000, "leaves when it was created");
    IS_NUMBER(session.updated_at, 2000, "but not when it was updated");
    OK(session_is_open_to(&session, "ada"), "the session is theirs now");
    OK(!session_is_open_to(&session, NULL), "and nobody else's: of nobody known");
    OK(!session_is_open_to(&session, "ad") && !session_is_open_to(&session, "adam"),
       "nor of somebody with a name like it");
    turn.user = "bob";
    OK(session_add_turn(&session, &turn), "a turn by another");
    IS(buffer_text(&session.user), "ada", "does not take it from its owner");
    session_free(&session);
    IS_NUMBER(session.turns, 0, "freed, it is new again");
    IS(session.id, "s:1", "under its id");
    OK(session_is_open_to(&session, NULL), "and belongs to nobody");
    session_free(&session);
}

static void history(void)
{
    session_t session;
    session_turn_t turn;
    char text[2] = "a";

    session_init(&session, "id");
    for (; text[0] <= 'e'; text[0]++) {
        turn = turn_of(text, "x");
        OK(session_add_turn(&session, &turn), "a turn");
    }
    IS_NUMBER(session.history_count, 6, "three turns are kept");
    IS(message_at(&session, 0), "u:c", "the oldest of them");
    IS(message_at(&session, 5), "a:x", "the youngest answer");
    IS_NUMBER(session.texts.length, 6, "no more text than that");
    turn = turn_of("f", "x");
    turn.history_turns = 1;
    OK(session_add_turn(&session, &turn), "a turn when one is to be kept");
    IS_NUMBER(session.history_count, 2, "one is kept");
    IS(message_at(&session, 0), "u:f", "this one");
    turn.history_turns = 0;
    OK(session_add_turn(&session, &turn), "a turn when none is to be kept");
    IS_NUMBER(session.history_count, 0, "none is kept");
    IS_NUMBER(session.turns, 7, "all were counted");
    session_free(&session);
}

static void odd_history(void)
{
    session_t session;
    session_turn_t turn = turn_of("q", "r");

    session_init(&session, "id");
    OK(session_add_message(&session, SESSION_ASSISTANT, "welcome", 7) &&
           session_add_message(&session, SESSION_USER, "a", 1) &&
           session_add_message(&session, SESSION_ASSISTANT, "b", 1) &&
           session_add_message(&session, SESSION_ASSISTANT, "c", 1) &&
           session_add_message(&session, SESSION_USER, "", 0),
       "a history that is no row of pairs");
    turn.history_turns = 3;
    OK(session_add_turn(&session, &turn), "a turn upon it");
    IS_NUMBER(session.history_count, 6, "what comes before the first question is a turn as well");
    IS(message_at(&session, 0), "u:a", "and the first to go");
    IS(message_at(&session, 2), "a:c", "a turn goes as a whole, or stays");
    IS(message_at(&session, 3), "u:", "an empty message is one");
    session_free(&session);
}

/* As DynamoDB counts an item. */
static size_t bytes_of(const session_t *session)
{
    size_t bytes = strlen("session_id") + strlen(session->id) + strlen("user_data") + 3 +
                   strlen("user_id") + 1 + session->user.length + strlen("last_message") + 1 +
                   session->last_message.length + strlen("created_at") + strlen("updated_at") +
                   2 * TEXT_RFC3339_LENGTH + strlen("ttl") + strlen("turns") + strlen("version") +
                   3 * 21 + strlen("history") + 3;
    size_t i;

    for (i = 0; i < session->history_count; i++) {
        bytes += 1 + 3 + 2 + strlen("role") + strlen("assistant") + strlen("text") +
                 session->history[i].length;
    }
    return bytes;
}

static void long_texts(void)
{
    session_t session;
    char *message = repeat("x", 100000);
    char *answer = repeat("\xe2\x82\xac", 300000);
    char *small = repeat("y", 50);
    session_turn_t turn = turn_of(message, answer);
    int i;

    session_init(&session, "id");
    turn.history_turns = 1000000;
    OK(session_add_turn(&session, &turn), "a turn of 400,000 bytes");
    IS_NUMBER(session.history_count, 0, "is left out of the history");
    IS_NUMBER(session.last_message.length, 64 * 1024, "its message is cut");
    turn = turn_of(answer, small);
    OK(session_add_turn(&session, &turn), "a long message of three-byte characters");
    IS_NUMBER(session.last_message.length, 65535, "it is cut between characters");
    IS_NUMBER(session.history_count, 2, "and fits into the history");
    turn = turn_of(small, message);
    OK(session_add_turn(&session, &turn), "more than fits beside it");
    IS_NUMBER(session.history_count, 2, "the older turn goes");
    OK(message_at(&session, 0)[2] == 'y', "the younger one is kept");
    turn = turn_of(message, answer);
    OK(session_add_turn(&session, &turn), "one that cannot be kept");
    IS_NUMBER(session.history_count, 2, "leaves the others");
    for (i = 0; i < 9000; i++) {
        turn = turn_of(small, small);
        turn.history_turns = 1000000;
        if (!session_add_turn(&session, &turn)) {
            break;
        }
    }
    IS_NUMBER(i, 9000, "thousands of short turns");
    OK(bytes_of(&session) <= SESSION_BYTES_MAX, "the record is within its maximum");
    OK(bytes_of(&session) > SESSION_BYTES_MAX - 300, "and not far from it");
    OK(session.history[0].at == 0, "the texts start with the oldest message");
    session_free(&session);
    free(small);
    free(answer);
    free(message);
}

static void long_names(void)
{
    session_t session;
    char *user = repeat("u", SESSION_BYTES_MAX);
    session_turn_t turn = turn_of("Hello", "Hi");

    session_init(&session, "id");
    turn.user = user;
    OK(session_add_turn(&session, &turn), "a user id as long as a record");
    IS_NUMBER(session.history_count, 0, "leaves no room for a history");
    OK(session_is_open_to(&session, user), "but is kept");
    session_free(&session);
    free(user);
}

int main(void)
{
    (void)apr_initialize();
    first_turns();
    history();
    odd_history();
    long_texts();
    long_names();
    return tap_done();
}
