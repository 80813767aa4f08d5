#include "emulator/updates.h"

#include "emulator/grammar.h"

#include <string.h>

#define LABEL "UpdateExpression"

static const char *const section_names[UPDATE_SECTIONS] = {"SET", "REMOVE", "ADD", "DELETE"};

/* ---- reading ---- */

static int add_action(updates_t *updates, update_e section, const path_t *path)
{
    update_action_t *action = &updates->actions[updates->count];

    if (path == NULL) {
        return 0;
    }
    memset(action, 0, sizeof(*action));
    action->section = section;
    action->path = path;
    updates->paths[updates->count++] = path;
    return 1;
}

/* operand, operand + operand, operand - operand; in parentheses, too. */
static expression_t *read_sum(grammar_t *grammar)
{
    int parentheses = grammar_accept(grammar, "(");
    expression_t *sum = NULL;
    expression_t *first = parentheses ? read_sum(grammar) : grammar_operand(grammar);
    int minus;

    if (first == NULL || (parentheses && !grammar_expect(grammar, ")"))) {
        return NULL;
    }
    minus = grammar_accept(grammar, "-");
    if (!minus && !grammar_accept(grammar, "+")) {
        return first;
    }
    sum = grammar_make(grammar, minus ? EXPRESSION_MINUS : EXPRESSION_PLUS, minus ? "-" : "+", 2);
    sum->count = 2;
    sum->operands[0] = first;
    sum->operands[1] = grammar_operand(grammar);
    return sum->operands[1] != NULL ? sum : NULL;
}

static void check_sum(grammar_t *grammar, const expression_t *sum)
{
    size_t i;

    for (i = 0; i < sum->count; i++) {
        const attribute_t *value = sum->operands[i]->value;
        if ((sum->kind == EXPRESSION_PLUS || sum->kind == EXPRESSION_MINUS) && value != NULL &&
            value->kind != ATTRIBUTE_N) {
            grammar_complain(grammar,
                             "Incorrect operand type for operator or function; operator or "
                             "function: %s, operand type: %s",
                             sum->word, attributes_kind_name(value->kind));
        }
    }
}

static int read_set(grammar_t *grammar, updates_t *updates)
{
    const expression_t *operand;

    if (!add_action(updates, UPDATE_SET, grammar_path(grammar)) || !grammar_expect(grammar, "=")) {
        return 0;
    }
    operand = read_sum(grammar);
    if (operand == NULL) {
        return 0;
    }
    check_sum(grammar, operand);
    updates->actions[updates->count - 1].operand = operand;
    return 1;
}

static int read_amount(grammar_t *grammar, updates_t *updates, update_e section)
{
    static const char *const type_names[ATTRIBUTE_KINDS] = {"STRING", "NUMBER", "BINARY", "BOOLEAN",
                                                            "NULL",   "LIST",   "MAP"};
    const attribute_t *value;

    if (!add_action(updates, section, grammar_path(grammar))) {
        return 0;
    }
    value = grammar_value(grammar);
    if (value == NULL) {
        return 0;
    }
    updates->actions[updates->count - 1].value = value;
    if (!attributes_is_set(value) && (section == UPDATE_DELETE || value->kind != ATTRIBUTE_N)) {
        grammar_complain(grammar,
                         "Incorrect operand type for operator or function; operator: %s, operand "
                         "type: %s, typeSet: ALLOWED_FOR_%s_OPERAND",
                         section_names[section], type_names[value->kind], section_names[section]);
    }
    return 1;
}

static int read_action(grammar_t *grammar, updates_t *updates, update_e section)
{
    switch (section) {
    case UPDATE_SET: return read_set(grammar, updates);
    case UPDATE_REMOVE: return add_action(updates, section, grammar_path(grammar));
    default: return read_amount(grammar, updates, section);
    }
}

/* The section whose keyword is next; UPDATE_SECTIONS when there is none. */
static update_e take_section(grammar_t *grammar)
{
    unsigned i = UPDATE_SET;

    while (i < UPDATE_SECTIONS && !grammar_accept(grammar, section_names[i])) {
        i++;
    }
    return (update_e)i;
}

static void read_sections(grammar_t *grammar, updates_t *updates)
{
    int seen[UPDATE_SECTIONS] = {0};
    update_e section;

    do {
        section = take_section(grammar);
        if (section == UPDATE_SECTIONS) {
            (void)grammar_fail(grammar);
            return;
        }
        if (seen[section]++) {
            grammar_complain(grammar,
                             "The \"%s\" section can only be used once in an update expression;",
                             section_names[section]);
        }
        do {
            if (!read_action(grammar, updates, section)) {
                return;
            }
        } while (grammar_accept(grammar, ","));
    } while (grammar->tokens[grammar->at].kind != TOKEN_END);
}

