/*
 * The rate limit at the door: who asks, how much of it is allowed here, and the
 * headers that say so. For every handler that starts a chat, on a worker.
 */
#ifndef HTTP_LIMIT_H
#define HTTP_LIMIT_H

#include "chat/fleet_limit.h"

#include <httpd.h>

/* Counts this request; 0 when it is over the limit. Either way the answer's headers
 * RateLimit-Policy and RateLimit are set, with Retry-After when it is refused; where there is no
 * limit, none is.
 *
 * A limit that all machines share is counted elsewhere: then `ask` has a fleet, the chat goes on to
 * ask it, and limit_tell_asked() sets the headers. */
int limit_check(request_rec *r, fleet_limit_ask_t *ask);

/* The headers of what the fleet said; nothing when it was not to be asked. */
void limit_tell_asked(request_rec *r, const fleet_limit_ask_t *ask);

/* The same headers for a request that is answered without having been counted; nothing when they
 * are set. */
void limit_tell(request_rec *r);

/* The rule of this location; NULL: there is no limit. */
const sliding_log_rule_t *limit_rule(const request_rec *r);

/* Child, once its AWS clients are made: what it needs for limits that machines share. */
void limit_start(apr_pool_t *pchild, server_rec *main_server);

/* Of how many clients shared counts are known here: 1 when nothing is shared. */
unsigned limit_fleet_clients(const server_rec *main_server);

#endif
