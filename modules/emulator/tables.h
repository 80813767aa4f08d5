/*
 * Tables of DynamoDB and their items, in memory. An item is in one block of the
 * heap and never changed: a write replaces it. One thread.
 */
#ifndef EMULATOR_TABLES_H
#define EMULATOR_TABLES_H

#include "emulator/attributes.h"

#include <apr_time.h>
#include <stdint.h>

#define TABLES_NAME_MAX 255

typedef struct {
    char name[TABLES_NAME_MAX + 1]; /* "": there is none */
    attribute_kind_e kind;          /* S, N or B */
} table_key_t;

typedef struct stored_t stored_t;

typedef struct table_t table_t;

struct table_t {
    char name[TABLES_NAME_MAX + 1];
    char id[40];
    table_key_t partition;
    table_key_t sort;
    char expiry[TABLES_NAME_MAX + 1]; /* the attribute of time to live; "": it is off */
    apr_time_t created;
    size_t count; /* of items, and their bytes */
    size_t bytes;
    stored_t **buckets;
    table_t *next; /* by name */
};

typedef struct tables_t tables_t;

/* NULL when memory is out. */
tables_t *tables_create(void);
void tables_destroy(tables_t *tables);

/* A new, empty table without time to live; `sort` may be NULL. NULL when memory is out. */
table_t *tables_add(tables_t *tables, const char *name, const table_key_t *partition,
                    const table_key_t *sort, apr_time_t now);
table_t *tables_find(const tables_t *tables, const char *name);
table_t *tables_first(const tables_t *tables);
void tables_drop(tables_t *tables, table_t *table);

/* Takes all items out of one table, or of all. */
void tables_empty(table_t *table);
void tables_empty_all(const tables_t *tables);

/* The item with the key attributes of `key`, or NULL. Valid until the table's next write. */
const attribute_t *tables_get(const table_t *table, const attribute_t *key);

/* Keeps a copy of the item, in place of the one of the same key. 0 when memory is out. */
int tables_put(table_t *table, const attribute_t *item);
void tables_delete(table_t *table, const attribute_t *key);

/* Deletes the items whose time to live is over; how many they were. Those of more than five years
 * ago stay, as with the service. */
size_t tables_sweep(table_t *table, apr_time_t now);

/* The key attributes of an item, shared with it. */
attribute_t *tables_key_of(apr_pool_t *pool, const table_t *table, const attribute_t *item);

/* The order of a scan: partitions by hash, in each by the sort key. */
int tables_compare(const table_t *table, const attribute_t *one, const attribute_t *other);

/* All items in that order. Valid until the table's next write. */
const attribute_t **tables_sorted(apr_pool_t *pool, const table_t *table);

/* Of the partition key's value. */
uint32_t tables_hash(const table_t *table, const attribute_t *item);

#endif
