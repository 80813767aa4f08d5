/*
 * A small-object cache of httpd's (mod_socache_shmcb, redis, memcache, dbm) with
 * what it takes to use one: its mutex, its survival of graceful restarts, and
 * the memory that it is away.
 *
 * Its calls may block: workers only. Statuses are APR's; APR_NOTFOUND is none
 * to worry about.
 */
#ifndef HTTP_SOCACHE_H
#define HTTP_SOCACHE_H

#include <httpd.h>

#include <ap_socache.h>

/* The name that the Mutex directive knows ours by. */
#define SOCACHE_MUTEX "chatbot-sessions"

typedef struct socache_t socache_t;

/* Lets the Mutex directive name ours. In httpd's pre-config pass. */
void socache_register_mutex(apr_pool_t *pconf);

/* The provider by that name; NULL when its module is not loaded. */
const ap_socache_provider_t *socache_provider(const char *name);

/* The cache of provider and arguments (NULL: none), one for all who name the same; NULL when it
 * cannot be made, with the reason in the log. Shared memory and mutexes are kept over a graceful
 * restart as long as the arguments stay the same. Parent, in httpd's post-config pass. */
socache_t *socache_create(apr_pool_t *pconf, server_rec *main_server, const char *provider,
                          const char *arguments, const struct ap_socache_hints *hints);

/* What a child needs of them: mutexes, and threads for those that may hang. Child, once. */
void socache_start(apr_pool_t *pchild);

/* Whether it is worth asking it. A cache that did not answer is left alone for a few seconds; then
 * one thread at a time may try. */
int socache_is_there(socache_t *cache);

/* Around every use; nothing happens where the provider needs no mutex. */
apr_status_t socache_lock(socache_t *cache);
void socache_unlock(socache_t *cache);

/* The provider's own. `*length` is the room in `value`, then its bytes. APR_TIMEUP from a cache of
 * another machine that does not answer within a second. `pool` is for scratch. */
apr_status_t socache_retrieve(socache_t *cache, const unsigned char *key, unsigned key_length,
                              unsigned char *value, unsigned *length, apr_pool_t *pool);
apr_status_t socache_store(socache_t *cache, const unsigned char *key, unsigned key_length,
                           apr_time_t expiry, unsigned char *value, unsigned length,
                           apr_pool_t *pool);
apr_status_t socache_remove(socache_t *cache, const unsigned char *key, unsigned key_length,
                            apr_pool_t *pool);

/* Most bytes of a key. */
#define SOCACHE_KEY_MAX 120

#endif
