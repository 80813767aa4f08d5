#include "emulator/attributes.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER_OVERHEAD 3
#define FIRST_ROOM         4
#define ALIGNMENT          sizeof(void *)

static const char *const kind_names[ATTRIBUTE_KINDS] = {"S", "N", "B",  "BOOL", "NULL",
                                                        "L", "M", "SS", "NS",   "BS"};

const char *attributes_kind_name(attribute_kind_e kind)
{
    return kind_names[kind];
}

attribute_kind_e attributes_kind_of(const char *name, size_t length)
{
    unsigned i;

    for (i = 0; i < ATTRIBUTE_KINDS; i++) {
        if (strlen(kind_names[i]) == length && memcmp(kind_names[i], name, length) == 0) {
            break;
        }
    }
    return (attribute_kind_e)i;
}

int attributes_is_set(const attribute_t *value)
{
    return value->kind >= ATTRIBUTE_SS;
}

attribute_kind_e attributes_kind_of_member(attribute_kind_e set)
{
    return (attribute_kind_e)(set - ATTRIBUTE_SS + ATTRIBUTE_S);
}

/* ---- making ---- */

attribute_t *attributes_make(apr_pool_t *pool, attribute_kind_e kind)
{
    attribute_t *value = apr_pcalloc(pool, sizeof(*value));

    value->kind = kind;
    return value;
}

attribute_t *attributes_make_text(apr_pool_t *pool, attribute_kind_e kind, const char *bytes,
                                  size_t length)
{
    attribute_t *value = attributes_make(pool, kind);

    value->bytes = apr_pstrmemdup(pool, bytes, length);
    value->length = length;
    return value;
}

attribute_t *attributes_make_number(apr_pool_t *pool, const decimal_t *number)
{
    attribute_t *value;
    buffer_t text;

    buffer_init(&text, ATTRIBUTES_ITEM_MAX);
    decimal_write(number, &text);
    value = attributes_make_text(pool, ATTRIBUTE_N, buffer_text(&text), text.length);
    buffer_free(&text);
    return value;
}

decimal_t attributes_number(const attribute_t *value)
{
    decimal_t number;

    (void)decimal_parse(&number, value->bytes, value->length);
    return number;
}

/* ---- members ---- */

static attribute_entry_t *find_entry(const attribute_t *map, const char *name)
{
    size_t i;

    for (i = 0; i < map->count; i++) {
        if (strcmp(map->entries[i].name, name) == 0) {
            return &map->entries[i];
        }
    }
    return NULL;
}

attribute_t *attributes_get(const attribute_t *map, const char *name)
{
    const attribute_entry_t *entry = find_entry(map, name);

    return entry != NULL ? entry->value : NULL;
}

static void add_entry(apr_pool_t *pool, attribute_t *value, const char *name, attribute_t *member)
{
    if (value->count == value->room) {
        size_t room = value->room > 0 ? value->room * 2 : FIRST_ROOM;
        attribute_entry_t *grown = apr_palloc(pool, room * sizeof(*grown));
        if (value->count > 0) {
            memcpy(grown, value->entries, value->count * sizeof(*grown));
        }
        value->entries = grown;
        value->room = room;
    }
    value->entries[value->count].name = name;
    value->entries[value->count].value = member;
    value->count++;
}

void attributes_set(apr_pool_t *pool, attribute_t *map, const char *name, attribute_t *value)
{
    attribute_entry_t *entry = find_entry(map, name);

    if (entry != NULL) {
        entry->value = value;
    } else {
        add_entry(pool, map, name, value);
    }
}

void attributes_remove(attribute_t *map, const char *name)
{
    const attribute_entry_t *entry = find_entry(map, name);

    if (entry != NULL) {
        attributes_remove_at(map, (size_t)(entry - map->entries));
    }
}

void attributes_append(apr_pool_t *pool, attribute_t *list, attribute_t *value)
{
    add_entry(pool, list, NULL, value);
}

void attributes_remove_at(attribute_t *list, size_t index)
{
    list->count--;
    memmove(list->entries + index, list->entries + index + 1,
            (list->count - index) * sizeof(list->entries[0]));
}

size_t attributes_find(const attribute_t *list, const attribute_t *value)
{
    size_t i;

    for (i = 0; i < list->count; i++) {
        if (attributes_equal(list->entries[i].value, value)) {
            return i + 1;
        }
    }
    return 0;
}

/* ---- comparing ---- */

static int equal_bytes(const attribute_t *one, const attribute_t *other)
{
    return one->length == other->length && memcmp(one->bytes, other->bytes, one->length) == 0;
}

static int equal_lists(const attribute_t *one, const attribute_t *other)
{
    size_t i;

    for (i = 0; i < one->count; i++) {
        if (!attributes_equal(one->entries[i].value, other->entries[i].value)) {
            return 0;
        }
    }
    return 1;
}

