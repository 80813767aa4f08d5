#include "emulator/grammar.h"

#include "emulator/functions.h"
#include "emulator/reserved_words.h"

#include <apr_strings.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TEXT_MAX  4096
#define STEPS_MAX 64
#define INDEX_MAX UINT16_MAX

/* ---- mistakes ---- */

void *grammar_fail(grammar_t *grammar)
{
    const token_t *token = &grammar->tokens[grammar->at];
    const char *before = grammar->at > 0 ? token[-1].text : "";
    const char *behind = token->kind < TOKEN_BAD && token[1].kind != TOKEN_END ? token[1].text : "";

    (void)refusal_set(
        &grammar->refusal, REFUSAL_VALIDATION,
        "Invalid %s: Syntax error; token: \"%.100s\", near: \"%.100s%s%.100s%s%.100s\"",
        grammar->label, token->text, before, *before != '\0' ? " " : "",
        token->kind != TOKEN_END ? token->text : "", *behind != '\0' ? " " : "", behind);
    return NULL;
}

void grammar_complain(grammar_t *grammar, const char *format, ...)
{
    char message[1024];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    (void)refusal_set(&grammar->meaning, REFUSAL_VALIDATION, "Invalid %s: %s", grammar->label,
                      message);
}

int grammar_open(grammar_t *grammar, substitutions_t *substitutions, const char *label,
                 const char *text, size_t length)
{
    memset(grammar, 0, sizeof(*grammar));
    grammar->pool = substitutions->pool;
    grammar->label = label;
    grammar->substitutions = substitutions;
    if (length == 0) {
        return refusal_set(&grammar->refusal, REFUSAL_VALIDATION,
                           "Invalid %s: The expression can not be empty;", label);
    }
    if (length > TEXT_MAX) {
        return refusal_set(&grammar->refusal, REFUSAL_VALIDATION,
                           "Invalid %s: Expression size has exceeded the maximum allowed size; "
                           "expression size: %d",
                           label, (int)length);
    }
    grammar->tokens = tokens_read(grammar->pool, text);
    return 1;
}

int grammar_close(grammar_t *grammar)
{
    refusal_t *refusal = grammar->substitutions->refusal;

    if (grammar->tokens != NULL && grammar->tokens[grammar->at].kind != TOKEN_END) {
        (void)grammar_fail(grammar);
    }
    if (grammar->refusal.type != NULL) {
        *refusal = grammar->refusal;
    } else if (grammar->meaning.type != NULL) {
        *refusal = grammar->meaning;
    }
    return refusal->type == NULL;
}

/* ---- tokens ---- */

static const token_t *next(const grammar_t *grammar)
{
    return &grammar->tokens[grammar->at];
}

int grammar_sees(const grammar_t *grammar, const char *text)
{
    const token_t *token = next(grammar);

    return (token->kind == TOKEN_SIGN || token->kind == TOKEN_WORD) &&
           strcasecmp(token->text, text) == 0;
}

int grammar_accept(grammar_t *grammar, const char *text)
{
    int seen = grammar_sees(grammar, text);

    grammar->at += (size_t)seen;
    return seen;
}

int grammar_expect(grammar_t *grammar, const char *text)
{
    if (grammar_accept(grammar, text)) {
        return 1;
    }
    (void)grammar_fail(grammar);
    return 0;
}

expression_t *grammar_make(const grammar_t *grammar, expression_kind_e kind, const char *word,
                           size_t room)
{
    expression_t *expression = apr_pcalloc(grammar->pool, sizeof(*expression));

    expression->kind = kind;
    expression->word = word;
    expression->operands = apr_palloc(grammar->pool, room * sizeof(expression_t *));
    return expression;
}

/* ---- operands ---- */

static int is_keyword(const char *word)
{
    static const char *const keywords[] = {"AND", "OR", "NOT", "BETWEEN", "IN"};
    size_t i;

    for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
        if (strcasecmp(keywords[i], word) == 0) {
            return 1;
        }
    }
    return 0;
}

