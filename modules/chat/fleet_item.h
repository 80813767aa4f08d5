/*
 * One client's count as an item of a DynamoDB table, which may be the table of
 * sessions:
 *
 *     session_id  S  "ratelimit#" and 32 hexadecimal digits: no session has such an id
 *     requests    S  "time:count time:count …", oldest first, microseconds since 1970
 *     version     N  of the state; greater after each write
 *     writer      S  who wrote it
 *     ttl         N  when DynamoDB may delete it, seconds since 1970
 *
 * Pure; any thread.
 */
#ifndef CHAT_FLEET_ITEM_H
#define CHAT_FLEET_ITEM_H

#include "base/buffer.h"
#include "base/json.h"
#include "shm/sliding_log.h"

#define FLEET_ITEM_ID_LENGTH     42
#define FLEET_ITEM_WRITER_LENGTH 36

typedef struct {
    sliding_log_t log;
    int64_t version; /* 0: there is no item */
    char writer[FLEET_ITEM_WRITER_LENGTH + 1];
} fleet_item_t;

/* The same on every machine; `id` has room for FLEET_ITEM_ID_LENGTH + 1. */
void fleet_item_id(char *id, const char *scope, const char *key);

/* The body of a PutItem that replaces the version `known` (0: none), and of a GetItem. */
void fleet_item_write_put(buffer_t *body, const char *table, const char *id,
                          const fleet_item_t *item, int64_t known);
void fleet_item_write_get(buffer_t *body, const char *table, const char *id);

/* Reads one; NULL is one that is not there. 0 when it is none of ours. */
int fleet_item_read(fleet_item_t *item, const json_t *attributes);

#endif
