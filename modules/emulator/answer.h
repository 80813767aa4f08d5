/*
 * One answer, written down in full before its first byte leaves: its bytes,
 * and the pauses, silences and violent ends between them.
 *
 * A service fills it piece by piece (one piece becomes one chunk on the wire);
 * answer_cut() may then spoil it; answer_render() turns it into wire bytes and
 * the steps by which connection.c plays them. One thread.
 */
#ifndef EMULATOR_ANSWER_H
#define EMULATOR_ANSWER_H

#include "base/buffer.h"

#include <apr_time.h>
#include <stddef.h>
#include <stdint.h>

#define ANSWER_BODY_MAX (64 * 1024 * 1024)

typedef enum {
    ANSWER_SEND,  /* `amount` bytes */
    ANSWER_WAIT,  /* `amount` milliseconds */
    ANSWER_HANG,  /* nothing more, and the connection stays open */
    ANSWER_CLOSE, /* the connection ends here (FIN), whatever was promised */
    ANSWER_RESET  /* the connection is torn down (RST) */
} answer_step_e;

typedef struct {
    answer_step_e kind;
    size_t amount;
} answer_step_t;

typedef struct {
    int status;
    const char *content_type; /* constant; NULL: no body is announced */
    buffer_t headers;         /* further lines, each with its CR LF */
    buffer_t body;
    int streamed;            /* chunked, instead of Content-Length */
    int close_framed;        /* neither: the end of the connection ends the body */
    int mute;                /* not even the head is sent: the steps are all there is */
    int drop;                /* after the whole answer the connection is closed unannounced */
    size_t split;            /* wire bytes a write, one write a millisecond; 0: as they come */
    size_t delay_ms;         /* before the first byte */
    apr_time_t clock_offset; /* of its Date, from the true time */
    int dateless;            /* it has none */
    uint64_t ticket;         /* the journal's entry, 0 for none */
    answer_step_t *steps;
    size_t step_count;
    size_t step_room;
    int failed; /* memory was out: the answer must not be sent */

    /* After answer_render(). */
    buffer_t wire;
    int keep_alive;
} answer_t;

/* An empty answer; NULL when memory is out. It ends with answer_destroy(). */
answer_t *answer_create(int status, const char *content_type);
void answer_destroy(answer_t *answer);

/* Adds a header line; `value` must be free of controls. */
void answer_header(answer_t *answer, const char *name, const char *value);

/* Takes the header out again, if it is there. */
void answer_drop_header(answer_t *answer, const char *name);

/* Adds a piece of the body. */
void answer_send(answer_t *answer, const void *bytes, size_t length);

/* Adds a step that is no piece of the body. */
void answer_step(answer_t *answer, answer_step_e kind, size_t amount);

/* Ends the body behind its first `length` bytes: properly framed there when `kind` is ANSWER_SEND,
 * else with that step. A shorter body stays whole, and the step follows it. */
void answer_cut(answer_t *answer, size_t length, answer_step_e kind);

/* Makes the wire bytes for this request; steps then count wire bytes, head included. The body's
 * memory is given back. 0 when memory is out. */
int answer_render(answer_t *answer, int is_head, int minor_version, int keep_alive);

#endif
