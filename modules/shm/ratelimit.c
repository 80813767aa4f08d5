#include "shm/ratelimit.h"

#include "shm/digest.h"
#include "shm/lock.h"

#include <stdatomic.h>

#define PLACES 32u
#define SLOTS  (PLACES + 1)

struct ratelimit_t {
    _Alignas(64) digest_keys_t keys;
    uint32_t buckets;
    atomic_ullong evictions;
};

/* A place's slot is its number XOR what is stored, so that zero is a good start: each its own, and
 * the last one spare. */
typedef struct {
    _Alignas(64) lock_t lock;
    atomic_uchar places[PLACES];
    uint16_t tags[SLOTS]; /* a part of the slot's digest: most others need not be looked at */
} head_t;

typedef struct {
    digest_t client;
    int64_t seen;     /* when it last asked, be it in vain */
    uint64_t version; /* ratelimit_store()'s; 0: it is counted here alone */
    sliding_log_t log;
} slot_t;

typedef struct {
    head_t *head;
    slot_t *slots;
} bucket_t;

/* ---- layout ---- */

/* Three halves as many places as clients. */
static size_t buckets_for(unsigned clients)
{
    return ((size_t)clients * 3 / 2 + PLACES - 1) / PLACES;
}

size_t ratelimit_size(unsigned clients)
{
    const size_t bucket = sizeof(head_t) + SLOTS * sizeof(slot_t);
    const size_t buckets = buckets_for(clients);

    if (clients == 0 || clients > RATELIMIT_CLIENTS_MAX ||
        buckets > (SIZE_MAX - sizeof(ratelimit_t)) / bucket) {
        return 0;
    }
    return sizeof(ratelimit_t) + buckets * bucket;
}

static head_t *heads_of(ratelimit_t *limits)
{
    return (head_t *)(limits + 1);
}

static bucket_t bucket_at(ratelimit_t *limits, uint32_t index)
{
    head_t *heads = heads_of(limits);
    slot_t *slots = (slot_t *)(heads + limits->buckets);
    const bucket_t bucket = {&heads[index], &slots[(size_t)index * SLOTS]};

    return bucket;
}

int ratelimit_init(void *memory, unsigned clients)
{
    ratelimit_t *limits = memory;
    uint32_t i;

    if (!digest_keys_make(&limits->keys)) {
        return 0;
    }
    limits->buckets = (uint32_t)buckets_for(clients);
    for (i = 0; i < limits->buckets; i++) {
        if (!lock_init(&heads_of(limits)[i].lock)) {
            return 0;
        }
    }
    return 1;
}

/* ---- one bucket; its lock is held ---- */

static unsigned slot_of(const bucket_t *bucket, unsigned place)
{
    return atomic_load_explicit(&bucket->head->places[place], memory_order_relaxed) ^ place;
}

/* The slot that is no place's: all numbers XOR those of the places. */
static unsigned spare_slot(const bucket_t *bucket)
{
    unsigned spare = PLACES;
    unsigned place;

    for (place = 0; place < PLACES; place++) {
        spare ^= place ^ slot_of(bucket, place);
    }
    return spare;
}

/* From here on it is true. */
static void put_in_place(const bucket_t *bucket, unsigned place, unsigned slot)
{
    atomic_store_explicit(&bucket->head->places[place], (unsigned char)(slot ^ place),
                          memory_order_release);
}

static uint16_t tag_of(digest_t client)
{
    return (uint16_t)client.second;
}

/* PLACES when it is in none. */
static unsigned find_client(const bucket_t *bucket, digest_t client)
{
    const uint16_t tag = tag_of(client);
    unsigned place;

    for (place = 0; place < PLACES; place++) {
        const unsigned slot = slot_of(bucket, place);
        if (bucket->head->tags[slot] == tag && bucket->slots[slot].log.used > 0 &&
            digest_equal(bucket->slots[slot].client, client)) {
            return place;
        }
    }
    return PLACES;
}

/* A place for another client: free, else one whose window has passed, else the one not seen for
 * longest. `*live` tells whether something is forgotten there. */
static unsigned find_room(const bucket_t *bucket, apr_time_t now, int *live)
{
    unsigned oldest = 0;
    int64_t seen = INT64_MAX;
    unsigned place;

    *live = 0;
    for (place = 0; place < PLACES; place++) {
        const slot_t *slot = &bucket->slots[slot_of(bucket, place)];
        if (sliding_log_is_over(&slot->log, now)) {
            return place;
        }
        if (slot->seen < seen) {
            seen = slot->seen;
            oldest = place;
        }
    }
    *live = 1;
    return oldest;
}

