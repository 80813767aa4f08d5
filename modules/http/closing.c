#include "http/closing.h"

#include "base/clock.h"

#include <http_connection.h>
#include <http_core.h>
#include <sys/socket.h>

/* A closing connection is drained for so long at most, as httpd's short lingering close. */
#define LINGER_TIME apr_time_from_sec(2)

/* The MPM's worker still has two stores to make in its record of the connection after it said
 * "suspended": the record must not be freed before. That it has made them is certain when it has
 * begun something else, and likely soon after the first of them (c->sbh) shows. Meanwhile the MPM
 * counts the connection, so that long rests would keep it from taking new ones. */
#define RECORD_REST apr_time_from_sec(1)
#define STORE_REST  apr_time_from_msec(100)

static void on_destroy(workers_job_t *job)
{
    adopted_t *adopted = adopted_of_job(job);
    conn_rec *c = adopted->c;

    c->aborted = 1; /* its socket is closed: no filter's cleanup may write */
    /* The state the MPM counts it under: its cleanup takes it off that count. */
    c->cs->state = CONN_STATE_SUSPENDED;
    apr_pool_destroy(c->pool);
}

static void on_rested(loop_timer_t *timer)
{
    adopted_to_worker(LOOP_CONTAINER(timer, adopted_t, rest), on_destroy, 0);
}

static apr_interval_time_t rest_of(const adopted_t *adopted)
{
    apr_interval_time_t least = adopted->c->sbh == NULL ? STORE_REST : RECORD_REST;

    return workers_has_moved_on(adopted->suspender)
               ? 0
               : adopted->suspended + least - clock_monotonic();
}

/* I/O thread. The descriptor goes at once, the record after its rest. */
static void close_socket(adopted_t *adopted)
{
    apr_interval_time_t rest = rest_of(adopted);

    (void)apr_socket_close(ap_get_conn_socket(adopted->c));
    loop_timer_arm(adopted->loop, &adopted->rest, rest > 0 ? rest : 0, on_rested);
}

static void on_closed(loop_task_t *task)
{
    close_socket(adopted_of_task(task));
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
    adopted_t *adopted = adopted_of_task(task);

    adopted->linger_until = clock_monotonic() + LINGER_TIME;
    linger(adopted);
}

void closing_start(adopted_t *adopted)
{
    adopted->c->cs->state = CONN_STATE_LINGER;
    /* What is left to send must not hold this worker, as in the MPM. */
    (void)apr_socket_timeout_set(ap_get_conn_socket(adopted->c), LINGER_TIME);
    adopted_to_loop(adopted, ap_start_lingering_close(adopted->c) ? on_closed : on_linger);
}

void closing_on_job(workers_job_t *job)
{
    closing_start(adopted_of_job(job));
}
