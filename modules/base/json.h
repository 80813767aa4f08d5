/*
 * JSON, bounded: reading over json-c, writing straight into a buffer.
 *
 * json-c is lenient and knows no limits of ours, so json_parse() first checks
 * the text itself: RFC 8259 grammar of tokens, UTF-8, depth, and that every
 * \uD8xx escape has its other half. A parsed value belongs to one thread.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buffer.h"

#include <stddef.h>
#include <stdint.h>

typedef struct json_object json_t;

typedef enum {
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
} json_kind_e;

/* Where and why a text is not JSON; `reason` is a constant text for people. */
typedef struct {
    size_t offset;
    const char *reason;
} json_error_t;

/* Parses one whole text; NULL and `*error` when it is not JSON, or nests deeper than `max_depth`.
 * The result belongs to the caller: json_release(). Note that JSON null is also NULL in json-c:
 * `error->reason` is NULL exactly when parsing succeeded. Of equal member names the last counts. */
json_t *json_parse(const char *text, size_t length, int max_depth, json_error_t *error);

/* Frees a value that json_parse() gave; NULL is fine. */
void json_release(json_t *value);

json_kind_e json_kind(const json_t *value);

/* The member, or NULL when it is absent, null, or `object` is no object. It lives as long as
 * `object`. */
const json_t *json_member(const json_t *object, const char *name);

/* Whether the member is there, be it null. */
int json_has(const json_t *object, const char *name);

/* The bytes of a string (NUL-terminated, may hold NULs), or NULL when it is none. */
const char *json_text(const json_t *value, size_t *length);

/* A member's string, or NULL. */
const char *json_member_text(const json_t *object, const char *name, size_t *length);

/* 1 and the number when it is an integer that fits, else 0. */
int json_integer(const json_t *value, int64_t *out);

/* 1 and the number when it is one, whole or not, else 0. */
int json_decimal(const json_t *value, double *out);

/* 1 and the truth value when it is a boolean, else 0. */
int json_boolean(const json_t *value, int *out);

/* Items of an array (0 for anything else) and one of them. */
size_t json_length(const json_t *array);
const json_t *json_item(const json_t *array, size_t index);

/* Calls `visit` for each member until it returns 0. */
void json_each(const json_t *object,
               int (*visit)(void *baton, const char *name, const json_t *value), void *baton);

/*
 * Writing. Commas take care of themselves:
 *
 *     json_writer_t w;
 *     json_write_to(&w, &buffer);
 *     json_open(&w, '{');
 *     json_name(&w, "answer");
 *     json_put_integer(&w, 42);
 *     json_close(&w, '}');
 *
 * Whether all of it fitted is `buffer.failed`. Strings must be UTF-8.
 */
typedef struct {
    buffer_t *out;
    int pending_comma;
} json_writer_t;

void json_write_to(json_writer_t *writer, buffer_t *out);
void json_open(json_writer_t *writer, char bracket);
void json_close(json_writer_t *writer, char bracket);
void json_name(json_writer_t *writer, const char *name);
void json_put_string(json_writer_t *writer, const char *bytes, size_t length);
void json_put_text(json_writer_t *writer, const char *text); /* NULL writes null */
void json_put_integer(json_writer_t *writer, int64_t number);
void json_put_decimal(json_writer_t *writer, double number, int decimals);
void json_put_boolean(json_writer_t *writer, int truth);
void json_put_null(json_writer_t *writer);

/* A parsed value as it was. */
void json_put_value(json_writer_t *writer, const json_t *value);

/* Text that is JSON already. */
void json_put_raw(json_writer_t *writer, const char *text, size_t length);

/* Name and value in one step, for the commonest pair. */
void json_put_member(json_writer_t *writer, const char *name, const char *text);

#endif
