/*
 * What the turns of all backends have in common. I/O thread only.
 *
 * A turn's transport (an AWS call, an exchange with another server) brings the
 * answer; its reader makes text of it. Here is what stands between both and
 * the owner: the first failure, the counts, text that came while the owner had
 * paused, and the one end. A backend's own turn starts with this struct.
 */
#ifndef BACKEND_TURN_H
#define BACKEND_TURN_H

#include "backend/backend.h"
#include "base/buffer.h"

/* How an answer is read. Functions that return 0 have called turn_fail(). */
typedef struct {
    const char *whose; /* for the log: "the agent's answer" */
    /* The head of a success; `type` is its Content-Type, "" when it has none. */
    int (*on_head)(backend_turn_t *turn, const char *type);
    int (*on_body)(backend_turn_t *turn, const char *bytes, size_t length);
    /* The body is whole, and nothing has failed: is the answer? */
    void (*on_whole)(backend_turn_t *turn);
    /* Forgets what it has read: another attempt comes, or the end. */
    void (*forget)(backend_turn_t *turn);
    /* Frees what else the turn has; NULL: nothing. */
    void (*release)(backend_turn_t *turn);
} turn_reader_t;

/* What brings it. */
typedef struct {
    /* Something was passed on: there must be no other attempt. */
    void (*delivered)(backend_turn_t *turn);
    /* The answer holds an error of that name. */
    void (*found_error)(backend_turn_t *turn, const char *code, size_t length);
    void (*cancel)(backend_turn_t *turn);
    void (*pause)(backend_turn_t *turn);
    void (*resume)(backend_turn_t *turn);
} turn_transport_t;

/* How it ended, while the owner's pause delays saying so. */
typedef struct turn_ended_t turn_ended_t;

struct backend_turn_t {
    const turn_reader_t *reader;
    const turn_transport_t *transport;
    backend_owner_t owner;
    buffer_t body; /* of the request */
    backend_stop_e stop;
    int64_t tokens;
    int64_t input_tokens;
    int retries;
    int has_text;
    int ends_session; /* no text is wanted, and one that is not known there has ended */
    int paused;
    buffer_t held;         /* text that came while paused */
    turn_ended_t *ended;   /* the end that waits for resuming, or NULL */
    backend_end_e failure; /* the first; BACKEND_ANSWERED: none */
    char *reason;          /* of that */
};

/* A turn of `size` bytes, zeroed but for its start; NULL when memory is out (logged). */
backend_turn_t *turn_make(size_t size, const turn_reader_t *reader,
                          const turn_transport_t *transport, const backend_owner_t *owner);

/* Frees it, and nothing else: the transport is over, or never began. */
void turn_release(backend_turn_t *turn);

/* Remembers the first failure, "reading <whose>: <format>"; always 0. */
int turn_fail(backend_turn_t *turn, backend_end_e failure, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for an error that AWS names in the answer; `message` may be NULL. */
int turn_fail_with_code(backend_turn_t *turn, const char *code, size_t code_length,
                        const char *message, size_t message_length);

/* Tells the owner a piece of the answer; 0 when it wants no more (failed). */
int turn_tell(backend_turn_t *turn, const char *text, size_t length);

/* Adds to the counts; less than nothing counts as unknown. */
void turn_count(backend_turn_t *turn, int64_t input, int64_t output);

/* Fails unless there was text. */
void turn_check_text(backend_turn_t *turn);

/* Another attempt: all that came of the last one is forgotten. */
void turn_start_over(backend_turn_t *turn);

/* From the transport, which is over: tells the owner and frees the turn, now or when it is resumed.
 * What the reader knows (failure, counts) is added to `outcome`. */
void turn_end(backend_turn_t *turn, const backend_outcome_t *outcome);

/* What backend_t has, the same for all. */
backend_spent_t turn_cancel(backend_turn_t *turn);
void turn_pause(backend_turn_t *turn);
void turn_resume(backend_turn_t *turn);

#endif
