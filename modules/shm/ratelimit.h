/*
 * The rate limit of all children: what each client asked for lately.
 *
 *     +--------------------+--------------------------+-------------------------------+
 *     | header: how many   | one head a bucket:       | 33 slots a bucket:            |
 *     | buckets, the keys  | lock, 32 places, 33 tags | digest, last seen, its log    |
 *     +--------------------+--------------------------+-------------------------------+
 *     0                    64 bytes                   offsets from the sizes alone
 *
 * A hash table with room for half as many clients again as it is made for; a
 * client's bucket is given by its digest. When the bucket is full, a client
 * whose window has passed makes room, else the one not seen for longest. With
 * as many clients as it is made for, about one in a thousand is forgotten like
 * that. It takes 281 bytes a client, 18.4 MB for 65,536, which the system hands
 * out as clients come.
 *
 * 32 slots are the bucket's places, one is spare: what changes is written to
 * the spare slot whole, and becomes true by the one store that makes it a
 * place. So a process may die anywhere in between.
 *
 * The clock is the caller's, the same for all: the monotonic one, which all
 * processes share and which a graceful restart does not turn back. Any
 * process that inherited the memory, any thread.
 */
#ifndef SHM_RATELIMIT_H
#define SHM_RATELIMIT_H

#include "shm/sliding_log.h"

#include <stddef.h>

#define RATELIMIT_CLIENTS_MAX 10000000u

typedef struct ratelimit_t ratelimit_t;

typedef struct {
    sliding_log_verdict_t log;
    uint64_t evicted; /* not 0: another client's count was forgotten for this one, so many by now */
} ratelimit_verdict_t;

/* Bytes for that many clients, 1..RATELIMIT_CLIENTS_MAX; 0 when this machine cannot address them.
 */
size_t ratelimit_size(unsigned clients);

/* Makes it in memory that is all zero and aligned to 64 bytes; 0 when the system has no such locks
 * or no randomness. Parent, before any child. */
int ratelimit_init(void *memory, unsigned clients);

/* A request of the client `key` under the limit `scope`: counted if it is allowed. */
void ratelimit_take(ratelimit_t *limits, const char *scope, const char *key,
                    const sliding_log_rule_t *rule, apr_time_t now, ratelimit_verdict_t *verdict);

/* What a request would be told, without making it. */
void ratelimit_look(ratelimit_t *limits, const char *scope, const char *key,
                    const sliding_log_rule_t *rule, apr_time_t now, sliding_log_verdict_t *verdict);

/* For counts that are kept elsewhere and only known here: what is known of a client, its version
 * (0: nothing is) with it. */
uint64_t ratelimit_fetch(ratelimit_t *limits, const char *scope, const char *key,
                         sliding_log_t *log);

/* Replaces what is known by a later version; an earlier one, or the same, changes nothing. */
void ratelimit_store(ratelimit_t *limits, const char *scope, const char *key,
                     const sliding_log_t *log, uint64_t version, apr_time_t now);

/* Clients forgotten before their windows had passed. */
uint64_t ratelimit_evictions(const ratelimit_t *limits);

#endif
