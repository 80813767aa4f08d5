#include "shm/gauge.h"

#include <stdatomic.h>

/* One cache line each, so that children do not slow each other down. */
typedef struct {
    _Alignas(64) atomic_int pid;
    atomic_int count;
    atomic_int departing;
} slot_t;

struct gauge_t {
    _Alignas(64) atomic_int total; /* signed: see gauge_enter() */
    slot_t slots[];
};

size_t gauge_size(unsigned slots)
{
    return sizeof(gauge_t) + slots * sizeof(slot_t);
}

int gauge_join(gauge_t *gauge, unsigned slots, pid_t pid, unsigned *slot)
{
    unsigned i;

    for (i = 0; i < slots; i++) {
        int nobody = 0;
        if (atomic_compare_exchange_strong(&gauge->slots[i].pid, &nobody, pid)) {
            *slot = i;
            return 1;
        }
    }
    return 0;
}

void gauge_reap(gauge_t *gauge, unsigned slots, pid_t pid)
{
    unsigned i;

    for (i = 0; i < slots; i++) {
        if (atomic_load(&gauge->slots[i].pid) == pid) {
            atomic_fetch_sub(&gauge->total, atomic_exchange(&gauge->slots[i].count, 0));
            atomic_store(&gauge->slots[i].departing, 0);
            atomic_store(&gauge->slots[i].pid, 0);
        }
    }
}

int gauge_depart(gauge_t *gauge, unsigned slots, unsigned slot)
{
    unsigned i;

    atomic_store(&gauge->slots[slot].departing, 1);
    for (i = 0; i < slots; i++) {
        if (atomic_load(&gauge->slots[i].pid) != 0 && !atomic_load(&gauge->slots[i].departing)) {
            return 0;
        }
    }
    return 1;
}

int gauge_enter(gauge_t *gauge, unsigned slot, unsigned maximum)
{
    /* The slot first: a child that dies in between is then counted too low for one chat, never too
     * high for ever. */
    atomic_fetch_add(&gauge->slots[slot].count, 1);
    if (atomic_fetch_add(&gauge->total, 1) < (int)maximum) {
        return 1;
    }
    gauge_leave(gauge, slot);
    return 0;
}

void gauge_leave(gauge_t *gauge, unsigned slot)
{
    atomic_fetch_sub(&gauge->total, 1);
    atomic_fetch_sub(&gauge->slots[slot].count, 1);
}

unsigned gauge_total(const gauge_t *gauge)
{
    int total = atomic_load(&gauge->total);

    return total > 0 ? (unsigned)total : 0;
}
