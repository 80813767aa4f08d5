/*
 * The text of an answer on its way to a visitor who reads it as it is made.
 *
 *     I/O thread                       worker
 *     outbox_put()  -> pending
 *     outbox_hand_over()     -->       sending
 *
 * There is no lock: the worker has `sending` from one hand-over until it is
 * back, and there is no other hand-over before. What has come meanwhile goes
 * out in one piece. Only whole characters are handed over.
 */
#ifndef CHAT_OUTBOX_H
#define CHAT_OUTBOX_H

#include "base/buffer.h"

/* Beyond this unread text the answer's own upstream is not read on. */
#define OUTBOX_FULL ((size_t)64 * 1024)

typedef struct {
    buffer_t pending; /* I/O thread */
    size_t whole;     /* bytes of it that are whole characters, checked */
    int beat_pending; /* a sign of life is wanted */
    buffer_t sending; /* of whom has it */
    int beat_sending;
} outbox_t;

void outbox_init(outbox_t *outbox);
void outbox_free(outbox_t *outbox);

/* Adds text; a character may be cut between two calls. 0 when it is not UTF-8 or memory is out. I/O
 * thread. */
int outbox_put(outbox_t *outbox, const char *text, size_t length);

/* Whether it holds so much that no more should come. I/O thread. */
int outbox_is_full(const outbox_t *outbox);

/* Whether a part of a character is left, whose rest never came. I/O thread. */
int outbox_has_rest(const outbox_t *outbox);

/* Replaces what was sent by what is pending. I/O thread. */
void outbox_hand_over(outbox_t *outbox);

#endif
