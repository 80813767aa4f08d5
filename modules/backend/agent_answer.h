/*
 * The answer of InvokeAgent: an event stream of text chunks and, when asked
 * for, traces that hold the counts of tokens and what guardrails did. I/O
 * thread only.
 */
#ifndef BACKEND_AGENT_ANSWER_H
#define BACKEND_AGENT_ANSWER_H

#include "backend/events.h"
#include "backend/turn_call.h"

typedef struct {
    turn_call_t base; /* first */
    events_t events;
    int returned_control; /* the agent asked for a function's result instead of answering */
} agent_turn_t;

extern const turn_reader_t agent_answer_reader;

#endif
