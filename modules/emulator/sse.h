/*
 * Writer of an answer that is a stream of server-sent events (WHATWG HTML,
 * "Server-sent events"), with the faults that commands put into it. The
 * services write their own data lines with it. One thread.
 */
#ifndef EMULATOR_SSE_H
#define EMULATOR_SSE_H

#include "base/buffer.h"
#include "emulator/answer.h"
#include "emulator/script.h"

#include <stddef.h>

#define SSE_TYPE "text/event-stream"

/* Writes an error as the service puts it into its stream. */
typedef void (*sse_error_fn)(buffer_t *out, const char *name, const char *message);

typedef struct {
    answer_t *answer;
    const script_t *script;
    sse_error_fn error;
    buffer_t data; /* of the event at hand: one line */
    size_t events;
    size_t chunks;
    int over; /* nothing follows */
} sse_t;

/* Begins a stream; an error that is to be the first event is written at once. */
void sse_begin(sse_t *sse, answer_t *answer, const script_t *script, sse_error_fn error);
void sse_end(sse_t *sse);

/* Writes the data at hand as an event. */
void sse_send(sse_t *sse);

/* To be asked before each chunk of text: what a command puts there is written; 0 when nothing
 * follows. */
int sse_next_chunk(sse_t *sse);

/* Writes the data at hand as a chunk of text. */
void sse_send_chunk(sse_t *sse);

/* What commands put behind the text. */
void sse_behind(sse_t *sse);

#endif
