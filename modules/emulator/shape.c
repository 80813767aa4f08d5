#include "emulator/shape.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_DEPTH 64
#define NUMBER_MAX 64
#define SHOWN_MAX  256

int shape_wrong(shape_t *shape, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(shape->problem, sizeof(shape->problem), format, args);
    va_end(args);
    return 0;
}

static int fails(shape_t *shape, const char *member, const char *constraint)
{
    return shape_wrong(shape,
                       "1 validation error detected: Value at '%s' failed to satisfy constraint: "
                       "Member must %s",
                       member, constraint);
}

json_t *shape_parse(shape_t *shape, const http_request_t *request)
{
    json_error_t error;
    json_t *body = json_parse(request->body, request->body_length, JSON_DEPTH, &error);

    if (error.reason != NULL) {
        (void)shape_wrong(shape, "The body is not JSON: %s at byte %zu.", error.reason,
                          error.offset);
        return NULL;
    }
    if (json_kind(body) != JSON_OBJECT) {
        (void)shape_wrong(shape, "The body must be a JSON object.");
        json_release(body);
        return NULL;
    }
    return body;
}

int shape_member(shape_t *shape, const json_t *object, const char *member, json_kind_e kind,
                 const json_t **out)
{
    static const char *const names[] = {
        [JSON_NULL] = "null",     [JSON_BOOL] = "true or false", [JSON_NUMBER] = "a number",
        [JSON_STRING] = "a text", [JSON_ARRAY] = "an array",     [JSON_OBJECT] = "an object"};

    *out = json_member(object, member);
    return *out == NULL || json_kind(*out) == kind ||
           shape_wrong(shape, "The member '%s' must be %s.", member, names[kind]);
}

int shape_boolean(shape_t *shape, const json_t *object, const char *member, int *out)
{
    const json_t *value;

    if (!shape_member(shape, object, member, JSON_BOOL, &value)) {
        return 0;
    }
    if (value != NULL) {
        (void)json_boolean(value, out);
    }
    return 1;
}

int shape_integer(shape_t *shape, const json_t *object, const char *member, int64_t least,
                  int64_t most, int64_t *out)
{
    const json_t *value;
    char constraint[NUMBER_MAX * 2];
    int64_t number = 0;

    if (!shape_member(shape, object, member, JSON_NUMBER, &value) || value == NULL) {
        return value == NULL;
    }
    if (!json_integer(value, &number) || number < least || number > most) {
        (void)snprintf(constraint, sizeof(constraint),
                       number < least ? "have value greater than or equal to %lld"
                                      : "have value less than or equal to %lld",
                       (long long)(number < least ? least : most));
        return fails(shape, member, constraint);
    }
    *out = number;
    return 1;
}

int shape_decimal(shape_t *shape, const json_t *object, const char *member, double most)
{
    const json_t *value;
    json_writer_t writer;
    buffer_t text;
    double number;

    if (!shape_member(shape, object, member, JSON_NUMBER, &value) || value == NULL) {
        return value == NULL;
    }
    buffer_init(&text, NUMBER_MAX);
    json_write_to(&writer, &text);
    json_put_value(&writer, value);
    number = strtod(buffer_text(&text), NULL);
    buffer_free(&text);
    return (number >= 0 && number <= most) ||
           fails(shape, member,
                 number < 0 ? "have value greater than or equal to 0"
                            : "have value less than or equal to its maximum");
}

int shape_text(shape_t *shape, const json_t *object, const char *member, size_t shortest,
               size_t longest)
{
    const json_t *value;
    char constraint[NUMBER_MAX * 2];
    size_t length = 0;
    const char *text;

    if (!shape_member(shape, object, member, JSON_STRING, &value) || value == NULL) {
        return value == NULL;
    }
    text = json_text(value, &length);
    length = text_utf8_length(text, length);
    if (length >= shortest && length <= longest) {
        return 1;
    }
    (void)snprintf(constraint, sizeof(constraint), "have length %s than or equal to %zu",
                   length < shortest ? "greater" : "less", length < shortest ? shortest : longest);
    return fails(shape, member, constraint);
}

int shape_word(shape_t *shape, const json_t *object, const char *member, const char *words)
{
    const json_t *value;
    char constraint[SHOWN_MAX];
    size_t length = 0;
    const char *text;
    const char *at = words;

    if (!shape_member(shape, object, member, JSON_STRING, &value) || value == NULL) {
        return value == NULL;
    }
    text = json_text(value, &length);
    while (*at != '\0') {
        size_t word = strcspn(at, " ");
        if (word == length && memcmp(at, text, length) == 0) {
            return 1;
        }
        at += word + (at[word] == ' ');
    }
    (void)snprintf(constraint, sizeof(constraint), "satisfy enum value set: [%s]", words);
    return fails(shape, member, constraint);
}

static int on_counted(void *count, const char *name, const json_t *value)
{
    (void)name;
    (void)value;
    ++*(size_t *)count;
    return 1;
}

int shape_count(shape_t *shape, const json_t *object, const char *member, json_kind_e kind,
                size_t least, size_t most)
{
    const json_t *value;
    char constraint[NUMBER_MAX * 2];
    size_t count = 0;

    if (!shape_member(shape, object, member, kind, &value) || value == NULL) {
        return value == NULL;
    }
    if (kind == JSON_ARRAY) {
        count = json_length(value);
    } else {
        json_each(value, on_counted, &count);
    }
    (void)snprintf(constraint, sizeof(constraint),
                   most < SHAPE_ANY ? "have between %zu and %zu items" : "have at least %zu items",
                   least, most);
    return (count >= least && count <= most) || fails(shape, member, constraint);
}

typedef struct {
    shape_t *shape;
    const char *member;
    size_t longest;
    int good;
} texts_t;

static int on_text(void *baton, const char *name, const json_t *value)
{
    texts_t *texts = baton;
    size_t length = 0;
    const char *text = json_text(value, &length);

    if (text == NULL) {
        texts->good = shape_wrong(texts->shape, "The member '%s' of '%s' must be a text.", name,
                                  texts->member);
    } else if (text_utf8_length(text, length) > texts->longest ||
               text_utf8_length(name, strlen(name)) > texts->longest) {
        texts->good = shape_wrong(texts->shape, "A name or value in '%s' is too long: at most %zu.",
                                  texts->member, texts->longest);
    }
    return texts->good;
}

int shape_texts(shape_t *shape, const json_t *object, const char *member, size_t most,
                size_t longest)
{
    texts_t texts = {shape, member, longest, 1};

    if (!shape_count(shape, object, member, JSON_OBJECT, 0, most)) {
        return 0;
    }
    if (json_member(object, member) != NULL) {
        json_each(json_member(object, member), on_text, &texts);
    }
    return texts.good;
}

int shape_id(shape_t *shape, const char *member, const char *value, size_t shortest, size_t longest,
             const char *others, const char *pattern)
{
    size_t length = strlen(value);

    return (length >= shortest && length <= longest && text_only(value, length, others)) ||
           shape_wrong(shape,
                       "1 validation error detected: Value '%.*s' at '%s' failed to satisfy "
                       "constraint: Member must have length between %zu and %zu and satisfy "
                       "regular expression pattern: %s",
                       SHOWN_MAX, value, member, shortest, longest, pattern);
}
