/*
 * A lease in shared memory: one process at a time does a job, for no longer than
 * it said. One atomic and no lock: who dies holding it is followed when its time
 * has passed, or at once when the parent has reaped it.
 */
#ifndef SHM_LEASE_H
#define SHM_LEASE_H

#include <apr_time.h>
#include <stdatomic.h>
#include <sys/types.h>

typedef atomic_ullong lease_t; /* until when and whose; 0: nobody's */

/* Takes it until `now + hold` (monotonic), also when it is this process's already; 0 while it is
 * another one's. Any thread. */
int lease_take(lease_t *lease, pid_t pid, apr_time_t now, apr_interval_time_t hold);

/* Whether it is still this process's. */
int lease_is_held(const lease_t *lease, pid_t pid);

/* Gives it back; does nothing when it is another's by now. The parent, too, for a child that ended.
 */
void lease_give_back(lease_t *lease, pid_t pid);

#endif
