/*
 * The event stream of an InvokeAgent answer: chunks of text, traces, and
 * whatever the commands put between them. No state: one thread.
 */
#ifndef EMULATOR_AGENT_STREAM_H
#define EMULATOR_AGENT_STREAM_H

#include "emulator/answer.h"
#include "emulator/effects.h"
#include "emulator/script.h"

#include <stddef.h>

typedef struct {
    const char *agent;
    const char *alias;
    const char *session;
    const char *input;
    size_t input_length;
    const char *output;
    size_t output_length;
    int streamed; /* word by word */
    int traced;
    const script_t *script;
    const effects_exception_t *modelled;
} agent_stream_t;

/* Writes all events into the answer. */
void agent_stream_write(const agent_stream_t *plan, answer_t *answer);

#endif
