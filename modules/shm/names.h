/*
 * A bounded table of names in shared memory, found or added without a lock.
 *
 * A name gets a number once and keeps it. Whoever finds an entry writes its
 * text once more, so that one whose process died in between is whole at its next
 * use. Zero is an empty table.
 */
#ifndef SHM_NAMES_H
#define SHM_NAMES_H

#include <stdatomic.h>
#include <stdint.h>

#define NAMES_TEXT_MAX 63

typedef struct {
    _Alignas(64) atomic_ullong key; /* of scope and name; 0: free */
    atomic_ullong scope;
    atomic_ullong text[(NAMES_TEXT_MAX + 1) / sizeof(unsigned long long)];
} names_entry_t;

/* A key of a text that follows `before`, another such key or 0; never 0 itself. */
uint64_t names_hash(uint64_t before, const char *text);

/* The number of a name within a scope; `count` when the table is full. Kept are its first
 * NAMES_TEXT_MAX bytes, those that are not printable ASCII as "?". Any thread of any process. */
unsigned names_find(names_entry_t *entries, unsigned count, uint64_t scope, const char *name);

/* Whether an entry is taken, its scope, its text; `text` has room for NAMES_TEXT_MAX + 1. As above.
 */
int names_at(const names_entry_t *entry, uint64_t *scope, char *text);

#endif
