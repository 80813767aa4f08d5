/*
 * The stand-in's own paths, /_emulator/...: what happened, what is remembered,
 * what is to go wrong. Unsigned: it listens on the loopback address only. One
 * thread.
 */
#ifndef EMULATOR_CONTROL_H
#define EMULATOR_CONTROL_H

#include "emulator/emulator.h"

int control_is_for(const http_request_t *request);

/* The answer; NULL when memory is out. */
answer_t *control_answer(emulator_t *emulator, const http_request_t *request);

#endif
