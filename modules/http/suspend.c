#include "http/suspend.h"

#include "base/clock.h"
#include "http/adopted.h"
#include "http/closing.h"
#include "http/config.h"
#include "http/idle.h"

#include <ap_mpm.h>
#include <http_connection.h>
#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>

#if AP_MODULE_MAGIC_AT_LEAST(20120211, 135)
#define STATE_PROCESSING CONN_STATE_PROCESSING
#else
#define STATE_PROCESSING CONN_STATE_READ_REQUEST_LINE
#endif

static void settle(adopted_t *adopted);
static void write_answer(adopted_t *adopted);

/* ---- a request that waits ---- */

int suspend_is_possible(const request_rec *r)
{
    const conn_rec *c = r->connection;

    return c->cs != NULL && c->master == NULL && !c->clogging_input_filters && r->main == NULL &&
           r->prev == NULL;
}

static adopted_t *adopt(conn_rec *c)
{
    adopted_t *adopted = ap_get_module_config(c->conn_config, &chatbot_module);

    if (adopted == NULL) {
        adopted = apr_pcalloc(c->pool, sizeof(*adopted));
        adopted->c = c;
        ap_set_module_config(c->conn_config, &chatbot_module, adopted);
    }
    return adopted;
}

void suspend_request(request_rec *r, loop_t *loop, const suspend_work_t *work)
{
    adopted_t *adopted = adopt(r->connection);

    adopted->r = r;
    adopted->server = r->server;
    adopted->loop = loop;
    adopted->work = *work;
    presence_prepare(&adopted->presence, r);
}

static void on_gone(void *baton)
{
    adopted_t *adopted = baton;

    adopted->c->aborted = 1;
    adopted->work.gone(adopted->work.baton);
}

static void on_half_closed(void *baton)
{
    adopted_t *adopted = baton;

    adopted->work.half_closed(adopted->work.baton);
}

/* A part of the answer is written: from now on only the work itself can write to the client. */
static void on_await(loop_task_t *task)
{
    adopted_t *adopted = adopted_of_task(task);

    adopted->is_ready = 0;
    adopted->work.back(adopted->work.baton);
    if (!adopted->is_ready) {
        presence_expect(&adopted->presence, on_half_closed);
        presence_start(&adopted->presence, adopted->loop, on_gone, adopted);
    }
}

static void on_begin(loop_task_t *task)
{
    adopted_t *adopted = adopted_of_task(task);

    presence_start(&adopted->presence, adopted->loop, on_gone, adopted);
    adopted->work.begin(adopted->work.baton);
}

int suspend_on_process(conn_rec *c)
{
    (void)c;
    workers_begin();
    return DECLINED;
}

void suspend_on_suspend(conn_rec *c, request_rec *r)
{
    adopted_t *adopted = ap_get_module_config(c->conn_config, &chatbot_module);

    (void)r;
    if (adopted == NULL || adopted->r == NULL || adopted->handed_over ||
        c->cs->state != CONN_STATE_SUSPENDED) {
        return;
    }
    adopted->handed_over = 1;
    adopted->suspended = clock_monotonic();
    adopted->suspender = workers_mark();
    adopted_to_loop(adopted, on_begin);
}

static void on_finish(workers_job_t *job)
{
    write_answer(adopted_of_job(job));
}

void suspend_ready(conn_rec *c, int may_block)
{
    adopted_t *adopted = ap_get_module_config(c->conn_config, &chatbot_module);

    adopted->is_ready = 1;
    presence_stop(&adopted->presence);
    adopted_to_worker(adopted, on_finish, may_block);
}

static void end_request(adopted_t *adopted, int status)
{
    request_rec *r = adopted->r;

    adopted->r = NULL;
    ap_die(status, r);
    ap_process_request_after_handler(r);
}

static void on_abort(workers_job_t *job)
{
    adopted_t *adopted = adopted_of_job(job);

    adopted->c->aborted = 1;
    closing_start(adopted);
}

/* ---- an answer the client has not taken yet ---- */

static void on_process(workers_job_t *job)
{
    adopted_t *adopted = adopted_of_job(job);

    adopted->c->cs->state = STATE_PROCESSING;
    settle(adopted);
}

static void on_settle(workers_job_t *job)
{
    adopted_t *adopted = adopted_of_job(job);

    if (adopted->r != NULL) {
        write_answer(adopted);
    } else {
        settle(adopted);
    }
}

/* A filter that clogs has to read before it can write on: it gets its turn by processing. */
static int is_writing(const adopted_t *adopted)
{
    const conn_rec *c = adopted->c;

    return adopted->r != NULL ||
           (c->cs->state == CONN_STATE_WRITE_COMPLETION && !c->clogging_input_filters);
}

static void on_io_event(void *baton, unsigned came)
{
    adopted_t *adopted = baton;

    adopted->watch = NULL;
    if ((came & (WATCH_TIMEOUT | WATCH_ERROR)) && adopted->r != NULL) {
        on_gone(adopted);
    } else if (came & (WATCH_TIMEOUT | WATCH_ERROR)) {
        adopted_to_worker(adopted, on_abort, 0);
    } else {
        adopted_to_worker(adopted, is_writing(adopted) ? on_settle : on_process, 1);
    }
}

