/*
 * Which sessions have a turn in flight on this machine.
 *
 *     +--------------------+--------------------------------------------------+----
 *     | header: how many   | bucket: lock, 8 claims of                        | …
 *     | buckets, the keys  |   (digest of the session, until, token, process) |
 *     +--------------------+--------------------------------------------------+----
 *
 * A claim ends when it is released, when its process has died, and at the
 * latest at `until`. It is true from the store of `until` on, and gone with it,
 * so a process may die anywhere in between. The table has four places for each
 * claim it is made for; should a bucket be full all the same, the claim is
 * granted without being written down: nobody is refused for lack of room.
 *
 * The clock is the monotonic one. Any process that inherited the memory, any
 * thread.
 */
#ifndef SHM_BUSY_H
#define SHM_BUSY_H

#include <apr_time.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define BUSY_CLAIMS_MAX 10000000u

typedef struct busy_t busy_t;

/* What is given back; all zero is no claim. */
typedef struct {
    uint32_t place;
    uint64_t token; /* 0: it was not written down */
} busy_claim_t;

/* Bytes for that many claims at a time, 1..BUSY_CLAIMS_MAX, rounded up so that a few more take the
 * same; 0 when this machine cannot address them. */
size_t busy_size(unsigned claims);

/* Makes it in memory that is all zero and aligned to 64 bytes; 0 when the system has no such locks
 * or no randomness. Parent, before any child. */
int busy_init(void *memory, unsigned claims);

/* Claims a session of a store for this process until then; 0 when somebody else has it. */
int busy_claim(busy_t *busy, const char *store, const char *session_id, apr_time_t until,
               apr_time_t now, busy_claim_t *claim);

/* Gives it back; nothing happens when it was over already. The claim is then no claim. */
void busy_release(busy_t *busy, busy_claim_t *claim);

/* Ends all claims of a process that has died. The parent. */
void busy_reap(busy_t *busy, pid_t pid);

#endif
