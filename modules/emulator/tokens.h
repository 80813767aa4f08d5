/*
 * An expression of DynamoDB in tokens: words, placeholders, numbers, signs.
 * They live in the call's pool. One thread.
 */
#ifndef EMULATOR_TOKENS_H
#define EMULATOR_TOKENS_H

#include <apr_pools.h>
#include <stddef.h>

typedef enum {
    TOKEN_WORD,  /* a name, a keyword, a function */
    TOKEN_NAME,  /* #name */
    TOKEN_VALUE, /* :value */
    TOKEN_NUMBER,
    TOKEN_SIGN, /* one of . , ( ) [ ] + - = <> < <= > >= */
    TOKEN_BAD,  /* a character that no expression has */
    TOKEN_END
} token_kind_e;

typedef struct {
    token_kind_e kind;
    const char *text;
    size_t start; /* where it stands in the expression */
    size_t end;
} token_t;

/* The tokens of a text; the last one is TOKEN_END or TOKEN_BAD. */
token_t *tokens_read(apr_pool_t *pool, const char *text);

#endif
