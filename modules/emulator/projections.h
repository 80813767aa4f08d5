/*
 * Reader of ProjectionExpression: the paths that an answer is to have. In the
 * call's pool. One thread.
 */
#ifndef EMULATOR_PROJECTIONS_H
#define EMULATOR_PROJECTIONS_H

#include "emulator/paths.h"
#include "emulator/substitutions.h"

typedef struct {
    const path_t **paths;
    size_t count; /* 0: there is no projection */
} projection_t;

/* 0 and the refusal of the substitutions when it is wrong. */
int projections_read(substitutions_t *substitutions, const char *text, size_t length,
                     projection_t *projection);

#endif
