#include "http/suspend.h"

#include "base/clock.h"
#include "base/log.h"
#include "http/config.h"
#include "http/presence.h"
#include "http/workers.h"
#include "loop/watch.h"

#include <ap_mpm.h>
#include <http_connection.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <sys/socket.h>
#include <util_filter.h>

/* A closing connection is drained for so long at most, as httpd's short lingering close. */
#define LINGER_TIME apr_time_from_sec(2)

/* The MPM's worker still has two stores to make in its record of the connection after it said
 * "suspended": the record must not be freed right then. */
#define RECORD_REST apr_time_from_sec(1)

#if AP_MODULE_MAGIC_AT_LEAST(20120211, 135)
#define STATE_PROCESSING CONN_STATE_PROCESSING
#else
#define STATE_PROCESSING CONN_STATE_READ_REQUEST_LINE
#endif

/* An adopted connection; in the connection's pool. Every field belongs to the owner of the
 * moment but where it says the I/O thread. */
typedef struct adopted_t adopted_t;
struct adopted_t {
    conn_rec *c;
    request_rec *r;     /* the suspended request, NULL between requests */
    server_rec *server; /* of that request, for its time-outs */
    int handed_over;    /* the MPM's hook has seen it: it is ours for good */
    suspend_work_t work;
    loop_t *loop;
    loop_task_t task;
    workers_job_t job;
    presence_t presence; /* I/O thread */
    unsigned interest;   /* what settle() waits for, and how long */
    apr_interval_time_t patience;
    apr_time_t suspended;    /* monotonic, first suspension */
    apr_time_t linger_until; /* monotonic */
    loop_timer_t rest;       /* I/O thread */
    watch_t *watch;          /* I/O thread: idle, writable or lingering */
    adopted_t *next_idle;    /* I/O thread: list of the idle ones */
    adopted_t *previous_idle;
};

/* I/O thread. */
static struct {
    adopted_t *first;
    int closing; /* the child is stopping: nothing stays idle */
} idle;

static loop_task_t close_idle_task;

static void settle(adopted_t *adopted);
static void write_answer(adopted_t *adopted);

/* ---- crossings ---- */

static void to_loop(adopted_t *adopted, void (*run)(loop_task_t *))
{
    adopted->c->current_thread = NULL;
    adopted->task.run = run;
    /* Refused only after the child's end has begun: the connection goes with the process. */
    (void)loop_post(adopted->loop, &adopted->task);
}

static void to_worker(adopted_t *adopted, void (*run)(workers_job_t *), int may_block)
{
    adopted->job.run = run;
    adopted->job.may_block = may_block;
    workers_run(&adopted->job);
}

/* What every job on a worker begins with. */
static adopted_t *arrive(workers_job_t *job)
{
    adopted_t *adopted = LOOP_CONTAINER(job, adopted_t, job);

    adopted->c->current_thread = ap_thread_current();
    return adopted;
}

static adopted_t *of_task(loop_task_t *task)
{
    return LOOP_CONTAINER(task, adopted_t, task);
}

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

static void on_begin(loop_task_t *task)
{
    adopted_t *adopted = of_task(task);

    presence_start(&adopted->presence, adopted->loop, on_gone, adopted);
    adopted->work.begin(adopted->work.baton);
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
    to_loop(adopted, on_begin);
}

static void on_finish(workers_job_t *job)
{
    write_answer(arrive(job));
}

void suspend_ready(conn_rec *c)
{
    adopted_t *adopted = ap_get_module_config(c->conn_config, &chatbot_module);

    presence_stop(&adopted->presence);
    to_worker(adopted, on_finish, 0);
}

/* ---- the end of a connection ---- */

static void on_destroy(workers_job_t *job)
{
    adopted_t *adopted = arrive(job);
    conn_rec *c = adopted->c;

    /* The state the MPM counts it under: its cleanup takes it off that count. */
    c->cs->state = CONN_STATE_SUSPENDED;
    apr_pool_destroy(c->pool);
}

static void on_rested(loop_timer_t *timer)
{
    to_worker(LOOP_CONTAINER(timer, adopted_t, rest), on_destroy, 0);
}

