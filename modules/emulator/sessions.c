#include "emulator/sessions.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS  65536
#define KEY_MAX  512
#define KEPT_MAX 1024

struct sessions_t {
    session_t *buckets[BUCKETS];
    session_t *newest;
    session_t *oldest;
    size_t count;
};

sessions_t *sessions_create(void)
{
    return calloc(1, sizeof(sessions_t));
}

void sessions_clear(sessions_t *sessions)
{
    while (sessions->oldest != NULL) {
        sessions_forget(sessions, sessions->oldest);
    }
}

void sessions_destroy(sessions_t *sessions)
{
    if (sessions != NULL) {
        sessions_clear(sessions);
        free(sessions);
    }
}

size_t sessions_count(const sessions_t *sessions)
{
    return sessions->count;
}

/* FNV-1a. */
static session_t **bucket_of(sessions_t *sessions, const char *key, size_t length)
{
    uint32_t hash = 2166136261U;
    size_t i;

    for (i = 0; i < length; i++) {
        hash = (hash ^ (unsigned char)key[i]) * 16777619U;
    }
    return &sessions->buckets[(hash ^ hash >> 16) % BUCKETS];
}

/* ---- the list by last use ---- */

static void unlink_session(sessions_t *sessions, session_t *session)
{
    *(session->newer != NULL ? &session->newer->older : &sessions->newest) = session->older;
    *(session->older != NULL ? &session->older->newer : &sessions->oldest) = session->newer;
}

static void link_newest(sessions_t *sessions, session_t *session)
{
    session->newer = NULL;
    session->older = sessions->newest;
    *(sessions->newest != NULL ? &sessions->newest->newer : &sessions->oldest) = session;
    sessions->newest = session;
}

/* ---- one session ---- */

static void destroy(session_t *session)
{
    size_t i;

    for (i = 0; i < SESSIONS_TURNS_MAX; i++) {
        free(session->kept[i].input);
        free(session->kept[i].output);
    }
    free(session->key);
    free(session);
}

void sessions_forget(sessions_t *sessions, session_t *session)
{
    session_t **at = bucket_of(sessions, session->key, session->key_length);

    while (*at != NULL && *at != session) {
        at = &(*at)->next_in_bucket;
    }
    if (*at != NULL) {
        *at = session->next_in_bucket;
    }
    unlink_session(sessions, session);
    sessions->count--;
    destroy(session);
}

static session_t *create(sessions_t *sessions, const char *key, size_t length, size_t id_offset)
{
    session_t *session = calloc(1, sizeof(*session));
    session_t **bucket = bucket_of(sessions, key, length);

    if (session == NULL || (session->key = malloc(length)) == NULL) {
        free(session);
        return NULL;
    }
    memcpy(session->key, key, length);
    session->key_length = length;
    session->id = session->key + id_offset;
    session->next_in_bucket = *bucket;
    *bucket = session;
    sessions->count++;
    return session;
}

static session_t *find(sessions_t *sessions, const char *key, size_t length)
{
    session_t *session = *bucket_of(sessions, key, length);

    while (session != NULL &&
           (session->key_length != length || memcmp(session->key, key, length) != 0)) {
        session = session->next_in_bucket;
    }
    return session;
}

session_t *sessions_get(sessions_t *sessions, const char *agent, const char *alias, const char *id,
                        apr_time_t idle)
{
    char key[KEY_MAX];
    int length = snprintf(key, sizeof(key), "%s%c%s%c%s", agent, 0, alias, 0, id) + 1;
    apr_time_t now = clock_monotonic();
    session_t *session;

    if (length < 1 || length > KEY_MAX) {
        return NULL;
    }
    session = find(sessions, key, (size_t)length);
    if (session != NULL && idle > 0 && now - session->used >= idle) {
        sessions_forget(sessions, session);
        session = NULL;
    }
    if (session != NULL) {
        unlink_session(sessions, session);
    } else {
        session = create(sessions, key, (size_t)length, strlen(agent) + strlen(alias) + 2);
    }
    if (session != NULL) {
        link_newest(sessions, session);
        session->used = now;
    }
    if (sessions->count > SESSIONS_MAX) {
        sessions_forget(sessions, sessions->oldest);
    }
    return session;
}

/* As much of a text as is kept, whole characters only. */
static char *keep(const char *text, size_t length)
{
    size_t kept = length < KEPT_MAX ? length : KEPT_MAX;

    kept -= text_utf8_pending(text, kept);
    return strndup(text, kept);
}

void sessions_add_turn(session_t *session, const char *input, size_t input_length,
                       const char *output, size_t output_length)
{
    session_turn_t *turn = &session->kept[session->turns % SESSIONS_TURNS_MAX];

    free(turn->input);
    free(turn->output);
    turn->at = clock_wall();
    turn->input = keep(input, input_length);
    turn->output = keep(output, output_length);
    session->turns++;
}

/* ---- for people and tests ---- */

static void write_turns(const session_t *session, json_writer_t *writer)
{
    size_t kept = session->turns < SESSIONS_TURNS_MAX ? session->turns : SESSIONS_TURNS_MAX;
    size_t number;

    json_name(writer, "turns");
    json_open(writer, '[');
    for (number = session->turns - kept; number < session->turns; number++) {
        const session_turn_t *turn = &session->kept[number % SESSIONS_TURNS_MAX];
        char when[TEXT_RFC3339_LENGTH + 1];
        text_rfc3339(when, turn->at);
        json_open(writer, '{');
        json_name(writer, "number");
        json_put_integer(writer, (int64_t)number + 1);
        json_put_member(writer, "time", when);
        json_put_member(writer, "input", turn->input);
        json_put_member(writer, "output", turn->output);
        json_close(writer, '}');
    }
    json_close(writer, ']');
}

static void write_session(const session_t *session, json_writer_t *writer)
{
    json_open(writer, '{');
    json_put_member(writer, "agentId", session->key);
    json_put_member(writer, "agentAliasId", session->key + strlen(session->key) + 1);
    json_put_member(writer, "sessionId", session->id);
    json_name(writer, "turn_count");
    json_put_integer(writer, (int64_t)session->turns);
    json_put_member(writer, "name",
                    session->conversation.name[0] != '\0' ? session->conversation.name : NULL);
    write_turns(session, writer);
    json_close(writer, '}');
}

size_t sessions_write(const sessions_t *sessions, const char *id, json_writer_t *writer)
{
    const session_t *session;
    size_t found = 0;

    json_open(writer, '[');
    for (session = sessions->newest; session != NULL; session = session->older) {
        if (strcmp(session->id, id) == 0) {
            write_session(session, writer);
            found++;
        }
    }
    json_close(writer, ']');
    return found;
}
