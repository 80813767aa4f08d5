#include "http/bulkhead.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum { QUEUED, RUNNING, RETURNED, ABANDONED };

typedef struct helper_t helper_t;
struct helper_t {
    pthread_t id;
    bulkhead_t *bulkhead;
    int is_stuck; /* in a call that nobody waits for */
    bulkhead_call_t *call;
    helper_t *next;
};

/* On the heap: threads that do not return outlive the pool. */
struct bulkhead_t {
    pthread_mutex_t lock;
    pthread_cond_t work;
    bulkhead_call_t *queue; /* oldest first */
    unsigned queued;
    unsigned idle;
    unsigned stuck;
    int ending;
    helper_t *helpers;
};

/* ---- helpers ---- */

static bulkhead_call_t *take(bulkhead_t *bulkhead)
{
    bulkhead_call_t *call = bulkhead->queue;

    bulkhead->queue = call->next;
    bulkhead->queued--;
    call->state = RUNNING;
    return call;
}

/* Under the lock, which is given up meanwhile. */
static void make(helper_t *helper, bulkhead_call_t *call)
{
    bulkhead_t *bulkhead = helper->bulkhead;

    helper->call = call;
    (void)pthread_mutex_unlock(&bulkhead->lock);
    call->run(call);
    (void)pthread_mutex_lock(&bulkhead->lock);
    helper->call = NULL;
    if (call->state == ABANDONED) {
        helper->is_stuck = 0;
        bulkhead->stuck--;
        call->destroy(call);
    } else {
        call->state = RETURNED;
        (void)pthread_cond_signal(&call->done);
    }
}

static void *help(void *baton)
{
    helper_t *helper = baton;
    bulkhead_t *bulkhead = helper->bulkhead;

    (void)pthread_mutex_lock(&bulkhead->lock);
    while (!bulkhead->ending) {
        if (bulkhead->queue != NULL) {
            make(helper, take(bulkhead));
        } else {
            bulkhead->idle++;
            (void)pthread_cond_wait(&bulkhead->work, &bulkhead->lock);
            bulkhead->idle--;
        }
    }
    (void)pthread_mutex_unlock(&bulkhead->lock);
    return NULL;
}

/* Signals are httpd's own threads' business. */
static int start_thread(helper_t *helper)
{
    sigset_t all;
    sigset_t before;
    int status;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    status = pthread_create(&helper->id, NULL, help, helper);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status == 0;
}

static int add_helper(bulkhead_t *bulkhead)
{
    helper_t *helper = calloc(1, sizeof(*helper));

    if (helper == NULL) {
        return 0;
    }
    helper->bulkhead = bulkhead;
    if (!start_thread(helper)) {
        free(helper);
        return 0;
    }
    helper->next = bulkhead->helpers;
    bulkhead->helpers = helper;
    return 1;
}

/* ---- calls ---- */

static void enqueue(bulkhead_t *bulkhead, bulkhead_call_t *call)
{
    bulkhead_call_t **link = &bulkhead->queue;

    while (*link != NULL) {
        link = &(*link)->next;
    }
    call->next = NULL;
    call->state = QUEUED;
    *link = call;
    bulkhead->queued++;
}

static void dequeue(bulkhead_t *bulkhead, const bulkhead_call_t *call)
{
    bulkhead_call_t **link = &bulkhead->queue;

    while (*link != call) {
        link = &(*link)->next;
    }
    *link = call->next;
    bulkhead->queued--;
}

static void mark_stuck(bulkhead_t *bulkhead, const bulkhead_call_t *call)
{
    helper_t *helper = bulkhead->helpers;

    while (helper->call != call) {
        helper = helper->next;
    }
    helper->is_stuck = 1;
    bulkhead->stuck++;
}

static struct timespec time_from_now(apr_interval_time_t time)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += apr_time_sec(time);
    until.tv_nsec += 1000 * apr_time_usec(time);
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return until;
}

/* Under the lock. 1 when it returned. */
static int wait_for(bulkhead_t *bulkhead, bulkhead_call_t *call, apr_interval_time_t time)
{
    const struct timespec until = time_from_now(time);

    while (call->state != RETURNED) {
        if (pthread_cond_timedwait(&call->done, &bulkhead->lock, &until) != 0) {
            break;
        }
    }
    if (call->state == RETURNED) {
        return 1;
    }
    if (call->state == QUEUED) {
        dequeue(bulkhead, call);
        call->destroy(call);
    } else {
        mark_stuck(bulkhead, call);
        call->state = ABANDONED;
    }
    return 0;
}

/* Under the lock. 0 when there is no thread for one more. */
static int hand_over(bulkhead_t *bulkhead, bulkhead_call_t *call)
{
    if (bulkhead->stuck > 0 || (bulkhead->idle <= bulkhead->queued && !add_helper(bulkhead))) {
        return 0;
    }
    enqueue(bulkhead, call);
    (void)pthread_cond_signal(&bulkhead->work);
    return 1;
}

static void init_monotonic(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;

    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(condition, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

int bulkhead_call(bulkhead_t *bulkhead, bulkhead_call_t *call, apr_interval_time_t time)
{
    int returned = 0;

    init_monotonic(&call->done);
    (void)pthread_mutex_lock(&bulkhead->lock);
    if (hand_over(bulkhead, call)) {
        returned = wait_for(bulkhead, call, time);
    } else {
        call->destroy(call);
    }
    (void)pthread_mutex_unlock(&bulkhead->lock);
    return returned;
}

/* ---- start and end ---- */

static void join_helpers(bulkhead_t *bulkhead)
{
    while (bulkhead->helpers != NULL) {
        helper_t *helper = bulkhead->helpers;
        bulkhead->helpers = helper->next;
        if (!helper->is_stuck) {
            (void)pthread_join(helper->id, NULL);
            free(helper);
        }
    }
}

static apr_status_t on_end(void *baton)
{
    bulkhead_t *bulkhead = baton;
    unsigned stuck;

    (void)pthread_mutex_lock(&bulkhead->lock);
    bulkhead->ending = 1;
    stuck = bulkhead->stuck;
    (void)pthread_cond_broadcast(&bulkhead->work);
    (void)pthread_mutex_unlock(&bulkhead->lock);
    join_helpers(bulkhead);
    if (stuck == 0) {
        (void)pthread_cond_destroy(&bulkhead->work);
        (void)pthread_mutex_destroy(&bulkhead->lock);
        free(bulkhead);
    }
    return APR_SUCCESS;
}

bulkhead_t *bulkhead_create(apr_pool_t *pool)
{
    bulkhead_t *bulkhead = calloc(1, sizeof(*bulkhead));

    if (bulkhead == NULL) {
        return NULL;
    }
    (void)pthread_mutex_init(&bulkhead->lock, NULL);
    (void)pthread_cond_init(&bulkhead->work, NULL);
    apr_pool_cleanup_register(pool, bulkhead, on_end, apr_pool_cleanup_null);
    return bulkhead;
}
