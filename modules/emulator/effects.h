/*
 * What commands do to any answer, whatever the service: they replace it, delay
 * it, spoil its framing or tear its connection down. No state: one thread.
 */
#ifndef EMULATOR_EFFECTS_H
#define EMULATOR_EFFECTS_H

#include "emulator/answer.h"
#include "emulator/script.h"

/* An error that a service models, by its name as a shape. */
typedef struct {
    const char *name;
    int status;
} effects_exception_t;

/* The modelled exception of that name, in any case, with or without "Exception"; else NULL. The
 * table ends with a NULL name. */
const effects_exception_t *effects_find(const effects_exception_t *modelled, const char *name);

/* Writes an error as the service's protocol has it; NULL when memory is out. */
typedef answer_t *(*effects_error_fn)(int status, const char *type, const char *message);

/* The answer that is given in place of the service's own, or NULL when none is commanded. */
answer_t *effects_replace(const script_t *script, const effects_exception_t *modelled,
                          effects_error_fn error);

/* No answer at all: the one step ANSWER_HANG, ANSWER_CLOSE or ANSWER_RESET. NULL when memory is
 * out.
 */
answer_t *effects_silent(answer_step_e kind);

/* Does to a finished answer what is commanded. */
void effects_apply(const script_t *script, answer_t *answer);

#endif