/* I/O thread. The descriptor goes at once, the record after its rest. */
static void close_socket(adopted_t *adopted)
{
    apr_interval_time_t rest = adopted->suspended + RECORD_REST - clock_monotonic();

    (void)apr_socket_close(ap_get_conn_socket(adopted->c));
    loop_timer_arm(adopted->loop, &adopted->rest, rest > 0 ? rest : 0, on_rested);
}

static void on_closed(loop_task_t *task)
{
    close_socket(of_task(task));
}

/* 1 while the client may still send something. */
static int drain(int descriptor)
{
    char scrap[4096];
    ssize_t got;
    int rounds = 16; /* the others' turn comes sooner than the end of a long upload */

    do {
        got = recv(descriptor, scrap, sizeof(scrap), MSG_DONTWAIT);
    } while (got > 0 && --rounds > 0);
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static void linger(adopted_t *adopted);

static void on_linger_event(void *baton, unsigned came)
{
    adopted_t *adopted = baton;

    adopted->watch = NULL;
    if ((came & (WATCH_TIMEOUT | WATCH_ERROR)) || !drain(adopted->presence.descriptor)) {
        close_socket(adopted);
    } else {
        linger(adopted);
    }
}

static void linger(adopted_t *adopted)
{
    apr_interval_time_t left = adopted->linger_until - clock_monotonic();

    if (left > 0) {
        adopted->watch = watch_start(adopted->loop, adopted->presence.descriptor, WATCH_READABLE,
                                     left, on_linger_event, adopted);
    }
    if (adopted->watch == NULL) {
        close_socket(adopted);
    }
}

static void on_linger(loop_task_t *task)
{
    adopted_t *adopted = of_task(task);

    adopted->linger_until = clock_monotonic() + LINGER_TIME;
    linger(adopted);
}

/* Worker. */
static void close_connection(adopted_t *adopted)
{
    adopted->c->cs->state = CONN_STATE_LINGER;
    to_loop(adopted, ap_start_lingering_close(adopted->c) ? on_closed : on_linger);
}

/* ---- between two requests ---- */

static void unlist(adopted_t *adopted)
{
    if (adopted->next_idle != NULL) {
        adopted->next_idle->previous_idle = adopted->previous_idle;
    }
    if (adopted->previous_idle != NULL) {
        adopted->previous_idle->next_idle = adopted->next_idle;
    } else if (idle.first == adopted) {
        idle.first = adopted->next_idle;
    }
    adopted->next_idle = NULL;
    adopted->previous_idle = NULL;
}

static void list(adopted_t *adopted)
{
    adopted->next_idle = idle.first;
    if (idle.first != NULL) {
        idle.first->previous_idle = adopted;
    }
    idle.first = adopted;
}

static void on_process(workers_job_t *job)
{
    adopted_t *adopted = arrive(job);

    adopted->c->cs->state = STATE_PROCESSING;
    settle(adopted);
}

static void on_close(workers_job_t *job)
{
    close_connection(arrive(job));
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
    adopted_t *adopted = arrive(job);

    adopted->c->aborted = 1;
    if (adopted->r != NULL) {
        end_request(adopted, OK);
    }
    close_connection(adopted);
}

static void on_idle_event(void *baton, unsigned came)
{
    adopted_t *adopted = baton;

    adopted->watch = NULL;
    unlist(adopted);
    if (came & (WATCH_TIMEOUT | WATCH_ERROR)) {
        to_worker(adopted, on_close, 0);
    } else {
        to_worker(adopted, on_process, 1);
    }
}

static void on_idle(loop_task_t *task)
{
    adopted_t *adopted = of_task(task);

    if (!idle.closing) {
        adopted->watch = watch_start(adopted->loop, adopted->presence.descriptor,
                                     WATCH_READABLE | WATCH_PEER_SHUT, adopted->patience,
                                     on_idle_event, adopted);
    }
    if (adopted->watch != NULL) {
        list(adopted);
    } else {
        to_worker(adopted, on_close, 0);
    }
}

static void on_close_idle(loop_task_t *task)
{
    (void)task;
    idle.closing = 1;
    while (idle.first != NULL) {
        adopted_t *adopted = idle.first;
        watch_stop(adopted->watch);
        adopted->watch = NULL;
        unlist(adopted);
        to_worker(adopted, on_close, 0);
    }
}

void suspend_close_idle(loop_t *loop)
{
    close_idle_task.run = on_close_idle;
    (void)loop_post(loop, &close_idle_task);
}

/* ---- an answer the client has not taken yet ---- */

static void on_settle(workers_job_t *job)
{
    adopted_t *adopted = arrive(job);

    if (adopted->r != NULL) {
        write_answer(adopted);
    } else {
        settle(adopted);
    }
}

static int is_writing(const adopted_t *adopted)
{
    return adopted->r != NULL || adopted->c->cs->state == CONN_STATE_WRITE_COMPLETION;
}

static void on_io_event(void *baton, unsigned came)
{
    adopted_t *adopted = baton;

    adopted->watch = NULL;
    if (came & (WATCH_TIMEOUT | WATCH_ERROR)) {
        to_worker(adopted, on_abort, 0);
    } else {
        to_worker(adopted, is_writing(adopted) ? on_settle : on_process, 1);
    }
}

static void on_wait(loop_task_t *task)
{
    adopted_t *adopted = of_task(task);

    adopted->watch = watch_start(adopted->loop, adopted->presence.descriptor, adopted->interest,
                                 adopted->patience, on_io_event, adopted);
    if (adopted->watch == NULL) {
        to_worker(adopted, on_abort, 0);
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
    to_loop(adopted, on_wait);
}

static void wait_for_request(adopted_t *adopted)
{
    adopted->patience = adopted->server->keep_alive_timeout;
    to_loop(adopted, on_idle);
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
    end_request(adopted, status == SUSPENDED ? OK : status);
    settle(adopted);
}

/* 1 when there is a next request to read now; 0 when the connection was passed on. */
static int complete_writes(adopted_t *adopted)
{
    conn_rec *c = adopted->c;

    if (flush_core_filter(c) != APR_SUCCESS) {
        close_connection(adopted);
    } else if (c->data_in_output_filters) {
        wait_for_io(adopted, WATCH_WRITABLE);
    } else if (c->cs->sense == CONN_SENSE_WANT_READ) {
        wait_for_io(adopted, WATCH_READABLE);
    } else if (c->keepalive != AP_CONN_KEEPALIVE || c->aborted || is_stopping()) {
        close_connection(adopted);
    } else if (c->data_in_input_filters) {
        return 1;
    } else {
        wait_for_request(adopted);
    }
    return 0;
}

static void process(conn_rec *c)
{
    int status;

    c->cs->state = STATE_PROCESSING;
    c->cs->sense = CONN_SENSE_DEFAULT;
    status = ap_run_process_connection(c);
    if ((status != OK && status != DONE) || c->cs->state == STATE_PROCESSING ||
        c->cs->state == CONN_STATE_HANDLER || c->aborted) {
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

/* Worker. Ends with the connection handed to somebody, never to be touched here again. */
static void settle(adopted_t *adopted)
{
    conn_rec *c = adopted->c;

    while (!c->aborted) {
        if (c->cs->state == STATE_PROCESSING) {
            process(c);
        } else if (c->cs->state == CONN_STATE_WRITE_COMPLETION) {
            if (!complete_writes(adopted)) {
                return;
            }
            c->cs->state = STATE_PROCESSING;
        } else if (c->cs->state == CONN_STATE_SUSPENDED) {
            if (adopted->r != NULL) {
                to_loop(adopted, on_begin);
            } /* else another module suspended it, and looks after it now */
            return;
        } else if (c->cs->state == CONN_STATE_CHECK_REQUEST_LINE_READABLE) {
            wait_for_request(adopted);
            return;
        } else if (wants_io(c)) {
            wait_for_io(adopted,
                        c->cs->sense == CONN_SENSE_WANT_WRITE ? WATCH_WRITABLE : WATCH_READABLE);
            return;
        } else {
            break;
        }
    }
    close_connection(adopted);
}
