/*
 * Sessions in one of httpd's socache providers: shared memory (shmcb), Redis,
 * memcached, a dbm file. A store that blocks: its calls are made on workers.
 *
 * Each key is four bytes of hash and the session's id, the value its record as
 * JSON. Where the provider needs a mutex (shared memory, dbm), a save is one
 * step under it; elsewhere two saves of one session from two machines at the
 * same instant may lose one. Shared memory and mutexes are kept over a graceful
 * restart.
 */
#ifndef HTTP_SESSION_CACHE_H
#define HTTP_SESSION_CACHE_H

#include "chat/session.h"

#include <httpd.h>

/* Whether the provider's module is loaded. */
int session_cache_has(const char *provider);

/* NULL, or what is wrong with provider and arguments (NULL: none), and what to write. */
const char *session_cache_check(apr_pool_t *pool, const char *provider, const char *arguments);

/* The store of provider and arguments, one for all servers that name the same; NULL when it cannot
 * be made, with the reason in the log. Parent, after the configuration was read. */
const session_store_t *session_cache_create(apr_pool_t *pconf, server_rec *main_server,
                                            const char *provider, const char *arguments);

#endif
