/*
 * Why a call is refused: the name of the service's error, and its message. The
 * first reason that is set stays. No state: one thread.
 */
#ifndef EMULATOR_REFUSAL_H
#define EMULATOR_REFUSAL_H

#define REFUSAL_VALIDATION "ValidationException"

typedef struct {
    const char *type; /* a constant text; NULL: it is not refused */
    char message[2048];
} refusal_t;

/* Sets the reason unless there is one. Always 0, for `return refusal_set(...)`. */
int refusal_set(refusal_t *refusal, const char *type, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
