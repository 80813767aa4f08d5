#include "http/workers.h"

#include "base/log.h"

#include <ap_mpm.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

/* Jobs one hop is meant to run. */
#define JOBS_A_HOP 16

/* How long one hop waits for more, once nothing is left: a thread is little to have for this time,
 * and being there saves the listener's wake-up. */
#define LINGER_NS 1000000

typedef struct {
    workers_job_t *first;
    workers_job_t **end;
    size_t length;
} queue_t;

static struct {
    queue_t round; /* made ready in this round; I/O thread only */
    pthread_mutex_t lock;
    queue_t ready; /* under the lock, as the count of hops that will look at it */
    size_t hops;
    size_t blocked; /* of those, the ones that run a job which may block */
    int lingers;    /* one of those waits for `more` */
    pthread_cond_t more;
} workers;

/* ---- what each worker thread has begun ---- */

#define THREADS_MAX 16384u

static atomic_uint begun[THREADS_MAX];
static atomic_uint threads;

/* From 1; 0 for a thread that came when all places were taken: it never moves on. */
static unsigned thread_number(void)
{
    static _Thread_local unsigned number;
    static _Thread_local int known;

    if (!known) {
        unsigned next = atomic_fetch_add(&threads, 1) + 1;
        number = next < THREADS_MAX ? next : 0;
        known = 1;
    }
    return number;
}

void workers_begin(void)
{
    atomic_fetch_add(&begun[thread_number()], 1);
}

workers_mark_t workers_mark(void)
{
    workers_mark_t mark = {.thread = thread_number()};

    mark.count = atomic_load(&begun[mark.thread]);
    return mark;
}

int workers_has_moved_on(workers_mark_t mark)
{
    return mark.thread != 0 && atomic_load(&begun[mark.thread]) != mark.count;
}

/* ---- the queue ---- */

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

/* Whether the hop on this thread is among those that are blocked. */
static _Thread_local int may_block;

/* Under the lock. */
static void count_blocked(int now)
{
    workers.blocked += (size_t)now;
    workers.blocked -= (size_t)may_block;
    may_block = now;
}

static void on_hop(void *baton);

/* Asks the MPM for hops; they were counted already, under the lock. */
static void hop(size_t count)
{
    for (; count > 0; count--) {
        apr_status_t status = ap_mpm_register_timed_callback(0, on_hop, NULL);
        if (status != APR_SUCCESS) {
            log_error("CHAT0421: handing answers to a worker: the MPM refused a callback (%d); "
                      "does another module replace the MPM's timers?",
                      status);
            pthread_mutex_lock(&workers.lock);
            workers.hops--;
            pthread_mutex_unlock(&workers.lock);
        }
    }
}

/* One more hop when jobs wait, and each of the hops may be held up by the one it runs. It is
 * counted here, under the lock; hop() is called without it. */
static size_t relief(void)
{
    size_t more = workers.ready.length > 0 && workers.blocked == workers.hops;

    workers.hops += more;
    return more;
}

/* Under the lock, which others have meanwhile. */
static void linger(void)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LINGER_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    workers.lingers = 1;
    (void)pthread_cond_clockwait(&workers.more, &workers.lock, CLOCK_MONOTONIC, &until);
    workers.lingers = 0;
}

/* Under the lock; NULL when there is none, and none came. */
static workers_job_t *wait_for_job(void)
{
    workers_job_t *job = pop(&workers.ready);

    if (job == NULL && !workers.lingers) {
        count_blocked(0);
        linger();
        job = pop(&workers.ready);
    }
    return job;
}

/* The next job; NULL ends this hop. */
static workers_job_t *next_job(void)
{
    size_t more = 0;
    workers_job_t *job;

    pthread_mutex_lock(&workers.lock);
    job = wait_for_job();
    count_blocked(job != NULL && job->may_block);
    if (job == NULL) {
        workers.hops--;
    } else {
        more = relief();
    }
    pthread_mutex_unlock(&workers.lock);
    hop(more);
    return job;
}

void workers_will_block(void)
{
    size_t more;

    if (may_block) {
        return;
    }
    pthread_mutex_lock(&workers.lock);
    count_blocked(1);
    more = relief();
    pthread_mutex_unlock(&workers.lock);
    hop(more);
}

static void on_hop(void *baton)
{
    workers_job_t *job;

    (void)baton;
    workers_begin();
    while ((job = next_job()) != NULL) {
        job->run(job); /* which ends the job's life */
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
    pthread_mutex_lock(&workers.lock);
    while ((job = pop(&workers.round)) != NULL) {
        push(&workers.ready, job);
    }
    wanted = workers.blocked + (workers.ready.length + JOBS_A_HOP - 1) / JOBS_A_HOP;
    if (workers.hops < wanted) {
        more = wanted - workers.hops;
        workers.hops = wanted;
    }
    if (workers.lingers) {
        pthread_cond_signal(&workers.more);
    }
    pthread_mutex_unlock(&workers.lock);
    hop(more);
}

void workers_start(loop_t *loop)
{
    clear(&workers.round);
    clear(&workers.ready);
    workers.hops = 0;
    workers.blocked = 0;
    workers.lingers = 0;
    (void)pthread_mutex_init(&workers.lock, NULL);
    (void)pthread_cond_init(&workers.more, NULL);
    loop_on_round_end(loop, on_round_end, NULL);
}

void workers_run(workers_job_t *job)
{
    push(&workers.round, job);
}
