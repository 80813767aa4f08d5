#include "loop/offload.h"

#include "base/log.h"

#include <apr_errno.h>
#include <signal.h>

struct offload_t {
    loop_t *loop;
    offload_job_t *running; /* not yet joined */
};

/* The thread has nothing left to do but end: joining it takes no time. */
static void join(offload_job_t *job)
{
    (void)pthread_join(job->thread, NULL);
    *job->link = job->next;
    if (job->next != NULL) {
        job->next->link = job->link;
    }
}

static void on_finished(loop_task_t *task)
{
    offload_job_t *job = LOOP_CONTAINER(task, offload_job_t, finished);

    join(job);
    job->done(job);
}

/* A loop that has stopped takes no task: then offload_wait() finds the job. */
static void *thread_main(void *baton)
{
    offload_job_t *job = baton;

    job->work(job);
    (void)loop_post(job->home->loop, &job->finished);
    return NULL;
}

void offload_wait(offload_t *offload)
{
    while (offload->running != NULL) {
        join(offload->running);
    }
}

static apr_status_t on_pool_end(void *offload)
{
    offload_wait(offload);
    return APR_SUCCESS;
}

offload_t *offload_create(loop_t *loop, apr_pool_t *pool)
{
    offload_t *offload = apr_pcalloc(pool, sizeof(*offload));

    offload->loop = loop;
    apr_pool_cleanup_register(pool, offload, on_pool_end, apr_pool_cleanup_null);
    return offload;
}

static void enlist(offload_t *offload, offload_job_t *job)
{
    job->next = offload->running;
    job->link = &offload->running;
    if (job->next != NULL) {
        job->next->link = &job->next;
    }
    offload->running = job;
}

int offload_start(offload_t *offload, offload_job_t *job)
{
    char reason[128];
    sigset_t all, before;
    int status;

    job->home = offload;
    job->finished.run = on_finished;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    status = pthread_create(&job->thread, NULL, thread_main, job);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (status != 0) {
        log_error("CHAT0110: starting a thread to read a file: %s; look at the limits of threads "
                  "and memory",
                  apr_strerror(status, reason, sizeof(reason)));
        return 0;
    }
    enlist(offload, job);
    return 1;
}
