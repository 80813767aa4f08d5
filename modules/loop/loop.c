#include "loop/private.h"

#include "base/clock.h"
#include "base/log.h"

#include <apr_errno.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

static __thread const loop_t *current;

int loop_is_current(const loop_t *loop)
{
    return current == loop;
}

apr_time_t loop_now(const loop_t *loop)
{
    return loop->now;
}

void loop_on_round_end(loop_t *loop, void (*fn)(void *baton), void *baton)
{
    loop->on_round_end = fn;
    loop->round_end_baton = baton;
}

/* The counter is never read: the descriptor is watched edge-triggered, and each write is an edge.
 */
static void wake(loop_t *loop)
{
    const uint64_t one = 1;

    while (write(loop->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR) {
    }
}

int loop_post(loop_t *loop, loop_task_t *task)
{
    mailbox_put_e put = mailbox_put(&loop->mailbox, task);

    /* The I/O thread looks into the mailbox before it waits. */
    if (put == MAILBOX_FIRST && !loop_is_current(loop)) {
        wake(loop);
    }
    return put != MAILBOX_CLOSED;
}

void loop_timer_arm(loop_t *loop, loop_timer_t *timer, apr_interval_time_t delay,
                    void (*fire)(loop_timer_t *timer))
{
    /* What a firing timer arms waits for the next round, so that every round ends. */
    apr_interval_time_t least = loop->firing ? 1 : 0;

    timer->timer.due = loop->now + (delay > least ? delay : least);
    timer->fire = fire;
    if (!heap_put(&loop->timers, &timer->timer)) {
        log_at(LOG_AT_EMERG, "CHAT0050: arming a timer: out of memory, the process ends; give the "
                             "child more memory or lower ChatbotMaxInFlight");
        abort();
    }
}

void loop_timer_disarm(loop_t *loop, loop_timer_t *timer)
{
    heap_remove(&loop->timers, &timer->timer);
}

static void run(loop_task_t *task)
{
    while (task != NULL) {
        loop_task_t *next = task->next; /* the task is its owner's once it runs */

        task->run(task);
        task = next;
    }
}

static void fire_due(loop_t *loop)
{
    heap_timer_t *first;

    loop->firing = 1;
    while ((first = heap_first(&loop->timers)) != NULL && first->due <= loop->now) {
        loop_timer_t *timer = LOOP_CONTAINER(first, loop_timer_t, timer);

        heap_remove(&loop->timers, first);
        timer->fire(timer);
    }
    loop->firing = 0;
}

static void end_round(loop_t *loop)
{
    if (loop->on_round_end != NULL) {
        loop->on_round_end(loop->round_end_baton);
    }
}

static int time_to_wait(loop_t *loop)
{
    return mailbox_empty(&loop->mailbox) ? heap_wait_ms(&loop->timers, clock_monotonic()) : 0;
}

static void run_round(loop_t *loop)
{
    size_t count = poller_wait(&loop->poller, time_to_wait(loop));

    loop->now = clock_monotonic();
    run(mailbox_take(&loop->mailbox));
    poller_dispatch(&loop->poller, count);
    fire_due(loop);
    end_round(loop);
}

/* The last tasks, then nothing more: whoever waits here is not told. */
static void finish(loop_t *loop)
{
    current = loop;
    run(mailbox_close(&loop->mailbox));
    end_round(loop);
    transfers_destroy(loop->transfers);
    watch_stop_all(loop);
    heap_free(&loop->timers);
    poller_close(&loop->poller);
    current = NULL;
}

static void *thread_main(void *baton)
{
    loop_t *loop = baton;

    current = loop;
    while (!loop->stopping) {
        run_round(loop);
    }
    finish(loop);
    return NULL;
}

static void on_stop_task(loop_task_t *task)
{
    LOOP_CONTAINER(task, loop_t, stop_task)->stopping = 1;
}

static void on_wake(void *baton, int fd, uint32_t came)
{
    (void)baton;
    (void)fd;
    (void)came;
}

static apr_status_t on_pool_end(void *data)
{
    loop_t *loop = data;

    loop_stop(loop);
    (void)close(loop->wake_fd);
    return APR_SUCCESS;
}

static apr_status_t refused(const char *what, apr_status_t status)
{
    char reason[128];

    log_error("CHAT0051: making the I/O loop: %s: %s; look at the limits of open files and memory",
              what, apr_strerror(status, reason, sizeof(reason)));
    return status;
}

apr_status_t loop_create(loop_t **result, apr_pool_t *pool)
{
    loop_t *loop = apr_pcalloc(pool, sizeof(*loop));
    apr_status_t status;

    mailbox_init(&loop->mailbox);
    loop->now = clock_monotonic();
    loop->stop_task.run = on_stop_task;
    if (!poller_open(&loop->poller)) {
        return refused("epoll_create1", errno);
    }
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake_fd < 0 ||
        !poller_want(&loop->poller, loop->wake_fd, EPOLLIN | EPOLLET, on_wake, loop)) {
        status = refused("eventfd", errno);
    } else {
        status = transfers_create(&loop->transfers, loop);
    }
    if (status != APR_SUCCESS) {
        (void)close(loop->wake_fd);
        poller_close(&loop->poller);
        return status;
    }
    apr_pool_cleanup_register(pool, loop, on_pool_end, apr_pool_cleanup_null);
    *result = loop;
    return APR_SUCCESS;
}

apr_status_t loop_start(loop_t *loop)
{
    sigset_t all, before;
    int status;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    status = pthread_create(&loop->thread, NULL, thread_main, loop);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (status != 0) {
        return refused("starting the thread", status);
    }
    loop->started = 1;
    (void)pthread_setname_np(loop->thread, "chatbot-io");
    return APR_SUCCESS;
}

void loop_stop(loop_t *loop)
{
    if (loop->stopped) {
        return;
    }
    loop->stopped = 1;
    if (loop->started) {
        (void)loop_post(loop, &loop->stop_task);
        (void)pthread_join(loop->thread, NULL);
    } else {
        finish(loop);
    }
}
