/*
 * Sessions in a DynamoDB table, one item each: a store of the I/O thread's.
 *
 * A turn claims its session when it opens it, so that a second one is told
 * that it is busy; the claim runs out with the turn. A save is conditional on
 * the version that was loaded: overtaken, it is made again on top of what is
 * there. Sessions that were removed meanwhile stay so.
 */
#ifndef CHAT_SESSION_TABLE_H
#define CHAT_SESSION_TABLE_H

#include "aws/call.h"
#include "chat/session.h"

#include <apr_pools.h>

/* A store on that table (its name or ARN), for as long as `pool` and the client live. */
const session_store_t *session_table_create(apr_pool_t *pool, const char *table,
                                            call_client_t *client);

#endif
