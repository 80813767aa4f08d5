/*
 * Keeps one chat's session: asks the store, with a short time limit and a
 * circuit breaker of the store's own, so that a store that is down or hangs
 * never stops a chat.
 *
 * On the I/O thread for a store of the loop; on a worker for one that blocks:
 * then `loop` is NULL and the owner is told before the function returns.
 */
#ifndef CHAT_KEEPER_H
#define CHAT_KEEPER_H

#include "chat/session.h"
#include "shm/circuit.h"

/* How sessions are kept where the chat is. */
typedef struct {
    const session_store_t *store; /* NULL: none are */
    circuit_t *circuit;           /* of the store; NULL: there is none */
    apr_interval_time_t ttl;
    int history_turns; /* most turns a session keeps in its history */
} keeper_settings_t;

typedef struct keeper_t keeper_t;
struct keeper_t {
    const keeper_settings_t *settings;
    session_t session;
    session_asker_t asker;
    session_turn_t turn;
    /* The keeper's own. */
    session_operation_t *operation;
    session_owner_t owner;
    loop_t *loop;
    loop_timer_t timer;
    int is_claimed; /* perhaps: who failed to open it cannot know */
};

/* Starts out with a new session; back to that, its memory freed. The settings live as long. */
void keeper_init(keeper_t *keeper, const keeper_settings_t *settings, const char *session_id);
void keeper_free(keeper_t *keeper);

/* Whether the store is asked on the I/O thread, or on a worker; neither when there is none. */
int keeper_is_for_loop(const keeper_t *keeper);
int keeper_is_for_worker(const keeper_t *keeper);

/* The three ask the store for at most `time` and tell `owner` how it went; SESSION_FAILED as well
 * when it did not answer in time or is given a rest. The asker is the caller's to fill in first,
 * for keeper_save() the turn too. */
void keeper_open(keeper_t *keeper, loop_t *loop, apr_interval_time_t time,
                 const session_owner_t *owner);
void keeper_save(keeper_t *keeper, loop_t *loop, apr_interval_time_t time,
                 const session_owner_t *owner);
void keeper_release(keeper_t *keeper, loop_t *loop, apr_interval_time_t time,
                    const session_owner_t *owner);

/* Whether there is a claim that keeper_release() would give back. */
int keeper_must_release(const keeper_t *keeper);

/* Stops waiting for the store: the owner is not told. A claim is given back, unseen. */
void keeper_stop(keeper_t *keeper);

/* Stops waiting for the store: the owner is told that it failed. Does nothing when the store is
 * not being asked. */
void keeper_give_up(keeper_t *keeper);

#endif
