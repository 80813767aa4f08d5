#include "emulator/expressions.h"

#include "base/text.h"

#include <string.h>

#define WRONG_TYPE "An operand in the update expression has an incorrect data type"
#define MISSING    "The provided expression refers to an attribute that does not exist in the item"

int expressions_is_condition(const expression_t *expression)
{
    return expression->kind >= EXPRESSION_EXISTS;
}

/* ---- operands ---- */

static const attribute_t *size_of(apr_pool_t *pool, const attribute_t *value)
{
    decimal_t number;
    buffer_t text;
    size_t size;

    if (value == NULL || value->kind == ATTRIBUTE_N || value->kind == ATTRIBUTE_BOOL ||
        value->kind == ATTRIBUTE_NULL) {
        return NULL;
    }
    size = value->count;
    if (value->kind == ATTRIBUTE_S) {
        size = text_utf8_length(value->bytes, value->length);
    } else if (value->kind == ATTRIBUTE_B) {
        size = value->length;
    }
    buffer_init(&text, DECIMAL_DIGITS);
    (void)buffer_printf(&text, "%zu", size);
    (void)decimal_parse(&number, buffer_text(&text), text.length);
    buffer_free(&text);
    return attributes_make_number(pool, &number);
}

static const attribute_t *refuse(refusal_t *refusal, const char *message)
{
    if (refusal != NULL) {
        (void)refusal_set(refusal, REFUSAL_VALIDATION, "%s", message);
    }
    return NULL;
}

static const attribute_t *append_lists(apr_pool_t *pool, const attribute_t *one,
                                       const attribute_t *other, refusal_t *refusal)
{
    attribute_t *list;
    size_t i;

    if (one->kind != ATTRIBUTE_L || other->kind != ATTRIBUTE_L) {
        return refuse(refusal, WRONG_TYPE);
    }
    list = attributes_make(pool, ATTRIBUTE_L);
    for (i = 0; i < one->count; i++) {
        attributes_append(pool, list, one->entries[i].value);
    }
    for (i = 0; i < other->count; i++) {
        attributes_append(pool, list, other->entries[i].value);
    }
    return list;
}

attribute_t *expressions_add(apr_pool_t *pool, const attribute_t *one, const attribute_t *other,
                             int minus, refusal_t *refusal)
{
    decimal_t numbers[2];
    decimal_t sum;

    if (one->kind != ATTRIBUTE_N || other->kind != ATTRIBUTE_N) {
        (void)refuse(refusal, WRONG_TYPE);
        return NULL;
    }
    numbers[0] = attributes_number(one);
    numbers[1] = attributes_number(other);
    switch (decimal_add(&sum, &numbers[0], &numbers[1], minus)) {
    case DECIMAL_GOOD: return attributes_make_number(pool, &sum);
    case DECIMAL_OVERFLOW:
        (void)refuse(refusal, "Number overflow. Attempting to store a number with magnitude larger "
                              "than supported range");
        break;
    case DECIMAL_UNDERFLOW:
        (void)refuse(refusal, "Number underflow. Attempting to store a number with magnitude "
                              "smaller than supported range");
        break;
    default:
        (void)refuse(refusal, "Attempting to store more than 38 significant digits in a Number");
        break;
    }
    return NULL;
}

static const attribute_t *combine(apr_pool_t *pool, const expression_t *operand,
                                  const attribute_t *item, refusal_t *refusal)
{
    const attribute_t *one = expressions_value(pool, operand->operands[0], item, refusal);
    const attribute_t *other = expressions_value(pool, operand->operands[1], item, refusal);

    if (one == NULL || other == NULL) {
        return refuse(refusal, MISSING);
    }
    if (operand->kind == EXPRESSION_LIST_APPEND) {
        return append_lists(pool, one, other, refusal);
    }
    return expressions_add(pool, one, other, operand->kind == EXPRESSION_MINUS, refusal);
}

const attribute_t *expressions_value(apr_pool_t *pool, const expression_t *operand,
                                     const attribute_t *item, refusal_t *refusal)
{
    const attribute_t *value;

    switch (operand->kind) {
    case EXPRESSION_PATH:
        value = paths_find(item, operand->path);
        return value != NULL ? value : refuse(refusal, MISSING);
    case EXPRESSION_VALUE: return operand->value;
    case EXPRESSION_SIZE:
        return size_of(pool, expressions_value(pool, operand->operands[0], item, refusal));
    case EXPRESSION_IF_NOT_EXISTS:
        value = paths_find(item, operand->operands[0]->path);
        return value != NULL ? value : expressions_value(pool, operand->operands[1], item, refusal);
    default: return combine(pool, operand, item, refusal);
    }
}

