/*
 * Writer of an answer that is an event stream, with the faults that commands
 * put into any such stream: exceptions, wrong checksums, pauses, silence. The
 * services write their own events with it. One thread.
 */
#ifndef EMULATOR_EVENTS_H
#define EMULATOR_EVENTS_H

#include "base/buffer.h"
#include "base/json.h"
#include "emulator/answer.h"
#include "emulator/effects.h"
#include "emulator/script.h"

#include <stddef.h>

#define EVENTS_TYPE "application/vnd.amazon.eventstream"

typedef struct {
    answer_t *answer;
    const script_t *script;
    const effects_exception_t *modelled; /* the exceptions of the stream's union */
    buffer_t payload;                    /* of the event at hand */
    buffer_t frame;
    size_t messages;
    size_t chunks;
    int over; /* nothing follows */
} events_t;

/* Begins a stream; an exception that is to be the first event is written at once. */
void events_begin(events_t *events, answer_t *answer, const script_t *script,
                  const effects_exception_t *modelled);
void events_end(events_t *events);

/* The service pads its events so that their size says nothing about the text. */
void events_put_padding(const events_t *events, json_writer_t *writer);

/* Writes the payload at hand as an event. */
void events_send(events_t *events, const char *type);

/* To be asked before each chunk of text: what a command puts there is written; 0 when nothing
 * follows. */
int events_next_chunk(events_t *events);

/* Writes the payload at hand as a chunk of text. */
void events_send_chunk(events_t *events, const char *type);

/* What commands put behind the text. */
void events_behind(events_t *events);

#endif
