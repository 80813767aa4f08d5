#include "emulator/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMAND_MAX 512

static const struct {
    const char *name;
    const char *arguments;
    size_t maximum;
} known[SCRIPT_COMMAND_COUNT] = {
#define SCRIPT_ROW(id, name, arguments, maximum) {name, arguments, maximum},
    SCRIPT_COMMANDS(SCRIPT_ROW)
#undef SCRIPT_ROW
};

void script_init(script_t *script)
{
    memset(script, 0, sizeof(*script));
}

int script_has(const script_t *script, script_command_e command)
{
    return script->commands[command].given;
}

size_t script_number(const script_t *script, script_command_e command)
{
    return script->commands[command].number;
}

int64_t script_offset(const script_t *script, script_command_e command)
{
    int64_t number = (int64_t)script->commands[command].number;

    return script->commands[command].negative ? -number : number;
}

const char *script_word(const script_t *script, script_command_e command)
{
    return script->commands[command].word;
}

const char *script_text(const script_t *script, script_command_e command)
{
    return script->commands[command].text;
}

static int complain(script_t *script, const char *name, const char *what)
{
    (void)snprintf(script->problem, sizeof(script->problem), "{{%.100s}}: %s", name, what);
    return 0;
}

static int find(const char *name)
{
    int i;

    for (i = 0; i < SCRIPT_COMMAND_COUNT; i++) {
        if (strcmp(known[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

/* Cuts the next word off; NULL at the end. */
static char *next_word(char **at)
{
    char *word = *at + strspn(*at, " ");
    size_t length = strcspn(word, " ");

    *at = word + length;
    if (length == 0) {
        return NULL;
    }
    if (**at != '\0') {
        *(*at)++ = '\0';
    }
    return word;
}

static int take_number(script_t *script, int command, const char *word)
{
    size_t length = strlen(word);
    size_t number = length <= 12 && word[strspn(word, "0123456789")] == '\0'
                        ? (size_t)strtoull(word, NULL, 10)
                        : known[command].maximum + 1;

    if (number > known[command].maximum) {
        return complain(script, known[command].name, "the number is malformed or too large");
    }
    script->commands[command].number = number;
    return 1;
}

static int take_word(script_t *script, int command, const char *word)
{
    char *to = script->commands[command].word;

    if (strlen(word) >= SCRIPT_WORD_MAX) {
        return complain(script, known[command].name, "the word is too long");
    }
    memcpy(to, word, strlen(word) + 1);
    return 1;
}

/* One argument of kind `kind`; 1 as well when an optional one is missing. */
static int take_argument(script_t *script, int command, char kind, int optional, char **at)
{
    char *word;

    if (kind == 't') {
        *at += strspn(*at, " ");
        (void)snprintf(script->commands[command].text, SCRIPT_TEXT_MAX, "%s", *at);
        *at += strlen(*at);
        return 1;
    }
    word = next_word(at);
    if (kind == 'i' && word != NULL && *word == '-') {
        script->commands[command].negative = 1;
        word++;
    }
    if (word == NULL) {
        return optional || complain(script, known[command].name, "an argument is missing");
    }
    return kind != 'w' ? take_number(script, command, word) : take_word(script, command, word);
}

/* Some arguments become part of an answer's head. */
static int has_controls(const char *text)
{
    while (*text != '\0') {
        unsigned char byte = (unsigned char)*text++;
        if (byte < ' ' || byte == 0x7f) {
            return 1;
        }
    }
    return 0;
}

/* `text` is what stands between the braces. */
static int take_command(script_t *script, char *text)
{
    char *at = text;
    const char *name = next_word(&at);
    int command = find(name);
    const char *kind;
    int optional = 0;

    if (has_controls(at)) {
        return complain(script, name, "there is a control character in it");
    }
    if (command < 0) {
        return complain(script, name, "there is no such command; docs/emulator.md lists them");
    }
    memset(&script->commands[command], 0, sizeof(script->commands[command]));
    script->commands[command].given = 1;
    for (kind = known[command].arguments; *kind != '\0'; kind++) {
        if (*kind == '[') {
            optional = 1;
        } else if (*kind != ']' && !take_argument(script, command, *kind, optional, &at)) {
            return 0;
        }
    }
    return next_word(&at) == NULL || complain(script, name, "there is an argument too many");
}

/* Length of a command with its braces at the front of `text`, 0 when it is plain text. */
static size_t command_length(const char *text, size_t length)
{
    const char *end = memmem(text, length, "}}", 2);
    size_t name = 2;

    if (length < 5 || memcmp(text, "{{", 2) != 0 || end == NULL || end - text > COMMAND_MAX) {
        return 0;
    }
    while ((text[name] >= 'a' && text[name] <= 'z') || text[name] == '-' ||
           (text[name] >= '0' && text[name] <= '9')) {
        name++;
    }
    if (text[2] < 'a' || text[2] > 'z' || (text + name != end && text[name] != ' ') ||
        memchr(text, '\0', (size_t)(end - text)) != NULL) {
        return 0;
    }
    return (size_t)(end - text) + 2;
}

static int parse_one(script_t *script, const char *text, size_t length)
{
    char copy[COMMAND_MAX + 1];

    memcpy(copy, text + 2, length - 4);
    copy[length - 4] = '\0';
    return take_command(script, copy);
}

int script_parse(script_t *script, const char *text, size_t length, buffer_t *rest)
{
    const char *end = text + length;

    while (text < end) {
        const char *brace = memmem(text, (size_t)(end - text), "{{", 2);
        size_t plain = brace != NULL ? (size_t)(brace - text) : (size_t)(end - text);
        size_t command = brace != NULL ? command_length(brace, (size_t)(end - brace)) : 0;
        if (command > 0 && !parse_one(script, brace, command)) {
            return 0;
        }
        plain += brace != NULL && command == 0; /* the brace itself is text */
        if (rest != NULL) {
            (void)buffer_append(rest, text, plain);
        }
        text += plain + command;
    }
    return 1;
}
