/*
 * The daemon's event loop: epoll and a heap of alarms. One thread; everything
 * called back runs in poller_run().
 */
#ifndef EMULATOR_POLLER_H
#define EMULATOR_POLLER_H

#include "base/heap.h"

#include <stddef.h>
#include <stdint.h>

typedef struct poller_t poller_t;
typedef struct source_t source_t;
typedef struct alarm_t alarm_t;

/* A descriptor that is watched. To be the first member of what it stands for. */
struct source_t {
    int fd;
    uint32_t interest; /* of epoll; level-triggered */
    int watched;
    void (*on_events)(source_t *source, uint32_t events); /* NULL once retired */
    source_t *next_retired;
};

/* Something that is to happen once, at a time of clock_monotonic(). Zeroed, it is not set. */
struct alarm_t {
    heap_timer_t timer;
    void (*on_due)(alarm_t *alarm);
};

/* NULL when it cannot be made; errno says why. */
poller_t *poller_create(void);

/* Frees what was retired; sources still watched are the owner's. */
void poller_destroy(poller_t *poller);

/* Calls back until poller_stop(). */
void poller_run(poller_t *poller);
void poller_stop(poller_t *poller);

/* Watches the source for these events from now on; 0 and errno on failure. */
int poller_watch(poller_t *poller, source_t *source, uint32_t interest);

/* Stops watching without closing. */
void poller_unwatch(poller_t *poller, source_t *source);

/* Closes the descriptor at once, and frees the source when no event of the batch at hand can name
 * it any more. */
void poller_retire(poller_t *poller, source_t *source);

/* Sets the alarm, or sets it anew; 0 when memory is out. */
int poller_set(poller_t *poller, alarm_t *alarm, apr_time_t at);
void poller_unset(poller_t *poller, alarm_t *alarm);

#endif
