/*
 * Reader of DynamoDB's expressions: from text to trees, with the service's
 * refusals. All of it is in the call's pool. One thread.
 */
#ifndef EMULATOR_GRAMMAR_H
#define EMULATOR_GRAMMAR_H

#include "emulator/expressions.h"
#include "emulator/substitutions.h"
#include "emulator/tokens.h"

typedef struct {
    apr_pool_t *pool;
    const char *label; /* "ConditionExpression" */
    substitutions_t *substitutions;
    const token_t *tokens;
    size_t at;
    int depth;
    refusal_t refusal; /* the first mistake in grammar */
    refusal_t meaning; /* the first one in meaning: it comes second */
    int is_update;
} grammar_t;

/* 0 and the refusal (which grammar_close() hands on) when the text cannot be an expression. */
int grammar_open(grammar_t *grammar, substitutions_t *substitutions, const char *label,
                 const char *text, size_t length);

/* Whether all was read and right; else 0, and the refusal of the substitutions is set. */
int grammar_close(grammar_t *grammar);

/* Takes a sign, or a keyword (in any case), when it is next. */
int grammar_accept(grammar_t *grammar, const char *text);

/* The same, or a mistake in grammar. */
int grammar_expect(grammar_t *grammar, const char *text);

/* Whether a keyword or sign is next. */
int grammar_sees(const grammar_t *grammar, const char *text);

/* Notes that the next token is wrong. Always NULL. */
void *grammar_fail(grammar_t *grammar);

/* Notes a mistake in meaning: "Invalid <label>: ...". */
void grammar_complain(grammar_t *grammar, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* NULL when there is none. */
path_t *grammar_path(grammar_t *grammar);
expression_t *grammar_operand(grammar_t *grammar);

/* The same, or a function that is a condition. */
expression_t *grammar_term(grammar_t *grammar);

/* A ":value" that must be there. */
const attribute_t *grammar_value(grammar_t *grammar);

/* Complains when two of the paths cannot be together. */
void grammar_check_paths(grammar_t *grammar, const path_t *const *paths, size_t count);

/* A new tree. */
expression_t *grammar_make(const grammar_t *grammar, expression_kind_e kind, const char *word,
                           size_t room);

#endif
