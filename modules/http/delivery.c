#include "http/delivery.h"

#include "http/answer.h"
#include "http/child.h"
#include "http/presence.h"
#include "http/suspend.h"

#include <http_connection.h>
#include <http_protocol.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>

/* An HTTP/2 stream has no socket to watch: its reset shows in c->aborted alone. */
#define STREAM_LOOK_NS (50 * 1000 * 1000)

/* Both sides of the crossing know the task by this; in the request's pool.
 *
 *     I/O thread      on_news -> hand_over -+            +-> on_back: more? -> hand_over
 *     worker                                +-> write ---+
 *
 * A task that is no stream is handed over once, when it is done. */
typedef struct delivery_t {
    const delivery_job_t *job;
    void *task; /* NULL once the last part is prepared */
    conn_rec *c;
    /* I/O thread. */
    void (*pass)(struct delivery_t *delivery); /* to the worker */
    int is_away;                               /* with the worker */
    int has_news;
    int is_done;
    struct delivery_t *next; /* the list of those in flight */
    struct delivery_t **link;
    /* Who has the task. */
    int is_last; /* what was handed over */
    int is_prepared;
    answer_rest_t rest;
    /* Waiting only. */
    sem_t told;        /* by the I/O thread, once a hand-over, and once more for a `reset` */
    atomic_int tokens; /* that `told` was given: ThreadSanitizer does not know sem_clockwait() */
    loop_task_t begin;
    loop_task_t back;
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

/* ---- the crossing, on the I/O thread ---- */

/* The delivery may be gone when this returns, if it was the last part. */
static void hand_over(delivery_t *delivery)
{
    delivery->is_away = 1;
    delivery->has_news = 0;
    delivery->is_last = delivery->is_done;
    delivery->is_prepared = 0;
    if (delivery->job->stream != NULL) {
        delivery->job->stream->hand_over(delivery->task);
    }
    delivery->pass(delivery);
}

static void on_news(void *baton)
{
    delivery_t *delivery = baton;

    delivery->has_news = 1;
    if (!delivery->is_away) {
        hand_over(delivery);
    }
}

static void on_done(void *baton)
{
    delivery_t *delivery = baton;

    unlist(delivery);
    delivery->is_done = 1;
    on_news(delivery);
}

/* The worker has written what there was. */
static void on_back(void *baton)
{
    delivery_t *delivery = baton;

    delivery->is_away = 0;
    if (delivery->c->aborted && !delivery->is_done) {
        delivery->job->abandon(delivery->task, "the client left");
    } else if (delivery->has_news) {
        hand_over(delivery);
    }
}

/* Also while a part waits for a client that does not read on: of the last one nothing is left to do
 * but to end the request. */
static void on_gone(void *baton)
{
    delivery_t *delivery = baton;

    if (delivery->is_last) {
        delivery->pass(delivery);
        return;
    }
    delivery->is_away = 0;
    if (delivery->is_done) {
        hand_over(delivery);
    } else {
        delivery->job->abandon(delivery->task, "the client left");
    }
}

/* The task may be done, and the delivery gone, when this returns. */
static void begin(delivery_t *delivery)
{
    const delivery_job_t *job = delivery->job;

    list(delivery);
    if (job->stream != NULL) {
        job->stream->listen(delivery->task, on_news, delivery);
    }
    job->start(delivery->task, child_loop(), on_done, delivery);
    if (abandoning) {
        delivery_abandon_all(); /* it was on its way here when the others were told */
    }
}

/* ---- the worker's part ---- */

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

/* What the task held is given back before the client has read the last part. */
static int prepare(request_rec *r, delivery_t *delivery)
{
    int status;

    if (!delivery->is_last) {
        return delivery->job->stream->write(r, delivery->task, &delivery->rest);
    }
    status = delivery->job->prepare(r, delivery->task, &delivery->rest);
    (void)end_task(delivery);
    return status;
}

/* ---- suspended ---- */

static void pass_to_suspended(delivery_t *delivery)
{
    int may_block =
        delivery->is_last && delivery->task != NULL && delivery->job->may_block(delivery->task);

    suspend_ready(delivery->c, may_block);
}

static void on_begin(void *baton)
{
    begin(baton);
}

static void on_half_closed(void *baton)
{
    delivery_t *delivery = baton;

    delivery->job->stream->probe(delivery->task);
}

static int on_finish(void *baton, request_rec *r)
{
    delivery_t *delivery = baton;
    int status = OK;

    if (!delivery->is_prepared) {
        delivery->is_prepared = 1;
        status = prepare(r, delivery);
    }
    if (status == OK) {
        status = answer_write(r, &delivery->rest);
    }
    return status == OK && !delivery->is_last ? SUSPEND_AWAIT : status;
}

static int suspend(request_rec *r, delivery_t *delivery)
{
    const suspend_work_t work = {.begin = on_begin,
                                 .gone = on_gone,
                                 .finish = on_finish,
                                 .back = on_back,
                                 .half_closed = on_half_closed,
                                 .baton = delivery};

    delivery->pass = pass_to_suspended;
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
    (void)atomic_fetch_sub(&delivery->tokens, 1);
}

static void pass_to_waiting(delivery_t *delivery)
{
    if (has_socket(delivery)) {
        presence_stop(&delivery->presence);
    }
    tell(delivery);
}

static void watch_client(delivery_t *delivery)
{
    if (has_socket(delivery)) {
        presence_start(&delivery->presence, child_loop(), on_gone, delivery);
    }
}

static void on_waiting_begin(loop_task_t *task)
{
    delivery_t *delivery = of_task(task);

    watch_client(delivery);
    begin(delivery);
}

static void on_waiting_back(loop_task_t *task)
{
    delivery_t *delivery = LOOP_CONTAINER(task, delivery_t, back);

    if (delivery->job->stream != NULL && has_socket(delivery)) {
        presence_expect(&delivery->presence, on_half_closed);
    }
    watch_client(delivery);
    on_back(delivery);
}

/* The stream is not away: its worker waits. If a part was handed over just now, the worker comes
 * back from it with the stream's reset in c->aborted. */
static void on_stream_reset(loop_task_t *task)
{
    delivery_t *delivery = LOOP_CONTAINER(task, delivery_t, reset);

    if (!delivery->is_away) {
        delivery->job->abandon(delivery->task, "the client left");
    }
    tell(delivery);
}

/* 1 when it was told; 0 when it is time to look at the stream. */
static int wait_a_little(delivery_t *delivery)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += STREAM_LOOK_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    if (sem_clockwait(&delivery->told, CLOCK_MONOTONIC, &until) != 0 ||
        atomic_load(&delivery->tokens) <= 0) {
        return 0;
    }
    (void)atomic_fetch_sub(&delivery->tokens, 1);
    return 1;
}

