/*
 * Expressions of DynamoDB as trees: what grammar.c reads, and what they are for
 * an item. They live in the call's pool. One thread.
 * Source: Developer Guide, "Comparison operator and function reference" and
 * "Update expressions".
 */
#ifndef EMULATOR_EXPRESSIONS_H
#define EMULATOR_EXPRESSIONS_H

#include "emulator/paths.h"
#include "emulator/refusal.h"

typedef enum {
    /* Operands: they have a value, or none. */
    EXPRESSION_PATH,
    EXPRESSION_VALUE,
    EXPRESSION_SIZE,
    EXPRESSION_IF_NOT_EXISTS,
    EXPRESSION_LIST_APPEND,
    EXPRESSION_PLUS,
    EXPRESSION_MINUS,
    /* Conditions: they hold, or not. */
    EXPRESSION_EXISTS,
    EXPRESSION_NOT_EXISTS,
    EXPRESSION_TYPE,
    EXPRESSION_BEGINS_WITH,
    EXPRESSION_CONTAINS,
    EXPRESSION_EQUAL,
    EXPRESSION_UNEQUAL,
    EXPRESSION_LESS,
    EXPRESSION_LESS_EQUAL,
    EXPRESSION_GREATER,
    EXPRESSION_GREATER_EQUAL,
    EXPRESSION_BETWEEN,
    EXPRESSION_IN,
    EXPRESSION_AND,
    EXPRESSION_OR,
    EXPRESSION_NOT
} expression_kind_e;

typedef struct expression_t expression_t;

struct expression_t {
    expression_kind_e kind;
    const char *word; /* the operator or function, for messages */
    const path_t *path;
    const attribute_t *value;
    expression_t **operands;
    size_t count;
    int in_parentheses;
};

int expressions_is_condition(const expression_t *expression);

/* Whether the condition holds; NULL always does. */
int expressions_holds(apr_pool_t *pool, const expression_t *condition, const attribute_t *item);

/* The operand's value, which may be part of the item; NULL when there is none. With a refusal, that
 * is set then. */
const attribute_t *expressions_value(apr_pool_t *pool, const expression_t *operand,
                                     const attribute_t *item, refusal_t *refusal);

/* The number of an operand's sum, or of two values added by ADD; NULL and the refusal when it is no
 * number. */
attribute_t *expressions_add(apr_pool_t *pool, const attribute_t *one, const attribute_t *other,
                             int minus, refusal_t *refusal);

#endif
