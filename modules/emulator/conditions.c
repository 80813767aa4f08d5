#include "emulator/conditions.h"

#include "emulator/functions.h"
#include "emulator/grammar.h"

#define DEPTH_MAX    100
#define IN_MAX       100
#define OPERANDS_MAX (IN_MAX + 1)

static expression_t *read_or(grammar_t *grammar);

static const struct {
    const char *sign;
    expression_kind_e kind;
} comparators[] = {
    {"=", EXPRESSION_EQUAL},       {"<>", EXPRESSION_UNEQUAL}, {"<", EXPRESSION_LESS},
    {"<=", EXPRESSION_LESS_EQUAL}, {">", EXPRESSION_GREATER},  {">=", EXPRESSION_GREATER_EQUAL},
};

static expression_t *read_comparison(grammar_t *grammar, expression_t *first)
{
    expression_t *comparison = NULL;
    size_t i;

    for (i = 0; i < sizeof(comparators) / sizeof(comparators[0]) && comparison == NULL; i++) {
        if (grammar_accept(grammar, comparators[i].sign)) {
            comparison = grammar_make(grammar, comparators[i].kind, comparators[i].sign, 2);
        }
    }
    if (comparison == NULL) {
        return grammar_fail(grammar);
    }
    comparison->operands[0] = first;
    comparison->operands[1] = grammar_operand(grammar);
    comparison->count = 2;
    return comparison->operands[1] != NULL ? comparison : NULL;
}

static expression_t *read_between(grammar_t *grammar, expression_t *first)
{
    expression_t *between = grammar_make(grammar, EXPRESSION_BETWEEN, "BETWEEN", 3);

    between->count = 3;
    between->operands[0] = first;
    between->operands[1] = grammar_operand(grammar);
    if (between->operands[1] == NULL || !grammar_expect(grammar, "AND")) {
        return NULL;
    }
    between->operands[2] = grammar_operand(grammar);
    return between->operands[2] != NULL ? between : NULL;
}

static expression_t *read_in(grammar_t *grammar, expression_t *first)
{
    expression_t *in = grammar_make(grammar, EXPRESSION_IN, "IN", OPERANDS_MAX);

    in->operands[in->count++] = first;
    if (!grammar_expect(grammar, "(")) {
        return NULL;
    }
    do {
        expression_t *one = grammar_operand(grammar);
        if (one == NULL) {
            return NULL;
        }
        if (in->count < OPERANDS_MAX) {
            in->operands[in->count++] = one;
        } else {
            grammar_complain(grammar, "Incorrect number of operands for operator or function; "
                                      "operator or function: IN, number of operands: over 100");
        }
    } while (grammar_accept(grammar, ","));
    return grammar_expect(grammar, ")") ? in : NULL;
}

/* What may stand behind an operand. */
static expression_t *read_behind(grammar_t *grammar, expression_t *first)
{
    expression_t *expression;

    if (grammar_accept(grammar, "BETWEEN")) {
        expression = read_between(grammar, first);
    } else if (grammar_accept(grammar, "IN")) {
        expression = read_in(grammar, first);
    } else {
        expression = read_comparison(grammar, first);
    }
    if (expression != NULL) {
        functions_check_comparison(grammar, expression);
    }
    return expression;
}

static expression_t *read_parentheses(grammar_t *grammar)
{
    expression_t *inner;

    if (++grammar->depth > DEPTH_MAX) {
        return grammar_fail(grammar);
    }
    inner = read_or(grammar);
    grammar->depth--;
    if (inner == NULL || !grammar_expect(grammar, ")")) {
        return NULL;
    }
    if (inner->in_parentheses) {
        grammar_complain(grammar, "The expression has redundant parentheses;");
    }
    inner->in_parentheses = 1;
    return inner;
}

static expression_t *read_not(grammar_t *grammar)
{
    expression_t *expression;

    if (grammar_accept(grammar, "NOT")) {
        expression = grammar_make(grammar, EXPRESSION_NOT, "NOT", 1);
        expression->count = 1;
        expression->operands[0] = ++grammar->depth > DEPTH_MAX ? NULL : read_not(grammar);
        grammar->depth--;
        return expression->operands[0] != NULL ? expression : grammar_fail(grammar);
    }
    if (grammar_accept(grammar, "(")) {
        return read_parentheses(grammar);
    }
    expression = grammar_term(grammar);
    if (expression == NULL || expressions_is_condition(expression)) {
        return expression;
    }
    return read_behind(grammar, expression);
}

static expression_t *join(const grammar_t *grammar, expression_kind_e kind, const char *word,
                          expression_t *one, expression_t *other)
{
    expression_t *joined = grammar_make(grammar, kind, word, 2);

    joined->operands[0] = one;
    joined->operands[1] = other;
    joined->count = 2;
    return other != NULL ? joined : NULL;
}

static expression_t *read_and(grammar_t *grammar)
{
    expression_t *expression = read_not(grammar);

    while (expression != NULL && grammar_accept(grammar, "AND")) {
        expression = join(grammar, EXPRESSION_AND, "AND", expression, read_not(grammar));
    }
    return expression;
}

static expression_t *read_or(grammar_t *grammar)
{
    expression_t *expression = read_and(grammar);

    while (expression != NULL && grammar_accept(grammar, "OR")) {
        expression = join(grammar, EXPRESSION_OR, "OR", expression, read_and(grammar));
    }
    return expression;
}

int conditions_read(substitutions_t *substitutions, const char *label, const char *text,
                    size_t length, expression_t **condition)
{
    grammar_t grammar;

    if (grammar_open(&grammar, substitutions, label, text, length)) {
        *condition = read_or(&grammar);
    }
    return grammar_close(&grammar);
}
