#include "shm/names.h"

#include <string.h>

#define WORDS ((NAMES_TEXT_MAX + 1) / sizeof(unsigned long long))

_Static_assert(sizeof(atomic_ullong) == sizeof(unsigned long long), "a word is a word");

/* FNV-1a, 64 bits. */
uint64_t names_hash(uint64_t before, const char *text)
{
    uint64_t key = before != 0 ? before : 0xcbf29ce484222325ULL;

    for (; *text != '\0'; text++) {
        key = (key ^ (unsigned char)*text) * 0x100000001b3ULL;
    }
    key = (key ^ 0xff) * 0x100000001b3ULL; /* "a", "bc" is not "ab", "c" */
    return key != 0 ? key : 1;
}

static void write_text(names_entry_t *entry, uint64_t scope, const char *name)
{
    unsigned long long words[WORDS] = {0};
    char *text = (char *)words;
    size_t i;

    for (i = 0; i < NAMES_TEXT_MAX && name[i] != '\0'; i++) {
        text[i] = name[i] >= ' ' && name[i] <= '~' ? name[i] : '?';
    }
    for (i = 0; i < WORDS; i++) {
        atomic_store(&entry->text[i], words[i]);
    }
    atomic_store(&entry->scope, scope);
}

unsigned names_find(names_entry_t *entries, unsigned count, uint64_t scope, const char *name)
{
    unsigned long long key = names_hash(scope, name);
    unsigned i;

    for (i = 0; i < count; i++) {
        unsigned long long found = atomic_load(&entries[i].key);
        if (found == key) {
            if (atomic_load(&entries[i].text[0]) == 0) {
                write_text(&entries[i], scope, name);
            }
            return i;
        }
        if (found == 0 &&
            (atomic_compare_exchange_strong(&entries[i].key, &found, key) || found == key)) {
            write_text(&entries[i], scope, name);
            return i;
        }
    }
    return count;
}

int names_at(const names_entry_t *entry, uint64_t *scope, char *text)
{
    unsigned long long words[WORDS];
    size_t i;

    if (atomic_load(&entry->key) == 0) {
        return 0;
    }
    for (i = 0; i < WORDS; i++) {
        words[i] = atomic_load(&entry->text[i]);
    }
    memcpy(text, words, sizeof(words));
    *scope = atomic_load(&entry->scope);
    return text[0] != '\0';
}
