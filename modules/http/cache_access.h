/*
 * One use of a cache for one session: its key, the value fetched, why it failed.
 *
 * The thread that begins it ends it, and has no other one meanwhile.
 */
#ifndef HTTP_CACHE_ACCESS_H
#define HTTP_CACHE_ACCESS_H

#include "chat/session.h"
#include "http/socache.h"

#define CACHE_ACCESS_HASH   4
#define CACHE_ACCESS_REASON 200

typedef struct {
    socache_t *cache;
    struct cache_scratch_t *scratch; /* the thread's */
    int is_locked;
    unsigned char key[CACHE_ACCESS_HASH + SESSION_ID_MAX];
    unsigned key_length;
    unsigned char *value; /* what was fetched */
    unsigned length;
    char reason[CACHE_ACCESS_REASON]; /* of SESSION_FAILED; else "" */
} cache_access_t;

/* What a child needs first. Child, once. */
void cache_access_start(apr_pool_t *pchild);

/* Begins: OK or FAILED. End it in either case; ending gives the lock back, too. */
session_end_e cache_access_begin(cache_access_t *access, socache_t *cache, const char *session_id);
void cache_access_end(cache_access_t *access);

/* The cache's mutex, needed around the functions below: OK or FAILED. */
session_end_e cache_access_lock(cache_access_t *access);
void cache_access_unlock(cache_access_t *access);

/* OK, ABSENT or FAILED. */
session_end_e cache_access_fetch(cache_access_t *access);

/* APR_ENOSPC when the cache has no room for it, or it has failed. */
apr_status_t cache_access_store(cache_access_t *access, const buffer_t *value, apr_time_t expiry);

/* OK, also when there is nothing to remove; or FAILED. */
session_end_e cache_access_remove(cache_access_t *access);

/* SESSION_FAILED, with phase and status as the reason. */
session_end_e cache_access_explain(cache_access_t *access, const char *phase, apr_status_t status);

#endif
