#include "emulator/server.h"

#include "base/clock.h"
#include "base/log.h"
#include "emulator/connection.h"

#include <apr_errno.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define REASON_MAX     128
#define ACCEPTS_A_TURN 64
#define ACCEPT_PAUSE   apr_time_from_msec(100)

struct server_t {
    source_t listener; /* first: see poller.h */
    alarm_t retry;
    connections_t connections;
};

/* Out of descriptors the listening socket would be ready all the time: look away for a while. */
static void pause_accepting(server_t *server)
{
    char reason[REASON_MAX];

    log_error("EMUL0030: accepting a connection failed (%s): trying again shortly; raise the limit "
              "of open files (ulimit -n)",
              apr_strerror(errno, reason, sizeof(reason)));
    poller_unwatch(server->connections.poller, &server->listener);
    (void)poller_set(server->connections.poller, &server->retry, clock_monotonic() + ACCEPT_PAUSE);
}

static void on_retry(alarm_t *alarm)
{
    server_t *server = (server_t *)((char *)alarm - offsetof(server_t, retry));

    (void)poller_watch(server->connections.poller, &server->listener, EPOLLIN);
}

static void on_acceptable(source_t *source, uint32_t events)
{
    server_t *server = (server_t *)source;
    int turn;

    (void)events;
    for (turn = 0; turn < ACCEPTS_A_TURN; turn++) {
        int fd = accept4(source->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            (void)connection_open(&server->connections, fd);
        } else if (errno == EAGAIN) {
            return;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            pause_accepting(server);
            return;
        }
    }
}

server_t *server_create(poller_t *poller, emulator_t *emulator, int listen_fd)
{
    server_t *server = calloc(1, sizeof(*server));

    if (server == NULL) {
        return NULL;
    }
    server->listener.fd = listen_fd;
    server->listener.on_events = on_acceptable;
    server->retry.on_due = on_retry;
    server->connections.poller = poller;
    server->connections.emulator = emulator;
    if (!poller_watch(poller, &server->listener, EPOLLIN)) {
        free(server);
        return NULL;
    }
    return server;
}

void server_destroy(server_t *server)
{
    poller_unset(server->connections.poller, &server->retry);
    poller_unwatch(server->connections.poller, &server->listener);
    connection_close_all(&server->connections);
    free(server);
}
