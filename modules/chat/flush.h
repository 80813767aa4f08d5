/*
 * The delivery of the metrics: each publisher's numbers go out once an interval,
 * from whichever child has its lease, to CloudWatch or as lines in the embedded
 * metric format. The I/O thread's, but for flush_create().
 *
 * What could not be delivered is kept and goes out the next time.
 */
#ifndef CHAT_FLUSH_H
#define CHAT_FLUSH_H

#include "chat/emf.h"
#include "loop/loop.h"

/* Who publishes, where to, and how; all of it lives as long as the loop. */
typedef struct {
    uint64_t key; /* see shm/metrics */
    emf_place_t place;
    apr_interval_time_t interval;
    call_client_t *(*client)(void *baton); /* CloudWatch's; NULL: its region is not known yet */
    emf_line_fn write;                     /* set: lines instead of calls, and this takes them */
    void *baton;                           /* of both */
} flush_publisher_t;

/* What all publishers share. */
typedef struct {
    loop_t *loop;
    metrics_t *metrics;
    unsigned (*in_flight)(void); /* chats, over the whole server */
    int (*is_leaving)(void);     /* this child leaves the delivering to others */
} flush_settings_t;

typedef struct flush_t flush_t;

/* Makes it, in `pool`. */
flush_t *flush_create(apr_pool_t *pool, const flush_settings_t *settings,
                      const flush_publisher_t *publishers, size_t count);

/* Begins to look at the clock. */
void flush_start(flush_t *flush);

/* Delivers what is left at once, and calls `on_done` when that has ended, perhaps from within.
 * Once; nothing is delivered after. `deadline` is monotonic. */
void flush_finish(flush_t *flush, apr_time_t deadline, void (*on_done)(void *baton), void *baton);

/* Ends what is under way, whose numbers are kept; before the loop stops. */
void flush_stop(flush_t *flush);

/* Writes what is left of a publisher's numbers, lines in the embedded metric format, and counts it
 * as delivered; the number of requests among them. In a process where no flush runs, when no other
 * child does. */
uint64_t flush_write_rest(metrics_t *metrics, const flush_publisher_t *publishers, size_t count,
                          size_t index, emf_line_fn write, void *baton);

#endif
