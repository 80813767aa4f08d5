/*
 * Typed values of DynamoDB in their JSON ({"S": "text"}, {"N": "42"}, …):
 * written with the JSON writer, read strictly. No state: any thread.
 *
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
 */
#ifndef AWS_ATTRIBUTES_H
#define AWS_ATTRIBUTES_H

#include "base/json.h"

#include <stddef.h>
#include <stdint.h>

/* Levels of JSON in an answer of DynamoDB: 32 levels of values, two levels of JSON each, within the
 * answer and its item. */
#define ATTRIBUTES_JSON_DEPTH 72

/* ---- writing: a member of an open object, or with name NULL an element of an open list ---- */

void attributes_put_string(json_writer_t *writer, const char *name, const char *bytes,
                           size_t length);
void attributes_put_text(json_writer_t *writer, const char *name, const char *text);
void attributes_put_integer(json_writer_t *writer, const char *name, int64_t number);
void attributes_put_bytes(json_writer_t *writer, const char *name, const void *bytes,
                          size_t length);
void attributes_put_null(json_writer_t *writer, const char *name);

/* What is put between the two is the map's or the list's. */
void attributes_open_map(json_writer_t *writer, const char *name);
void attributes_close_map(json_writer_t *writer);
void attributes_open_list(json_writer_t *writer, const char *name);
void attributes_close_list(json_writer_t *writer);

/* ---- reading: an attribute of an item or a map's content; NULL for those is an empty one ---- */

/* Whether there is one of that name, of whatever type. */
int attributes_has(const json_t *item, const char *name);

/* The bytes of a string (S), or NULL when it is absent or something else. They live as long as the
 * item. */
const char *attributes_string(const json_t *item, const char *name, size_t *length);

/* 1 and the number when it is a number (N) that is whole and fits, however it is written ("1E+3"),
 * else 0. */
int attributes_integer(const json_t *item, const char *name, int64_t *out);

/* Appends the bytes of a binary (B) to `out`; 0 when it is none, no base64, or too long. */
int attributes_bytes(const json_t *item, const char *name, buffer_t *out);

/* Whether it is {"NULL": true}. */
int attributes_is_null(const json_t *item, const char *name);

/* The content of a map (M), to be asked as an item is; or NULL. */
const json_t *attributes_map(const json_t *item, const char *name);

/* The array of a list (L): json_length() and attributes_map_element() read it; or NULL. */
const json_t *attributes_list(const json_t *item, const char *name);

/* The content of an element that is a map, or NULL. */
const json_t *attributes_map_element(const json_t *list, size_t index);

#endif
