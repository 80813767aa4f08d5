/*
 * What a call asks for credentials: one provider a child and server.
 *
 * It holds the current set and renews it ahead of its expiry, off the request
 * path and at a time that differs from child to child. There is one refresh at
 * a time; requests wait for it only while there is nothing usable, and not
 * when the one before failed: then they are told at once. What was fetched is
 * used until it expires, and, when it is the instance's, beyond ("static
 * stability"), while its source fails.
 *
 * I/O thread, but for what says otherwise.
 */
#ifndef AWS_CREDENTIALS_H
#define AWS_CREDENTIALS_H

#include "aws/credentials_set.h"
#include "aws/credentials_settings.h"
#include "loop/loop.h"

typedef struct credentials_provider_t credentials_provider_t;

/* One who waits for a set, embedded by its owner and zeroed first. `fn` is called once, perhaps
 * from within credentials_get(): with a set, which lives until `fn` returns unless it is held, or
 * with NULL and a line for the log. */
typedef struct credentials_waiter_t credentials_waiter_t;
struct credentials_waiter_t {
    void (*fn)(void *baton, const credentials_t *set, const char *reason);
    void *baton;
    credentials_waiter_t *next; /* the provider's */
    credentials_waiter_t **link;
};

/* Makes a provider; nothing is fetched yet. `settings` live as long as `pool`, which ends on the
 * thread that made it: the loop is stopped then, if it was not. Any thread. */
credentials_provider_t *credentials_create(loop_t *loop, const credentials_settings_t *settings,
                                           apr_pool_t *pool);

/* Begins to fetch and keep up to date. Any thread, once, after loop_start(). */
void credentials_start(credentials_provider_t *provider);

/* Asks for a set. */
void credentials_get(credentials_provider_t *provider, credentials_waiter_t *waiter);

/* Takes back the question; fine when it was answered. */
void credentials_forget_waiter(credentials_waiter_t *waiter);

/* AWS said that `set` has expired (ExpiredToken, ExpiredTokenException,
 * UnrecognizedClientException): fetches a new one, which the next credentials_get() waits for.
 * Ignored when `set`, which the caller holds, is no longer the current one, or when that was done a
 * moment ago to no avail. */
void credentials_reject(credentials_provider_t *provider, const credentials_t *set);

/* Microseconds until the next fetch, for Retry-After; 0 when it is under way. */
apr_interval_time_t credentials_retry_in(const credentials_provider_t *provider);

/* Whether a set could be had at once. Any thread. */
int credentials_ready(const credentials_provider_t *provider);

#endif
