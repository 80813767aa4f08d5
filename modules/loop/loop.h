/*
 * The child's one I/O thread: an epoll loop with a mailbox and timers.
 *
 * It never blocks but in epoll_wait(): no file is read, no name resolved, no
 * lock held across I/O on it. Everything that waits (AWS calls, idle client
 * sockets, deadlines) waits here. Other threads speak to it through the
 * mailbox only; all else in loop/ is for the I/O thread itself.
 */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include "base/heap.h"

#include <apr_pools.h>
#include <apr_time.h>
#include <stddef.h>

typedef struct loop_t loop_t;

/* A piece of work for the I/O thread, embedded in the poster's own struct: posting allocates
 * nothing. It belongs to the loop from loop_post() until `run` is called. */
typedef struct loop_task_t loop_task_t;
struct loop_task_t {
    loop_task_t *next; /* the mailbox's */
    void (*run)(loop_task_t *task);
};

/* The struct that embeds `member`, from a pointer to the member. */
#define LOOP_CONTAINER(pointer, type, member)                                                      \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* Makes the loop; nothing runs yet. `pool` must live until after loop_stop() and is used by this
 * call and by loop_stop() only. */
apr_status_t loop_create(loop_t **result, apr_pool_t *pool);

/* Starts the I/O thread, all signals blocked. */
apr_status_t loop_start(loop_t *loop);

/* Runs what is in the mailbox, cancels every transfer and watch without calling their owners back,
 * ends the thread and joins it. Any thread but the I/O thread; twice is fine. */
void loop_stop(loop_t *loop);

/* Puts a task into the mailbox; they run in the order posted. Any thread, the I/O thread too; never
 * blocks but for the mailbox's own short lock; wakes the loop only when the mailbox was empty. 0
 * once the loop has stopped: the task is the caller's again and will never run. */
int loop_post(loop_t *loop, loop_task_t *task);

/* Whether this is the I/O thread. */
int loop_is_current(const loop_t *loop);

/* Calls `fn(baton)` on the I/O thread at the end of each round (one epoll_wait() and all that it
 * caused), so that hand-overs to workers can go in one batch. Set before loop_start(). */
void loop_on_round_end(loop_t *loop, void (*fn)(void *baton), void *baton);

/* Monotonic time of this round's start, microseconds: a clock for free. I/O thread. */
apr_time_t loop_now(const loop_t *loop);

/* A timer, embedded by its owner and zeroed first. I/O thread only. The callback runs once per
 * arming; it may arm the timer again or free its memory. */
typedef struct loop_timer_t loop_timer_t;
struct loop_timer_t {
    heap_timer_t timer;
    void (*fire)(loop_timer_t *timer);
};

/* (Re-)arms; `delay` in microseconds from now, at least 0. */
void loop_timer_arm(loop_t *loop, loop_timer_t *timer, apr_interval_time_t delay,
                    void (*fire)(loop_timer_t *timer));

/* Disarms; fine when it is not armed. */
void loop_timer_disarm(loop_t *loop, loop_timer_t *timer);

#endif
