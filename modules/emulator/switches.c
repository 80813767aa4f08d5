#include "emulator/switches.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define JSON_DEPTH 2

static const struct {
    const char *name;
    int64_t otherwise;
    int64_t least;
    int64_t most;
    int boolean;
} numbers[SWITCHES_NUMBER_COUNT] = {
#define SWITCHES_ROW(id, name, otherwise, least, most) {name, otherwise, least, most, 0},
    SWITCHES_NUMBERS(SWITCHES_ROW)
#undef SWITCHES_ROW
#define SWITCHES_ROW(id, name, otherwise) {name, otherwise, 0, 1, 1},
        SWITCHES_BOOLEANS(SWITCHES_ROW)
#undef SWITCHES_ROW
};

static const struct {
    const char *name;
    const char *otherwise;
} texts[SWITCHES_TEXT_COUNT] = {
#define SWITCHES_ROW(id, name, otherwise) {name, otherwise},
    SWITCHES_TEXTS(SWITCHES_ROW)
#undef SWITCHES_ROW
};

typedef struct {
    switches_t *switches;
    buffer_t *problem;
    int good;
} change_t;

void switches_init(switches_t *switches)
{
    size_t i;

    memset(switches, 0, sizeof(*switches));
    for (i = 0; i < SWITCHES_NUMBER_COUNT; i++) {
        switches->numbers[i] = numbers[i].otherwise;
    }
    for (i = 0; i < SWITCHES_TEXT_COUNT; i++) {
        memcpy(switches->texts[i], texts[i].otherwise, strlen(texts[i].otherwise) + 1);
    }
}

/* ---- reading ---- */

static int set_number(change_t *change, size_t which, const json_t *value)
{
    int64_t number = 0;
    int truth = 0;

    if (numbers[which].boolean) {
        if (!json_boolean(value, &truth)) {
            (void)buffer_printf(change->problem, "%s is true or false", numbers[which].name);
            return 0;
        }
        number = truth;
    } else if (!json_integer(value, &number) || number < numbers[which].least ||
               number > numbers[which].most) {
        (void)buffer_printf(change->problem, "%s is a number from %" PRId64 " to %" PRId64,
                            numbers[which].name, numbers[which].least, numbers[which].most);
        return 0;
    }
    change->switches->numbers[which] = number;
    return 1;
}

static int set_text(change_t *change, size_t which, const json_t *value)
{
    size_t length = 0;
    const char *text = json_text(value, &length);

    if (text == NULL || length >= SWITCHES_TEXT_MAX || strlen(text) != length ||
        text[strcspn(text, "\r\n")] != '\0') {
        (void)buffer_printf(change->problem, "%s is a line of text of less than %d bytes",
                            texts[which].name, SWITCHES_TEXT_MAX);
        return 0;
    }
    memcpy(change->switches->texts[which], text, length + 1);
    return 1;
}

static int on_member(void *baton, const char *name, const json_t *value)
{
    change_t *change = baton;
    size_t i;

    for (i = 0; i < SWITCHES_NUMBER_COUNT; i++) {
        if (strcmp(numbers[i].name, name) == 0) {
            change->good = set_number(change, i, value);
            return change->good;
        }
    }
    for (i = 0; i < SWITCHES_TEXT_COUNT; i++) {
        if (strcmp(texts[i].name, name) == 0) {
            change->good = set_text(change, i, value);
            return change->good;
        }
    }
    (void)buffer_puts(change->problem, "there is no such switch; docs/emulator.md lists them");
    change->good = 0;
    return 0;
}

int switches_change(switches_t *switches, const char *json, size_t length, buffer_t *problem)
{
    json_error_t error;
    json_t *value = json_parse(json, length, JSON_DEPTH, &error);
    switches_t fresh = *switches;
    change_t change = {&fresh, problem, json_kind(value) == JSON_OBJECT};

    if (change.good) {
        json_each(value, on_member, &change);
    } else {
        (void)buffer_puts(problem,
                          error.reason != NULL ? error.reason : "switches are a JSON object");
    }
    if (change.good) {
        *switches = fresh;
    }
    json_release(value);
    return change.good;
}

/* ---- writing ---- */

void switches_write(const switches_t *switches, json_writer_t *writer)
{
    size_t i;

    json_open(writer, '{');
    for (i = 0; i < SWITCHES_NUMBER_COUNT; i++) {
        json_name(writer, numbers[i].name);
        if (numbers[i].boolean) {
            json_put_boolean(writer, switches->numbers[i] != 0);
        } else {
            json_put_integer(writer, switches->numbers[i]);
        }
    }
    for (i = 0; i < SWITCHES_TEXT_COUNT; i++) {
        json_put_member(writer, texts[i].name, switches->texts[i]);
    }
    json_close(writer, '}');
}
