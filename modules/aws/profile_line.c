#include "aws/profile_line.h"

#include <string.h>

int profile_line_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

profile_line_t profile_line_trim(profile_line_t line)
{
    while (line.length > 0 && profile_line_is_blank(line.at[line.length - 1])) {
        line.length--;
    }
    while (line.length > 0 && profile_line_is_blank(line.at[0])) {
        line.at++;
        line.length--;
    }
    return line;
}

static profile_line_t without_comment(profile_line_t line, int only_after_blank)
{
    size_t i;

    for (i = 0; i < line.length; i++) {
        if ((line.at[i] == '#' || line.at[i] == ';') &&
            (!only_after_blank || (i > 0 && profile_line_is_blank(line.at[i - 1])))) {
            line.length = i;
        }
    }
    return line;
}

int profile_line_header(profile_line_t line, profile_line_t *prefix, profile_line_t *name)
{
    size_t word = 0;

    line = profile_line_trim(without_comment(line, 0));
    if (line.at[line.length - 1] != ']') {
        return 0;
    }
    line.at++;
    line.length -= 2;
    line = profile_line_trim(line);
    while (word < line.length && !profile_line_is_blank(line.at[word])) {
        word++;
    }
    if (word == line.length) {
        word = 0;
    }
    prefix->at = line.at;
    prefix->length = word;
    name->at = line.at + word;
    name->length = line.length - word;
    *name = profile_line_trim(*name);
    return 1;
}

int profile_line_property(profile_line_t line, profile_line_t *key, profile_line_t *value)
{
    char *equals;

    line = without_comment(line, 1);
    equals = memchr(line.at, '=', line.length);
    if (equals == NULL) {
        return 0;
    }
    key->at = line.at;
    key->length = (size_t)(equals - line.at);
    value->at = equals + 1;
    value->length = line.length - key->length - 1;
    *key = profile_line_trim(*key);
    *value = profile_line_trim(*value);
    return 1;
}

int profile_line_equals(profile_line_t line, const char *word)
{
    return line.length == strlen(word) && memcmp(line.at, word, line.length) == 0;
}

void profile_line_lower(profile_line_t line)
{
    size_t i;

    for (i = 0; i < line.length; i++) {
        if (line.at[i] >= 'A' && line.at[i] <= 'Z') {
            line.at[i] = (char)(line.at[i] - 'A' + 'a');
        }
    }
}

char *profile_line_end(profile_line_t line)
{
    line.at[line.length] = '\0';
    return line.at;
}
