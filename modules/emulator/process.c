#include "emulator/process.h"

#include "base/clock.h"
#include "base/log.h"
#include "emulator/emulator.h"
#include "emulator/poller.h"
#include "emulator/server.h"

#include <apr_errno.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define REASON_MAX    128
#define LEASE_TIMEOUT apr_time_from_sec(10)

typedef struct {
    source_t signals; /* the sources here are never retired */
    source_t lease;
    alarm_t lease_end;
    poller_t *poller;
    emulator_t emulator;
    server_t *server;
} process_t;

static void on_signal(source_t *source, uint32_t events)
{
    process_t *process = (process_t *)((char *)source - offsetof(process_t, signals));

    (void)events;
    poller_stop(process->poller);
}

static void on_lease_end(alarm_t *alarm)
{
    process_t *process = (process_t *)((char *)alarm - offsetof(process_t, lease_end));

    log_notice("EMUL0003: the new configuration has no AWS stand-in: its process ends");
    poller_stop(process->poller);
}

static void on_lease(source_t *source, uint32_t events)
{
    process_t *process = (process_t *)((char *)source - offsetof(process_t, lease));
    char word;

    (void)events;
    if (recv(source->fd, &word, 1, 0) != 1) {
        poller_stop(process->poller); /* the parent is gone */
    } else if (word == PROCESS_LEASE_ENDS) {
        (void)poller_set(process->poller, &process->lease_end, clock_monotonic() + LEASE_TIMEOUT);
    } else {
        poller_unset(process->poller, &process->lease_end);
    }
}

static int watch_parent(process_t *process, int lease_fd)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    process->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    process->signals.on_events = on_signal;
    process->lease.fd = lease_fd;
    process->lease.on_events = on_lease;
    process->lease_end.on_due = on_lease_end;
    return process->signals.fd >= 0 && poller_watch(process->poller, &process->signals, EPOLLIN) &&
           poller_watch(process->poller, &process->lease, EPOLLIN | EPOLLRDHUP);
}

static int build(process_t *process, const settings_t *settings, int listen_fd, int lease_fd)
{
    if (!emulator_init(&process->emulator, settings)) {
        return 0;
    }
    process->poller = poller_create();
    if (process->poller == NULL || !watch_parent(process, lease_fd)) {
        return 0;
    }
    process->server = server_create(process->poller, &process->emulator, listen_fd);
    return process->server != NULL;
}

void process_serve(const settings_t *settings, int listen_fd, int lease_fd)
{
    process_t process;
    char reason[REASON_MAX];

    memset(&process, 0, sizeof(process));
    if (!build(&process, settings, listen_fd, lease_fd)) {
        log_error("EMUL0002: starting the AWS stand-in's event loop failed: %s",
                  apr_strerror(errno, reason, sizeof(reason)));
        return;
    }
    log_notice("EMUL0004: the AWS stand-in serves http://%s:%d with %d access keys",
               settings->address, settings->port, settings->key_count);
    poller_run(process.poller);
    server_destroy(process.server);
    poller_destroy(process.poller);
    emulator_destroy(&process.emulator);
    (void)close(process.signals.fd);
}