/* A name, or what a placeholder stands for; NULL when neither is next. */
static const char *read_name(grammar_t *grammar)
{
    const token_t *token = next(grammar);
    const char *name = token->text;

    if (token->kind != TOKEN_NAME && (token->kind != TOKEN_WORD || is_keyword(name))) {
        return grammar_fail(grammar);
    }
    grammar->at++;
    if (token->kind == TOKEN_WORD) {
        if (reserved_words_has(name)) {
            grammar_complain(
                grammar, "Attribute name is a reserved keyword; reserved keyword: %.100s", name);
        }
        return name;
    }
    name = substitutions_name(grammar->substitutions, token->text);
    if (name == NULL) {
        grammar_complain(grammar,
                         "An expression attribute name used in the document path is not defined; "
                         "attribute name: %.255s",
                         token->text);
        return "";
    }
    return name;
}

static int read_index(grammar_t *grammar, path_step_t *step)
{
    const token_t *token = next(grammar);

    if (token->kind != TOKEN_NUMBER || strlen(token->text) > 5) {
        (void)grammar_fail(grammar);
        return 0;
    }
    step->name = NULL;
    step->index = (size_t)strtoul(token->text, NULL, 10);
    grammar->at++;
    if (step->index > INDEX_MAX) {
        grammar_complain(grammar, "List index is not within the allowable range; index: [%s]",
                         token->text);
    }
    return grammar_expect(grammar, "]");
}

path_t *grammar_path(grammar_t *grammar)
{
    path_step_t steps[STEPS_MAX];
    path_t *path = apr_pcalloc(grammar->pool, sizeof(*path));

    steps[0].name = read_name(grammar);
    if (steps[0].name == NULL) {
        return NULL;
    }
    for (path->count = 1; path->count < STEPS_MAX; path->count++) {
        path_step_t *step = &steps[path->count];
        if (grammar_accept(grammar, "[")) {
            if (!read_index(grammar, step)) {
                return NULL;
            }
        } else if (grammar_accept(grammar, ".")) {
            step->name = read_name(grammar);
            if (step->name == NULL) {
                return NULL;
            }
        } else {
            break;
        }
    }
    path->steps = apr_pmemdup(grammar->pool, steps, path->count * sizeof(steps[0]));
    return path;
}

const attribute_t *grammar_value(grammar_t *grammar)
{
    static const attribute_t undefined = {.kind = ATTRIBUTE_NULL, .truth = 1};
    const token_t *token = next(grammar);
    const attribute_t *value;

    if (token->kind != TOKEN_VALUE) {
        return grammar_fail(grammar);
    }
    grammar->at++;
    value = substitutions_value(grammar->substitutions, token->text);
    if (value == NULL) {
        grammar_complain(grammar,
                         "An expression attribute value used in expression is not defined; "
                         "attribute value: %.255s",
                         token->text);
        return &undefined;
    }
    return value;
}

expression_t *grammar_term(grammar_t *grammar)
{
    const token_t *token = next(grammar);
    expression_t *operand;

    if (token->kind == TOKEN_WORD && token[1].kind == TOKEN_SIGN && *token[1].text == '(') {
        return functions_read(grammar);
    }
    if (token->kind == TOKEN_VALUE) {
        operand = grammar_make(grammar, EXPRESSION_VALUE, token->text, 0);
        operand->value = grammar_value(grammar);
        return operand;
    }
    operand = grammar_make(grammar, EXPRESSION_PATH, token->text, 0);
    operand->path = grammar_path(grammar);
    return operand->path != NULL ? operand : NULL;
}

expression_t *grammar_operand(grammar_t *grammar)
{
    const token_t *token = next(grammar);
    expression_t *operand = grammar_term(grammar);

    if (operand != NULL && expressions_is_condition(operand)) {
        grammar_complain(grammar,
                         "The function is not allowed to be used this way in an expression; "
                         "function: %.100s",
                         token->text);
    }
    return operand;
}

void grammar_check_paths(grammar_t *grammar, const path_t *const *paths, size_t count)
{
    size_t i;
    size_t j;

    for (i = 1; i < count; i++) {
        for (j = 0; j < i; j++) {
            int overlap = paths_overlap(paths[j], paths[i]);
            if (overlap || paths_conflict(paths[j], paths[i])) {
                grammar_complain(grammar,
                                 "Two document paths %s with each other; must remove or rewrite "
                                 "one of these paths; path one: %.200s, path two: %.200s",
                                 overlap ? "overlap" : "conflict",
                                 paths_text(grammar->pool, paths[j]),
                                 paths_text(grammar->pool, paths[i]));
            }
        }
    }
}
