/*
 * Checks of a request's body against what the service's model says of it.
 *
 * Each check gives 1 when the member is absent or right; else 0, and `problem`
 * says what is wrong, as the service's validation does. No state: one thread.
 */
#ifndef EMULATOR_SHAPE_H
#define EMULATOR_SHAPE_H

#include "base/json.h"
#include "emulator/http_parse.h"

#include <stddef.h>
#include <stdint.h>

#define SHAPE_ANY SIZE_MAX /* as a maximum: there is none */

typedef struct {
    char problem[1024];
} shape_t;

/* Notes a problem; 0. */
int shape_wrong(shape_t *shape, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The body, an object; NULL when it is none. Freed by json_release(). */
json_t *shape_parse(shape_t *shape, const http_request_t *request);

/* A member of that kind, or nothing at all. */
int shape_member(shape_t *shape, const json_t *object, const char *member, json_kind_e kind,
                 const json_t **out);

int shape_boolean(shape_t *shape, const json_t *object, const char *member, int *out);
int shape_integer(shape_t *shape, const json_t *object, const char *member, int64_t least,
                  int64_t most, int64_t *out);

/* A number from 0 to 1, or to `most`. */
int shape_decimal(shape_t *shape, const json_t *object, const char *member, double most);

/* A string of so many characters. */
int shape_text(shape_t *shape, const json_t *object, const char *member, size_t shortest,
               size_t longest);

/* One of the words, which a blank parts. */
int shape_word(shape_t *shape, const json_t *object, const char *member, const char *words);

/* An array, or with JSON_OBJECT an object, of so many items. */
int shape_count(shape_t *shape, const json_t *object, const char *member, json_kind_e kind,
                size_t least, size_t most);

/* An object of at most `most` strings of at most `longest` characters. */
int shape_texts(shape_t *shape, const json_t *object, const char *member, size_t most,
                size_t longest);

/* A text of letters, digits and `others`, so long; the pattern is for the message. */
int shape_id(shape_t *shape, const char *member, const char *value, size_t shortest, size_t longest,
             const char *others, const char *pattern);

#endif
