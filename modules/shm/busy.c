#include "shm/busy.h"

#include "shm/digest.h"
#include "shm/lock.h"

#include <stdatomic.h>
#include <unistd.h>

#define PLACES    8u
#define ROOM_EACH 4u /* places for each claim it is made for */

struct busy_t {
    _Alignas(64) digest_keys_t keys;
    uint32_t buckets;
    atomic_ullong tokens; /* given out */
};

typedef struct {
    digest_t session;
    atomic_llong until; /* 0 or in the past: the place is free */
    uint64_t token;
    atomic_int pid;
} place_t;

typedef struct {
    _Alignas(64) lock_t lock;
    place_t places[PLACES];
} bucket_t;

/* A power of two. */
static size_t buckets_for(unsigned claims)
{
    size_t buckets = 1;

    while (buckets * PLACES < (size_t)claims * ROOM_EACH) {
        buckets *= 2;
    }
    return buckets;
}

size_t busy_size(unsigned claims)
{
    const size_t buckets = buckets_for(claims);

    if (claims == 0 || claims > BUSY_CLAIMS_MAX ||
        buckets > (SIZE_MAX - sizeof(busy_t)) / sizeof(bucket_t)) {
        return 0;
    }
    return sizeof(busy_t) + buckets * sizeof(bucket_t);
}

static bucket_t *buckets_of(busy_t *busy)
{
    return (bucket_t *)(busy + 1);
}

int busy_init(void *memory, unsigned claims)
{
    busy_t *busy = memory;
    uint32_t i;

    if (!digest_keys_make(&busy->keys)) {
        return 0;
    }
    busy->buckets = (uint32_t)buckets_for(claims);
    for (i = 0; i < busy->buckets; i++) {
        if (!lock_init(&buckets_of(busy)[i].lock)) {
            return 0;
        }
    }
    return 1;
}

/* The place for a session: PLACES when there is none. `*is_busy` when somebody has it. */
static unsigned find_place(const bucket_t *bucket, digest_t session, apr_time_t now, int *is_busy)
{
    unsigned found = PLACES;
    unsigned i;

    *is_busy = 0;
    for (i = 0; i < PLACES; i++) {
        const place_t *place = &bucket->places[i];
        if (atomic_load(&place->until) <= now) {
            found = i;
        } else if (digest_equal(place->session, session)) {
            *is_busy = 1;
        }
    }
    return found;
}

static void fill(place_t *place, digest_t session, uint64_t token, apr_time_t until)
{
    atomic_store(&place->until, 0);
    place->session = session;
    place->token = token;
    atomic_store(&place->pid, getpid());
    atomic_store(&place->until, until);
}

int busy_claim(busy_t *busy, const char *store, const char *session_id, apr_time_t until,
               apr_time_t now, busy_claim_t *claim)
{
    const digest_t session = digest_make(&busy->keys, store, session_id);
    const uint32_t index = digest_place(session, busy->buckets);
    bucket_t *bucket = &buckets_of(busy)[index];
    int is_busy;
    unsigned place;

    claim->token = 0;
    lock_take(&bucket->lock);
    place = find_place(bucket, session, now, &is_busy);
    if (!is_busy && place < PLACES) {
        claim->token = atomic_fetch_add(&busy->tokens, 1) + 1;
        claim->place = index * PLACES + place;
        fill(&bucket->places[place], session, claim->token, until);
    }
    lock_release(&bucket->lock);
    return !is_busy;
}

void busy_release(busy_t *busy, busy_claim_t *claim)
{
    bucket_t *bucket;
    place_t *place;

    if (claim->token == 0) {
        return;
    }
    bucket = &buckets_of(busy)[claim->place / PLACES];
    place = &bucket->places[claim->place % PLACES];
    lock_take(&bucket->lock);
    if (place->token == claim->token) {
        atomic_store(&place->until, 0);
    }
    lock_release(&bucket->lock);
    claim->token = 0;
}

static int has_claims_of(const bucket_t *bucket, pid_t pid)
{
    unsigned i;

    for (i = 0; i < PLACES; i++) {
        if (atomic_load(&bucket->places[i].pid) == pid) {
            return 1;
        }
    }
    return 0;
}

static void end_claims_of(bucket_t *bucket, pid_t pid)
{
    unsigned i;

    lock_take(&bucket->lock);
    for (i = 0; i < PLACES; i++) {
        if (atomic_load(&bucket->places[i].pid) == pid) {
            atomic_store(&bucket->places[i].until, 0);
        }
    }
    lock_release(&bucket->lock);
}

void busy_reap(busy_t *busy, pid_t pid)
{
    uint32_t i;

    for (i = 0; i < busy->buckets; i++) {
        bucket_t *bucket = &buckets_of(busy)[i];
        if (has_claims_of(bucket, pid)) {
            end_claims_of(bucket, pid);
        }
    }
}
