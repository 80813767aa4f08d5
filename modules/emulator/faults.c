#include "emulator/faults.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define OPERATION_MAX 64
#define COMMANDS_MAX  1024
#define JSON_DEPTH    8
#define SEED_DEFAULT  1

typedef struct {
    char operation[OPERATION_MAX]; /* "*": any */
    char commands[COMMANDS_MAX];
    int64_t percent;
    int64_t times; /* hits left; -1: without end */
    int64_t hits;
    uint64_t random;
} rule_t;

struct faults_t {
    rule_t rules[FAULTS_MAX];
    size_t count;
};

faults_t *faults_create(void)
{
    return calloc(1, sizeof(faults_t));
}

void faults_destroy(faults_t *faults)
{
    free(faults);
}

void faults_clear(faults_t *faults)
{
    faults->count = 0;
}

/* ---- reading ---- */

static int copy_text(char *to, size_t room, const json_t *object, const char *name,
                     const char *otherwise)
{
    size_t length = 0;
    const char *text = json_member_text(object, name, &length);

    if (text == NULL) {
        text = otherwise;
        length = otherwise != NULL ? strlen(otherwise) : room;
    }
    if (length >= room) {
        return 0;
    }
    memcpy(to, text, length);
    to[length] = '\0';
    return 1;
}

static int take_number(const json_t *object, const char *name, int64_t otherwise, int64_t maximum,
                       int64_t *out)
{
    const json_t *value = json_member(object, name);

    *out = otherwise;
    return value == NULL || (json_integer(value, out) && *out >= 0 && *out <= maximum);
}

static int on_rule_member(void *unknown, const char *name, const json_t *value)
{
    static const char *const known[] = {"operation", "commands", "percent", "times", "seed"};
    size_t i;

    (void)value;
    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i], name) == 0) {
            return 1;
        }
    }
    *(const char **)unknown = "members are: operation, commands, percent, times, seed";
    return 0;
}

static const char *check_commands(const rule_t *rule, script_t *script)
{
    script_init(script);
    return script_parse(script, rule->commands, strlen(rule->commands), NULL) ? NULL
                                                                              : script->problem;
}

/* The reason why it is no rule, or NULL. */
static const char *read_rule(const json_t *object, rule_t *rule, script_t *script)
{
    const char *reason = NULL;
    int64_t seed = 0;

    memset(rule, 0, sizeof(*rule));
    if (json_kind(object) != JSON_OBJECT) {
        return "a rule is an object";
    }
    json_each(object, on_rule_member, &reason);
    if (reason != NULL) {
        return reason;
    }
    if (!copy_text(rule->operation, OPERATION_MAX, object, "operation", "*") ||
        !copy_text(rule->commands, COMMANDS_MAX, object, "commands", NULL)) {
        return "operation and commands are texts; commands must be there";
    }
    if (!take_number(object, "percent", 100, 100, &rule->percent) ||
        !take_number(object, "times", -1, INT32_MAX, &rule->times) ||
        !take_number(object, "seed", SEED_DEFAULT, INT32_MAX, &seed)) {
        return "percent is 0 to 100; times and seed are numbers from 0";
    }
    rule->random = (uint64_t)seed;
    return check_commands(rule, script);
}

static const char *read_rules(const json_t *value, faults_t *into, script_t *script)
{
    size_t count = json_kind(value) == JSON_ARRAY ? json_length(value) : 1;
    const char *reason = NULL;
    size_t i;

    if (count > FAULTS_MAX) {
        return "there are too many rules";
    }
    for (i = 0; i < count && reason == NULL; i++) {
        const json_t *object = json_kind(value) == JSON_ARRAY ? json_item(value, i) : value;
        reason = read_rule(object, &into->rules[i], script);
    }
    into->count = count;
    return reason;
}

int faults_replace(faults_t *faults, const char *text, size_t length, buffer_t *problem)
{
    json_error_t error;
    json_t *value = json_parse(text, length, JSON_DEPTH, &error);
    faults_t *fresh = faults_create();
    script_t *script = malloc(sizeof(*script));
    const char *reason = error.reason;

    if (fresh == NULL || script == NULL) {
        reason = "out of memory";
    } else if (reason == NULL) {
        reason = read_rules(value, fresh, script);
    }
    if (reason == NULL) {
        *faults = *fresh;
    } else {
        (void)buffer_puts(problem, reason);
    }
    json_release(value);
    faults_destroy(fresh);
    free(script);
    return reason == NULL;
}

/* ---- applying ---- */

/* 0..99 from SplitMix64. */
static int64_t next_percent(rule_t *rule)
{
    uint64_t z = rule->random += 0x9e3779b97f4a7c15U;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27) * 0x94d049bb133111ebU;
    return (int64_t)((z ^ z >> 31) % 100);
}

static int hits(rule_t *rule, const char *operation)
{
    if (rule->times == 0 ||
        (strcmp(rule->operation, "*") != 0 && strcmp(rule->operation, operation) != 0) ||
        next_percent(rule) >= rule->percent) {
        return 0;
    }
    rule->times -= rule->times > 0;
    rule->hits++;
    return 1;
}

const char *faults_take(faults_t *faults, const char *operation, script_t *script)
{
    const char *last = NULL;
    size_t i;

    for (i = 0; i < faults->count; i++) {
        rule_t *rule = &faults->rules[i];
        if (hits(rule, operation)) {
            (void)script_parse(script, rule->commands, strlen(rule->commands), NULL);
            last = rule->commands;
        }
    }
    return last;
}

void faults_write(const faults_t *faults, json_writer_t *writer)
{
    size_t i;

    json_open(writer, '[');
    for (i = 0; i < faults->count; i++) {
        const rule_t *rule = &faults->rules[i];
        json_open(writer, '{');
        json_put_member(writer, "operation", rule->operation);
        json_put_member(writer, "commands", rule->commands);
        json_name(writer, "percent");
        json_put_integer(writer, rule->percent);
        json_name(writer, "times_left");
        if (rule->times >= 0) {
            json_put_integer(writer, rule->times);
        } else {
            json_put_null(writer);
        }
        json_name(writer, "hits");
        json_put_integer(writer, rule->hits);
        json_close(writer, '}');
    }
    json_close(writer, ']');
}
