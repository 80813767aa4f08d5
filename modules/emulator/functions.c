#include "emulator/functions.h"

#include <apr_strings.h>
#include <string.h>

#define OPERANDS_MAX 4

/* In which expressions a function may stand. */
enum { IN_CONDITION = 1, IN_UPDATE = 2 };

typedef struct {
    const char *name;
    expression_kind_e kind;
    size_t operands;
    int where;
    int takes_path; /* the first operand is a path */
} function_t;

static const function_t functions[] = {
    {"attribute_exists", EXPRESSION_EXISTS, 1, IN_CONDITION, 1},
    {"attribute_not_exists", EXPRESSION_NOT_EXISTS, 1, IN_CONDITION, 1},
    {"attribute_type", EXPRESSION_TYPE, 2, IN_CONDITION, 0},
    {"begins_with", EXPRESSION_BEGINS_WITH, 2, IN_CONDITION, 0},
    {"contains", EXPRESSION_CONTAINS, 2, IN_CONDITION, 0},
    {"size", EXPRESSION_SIZE, 1, IN_CONDITION, 0},
    {"if_not_exists", EXPRESSION_IF_NOT_EXISTS, 2, IN_UPDATE, 1},
    {"list_append", EXPRESSION_LIST_APPEND, 2, IN_UPDATE, 0}};

static const function_t *find(const char *name)
{
    size_t i;

    for (i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        if (strcmp(functions[i].name, name) == 0) {
            return &functions[i];
        }
    }
    return NULL;
}

static void complain_type(grammar_t *grammar, const char *word, const attribute_t *value)
{
    grammar_complain(grammar,
                     "Incorrect operand type for operator or function; operator or function: %s, "
                     "operand type: %s",
                     word, attributes_kind_name(value->kind));
}

static int same_operand(const expression_t *one, const expression_t *other)
{
    if (one->kind != other->kind) {
        return 0;
    }
    return one->kind == EXPRESSION_PATH
               ? one->path->count == other->path->count && paths_overlap(one->path, other->path)
               : 0;
}

static void check_distinct(grammar_t *grammar, const expression_t *expression)
{
    if (same_operand(expression->operands[0], expression->operands[1])) {
        grammar_complain(grammar,
                         "The first operand must be distinct from the remaining operands for this "
                         "operator or function; operator: %s, first operand: %s",
                         expression->word,
                         paths_text(grammar->pool, expression->operands[0]->path));
    }
}

static void check_type_name(grammar_t *grammar, const expression_t *call)
{
    const attribute_t *type = call->operands[1]->value;

    if (type == NULL || type->kind != ATTRIBUTE_S) {
        if (type != NULL) {
            complain_type(grammar, call->word, type);
        } else {
            grammar_complain(
                grammar, "Incorrect operand type for operator or function; operator or "
                         "function: attribute_type, operand type: {NS,SS,L,BS,N,M,B,NULL,BOOL}");
        }
    } else if (attributes_kind_of(type->bytes, type->length) == ATTRIBUTE_KINDS) {
        grammar_complain(grammar,
                         "Invalid attribute type name found; type: %.100s, valid types: "
                         "{B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
                         type->bytes);
    }
}

static void check_values(grammar_t *grammar, const expression_t *call)
{
    size_t i;

    for (i = 0; i < call->count; i++) {
        const attribute_t *value = call->operands[i]->value;
        if (value == NULL) {
            continue;
        }
        if ((call->kind == EXPRESSION_BEGINS_WITH && value->kind != ATTRIBUTE_S &&
             value->kind != ATTRIBUTE_B) ||
            (call->kind == EXPRESSION_LIST_APPEND && value->kind != ATTRIBUTE_L) ||
            (call->kind == EXPRESSION_SIZE &&
             (value->kind == ATTRIBUTE_N || value->kind == ATTRIBUTE_BOOL ||
              value->kind == ATTRIBUTE_NULL))) {
            complain_type(grammar, call->word, value);
        }
    }
}

