/*
 * How many chats are in flight over all children.
 *
 *     +-------+------------------+------------------+----
 *     | total | pid, count       | pid, count       | …
 *     +-------+------------------+------------------+----
 *
 * A child counts in a slot of its own and in the total. When a child dies
 * without giving back, the parent takes its slot's count off the total. All
 * fields are atomics: there is no lock to die with.
 */
#ifndef SHM_GAUGE_H
#define SHM_GAUGE_H

#include <stddef.h>
#include <sys/types.h>

typedef struct gauge_t gauge_t;

/* Bytes the slots of that many children take. */
size_t gauge_size(unsigned slots);

/* Takes a free slot for this process, into `*slot`; 0 when there is none. Once a child. */
int gauge_join(gauge_t *gauge, unsigned slots, pid_t pid, unsigned *slot);

/* Gives back what process `pid` still counted and frees its slot. The parent calls it for each
 * child that has ended, however it ended. */
void gauge_reap(gauge_t *gauge, unsigned slots, pid_t pid);

/* This process is about to end: 1 when every other one has said so or is gone. Once a child. */
int gauge_depart(gauge_t *gauge, unsigned slots, unsigned slot);

/* Counts one more unless that would pass `maximum`; 0 when it would. Any thread. */
int gauge_enter(gauge_t *gauge, unsigned slot, unsigned maximum);

/* Counts one less. Any thread. */
void gauge_leave(gauge_t *gauge, unsigned slot);

/* The number now. */
unsigned gauge_total(const gauge_t *gauge);

#endif
