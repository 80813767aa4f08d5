/*
 * Values of DynamoDB: typed, nested, and items, which are maps of them.
 *
 * A value lives in the pool of the call that made it, and is never changed once
 * it is part of another; attributes_keep() makes a copy of its own for the
 * tables. attribute_json.h reads and writes them. One thread.
 */
#ifndef EMULATOR_ATTRIBUTES_H
#define EMULATOR_ATTRIBUTES_H

#include "emulator/decimal.h"

#include <apr_pools.h>
#include <stddef.h>

#define ATTRIBUTES_ITEM_MAX (400 * 1024)

typedef enum {
    ATTRIBUTE_S,
    ATTRIBUTE_N,
    ATTRIBUTE_B,
    ATTRIBUTE_BOOL,
    ATTRIBUTE_NULL,
    ATTRIBUTE_L,
    ATTRIBUTE_M,
    ATTRIBUTE_SS,
    ATTRIBUTE_NS,
    ATTRIBUTE_BS,
    ATTRIBUTE_KINDS
} attribute_kind_e;

typedef struct attribute_t attribute_t;

typedef struct {
    const char *name; /* of a map; else NULL */
    attribute_t *value;
} attribute_entry_t;

struct attribute_t {
    attribute_kind_e kind;
    int truth;         /* BOOL */
    const char *bytes; /* S, B: as they are; N: in plain notation; with a NUL behind */
    size_t length;
    attribute_entry_t *entries; /* L, M and sets, whose members are S, N or B */
    size_t count;
    size_t room;
};

/* "S", "NS", ... */
const char *attributes_kind_name(attribute_kind_e kind);

/* The kind of that name; ATTRIBUTE_KINDS when there is none. */
attribute_kind_e attributes_kind_of(const char *name, size_t length);

int attributes_is_set(const attribute_t *value);

/* What a set has: ATTRIBUTE_S, N or B. */
attribute_kind_e attributes_kind_of_member(attribute_kind_e set);

/* New values. Bytes are copied. */
attribute_t *attributes_make(apr_pool_t *pool, attribute_kind_e kind);
attribute_t *attributes_make_text(apr_pool_t *pool, attribute_kind_e kind, const char *bytes,
                                  size_t length);
attribute_t *attributes_make_number(apr_pool_t *pool, const decimal_t *number);

/* The number of an N. */
decimal_t attributes_number(const attribute_t *value);

/* A map's member, or NULL; sets it, anew when `name` is there; takes it out. Names are not copied.
 */
attribute_t *attributes_get(const attribute_t *map, const char *name);
void attributes_set(apr_pool_t *pool, attribute_t *map, const char *name, attribute_t *value);
void attributes_remove(attribute_t *map, const char *name);

/* Behind the last one of a list, or of a set; takes one out. */
void attributes_append(apr_pool_t *pool, attribute_t *list, attribute_t *value);
void attributes_remove_at(attribute_t *list, size_t index);

/* Whether the set or list has a member that equals `value`: its place from 1; else 0. */
size_t attributes_find(const attribute_t *list, const attribute_t *value);

int attributes_equal(const attribute_t *one, const attribute_t *other);

/* Order of two values of one kind, S, N or B. */
int attributes_compare(const attribute_t *one, const attribute_t *other);

/* Bytes that it counts for towards the limit of an item; an item's names are part of it. */
size_t attributes_item_size(const attribute_t *item);

/* A deep copy in the pool; in one block of the heap, to be freed with free(), NULL when memory is
 * out. */
attribute_t *attributes_copy(apr_pool_t *pool, const attribute_t *value);
attribute_t *attributes_keep(const attribute_t *value);

#endif