static int equal_maps(const attribute_t *one, const attribute_t *other)
{
    size_t i;

    for (i = 0; i < one->count; i++) {
        const attribute_t *value = attributes_get(other, one->entries[i].name);
        if (value == NULL || !attributes_equal(one->entries[i].value, value)) {
            return 0;
        }
    }
    return 1;
}

static int equal_sets(const attribute_t *one, const attribute_t *other)
{
    size_t i;

    for (i = 0; i < one->count; i++) {
        if (attributes_find(other, one->entries[i].value) == 0) {
            return 0;
        }
    }
    return 1;
}

int attributes_equal(const attribute_t *one, const attribute_t *other)
{
    if (one->kind != other->kind || one->count != other->count) {
        return 0;
    }
    switch (one->kind) {
    case ATTRIBUTE_BOOL: return one->truth == other->truth;
    case ATTRIBUTE_NULL: return 1;
    case ATTRIBUTE_L: return equal_lists(one, other);
    case ATTRIBUTE_M: return equal_maps(one, other);
    case ATTRIBUTE_SS:
    case ATTRIBUTE_NS:
    case ATTRIBUTE_BS: return equal_sets(one, other);
    default: return equal_bytes(one, other); /* a number's notation is unique */
    }
}

int attributes_compare(const attribute_t *one, const attribute_t *other)
{
    size_t shorter = one->length < other->length ? one->length : other->length;
    int order;

    if (one->kind == ATTRIBUTE_N) {
        const decimal_t first = attributes_number(one);
        const decimal_t second = attributes_number(other);
        return decimal_compare(&first, &second);
    }
    order = memcmp(one->bytes, other->bytes, shorter);
    if (order != 0 || one->length == other->length) {
        return order;
    }
    return one->length < other->length ? -1 : 1;
}

/* ---- sizes: Developer Guide, "DynamoDB item sizes and formats" ---- */

static size_t value_size(const attribute_t *value)
{
    size_t size;
    size_t i;

    switch (value->kind) {
    case ATTRIBUTE_S:
    case ATTRIBUTE_B: return value->length;
    case ATTRIBUTE_N: {
        const decimal_t number = attributes_number(value);
        return ((size_t)number.count + 1) / 2 + 1 + (size_t)number.negative;
    }
    case ATTRIBUTE_BOOL:
    case ATTRIBUTE_NULL: return 1;
    default: break;
    }
    size = attributes_is_set(value) ? 0 : CONTAINER_OVERHEAD + value->count;
    for (i = 0; i < value->count; i++) {
        size += value_size(value->entries[i].value);
        size += value->entries[i].name != NULL ? strlen(value->entries[i].name) : 0;
    }
    return size;
}

size_t attributes_item_size(const attribute_t *item)
{
    return value_size(item) - CONTAINER_OVERHEAD - item->count;
}

/* ---- copying ---- */

static size_t padded(size_t size)
{
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static size_t block_size(const attribute_t *value)
{
    size_t size = padded(sizeof(*value)) + value->count * sizeof(attribute_entry_t);
    size_t i;

    size += value->bytes != NULL ? padded(value->length + 1) : 0;
    for (i = 0; i < value->count; i++) {
        size += block_size(value->entries[i].value);
        size += value->entries[i].name != NULL ? padded(strlen(value->entries[i].name) + 1) : 0;
    }
    return size;
}

static void *take(char **block, size_t size)
{
    char *taken = *block;

    *block += padded(size);
    return taken;
}

static char *take_bytes(char **block, const char *bytes, size_t length)
{
    char *taken = take(block, length + 1);

    memcpy(taken, bytes, length);
    taken[length] = '\0';
    return taken;
}

static attribute_t *put_into(char **block, const attribute_t *value)
{
    attribute_t *copy = take(block, sizeof(*copy));
    size_t i;

    *copy = *value;
    if (value->bytes != NULL) {
        copy->bytes = take_bytes(block, value->bytes, value->length);
    }
    copy->entries = take(block, value->count * sizeof(attribute_entry_t));
    copy->room = value->count;
    for (i = 0; i < value->count; i++) {
        const char *name = value->entries[i].name;
        copy->entries[i].name = name != NULL ? take_bytes(block, name, strlen(name)) : NULL;
        copy->entries[i].value = put_into(block, value->entries[i].value);
    }
    return copy;
}

attribute_t *attributes_copy(apr_pool_t *pool, const attribute_t *value)
{
    char *block = apr_palloc(pool, block_size(value));

    return put_into(&block, value);
}

attribute_t *attributes_keep(const attribute_t *value)
{
    void *block = malloc(block_size(value));
    char *at = block;

    if (block != NULL) {
        (void)put_into(&at, value); /* it is the first thing in there */
    }
    return block;
}
