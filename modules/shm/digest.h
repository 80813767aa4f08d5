/*
 * Names in shared memory as 128 bits: SipHash-2-4 twice, under random keys made
 * with the segment. So no text of a client's is kept, and nobody can choose
 * names that meet.
 */
#ifndef SHM_DIGEST_H
#define SHM_DIGEST_H

#include <apr_siphash.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    unsigned char first[APR_SIPHASH_KSIZE];
    unsigned char second[APR_SIPHASH_KSIZE];
} digest_keys_t;

typedef struct {
    uint64_t first;
    uint64_t second;
} digest_t;

/* Random keys; 0 when the system has no randomness. */
int digest_keys_make(digest_keys_t *keys);

/* The digest of two texts, which are not the same as two others with the same sum. Any thread. */
digest_t digest_make(const digest_keys_t *keys, const char *scope, const char *name);

static inline int digest_equal(digest_t one, digest_t other)
{
    return one.first == other.first && one.second == other.second;
}

/* One of `count` places, evenly. */
static inline uint32_t digest_place(digest_t digest, uint32_t count)
{
    return (uint32_t)(((digest.first >> 32) * count) >> 32);
}

#endif
