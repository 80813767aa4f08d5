#include "http/capacity.h"

#include "http/config.h"

#include <ap_mpm.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <util_cfgtree.h>

APLOG_USE_MODULE(chatbot);

/* What httpd takes when the directive is not there. */
#define DEFAULT_ASYNC_FACTOR 2.0

/* The MPM does not tell this one: it is read where the MPM reads it. The last one counts. */
static void find_factor(const ap_directive_t *at, double *factor)
{
    for (; at != NULL; at = at->next) {
        if (strcasecmp(at->directive, "AsyncRequestWorkerFactor") == 0) {
            *factor = strtod(at->args, NULL);
        }
        find_factor(at->first_child, factor);
    }
}

static int query(int what)
{
    int value = 0;

    return ap_mpm_query(what, &value) == APR_SUCCESS && value > 0 ? value : 0;
}

static void check_connections(server_rec *main_server, int level, unsigned chats)
{
    double daemons = query(AP_MPMQ_MAX_DAEMONS);
    double threads = query(AP_MPMQ_MAX_THREADS);
    double factor = DEFAULT_ASYNC_FACTOR;
    double room;

    threads = threads > 0 ? threads : 1;
    if (query(AP_MPMQ_IS_ASYNC)) {
        find_factor(ap_conftree, &factor);
        room = daemons * threads * (1 + factor);
        if (room < chats) {
            ap_log_error(APLOG_MARK, level, 0, main_server,
                         "CHAT0405: ChatbotMaxInFlight is %u, but the MPM holds about %.0f "
                         "connections (MaxRequestWorkers %.0f, AsyncRequestWorkerFactor %g); for "
                         "all those chats write AsyncRequestWorkerFactor %.0f, and a ListenBacklog "
                         "to match",
                         chats, room, daemons * threads, factor, chats / (daemons * threads) + 1);
        }
    } else if (daemons * threads < chats) {
        ap_log_error(APLOG_MARK, APLOG_INFO, 0, main_server,
                     "CHAT0406: this MPM holds one thread for each waiting chat, %.0f in all; the "
                     "event MPM would hold none",
                     daemons * threads);
    }
}

/* A waiting chat has two sockets; the rest is for files, logs and idle connections. */
static void check_descriptors(server_rec *main_server, int level, unsigned chats)
{
    int daemons = query(AP_MPMQ_MAX_DAEMONS);
    double needed = 2.0 * chats / (daemons > 0 ? daemons : 1) + 256;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        (double)limit.rlim_cur < needed) {
        ap_log_error(APLOG_MARK, level, 0, main_server,
                     "CHAT0407: ChatbotMaxInFlight is %u, but a child may open %lu files; allow "
                     "%.0f (ulimit -n, or LimitNOFILE= of the systemd unit)",
                     chats, (unsigned long)limit.rlim_cur, needed);
    }
}

void capacity_check(server_rec *main_server)
{
    unsigned chats = config_max_in_flight(main_server);
    int level =
        config_of_server(main_server)->max_in_flight != CONFIG_UNSET ? APLOG_WARNING : APLOG_INFO;

    check_connections(main_server, level, chats);
    check_descriptors(main_server, level, chats);
}
