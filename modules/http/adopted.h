/*
 * An adopted connection: the record that http/suspend and its neighbours share.
 *
 * One thread owns it at a time; the two crossings below move it, and who has
 * called one must not touch it again.
 */
#ifndef HTTP_ADOPTED_H
#define HTTP_ADOPTED_H

#include "http/presence.h"
#include "http/suspend.h"
#include "http/workers.h"
#include "loop/watch.h"

#include <httpd.h>

/* In the connection's pool. Every field belongs to the owner of the moment but where it says the
 * I/O thread. */
typedef struct adopted_t adopted_t;
struct adopted_t {
    conn_rec *c;
    request_rec *r;     /* the suspended request, NULL between requests */
    server_rec *server; /* of that request, for its time-outs */
    int handed_over;    /* the MPM's hook has seen it: it is ours for good */
    suspend_work_t work;
    loop_t *loop;
    loop_task_t task;
    workers_job_t job;
    presence_t presence; /* I/O thread */
    int is_ready;        /* I/O thread: the work has something to write */
    unsigned interest;   /* what settle() waits for, and how long */
    apr_interval_time_t patience;
    apr_time_t suspended;                /* monotonic, first suspension */
    workers_mark_t suspender;            /* the MPM's worker that did it */
    apr_time_t linger_until;             /* monotonic */
    loop_timer_t rest;                   /* I/O thread */
    watch_t *watch;                      /* I/O thread: idle, writable or lingering */
    void (*on_request)(workers_job_t *); /* what an idle one does with its next request */
    adopted_t *next_idle;                /* I/O thread: list of the idle ones */
    adopted_t *previous_idle;
};

/* To the I/O thread, which calls `run` with the adopted's task. Worker. */
void adopted_to_loop(adopted_t *adopted, void (*run)(loop_task_t *));

/* To a worker, which calls `run` with the adopted's job. I/O thread. */
void adopted_to_worker(adopted_t *adopted, void (*run)(workers_job_t *), int may_block);

/* What `run` begins with on either side. */
adopted_t *adopted_of_task(loop_task_t *task);
adopted_t *adopted_of_job(workers_job_t *job);

#endif