static void put(const bucket_t *bucket, unsigned place, const slot_t *changed)
{
    const unsigned spare = spare_slot(bucket);

    bucket->slots[spare] = *changed;
    bucket->head->tags[spare] = tag_of(changed->client);
    put_in_place(bucket, place, spare);
}

/* ---- from outside ---- */

static void take_again(const bucket_t *bucket, unsigned place, const sliding_log_rule_t *rule,
                       apr_time_t now, sliding_log_verdict_t *verdict)
{
    slot_t *current = &bucket->slots[slot_of(bucket, place)];
    slot_t changed = *current;

    sliding_log_take(&changed.log, rule, now, verdict);
    if (verdict->allowed) {
        changed.seen = now;
        put(bucket, place, &changed);
    } else {
        current->seen = now;
    }
}

/* 1 when another client had to go. */
static int take_first(const bucket_t *bucket, digest_t client, const sliding_log_rule_t *rule,
                      apr_time_t now, sliding_log_verdict_t *verdict)
{
    slot_t made = {.client = client, .seen = now};
    int live;
    const unsigned place = find_room(bucket, now, &live);

    sliding_log_take(&made.log, rule, now, verdict);
    put(bucket, place, &made);
    return live;
}

void ratelimit_take(ratelimit_t *limits, const char *scope, const char *key,
                    const sliding_log_rule_t *rule, apr_time_t now, ratelimit_verdict_t *verdict)
{
    const digest_t client = digest_make(&limits->keys, scope, key);
    const bucket_t bucket = bucket_at(limits, digest_place(client, limits->buckets));
    unsigned place;

    verdict->evicted = 0;
    lock_take(&bucket.head->lock);
    place = find_client(&bucket, client);
    if (place < PLACES) {
        take_again(&bucket, place, rule, now, &verdict->log);
    } else if (take_first(&bucket, client, rule, now, &verdict->log)) {
        verdict->evicted = atomic_fetch_add(&limits->evictions, 1) + 1;
    }
    lock_release(&bucket.head->lock);
}

void ratelimit_look(ratelimit_t *limits, const char *scope, const char *key,
                    const sliding_log_rule_t *rule, apr_time_t now, sliding_log_verdict_t *verdict)
{
    static const sliding_log_t unknown;
    const digest_t client = digest_make(&limits->keys, scope, key);
    const bucket_t bucket = bucket_at(limits, digest_place(client, limits->buckets));
    unsigned place;

    lock_take(&bucket.head->lock);
    place = find_client(&bucket, client);
    sliding_log_look(place < PLACES ? &bucket.slots[slot_of(&bucket, place)].log : &unknown, rule,
                     now, verdict);
    lock_release(&bucket.head->lock);
}

uint64_t ratelimit_fetch(ratelimit_t *limits, const char *scope, const char *key,
                         sliding_log_t *log)
{
    const digest_t client = digest_make(&limits->keys, scope, key);
    const bucket_t bucket = bucket_at(limits, digest_place(client, limits->buckets));
    uint64_t version = 0;
    unsigned place;

    log->used = 0;
    lock_take(&bucket.head->lock);
    place = find_client(&bucket, client);
    if (place < PLACES) {
        const slot_t *slot = &bucket.slots[slot_of(&bucket, place)];
        *log = slot->log;
        version = slot->version;
    }
    lock_release(&bucket.head->lock);
    return version;
}

void ratelimit_store(ratelimit_t *limits, const char *scope, const char *key,
                     const sliding_log_t *log, uint64_t version, apr_time_t now)
{
    const slot_t made = {.client = digest_make(&limits->keys, scope, key),
                         .seen = now,
                         .version = version,
                         .log = *log};
    const bucket_t bucket = bucket_at(limits, digest_place(made.client, limits->buckets));
    unsigned place;
    int live;

    lock_take(&bucket.head->lock);
    place = find_client(&bucket, made.client);
    if (place == PLACES) {
        put(&bucket, find_room(&bucket, now, &live), &made);
    } else if (bucket.slots[slot_of(&bucket, place)].version < version) {
        put(&bucket, place, &made);
    }
    lock_release(&bucket.head->lock);
}

uint64_t ratelimit_evictions(const ratelimit_t *limits)
{
    return atomic_load(&limits->evictions);
}
