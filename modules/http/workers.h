/*
 * From the I/O thread to the MPM's workers, in batches.
 *
 * What one round of the loop made ready goes to the workers by one hop: a
 * timed callback of the MPM that is due at once. A hop costs a wake-up of the
 * listener and of a worker, so one hop runs many jobs, and the last one stays
 * for a millisecond to see whether more come; a long queue gets more hops, and a
 * job that may block never has others wait behind it.
 */
#ifndef HTTP_WORKERS_H
#define HTTP_WORKERS_H

#include "loop/loop.h"

/* A job for any worker, embedded by its owner; it belongs to the queue until `run` is called. */
typedef struct workers_job_t workers_job_t;
struct workers_job_t {
    workers_job_t *next; /* the queue's */
    void (*run)(workers_job_t *job);
    int may_block; /* it runs a request of any kind, or reads from the client */
};

/* A worker thread at one moment of its life. */
typedef struct {
    unsigned thread;
    unsigned count;
} workers_mark_t;

/* Says that the MPM has given the calling thread something new to do, so that it is done with what
 * it did before. Worker. */
void workers_begin(void);

/* The calling thread now, and whether a thread has begun something new since. Any thread asks. */
workers_mark_t workers_mark(void);
int workers_has_moved_on(workers_mark_t mark);

/* Once a child, before the loop starts. */
void workers_start(loop_t *loop);

/* The job that is running turns out to be one that may block. Worker, from within `run`. */
void workers_will_block(void);

/* Queues a job; it goes out at the end of this round. I/O thread. */
void workers_run(workers_job_t *job);

#endif
