#include "http/delivery.h"

#include "http/answer.h"
#include "http/child.h"
#include "http/presence.h"
#include "http/suspend.h"

#include <http_protocol.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>

/* An HTTP/2 stream has no socket to watch: its reset shows in c->aborted alone. */
#define STREAM_LOOK_NS (50 * 1000 * 1000)

/* Both sides of the crossing know the task by this; in the request's pool. */
typedef struct delivery_t {
    const delivery_job_t *job;
    void *task; /* NULL once its answer is prepared */
    conn_rec *c;
    answer_rest_t rest;
    struct delivery_t *next; /* I/O thread: the list of those in flight */
    struct delivery_t **link;
    /* waiting only */
    sem_t told;        /* by the I/O thread, once when it is done, and once more for a `reset` */
    atomic_int tokens; /* that `told` was given: ThreadSanitizer does not know sem_clockwait() */
    loop_task_t begin;
    loop_task_t reset;
    presence_t presence; /* I/O thread */
} delivery_t;

/* I/O thread. */
static delivery_t *in_flight;
static int abandoning; /* for good: this child has no more time for chats */

static void list(delivery_t *delivery)
{
    delivery->next = in_flight;
    delivery->link = &in_flight;
    if (in_flight != NULL) {
        in_flight->link = &delivery->next;
    }
    in_flight = delivery;
}

static void unlist(delivery_t *delivery)
{
    *delivery->link = delivery->next;
    if (delivery->next != NULL) {
        delivery->next->link = delivery->link;
    }
}

void delivery_abandon_all(void)
{
    abandoning = 1;
    while (in_flight != NULL) {
        in_flight->job->abandon(in_flight->task, "httpd stopped");
    }
}

/* The task may be done, and the delivery gone, when this returns. */
static void begin(delivery_t *delivery, void (*on_done)(void *baton))
{
    list(delivery);
    delivery->job->start(delivery->task, child_loop(), on_done, delivery);
    if (abandoning) {
        delivery_abandon_all(); /* it was on its way here when the others were told */
    }
}

/* Also when the request's pool goes before it was answered: the child ends. */
static apr_status_t end_task(void *baton)
{
    delivery_t *delivery = baton;

    if (delivery->task != NULL) {
        delivery->job->destroy(delivery->task);
        delivery->task = NULL;
    }
    return APR_SUCCESS;
}

/* ---- suspended ---- */

static void on_suspended_done(void *baton)
{
    delivery_t *delivery = baton;

    unlist(delivery);
    suspend_ready(delivery->c, delivery->job->may_block(delivery->task));
}

static void on_begin(void *baton)
{
    begin(baton, on_suspended_done);
}

static void on_gone(void *baton)
{
    delivery_t *delivery = baton;

    delivery->job->abandon(delivery->task, "the client left");
}

/* What the task held is given back before the client has read its answer. */
static int prepare(request_rec *r, delivery_t *delivery)
{
    int status = delivery->job->prepare(r, delivery->task, &delivery->rest);

    (void)end_task(delivery);
    return status;
}

static int on_finish(void *baton, request_rec *r)
{
    delivery_t *delivery = baton;
    int status = delivery->task != NULL ? prepare(r, delivery) : OK;

    return status == OK ? answer_write(r, &delivery->rest) : status;
}

static int suspend(request_rec *r, delivery_t *delivery)
{
    const suspend_work_t work = {on_begin, on_gone, on_finish, delivery};

    suspend_request(r, child_loop(), &work);
    return SUSPENDED;
}

/* ---- waiting ---- */

static delivery_t *of_task(loop_task_t *task)
{
    return LOOP_CONTAINER(task, delivery_t, begin);
}

static int has_socket(const delivery_t *delivery)
{
    return delivery->c->master == NULL;
}

/* The waiter may be gone as soon as it is told, so nothing else must say that it was: it takes as
 * many tokens as it is owed. A semaphore, because prefork ends a child from within a signal
 * handler: a condition would be destroyed under its waiter. */
static void tell(delivery_t *delivery)
{
    (void)atomic_fetch_add(&delivery->tokens, 1);
    (void)sem_post(&delivery->told);
}

static void wait_to_be_told(delivery_t *delivery)
{
    while (sem_wait(&delivery->told) != 0) {
        /* a signal */
    }
}

static void on_waiting_done(void *baton)
{
    delivery_t *delivery = baton;

    unlist(delivery);
    if (has_socket(delivery)) {
        presence_stop(&delivery->presence);
    }
    tell(delivery);
}

static void on_waiting_begin(loop_task_t *task)
{
    delivery_t *delivery = of_task(task);

    if (has_socket(delivery)) {
        presence_start(&delivery->presence, child_loop(), on_gone, delivery);
    }
    begin(delivery, on_waiting_done);
}

static void on_stream_reset(loop_task_t *task)
{
    delivery_t *delivery = LOOP_CONTAINER(task, delivery_t, reset);

    delivery->job->abandon(delivery->task, "the client left");
    tell(delivery);
}

/* 1 when it is done; 0 when it is time to look at the stream. */
static int wait_a_little(delivery_t *delivery)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += STREAM_LOOK_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return sem_clockwait(&delivery->told, CLOCK_MONOTONIC, &until) == 0 &&
           atomic_load(&delivery->tokens) > 0;
}

/* Until it is done, or the stream was reset and then it is done. */
static void wait_for_stream(delivery_t *delivery)
{
    while (!delivery->c->aborted) {
        if (wait_a_little(delivery)) {
            return;
        }
    }
    delivery->reset.run = on_stream_reset;
    if (loop_post(child_loop(), &delivery->reset)) {
        wait_to_be_told(delivery);
    }
    wait_to_be_told(delivery);
}

static int write_blocking(request_rec *r, delivery_t *delivery)
{
    int status = prepare(r, delivery);

    while (status == OK && answer_write(r, &delivery->rest) == SUSPENDED) {
        /* this thread waits in the core output filter */
    }
    if (status == OK && has_socket(delivery)) {
        (void)ap_rflush(
            r); /* a next chat, pipelined, would hold this answer back with the thread */
    }
    return status;
}

static int hold_thread(request_rec *r, delivery_t *delivery)
{
    (void)sem_init(&delivery->told, 0, 0);
    if (has_socket(delivery)) {
        presence_prepare(&delivery->presence, r);
    }
    delivery->begin.run = on_waiting_begin;
    if (!loop_post(child_loop(), &delivery->begin)) {
        (void)end_task(delivery);
        return answer_error(r, REPLY_SHUTTING_DOWN, NULL);
    }
    if (has_socket(delivery)) {
        wait_to_be_told(delivery);
    } else {
        wait_for_stream(delivery);
    }
    return write_blocking(r, delivery);
}

/* In a child that is stopping the MPM's listener, and with it every hop, may already be gone when
 * the last connections it accepted bring their requests. */
static int can_suspend(const request_rec *r)
{
    return suspend_is_possible(r) && !child_is_stopping();
}

int delivery_start(request_rec *r, const delivery_job_t *job, void *task)
{
    delivery_t *delivery = apr_pcalloc(r->pool, sizeof(*delivery));

    delivery->job = job;
    delivery->task = task;
    delivery->c = r->connection;
    apr_pool_cleanup_register(r->pool, delivery, end_task, apr_pool_cleanup_null);
    return can_suspend(r) ? suspend(r, delivery) : hold_thread(r, delivery);
}
