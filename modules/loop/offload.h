/*
 * Work that may block, done beside the I/O thread: reading a file.
 *
 * Each job gets a short-lived thread of its own; this is for the few a child
 * does in an hour, not for requests. I/O thread only, but for offload_create()
 * and offload_wait().
 */
#ifndef LOOP_OFFLOAD_H
#define LOOP_OFFLOAD_H

#include "loop/loop.h"

#include <pthread.h>

typedef struct offload_t offload_t;

/* One job, embedded by its owner and zeroed first; its memory and all that `work` touches are the
 * job's from offload_start() until `done` is called, or until offload_wait() when it never is. */
typedef struct offload_job_t offload_job_t;
struct offload_job_t {
    void (*work)(offload_job_t *job); /* on the job's thread, all signals blocked */
    void (*done)(offload_job_t *job); /* on the I/O thread; may free the job */

    offload_t *home; /* this and the rest are offload's own */
    loop_task_t finished;
    pthread_t thread;
    offload_job_t *next;
    offload_job_t **link;
};

/* In `pool`, whose end waits as offload_wait() does: it must come after the loop has stopped. */
offload_t *offload_create(loop_t *loop, apr_pool_t *pool);

/* Starts a job; `work` and `done` are set. 0 when the system gives no thread (logged): `done` will
 * not be called. */
int offload_start(offload_t *offload, offload_job_t *job);

/* Waits for the jobs that still run; their `done` is not called. Any thread, after loop_stop(). */
void offload_wait(offload_t *offload);

#endif
