#include "http/workers.h"

#include "base/log.h"

#include <ap_mpm.h>
#include <apr_thread_mutex.h>

/* Jobs one hop is meant to run. */
#define JOBS_A_HOP 16

typedef struct {
    workers_job_t *first;
    workers_job_t **end;
    size_t length;
} queue_t;

static struct {
    queue_t round; /* made ready in this round; I/O thread only */
    apr_thread_mutex_t *lock;
    queue_t ready; /* under the lock, as the count of hops that will look at it */
    size_t hops;
} workers;

static void clear(queue_t *queue)
{
    queue->first = NULL;
    queue->end = &queue->first;
    queue->length = 0;
}

static void push(queue_t *queue, workers_job_t *job)
{
    job->next = NULL;
    *queue->end = job;
    queue->end = &job->next;
    queue->length++;
}

static workers_job_t *pop(queue_t *queue)
{
    workers_job_t *job = queue->first;

    if (job != NULL) {
        queue->first = job->next;
        queue->length--;
        if (queue->first == NULL) {
            queue->end = &queue->first;
        }
    }
    return job;
}

static void on_hop(void *baton);

/* Asks the MPM for hops; they were counted already, under the lock. */
static void hop(size_t count)
{
    for (; count > 0; count--) {
        apr_status_t status = ap_mpm_register_timed_callback(0, on_hop, NULL);
        if (status != APR_SUCCESS) {
            LOG_ERROR("CHAT0421: handing answers to a worker: the MPM refused a callback (%d); "
                      "does another module replace the MPM's timers?",
                      status);
            apr_thread_mutex_lock(workers.lock);
            workers.hops--;
            apr_thread_mutex_unlock(workers.lock);
        }
    }
}

/* One more hop when the job about to run may block and others wait. */
static size_t relief_needed(const workers_job_t *job)
{
    return job->may_block && workers.ready.length > 0;
}

static void on_hop(void *baton)
{
    workers_job_t *job;

    (void)baton;
    for (;;) {
        size_t relief = 0;
        apr_thread_mutex_lock(workers.lock);
        job = pop(&workers.ready);
        if (job != NULL) {
            relief = relief_needed(job);
            workers.hops += relief;
        } else {
            workers.hops--;
        }
        apr_thread_mutex_unlock(workers.lock);
        if (job == NULL) {
            return;
        }
        hop(relief);
        job->run(job);
    }
}

static void on_round_end(void *baton)
{
    size_t wanted;
    size_t more = 0;
    workers_job_t *job;

    (void)baton;
    if (workers.round.length == 0) {
        return;
    }
    apr_thread_mutex_lock(workers.lock);
    while ((job = pop(&workers.round)) != NULL) {
        push(&workers.ready, job);
    }
    wanted = (workers.ready.length + JOBS_A_HOP - 1) / JOBS_A_HOP;
    if (workers.hops < wanted) {
        more = wanted - workers.hops;
        workers.hops = wanted;
    }
    apr_thread_mutex_unlock(workers.lock);
    hop(more);
}

void workers_start(apr_pool_t *pool, loop_t *loop)
{
    clear(&workers.round);
    clear(&workers.ready);
    workers.hops = 0;
    (void)apr_thread_mutex_create(&workers.lock, APR_THREAD_MUTEX_DEFAULT, pool);
    loop_on_round_end(loop, on_round_end, NULL);
}

void workers_run(workers_job_t *job)
{
    push(&workers.round, job);
}
