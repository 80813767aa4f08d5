#include "shm/lock.h"

#include <errno.h>

int lock_init(lock_t *lock)
{
    pthread_mutexattr_t attributes;
    int made;

    if (pthread_mutexattr_init(&attributes) != 0) {
        return 0;
    }
    made = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0 &&
           pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0 &&
           pthread_mutex_init(&lock->mutex, &attributes) == 0;
    (void)pthread_mutexattr_destroy(&attributes);
    return made;
}

void lock_take(lock_t *lock)
{
    if (pthread_mutex_lock(&lock->mutex) == EOWNERDEAD) {
        (void)pthread_mutex_consistent(&lock->mutex);
    }
}

void lock_release(lock_t *lock)
{
    (void)pthread_mutex_unlock(&lock->mutex);
}
