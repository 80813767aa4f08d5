#include "shm/lease.h"

/* Milliseconds above, the process's id below: Linux has at most 2^22 of them. */
#define PID_BITS 22u
#define PID_MASK ((1ULL << PID_BITS) - 1)

static unsigned long long holder(unsigned long long value)
{
    return value & PID_MASK;
}

int lease_take(lease_t *lease, pid_t pid, apr_time_t now, apr_interval_time_t hold)
{
    unsigned long long me = (unsigned long long)pid & PID_MASK;
    unsigned long long found = atomic_load(lease);
    unsigned long long wanted = (unsigned long long)((now + hold) / 1000) << PID_BITS | me;

    if (found != 0 && holder(found) != me && found >> PID_BITS > (unsigned long long)(now / 1000)) {
        return 0;
    }
    return atomic_compare_exchange_strong(lease, &found, wanted);
}

int lease_is_held(const lease_t *lease, pid_t pid)
{
    unsigned long long found = atomic_load(lease);

    return found != 0 && holder(found) == ((unsigned long long)pid & PID_MASK);
}

void lease_give_back(lease_t *lease, pid_t pid)
{
    unsigned long long found = atomic_load(lease);

    if (found != 0 && holder(found) == ((unsigned long long)pid & PID_MASK)) {
        (void)atomic_compare_exchange_strong(lease, &found, 0);
    }
}
