/*
 * A lock in shared memory that outlives who held it: when a process dies
 * inside, the next one gets the lock and is none the wiser. So what it guards
 * must change by one store, or not matter when it is half changed.
 *
 * Any process that inherited the memory, any thread. Hold it for a moment.
 */
#ifndef SHM_LOCK_H
#define SHM_LOCK_H

#include <pthread.h>

typedef struct {
    pthread_mutex_t mutex;
} lock_t;

/* Once, before other processes come. 0 when the system has no such locks. */
int lock_init(lock_t *lock);

void lock_take(lock_t *lock);
void lock_release(lock_t *lock);

#endif
