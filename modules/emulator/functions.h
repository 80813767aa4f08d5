/*
 * The functions of DynamoDB's expressions: what they take, where they may
 * stand. In the call's pool. One thread.
 */
#ifndef EMULATOR_FUNCTIONS_H
#define EMULATOR_FUNCTIONS_H

#include "emulator/grammar.h"

/* Reads a call of a function whose name is next; NULL on a mistake. */
expression_t *functions_read(grammar_t *grammar);

/* Complains when a comparison, BETWEEN or IN is not of operands that it takes. */
void functions_check_comparison(grammar_t *grammar, const expression_t *expression);

#endif
