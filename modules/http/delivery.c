#include "http/delivery.h"

#include "http/answer.h"
#include "http/child.h"
#include "http/presence.h"
#include "http/suspend.h"

#include <apr_thread_cond.h>

/* An HTTP/2 stream has no socket to watch: its reset shows in c->aborted alone. */
#define STREAM_LOOK apr_time_from_msec(50)

/* Both sides of the crossing know the chat by this; in the request's pool. */
typedef struct {
    flow_t *flow; /* NULL once its answer is prepared */
    conn_rec *c;
    answer_rest_t rest;
    /* waiting only */
    apr_thread_mutex_t *lock;
    apr_thread_cond_t *done_signal;
    int done; /* under the lock */
    loop_task_t task;
    presence_t presence; /* I/O thread */
} delivery_t;

static void end_chat(flow_t *flow)
{
    flow_destroy(flow);
    child_leave_chat();
}

/* ---- suspended ---- */

static void on_suspended_done(void *baton)
{
    delivery_t *delivery = baton;

    suspend_ready(delivery->c);
}

static void on_begin(void *baton)
{
    delivery_t *delivery = baton;

    flow_start(delivery->flow, child_client(), on_suspended_done, delivery);
}

static void on_gone(void *baton)
{
    delivery_t *delivery = baton;

    flow_abandon(delivery->flow);
}

/* What the chat held is given back before the client has read its answer. */
static int prepare(request_rec *r, delivery_t *delivery)
{
    int status = answer_prepare(r, delivery->flow, &delivery->rest);

    end_chat(delivery->flow);
    delivery->flow = NULL;
    return status;
}

static int on_finish(void *baton, request_rec *r)
{
    delivery_t *delivery = baton;
    int status = delivery->flow != NULL ? prepare(r, delivery) : OK;

    return status == OK ? answer_write(r, &delivery->rest) : status;
}

static int suspend(request_rec *r, delivery_t *delivery)
{
    const suspend_work_t work = {on_begin, on_gone, on_finish, delivery};

    suspend_request(r, child_client()->loop, &work);
    return SUSPENDED;
}

/* ---- waiting ---- */

static delivery_t *of_task(loop_task_t *task)
{
    return LOOP_CONTAINER(task, delivery_t, task);
}

static int has_socket(const delivery_t *delivery)
{
    return delivery->c->master == NULL;
}

static void on_waiting_done(void *baton)
{
    delivery_t *delivery = baton;

    if (has_socket(delivery)) {
        presence_stop(&delivery->presence);
    }
    apr_thread_mutex_lock(delivery->lock);
    delivery->done = 1;
    apr_thread_cond_signal(delivery->done_signal);
    apr_thread_mutex_unlock(delivery->lock);
}

static void on_waiting_begin(loop_task_t *task)
{
    delivery_t *delivery = of_task(task);

    if (has_socket(delivery)) {
        presence_start(&delivery->presence, child_client()->loop, on_gone, delivery);
    }
    flow_start(delivery->flow, child_client(), on_waiting_done, delivery);
}

static void on_stream_reset(loop_task_t *task)
{
    flow_abandon(of_task(task)->flow);
}

/* Under the lock. */
static void wait_for_stream(delivery_t *delivery)
{
    while (!delivery->done && !delivery->c->aborted) {
        (void)apr_thread_cond_timedwait(delivery->done_signal, delivery->lock, STREAM_LOOK);
    }
    if (!delivery->done) {
        delivery->task.run = on_stream_reset;
        (void)loop_post(child_client()->loop, &delivery->task);
    }
}

static void wait_until_done(delivery_t *delivery)
{
    apr_thread_mutex_lock(delivery->lock);
    if (!has_socket(delivery)) {
        wait_for_stream(delivery);
    }
    while (!delivery->done) {
        (void)apr_thread_cond_wait(delivery->done_signal, delivery->lock);
    }
    apr_thread_mutex_unlock(delivery->lock);
}

static int hold_thread(request_rec *r, delivery_t *delivery)
{
    int status;

    if (apr_thread_mutex_create(&delivery->lock, APR_THREAD_MUTEX_DEFAULT, r->pool) ||
        apr_thread_cond_create(&delivery->done_signal, r->pool)) {
        end_chat(delivery->flow);
        return answer_error(r, REPLY_INTERNAL_ERROR, NULL);
    }
    if (has_socket(delivery)) {
        presence_prepare(&delivery->presence, r);
    }
    delivery->task.run = on_waiting_begin;
    if (!loop_post(child_client()->loop, &delivery->task)) {
        end_chat(delivery->flow);
        return answer_error(r, REPLY_SHUTTING_DOWN, NULL);
    }
    wait_until_done(delivery);
    status = prepare(r, delivery);
    while (status == OK && answer_write(r, &delivery->rest) == SUSPENDED) {
        /* this thread waits in the core output filter */
    }
    return status;
}

int delivery_start(request_rec *r, flow_t *flow)
{
    delivery_t *delivery = apr_pcalloc(r->pool, sizeof(*delivery));

    delivery->flow = flow;
    delivery->c = r->connection;
    return suspend_is_possible(r) ? suspend(r, delivery) : hold_thread(r, delivery);
}
