/*
 * The rate limit at the door: who asks, how much of it is allowed here, and the
 * headers that say so. For every handler that starts a chat, on a worker.
 */
#ifndef HTTP_LIMIT_H
#define HTTP_LIMIT_H

#include <httpd.h>

/* Counts this request; 0 when it is over the limit. Either way the answer's headers
 * RateLimit-Policy and RateLimit are set, with Retry-After when it is refused; where there is no
 * limit, none is. */
int limit_check(request_rec *r);

/* The same headers for a request that is answered without having been counted; nothing when they
 * are set. */
void limit_tell(request_rec *r);

#endif
