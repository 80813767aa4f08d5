/*
 * The answers of Converse, one JSON document, and of ConverseStream, an event
 * stream. No state: one thread.
 */
#ifndef EMULATOR_CONVERSE_ANSWER_H
#define EMULATOR_CONVERSE_ANSWER_H

#include "emulator/answer.h"
#include "emulator/effects.h"
#include "emulator/script.h"

#include <stddef.h>

typedef struct {
    const script_t *script;
    const char *text;
    size_t length;
    const char *stop_reason;
    const char *guardrail; /* whose trace is asked for, or NULL */
    size_t input_tokens;
    const effects_exception_t *modelled; /* the exceptions of the stream's union */
} converse_answer_t;

/* Writes the answer into `out`. */
void converse_answer_whole(const converse_answer_t *answer, answer_t *out);
void converse_answer_stream(const converse_answer_t *answer, answer_t *out);

#endif
