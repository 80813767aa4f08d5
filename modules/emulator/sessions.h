/*
 * The conversations that the scripted agent remembers, in memory; the ones
 * longest unused are forgotten first. One thread.
 */
#ifndef EMULATOR_SESSIONS_H
#define EMULATOR_SESSIONS_H

#include "base/json.h"
#include "emulator/conversation.h"

#include <apr_time.h>
#include <stddef.h>
#include <stdint.h>

#define SESSIONS_MAX       100000
#define SESSIONS_TURNS_MAX 20 /* the last ones of a session are kept to be looked at */

typedef struct {
    apr_time_t at;
    char *input;
    char *output;
} session_turn_t;

typedef struct session_t session_t;

struct session_t {
    char *key; /* agent id, alias id and session id, with a NUL between and behind */
    size_t key_length;
    const char *id;
    size_t turns; /* in all; the last SESSIONS_TURNS_MAX are kept, turn n at n % that */
    conversation_t conversation;
    session_turn_t kept[SESSIONS_TURNS_MAX];
    apr_time_t used; /* monotonic */
    uint64_t ticket; /* of the call that used it last */
    session_t *next_in_bucket;
    session_t *newer;
    session_t *older;
};

typedef struct sessions_t sessions_t;

/* NULL when memory is out. */
sessions_t *sessions_create(void);
void sessions_destroy(sessions_t *sessions);

/* The session, made when it is new or was not used for `idle` (0: it keeps); NULL when memory is
 * out. Valid until the next call. */
session_t *sessions_get(sessions_t *sessions, const char *agent, const char *alias, const char *id,
                        apr_time_t idle);

/* Keeps a turn of which no more than a kilobyte each way is remembered. */
void sessions_add_turn(session_t *session, const char *input, size_t input_length,
                       const char *output, size_t output_length);

/* Ends the conversation. */
void sessions_forget(sessions_t *sessions, session_t *session);
void sessions_clear(sessions_t *sessions);

size_t sessions_count(const sessions_t *sessions);

/* Writes every session of that id as an array, most recently used first; the number of them. */
size_t sessions_write(const sessions_t *sessions, const char *id, json_writer_t *writer);

#endif
