/*
 * Values of DynamoDB in JSON, {"S": "text"}, with the checks of the service and
 * the words of its refusals. Source: API Reference, AttributeValue. No state:
 * one thread.
 */
#ifndef EMULATOR_ATTRIBUTE_JSON_H
#define EMULATOR_ATTRIBUTE_JSON_H

#include "base/json.h"
#include "emulator/attributes.h"
#include "emulator/refusal.h"

/* One value; NULL and the refusal when it is none. */
attribute_t *attribute_json_read(apr_pool_t *pool, const json_t *json, refusal_t *refusal);

/* An object of values: an item, a key. */
attribute_t *attribute_json_read_map(apr_pool_t *pool, const json_t *json, refusal_t *refusal);

void attribute_json_write(json_writer_t *writer, const attribute_t *value);
void attribute_json_write_map(json_writer_t *writer, const attribute_t *map);

#endif
