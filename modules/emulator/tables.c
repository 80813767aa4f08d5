#include "emulator/tables.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 16384
#define FORGOTTEN_AGO                                                                              \
    (5LL * 365 * 24 * 3600) /* seconds; an older expiry is taken for a mistake                     \
                             */

struct stored_t {
    attribute_t *item;
    stored_t *next;
};

struct tables_t {
    table_t *first;
};

tables_t *tables_create(void)
{
    return calloc(1, sizeof(tables_t));
}

void tables_destroy(tables_t *tables)
{
    if (tables != NULL) {
        while (tables->first != NULL) {
            tables_drop(tables, tables->first);
        }
        free(tables);
    }
}

/* ---- tables ---- */

table_t *tables_add(tables_t *tables, const char *name, const table_key_t *partition,
                    const table_key_t *sort, apr_time_t now)
{
    table_t *table = calloc(1, sizeof(*table));
    table_t **place = &tables->first;

    if (table == NULL || (table->buckets = calloc(BUCKETS, sizeof(stored_t *))) == NULL ||
        !text_uuid4(table->id)) {
        free(table != NULL ? table->buckets : NULL);
        free(table);
        return NULL;
    }
    (void)snprintf(table->name, sizeof(table->name), "%s", name);
    table->partition = *partition;
    if (sort != NULL) {
        table->sort = *sort;
    }
    table->created = now;
    while (*place != NULL && strcmp((*place)->name, name) < 0) {
        place = &(*place)->next;
    }
    table->next = *place;
    *place = table;
    return table;
}

table_t *tables_first(const tables_t *tables)
{
    return tables->first;
}

table_t *tables_find(const tables_t *tables, const char *name)
{
    table_t *table = tables->first;

    while (table != NULL && strcmp(table->name, name) != 0) {
        table = table->next;
    }
    return table;
}

void tables_drop(tables_t *tables, table_t *table)
{
    table_t **place = &tables->first;

    while (*place != table) {
        place = &(*place)->next;
    }
    *place = table->next;
    tables_empty(table);
    free(table->buckets);
    free(table);
}

/* ---- items ---- */

/* FNV-1a. */
uint32_t tables_hash(const table_t *table, const attribute_t *item)
{
    const attribute_t *value = attributes_get(item, table->partition.name);
    uint32_t hash = 2166136261U;
    size_t i;

    for (i = 0; i < value->length; i++) {
        hash = (hash ^ (unsigned char)value->bytes[i]) * 16777619U;
    }
    return hash ^ hash >> 16;
}

static int same_key(const table_t *table, const attribute_t *one, const attribute_t *other)
{
    const char *sort = table->sort.name;

    return attributes_equal(attributes_get(one, table->partition.name),
                            attributes_get(other, table->partition.name)) &&
           (*sort == '\0' ||
            attributes_equal(attributes_get(one, sort), attributes_get(other, sort)));
}

/* Where the item of that key is, or would be. */
static stored_t **place_of(const table_t *table, const attribute_t *key)
{
    stored_t **place = &table->buckets[tables_hash(table, key) % BUCKETS];

    while (*place != NULL && !same_key(table, (*place)->item, key)) {
        place = &(*place)->next;
    }
    return place;
}

static void remove_at(table_t *table, stored_t **place)
{
    stored_t *stored = *place;

    *place = stored->next;
    table->count--;
    table->bytes -= attributes_item_size(stored->item);
    free(stored->item);
    free(stored);
}

void tables_empty(table_t *table)
{
    size_t i;

    for (i = 0; i < BUCKETS && table->count > 0; i++) {
        while (table->buckets[i] != NULL) {
            remove_at(table, &table->buckets[i]);
        }
    }
}

void tables_empty_all(const tables_t *tables)
{
    table_t *table;

    for (table = tables->first; table != NULL; table = table->next) {
        tables_empty(table);
    }
}

const attribute_t *tables_get(const table_t *table, const attribute_t *key)
{
    const stored_t *stored = *place_of(table, key);

    return stored != NULL ? stored->item : NULL;
}

int tables_put(table_t *table, const attribute_t *item)
{
    stored_t *stored = malloc(sizeof(*stored));
    attribute_t *copy = attributes_keep(item);
    stored_t **place;

    if (stored == NULL || copy == NULL) {
        free(stored);
        free(copy);
        return 0;
    }
    tables_delete(table, item);
    place = place_of(table, item);
    stored->item = copy;
    stored->next = NULL;
    *place = stored;
    table->count++;
    table->bytes += attributes_item_size(copy);
    return 1;
}

void tables_delete(table_t *table, const attribute_t *key)
{
    stored_t **place = place_of(table, key);

    if (*place != NULL) {
        remove_at(table, place);
    }
}

attribute_t *tables_key_of(apr_pool_t *pool, const table_t *table, const attribute_t *item)
{
    attribute_t *key = attributes_make(pool, ATTRIBUTE_M);
    const char *sort = table->sort.name;

    attributes_set(pool, key, table->partition.name, attributes_get(item, table->partition.name));
    if (*sort != '\0') {
        attributes_set(pool, key, sort, attributes_get(item, sort));
    }
    return key;
}

/* ---- time to live ---- */

static int has_expired(const table_t *table, const attribute_t *item, int64_t now)
{
    const attribute_t *expiry = attributes_get(item, table->expiry);
    int64_t seconds;

    if (expiry == NULL || expiry->kind != ATTRIBUTE_N) {
        return 0;
    }
    seconds = strtoll(expiry->bytes, NULL, 10);
    return seconds <= now && seconds > now - FORGOTTEN_AGO;
}

size_t tables_sweep(table_t *table, apr_time_t now)
{
    size_t before = table->count;
    size_t i;

    for (i = 0; i < BUCKETS && *table->expiry != '\0'; i++) {
        stored_t **place = &table->buckets[i];
        while (*place != NULL) {
            if (has_expired(table, (*place)->item, apr_time_sec(now))) {
                remove_at(table, place);
            } else {
                place = &(*place)->next;
            }
        }
    }
    return before - table->count;
}

/* ---- order ---- */

int tables_compare(const table_t *table, const attribute_t *one, const attribute_t *other)
{
    uint32_t first = tables_hash(table, one);
    uint32_t second = tables_hash(table, other);
    int order;

    if (first != second) {
        return first < second ? -1 : 1;
    }
    order = attributes_compare(attributes_get(one, table->partition.name),
                               attributes_get(other, table->partition.name));
    if (order != 0 || *table->sort.name == '\0') {
        return order;
    }
    return attributes_compare(attributes_get(one, table->sort.name),
                              attributes_get(other, table->sort.name));
}

static int on_compare(const void *one, const void *other, void *table)
{
    return tables_compare(table, *(const attribute_t *const *)one,
                          *(const attribute_t *const *)other);
}

const attribute_t **tables_sorted(apr_pool_t *pool, const table_t *table)
{
    const attribute_t **items = apr_palloc(pool, (table->count + 1) * sizeof(attribute_t *));
    size_t count = 0;
    size_t i;

    for (i = 0; i < BUCKETS && count < table->count; i++) {
        const stored_t *stored;
        for (stored = table->buckets[i]; stored != NULL; stored = stored->next) {
            items[count++] = stored->item;
        }
    }
    qsort_r(items, count, sizeof(attribute_t *), on_compare, (void *)(uintptr_t)table);
    return items;
}