int updates_read(substitutions_t *substitutions, const char *text, size_t length,
                 updates_t *updates)
{
    grammar_t grammar;

    if (grammar_open(&grammar, substitutions, LABEL, text, length)) {
        grammar.is_update = 1;
        /* An action has a character at least. */
        updates->actions = apr_palloc(grammar.pool, length * sizeof(update_action_t));
        updates->paths = apr_palloc(grammar.pool, length * sizeof(path_t *));
        read_sections(&grammar, updates);
        grammar_check_paths(&grammar, updates->paths, updates->count);
    }
    return grammar_close(&grammar);
}

/* ---- carrying out ---- */

static int put(apr_pool_t *pool, attribute_t *item, const path_t *path, const attribute_t *value,
               refusal_t *refusal)
{
    return paths_set(pool, item, path, attributes_copy(pool, value)) ||
           refusal_set(refusal, REFUSAL_VALIDATION,
                       "The document path provided in the update expression is invalid for update");
}

static int refuse_type(refusal_t *refusal)
{
    return refusal_set(refusal, REFUSAL_VALIDATION,
                       "An operand in the update expression has an incorrect data type");
}

static attribute_t *unite(apr_pool_t *pool, const attribute_t *one, const attribute_t *other)
{
    attribute_t *set = attributes_copy(pool, one);
    size_t i;

    for (i = 0; i < other->count; i++) {
        if (attributes_find(set, other->entries[i].value) == 0) {
            attributes_append(pool, set, other->entries[i].value);
        }
    }
    return set;
}

static attribute_t *subtract(apr_pool_t *pool, const attribute_t *one, const attribute_t *other)
{
    attribute_t *set = attributes_make(pool, one->kind);
    size_t i;

    for (i = 0; i < one->count; i++) {
        if (attributes_find(other, one->entries[i].value) == 0) {
            attributes_append(pool, set, one->entries[i].value);
        }
    }
    return set;
}

static int apply_add(apr_pool_t *pool, const update_action_t *action, const attribute_t *before,
                     attribute_t *item, refusal_t *refusal)
{
    const attribute_t *old = paths_find(before, action->path);
    const attribute_t *sum = action->value;

    if (old != NULL && old->kind != action->value->kind) {
        return refuse_type(refusal);
    }
    if (old != NULL && old->kind == ATTRIBUTE_N) {
        sum = expressions_add(pool, old, action->value, 0, refusal);
    } else if (old != NULL) {
        sum = unite(pool, old, action->value);
    }
    return sum != NULL && put(pool, item, action->path, sum, refusal);
}

static int apply_delete(apr_pool_t *pool, const update_action_t *action, const attribute_t *before,
                        attribute_t *item, refusal_t *refusal)
{
    const attribute_t *old = paths_find(before, action->path);
    const attribute_t *rest;

    if (old == NULL) {
        return 1;
    }
    if (old->kind != action->value->kind) {
        return refuse_type(refusal);
    }
    rest = subtract(pool, old, action->value);
    return rest->count > 0 ? put(pool, item, action->path, rest, refusal)
                           : paths_remove(item, action->path);
}

static int apply_one(apr_pool_t *pool, const update_action_t *action, const attribute_t *before,
                     attribute_t *item, refusal_t *refusal)
{
    const attribute_t *value;

    switch (action->section) {
    case UPDATE_SET:
        value = expressions_value(pool, action->operand, before, refusal);
        return value != NULL && put(pool, item, action->path, value, refusal);
    case UPDATE_REMOVE:
        return paths_remove(item, action->path) ||
               refusal_set(
                   refusal, REFUSAL_VALIDATION,
                   "The document path provided in the update expression is invalid for update");
    case UPDATE_ADD: return apply_add(pool, action, before, item, refusal);
    default: return apply_delete(pool, action, before, item, refusal);
    }
}

int updates_apply(apr_pool_t *pool, const updates_t *updates, const attribute_t *before,
                  attribute_t *item, refusal_t *refusal)
{
    size_t i;

    for (i = 0; i < updates->count; i++) {
        if (!apply_one(pool, &updates->actions[i], before, item, refusal)) {
            return 0;
        }
    }
    paths_settle(item);
    return 1;
}
