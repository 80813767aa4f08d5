/*
 * The rate limit of a whole fleet: counts that are kept in a DynamoDB table.
 *
 * Each request that is allowed costs one conditional write, made from what this
 * machine knows of the client; when another machine was there first, its count
 * comes back with the refusal and is the one to go on from. Requests of one
 * client that come while its write is under way share the next one. What is
 * known to be over the limit is refused without a call.
 *
 * When the table does not answer in time, this machine goes on counting by
 * itself from what it knows, and asks the table again two seconds later.
 *
 * Times are of AWS's wall clock, as far as it is known. I/O thread, but for
 * making one and fleet_limit_look().
 */
#ifndef CHAT_FLEET_LIMIT_H
#define CHAT_FLEET_LIMIT_H

#include "aws/call.h"
#include "shm/circuit.h"
#include "shm/ratelimit.h"

/* What a table has to answer in: every chat waits for it. */
#define FLEET_LIMIT_TIME apr_time_from_msec(500)

typedef struct fleet_limit_t fleet_limit_t;
typedef struct fleet_limit_ask_t fleet_limit_ask_t;

/* One request of a client, embedded by its owner and zeroed first. */
struct fleet_limit_ask_t {
    fleet_limit_t
        *fleet; /* the owner's to fill in, up to on_verdict; NULL: there is no such limit */
    call_client_t *client; /* of DynamoDB; lives as long as the loop */
    const char *scope;
    const char *key;
    sliding_log_rule_t rule;
    void (*on_verdict)(fleet_limit_ask_t *ask); /* once, unless cancelled; perhaps from within */
    sliding_log_verdict_t verdict;
    int has_verdict;
    struct fleet_limit_write_t *write; /* fleet_limit's own; NULL: nothing is under way */
    fleet_limit_ask_t *next;
};

typedef struct {
    const char *table;
    ratelimit_t *known; /* what the children of this machine know */
    circuit_t *circuit; /* theirs, too; NULL: there is none left, and the table is never asked */
} fleet_limit_settings_t;

/* Made in `pool`, which must live as long as the loop. Child, once for each table. */
fleet_limit_t *fleet_limit_create(apr_pool_t *pool, const fleet_limit_settings_t *settings);

void fleet_limit_start(fleet_limit_ask_t *ask);

/* Nobody waits for the verdict any more; the request may be counted all the same. */
void fleet_limit_cancel(fleet_limit_ask_t *ask);

/* What is known here of a client, without asking. Any thread. */
void fleet_limit_look(const fleet_limit_t *fleet, const char *scope, const char *key,
                      const sliding_log_rule_t *rule, sliding_log_verdict_t *verdict);

#endif