/* Until something was handed over; a reset of the stream has the last part handed over. */
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

static void wait_for_part(delivery_t *delivery)
{
    if (has_socket(delivery)) {
        wait_to_be_told(delivery);
    } else {
        wait_for_stream(delivery);
    }
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

/* 0 when the loop has stopped: its last act was to abandon every task, so this one is done, and
 * what it would have said is lost. */
static int go_back(delivery_t *delivery)
{
    delivery->back.run = on_waiting_back;
    return loop_post(child_loop(), &delivery->back);
}

static int hold_thread(request_rec *r, delivery_t *delivery)
{
    int status;

    (void)sem_init(&delivery->told, 0, 0);
    if (has_socket(delivery)) {
        ap_flush_conn(r->connection); /* answers before this one, to pipelined requests */
        presence_prepare(&delivery->presence, r);
    }
    delivery->pass = pass_to_waiting;
    delivery->rest.may_wait = 1;
    delivery->begin.run = on_waiting_begin;
    if (!loop_post(child_loop(), &delivery->begin)) {
        (void)end_task(delivery);
        return answer_error(r, REPLY_SHUTTING_DOWN, NULL);
    }
    for (;;) {
        wait_for_part(delivery);
        status = write_blocking(r, delivery);
        if (delivery->task == NULL) {
            return status;
        }
        if (!go_back(delivery)) {
            r->connection->aborted = 1; /* a stream that seems whole would be a lie */
            return status;
        }
    }
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