/* ---- conditions ---- */

static int is_ordered(const attribute_t *value)
{
    return value->kind <= ATTRIBUTE_B;
}

static int compares(expression_kind_e kind, const attribute_t *one, const attribute_t *other)
{
    int order;

    if (kind == EXPRESSION_EQUAL || kind == EXPRESSION_UNEQUAL) {
        int equal = one != NULL && other != NULL && attributes_equal(one, other);
        return equal == (kind == EXPRESSION_EQUAL);
    }
    if (one == NULL || other == NULL || one->kind != other->kind || !is_ordered(one)) {
        return 0;
    }
    order = attributes_compare(one, other);
    switch (kind) {
    case EXPRESSION_LESS: return order < 0;
    case EXPRESSION_LESS_EQUAL: return order <= 0;
    case EXPRESSION_GREATER: return order > 0;
    default: return order >= 0;
    }
}

static int begins_with(const attribute_t *value, const attribute_t *prefix)
{
    return value->kind == prefix->kind && value->kind != ATTRIBUTE_N && is_ordered(value) &&
           value->length >= prefix->length &&
           memcmp(value->bytes, prefix->bytes, prefix->length) == 0;
}

static int contains(const attribute_t *value, const attribute_t *part)
{
    if (value->kind == ATTRIBUTE_L || attributes_is_set(value)) {
        return attributes_find(value, part) > 0;
    }
    return value->kind == part->kind && value->kind != ATTRIBUTE_N && is_ordered(value) &&
           memmem(value->bytes, value->length, part->bytes, part->length) != NULL;
}

typedef struct {
    apr_pool_t *pool;
    const attribute_t *item;
} looking_t;

static const attribute_t *operand(const looking_t *looking, const expression_t *condition,
                                  size_t index)
{
    return expressions_value(looking->pool, condition->operands[index], looking->item, NULL);
}

static int is_between(const looking_t *looking, const expression_t *condition)
{
    const attribute_t *value = operand(looking, condition, 0);

    return compares(EXPRESSION_GREATER_EQUAL, value, operand(looking, condition, 1)) &&
           compares(EXPRESSION_LESS_EQUAL, value, operand(looking, condition, 2));
}

static int is_in(const looking_t *looking, const expression_t *condition)
{
    const attribute_t *value = operand(looking, condition, 0);
    size_t i;

    for (i = 1; i < condition->count; i++) {
        if (compares(EXPRESSION_EQUAL, value, operand(looking, condition, i))) {
            return 1;
        }
    }
    return 0;
}

/* A function of two operands. */
static int is_function(const looking_t *looking, const expression_t *condition)
{
    const attribute_t *value = operand(looking, condition, 0);
    const attribute_t *second = operand(looking, condition, 1);

    if (value == NULL || second == NULL) {
        return 0;
    }
    switch (condition->kind) {
    case EXPRESSION_TYPE: return strcmp(attributes_kind_name(value->kind), second->bytes) == 0;
    case EXPRESSION_BEGINS_WITH: return begins_with(value, second);
    default: return contains(value, second);
    }
}

int expressions_holds(apr_pool_t *pool, const expression_t *condition, const attribute_t *item)
{
    const looking_t looking = {pool, item};

    if (condition == NULL) {
        return 1;
    }
    switch (condition->kind) {
    case EXPRESSION_AND:
        return expressions_holds(pool, condition->operands[0], item) &&
               expressions_holds(pool, condition->operands[1], item);
    case EXPRESSION_OR:
        return expressions_holds(pool, condition->operands[0], item) ||
               expressions_holds(pool, condition->operands[1], item);
    case EXPRESSION_NOT: return !expressions_holds(pool, condition->operands[0], item);
    case EXPRESSION_EXISTS: return operand(&looking, condition, 0) != NULL;
    case EXPRESSION_NOT_EXISTS: return operand(&looking, condition, 0) == NULL;
    case EXPRESSION_BETWEEN: return is_between(&looking, condition);
    case EXPRESSION_IN: return is_in(&looking, condition);
    case EXPRESSION_TYPE:
    case EXPRESSION_BEGINS_WITH:
    case EXPRESSION_CONTAINS: return is_function(&looking, condition);
    default:
        return compares(condition->kind, operand(&looking, condition, 0),
                        operand(&looking, condition, 1));
    }
}
