/*
 * The answers of Converse, one JSON text, and of ConverseStream, an event
 * stream. I/O thread only.
 */
#ifndef BACKEND_CONVERSE_ANSWER_H
#define BACKEND_CONVERSE_ANSWER_H

#include "backend/events.h"
#include "backend/turn_call.h"

typedef struct {
    turn_call_t base; /* first */
    buffer_t answer;  /* of Converse */
    events_t events;  /* of ConverseStream */
    int has_stopped;  /* the model said that it is at its end */
} converse_turn_t;

extern const turn_reader_t converse_answer_whole;
extern const turn_reader_t converse_answer_stream;

#endif
