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

/* The answer that is given in place of the service's own, or NULL when none is commanded. */
answer_t *effects_replace(const script_t *script, const effects_exception_t *modelled);

/* Does to a finished answer what is commanded. */
void effects_apply(const script_t *script, answer_t *answer);

#endif
