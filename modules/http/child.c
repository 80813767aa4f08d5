#include "http/child.h"

#include "base/log.h"
#include "http/config.h"
#include "http/idle.h"
#include "http/metrics_publish.h"
#include "http/shared.h"
#include "http/upstream.h"
#include "http/workers.h"

#include <stdatomic.h>
#include <unistd.h>

APLOG_USE_MODULE(chatbot);

/* How far the end of this child has come. */
enum { RUNNING, CLOSING, REFUSING };

static struct {
    gauge_t *gauge;
    unsigned gauge_slots;
    unsigned slot;
    unsigned max_in_flight;
    loop_t *loop;
    void (*abandon_chats)(void);
    int ready;
    atomic_int stopping;
} child;

/* ---- the log's sink: httpd's error log ---- */

static int httpd_level(log_level_e level)
{
    return level < LOG_AT_TRACE ? (int)level : APLOG_TRACE1;
}

static int on_log_enabled(void *baton, log_level_e level)
{
    const server_rec *server = baton;

    return ap_get_server_module_loglevel(server, APLOG_MODULE_INDEX) >= httpd_level(level);
}

static void on_log_line(void *baton, log_level_e level, const char *file, int line,
                        const char *text)
{
    ap_log_error_(file, line, APLOG_MODULE_INDEX, httpd_level(level), 0, baton, "%s", text);
}

static void log_to_httpd(server_rec *main_server)
{
    const log_sink_t sink = {on_log_enabled, on_log_line, main_server};

    log_set_sink(&sink);
}

/* ---- chats in flight ---- */

int child_prepare(apr_pool_t *pconf, server_rec *main_server)
{
    int status;

    log_to_httpd(main_server);
    child.max_in_flight = config_max_in_flight(main_server);
    status = shared_prepare(main_server);
    if (status == OK) {
        metrics_publish_prepare(pconf, main_server);
    }
    return status;
}

int child_enter_chat(void)
{
    return gauge_enter(child.gauge, child.slot, child.max_in_flight);
}

void child_leave_chat(void)
{
    gauge_leave(child.gauge, child.slot);
}

/* ---- start and stop ---- */

static void on_abandon_chats(loop_task_t *task)
{
    (void)task;
    child.abandon_chats();
}

static void post_abandon(void)
{
    static loop_task_t task = {NULL, on_abandon_chats};
    static atomic_int posted;

    if (!atomic_exchange(&posted, 1)) {
        (void)loop_post(child.loop, &task);
    }
}

static apr_status_t on_pool_cleanup(void *loop)
{
    post_abandon();
    metrics_publish_stop(gauge_depart(child.gauge, child.gauge_slots, child.slot));
    loop_stop(loop);
    return APR_SUCCESS;
}

void child_start(apr_pool_t *pchild, server_rec *main_server, void (*abandon_chats)(void))
{
    apr_status_t status;

    log_to_httpd(main_server);
    child.abandon_chats = abandon_chats;
    child.gauge = shared_gauge(&child.gauge_slots);
    if (!gauge_join(child.gauge, child.gauge_slots, getpid(), &child.slot)) {
        log_error("CHAT0412: starting a child: all %u places in shared memory are taken; every "
                  "chat here will be answered with 503; stop httpd and start it again",
                  child.gauge_slots);
        return;
    }
    status = loop_create(&child.loop, pchild);
    if (status == APR_SUCCESS) {
        workers_start(child.loop);
        status = loop_start(child.loop);
    }
    if (status != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, status, main_server,
                     "CHAT0413: starting the I/O thread of a child failed; every chat here will be "
                     "answered with 503");
        return;
    }
    upstream_start(pchild, main_server, child.loop);
    metrics_publish_start(pchild, child.loop);
    apr_pool_pre_cleanup_register(pchild, child.loop, on_pool_cleanup);
    child.ready = 1;
}

void child_stopping(apr_pool_t *pchild, int graceful)
{
    int before = atomic_exchange(&child.stopping, graceful ? CLOSING : REFUSING);

    (void)pchild;
    if (child.ready && before == RUNNING) {
        idle_close_all(child.loop);
    }
    if (child.ready && before != REFUSING && !graceful) {
        post_abandon(); /* their threads would keep the child from ending */
    }
}

int child_is_ready(void)
{
    return child.ready;
}

int child_is_stopping(void)
{
    return atomic_load(&child.stopping) != RUNNING;
}

int child_refuses_chats(void)
{
    return atomic_load(&child.stopping) == REFUSING;
}

loop_t *child_loop(void)
{
    return child.loop;
}