static void check_call(grammar_t *grammar, const function_t *function, const expression_t *call)
{
    if (call->count != function->operands) {
        grammar_complain(grammar,
                         "Incorrect number of operands for operator or function; operator or "
                         "function: %s, number of operands: %d",
                         function->name, (int)call->count);
        return;
    }
    if (function->takes_path && call->operands[0]->kind != EXPRESSION_PATH) {
        grammar_complain(grammar,
                         "Operator or function requires a document path; operator or function: %s",
                         function->name);
        return;
    }
    if (call->kind == EXPRESSION_TYPE) {
        check_type_name(grammar, call);
    }
    check_values(grammar, call);
    if (call->kind == EXPRESSION_BEGINS_WITH || call->kind == EXPRESSION_CONTAINS) {
        check_distinct(grammar, call);
    }
}

/* The operands, between their parentheses. */
static int read_operands(grammar_t *grammar, expression_t *call)
{
    expression_t *operand;

    do {
        operand = grammar_operand(grammar);
        if (operand == NULL) {
            return 0;
        }
        if (call->count < OPERANDS_MAX) {
            call->operands[call->count++] = operand;
        }
    } while (grammar_accept(grammar, ","));
    return grammar_expect(grammar, ")");
}

expression_t *functions_read(grammar_t *grammar)
{
    static const function_t unknown = {"", EXPRESSION_EXISTS, 0, 0, 0};
    const char *name = grammar->tokens[grammar->at++].text;
    const function_t *function = find(name);
    expression_t *call =
        grammar_make(grammar, function != NULL ? function->kind : unknown.kind, name, OPERANDS_MAX);

    if (!grammar_expect(grammar, "(") || !read_operands(grammar, call)) {
        return NULL;
    }
    if (function == NULL) {
        grammar_complain(grammar, "Invalid function name; function: %.100s", name);
    } else if (!(function->where & (grammar->is_update ? IN_UPDATE : IN_CONDITION))) {
        grammar_complain(grammar, "The function is not allowed in %s expression; function: %s",
                         grammar->is_update ? "an update" : "a condition", name);
    } else {
        check_call(grammar, function, call);
    }
    return call;
}

/* ---- comparisons ---- */

static const char *bound_text(const grammar_t *grammar, const attribute_t *value)
{
    return apr_psprintf(grammar->pool, "AttributeValue: {%s:%.100s}",
                        attributes_kind_name(value->kind), value->bytes);
}

static void check_bounds(grammar_t *grammar, const expression_t *expression)
{
    const attribute_t *lower = expression->operands[1]->value;
    const attribute_t *upper = expression->operands[2]->value;

    if (lower == NULL || upper == NULL || lower->bytes == NULL || upper->bytes == NULL) {
        return;
    }
    if (lower->kind != upper->kind) {
        grammar_complain(grammar,
                         "The BETWEEN operator requires same data type for lower and upper bounds; "
                         "lower bound operand: %s, upper bound operand: %s",
                         bound_text(grammar, lower), bound_text(grammar, upper));
    } else if (attributes_compare(lower, upper) > 0) {
        grammar_complain(grammar,
                         "The BETWEEN operator requires upper bound to be greater than or equal to "
                         "lower bound; lower bound operand: %s, upper bound operand: %s",
                         bound_text(grammar, lower), bound_text(grammar, upper));
    }
}

void functions_check_comparison(grammar_t *grammar, const expression_t *expression)
{
    size_t i;

    for (i = 0; i < expression->count; i++) {
        const attribute_t *value = expression->operands[i]->value;
        if (value != NULL && value->kind > ATTRIBUTE_B && expression->kind != EXPRESSION_EQUAL &&
            expression->kind != EXPRESSION_UNEQUAL && expression->kind != EXPRESSION_IN) {
            complain_type(grammar, expression->word, value);
        }
    }
    if (expression->kind == EXPRESSION_BETWEEN) {
        check_bounds(grammar, expression);
    } else if (expression->kind != EXPRESSION_IN) {
        check_distinct(grammar, expression);
    }
}