static void on_wait(loop_task_t *task)
{
    adopted_t *adopted = adopted_of_task(task);

    adopted->watch = watch_start(adopted->loop, adopted->presence.descriptor, adopted->interest,
                                 adopted->patience, on_io_event, adopted);
    if (adopted->watch == NULL) {
        on_io_event(adopted, WATCH_ERROR);
    }
}

/* ---- settle: what the MPM does after process_connection, for an adopted connection ---- */

static int is_stopping(void)
{
    int state = AP_MPMQ_RUNNING;

    return ap_mpm_query(AP_MPMQ_MPM_STATE, &state) == APR_SUCCESS && state == AP_MPMQ_STOPPING;
}

static apr_status_t flush_core_filter(conn_rec *c)
{
    ap_filter_t *filter = c->output_filters;

    while (filter->next != NULL) {
        filter = filter->next;
    }
    return filter->frec->filter_func.out_func(filter, NULL);
}

static void wait_for_io(adopted_t *adopted, unsigned interest)
{
    adopted->interest = interest;
    adopted->patience = adopted->server->timeout;
    adopted_to_loop(adopted, on_wait);
}

/* Worker. One piece after the other, each when the one before has left. */
static void write_answer(adopted_t *adopted)
{
    conn_rec *c = adopted->c;
    int status = SUSPENDED;

    if (flush_core_filter(c) != APR_SUCCESS) {
        c->aborted = 1;
    }
    if (c->aborted || !c->data_in_output_filters) {
        status = adopted->work.finish(adopted->work.baton, adopted->r);
    }
    if (status == SUSPENDED && !c->aborted) {
        wait_for_io(adopted, WATCH_WRITABLE);
        return;
    }
    if (status == SUSPEND_AWAIT) {
        adopted_to_loop(adopted, on_await);
        return;
    }
    end_request(adopted, status == SUSPENDED ? OK : status);
    settle(adopted);
}

/* 1 when there is a next request to read now; 0 when the connection was passed on. */
static int complete_writes(adopted_t *adopted)
{
    conn_rec *c = adopted->c;
    int failed = flush_core_filter(c) != APR_SUCCESS;

    if (!failed && c->data_in_output_filters) {
        wait_for_io(adopted, WATCH_WRITABLE);
    } else if (!failed && c->cs->sense == CONN_SENSE_WANT_READ) {
        c->cs->sense = CONN_SENSE_DEFAULT; /* for this once, as the MPM does */
        wait_for_io(adopted, WATCH_READABLE);
    } else if (failed || c->keepalive != AP_CONN_KEEPALIVE || c->aborted || is_stopping()) {
        closing_start(adopted);
    } else if (c->data_in_input_filters) {
        return 1;
    } else {
        idle_start(adopted, on_process);
    }
    return 0;
}

static void process(conn_rec *c)
{
    int status;

    workers_will_block(); /* a request behind an answer, of which half may be missing */
    c->cs->state = STATE_PROCESSING;
    c->cs->sense = CONN_SENSE_DEFAULT;
    status = ap_run_process_connection(c);
    if ((status != OK && status != DONE) || c->cs->state == STATE_PROCESSING ||
        c->cs->state == CONN_STATE_HANDLER) {
        c->cs->state = CONN_STATE_LINGER;
    }
}

#if AP_MODULE_MAGIC_AT_LEAST(20120211, 135)
static int wants_io(const conn_rec *c)
{
    return c->cs->state == CONN_STATE_ASYNC_WAITIO;
}
#else
static int wants_io(const conn_rec *c)
{
    (void)c;
    return 0;
}
#endif

/* What cannot go on now is passed on: 1. 0: settle() goes on by the state, or closes. */
static int pass_on(adopted_t *adopted)
{
    conn_rec *c = adopted->c;

    if (c->cs->state == CONN_STATE_SUSPENDED) {
        /* With a request of ours, though the client has left: its work begins, and ends at once.
         * Without one, another module has suspended it, and looks after it now. */
        if (adopted->r != NULL) {
            adopted_to_loop(adopted, on_begin);
        }
    } else if (c->aborted) {
        closing_start(adopted);
    } else if (c->cs->state == CONN_STATE_CHECK_REQUEST_LINE_READABLE) {
        idle_start(adopted, on_process);
    } else if (wants_io(c)) {
        wait_for_io(adopted,
                    c->cs->sense == CONN_SENSE_WANT_WRITE ? WATCH_WRITABLE : WATCH_READABLE);
    } else {
        return 0;
    }
    return 1;
}

/* Worker. Ends with the connection handed to somebody, never to be touched here again. */
static void settle(adopted_t *adopted)
{
    conn_rec *c = adopted->c;

    while (!pass_on(adopted)) {
        if (c->cs->state == STATE_PROCESSING) {
            process(c);
        } else if (c->cs->state != CONN_STATE_WRITE_COMPLETION) {
            closing_start(adopted);
            return;
        } else if (complete_writes(adopted)) {
            c->cs->state = STATE_PROCESSING;
        } else {
            return;
        }
    }
}
