/*
 * What the upstreams of the bench share: one thread that accepts connections on
 * loopback and reads HTTP/1.1 requests. A request's body has a Content-Length or
 * there is none.
 */
#ifndef BENCH_SERVER_H
#define BENCH_SERVER_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVER_REQUEST_MAX 16384
#define SERVER_EVENTS_MAX  256
#define SERVER_BACKLOG     4096

/* The first member of the upstream's own. */
typedef struct {
    int fd;
    size_t length;
    char bytes[SERVER_REQUEST_MAX + 1];
} server_connection_t;

typedef struct {
    size_t connection_size;                             /* zeroed when it is accepted */
    int (*on_request)(server_connection_t *connection); /* 0: it is to be closed */
    void (*on_close)(server_connection_t *connection);  /* may be NULL */
    int (*wait_ms)(void); /* does what is due; -1: nothing will be. May be NULL */
    int epoll_fd;
} server_t;

static inline void server_fail(const char *what)
{
    perror(what);
    exit(2);
}

static inline int server_listen(unsigned short port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (fd < 0 || bind(fd, (const void *)&address, sizeof(address)) != 0 ||
        listen(fd, SERVER_BACKLOG) != 0) {
        server_fail("listening");
    }
    return fd;
}

static inline void server_watch(const server_t *server, int fd, void *baton)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = baton};

    if (epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        server_fail("epoll_ctl");
    }
}

static inline void server_accept(const server_t *server, int listener)
{
    const int on = 1;
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        server_connection_t *connection = calloc(1, server->connection_size);

        if (connection == NULL) {
            server_fail("calloc");
        }
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        connection->fd = fd;
        server_watch(server, fd, connection);
    }
    if (errno != EAGAIN && errno != ECONNABORTED) {
        server_fail("accept4");
    }
}

/* Of the request at the beginning of the bytes; 0 while its head is not all there. */
static inline size_t server_request_length(const char *bytes)
{
    const char *end = strstr(bytes, "\r\n\r\n");
    const char *field = strcasestr(bytes, "\r\nContent-Length:");

    if (end == NULL) {
        return 0;
    }
    return (size_t)(end + 4 - bytes) +
           (field != NULL && field < end ? strtoul(field + 17, NULL, 10) : 0);
}

/* 0 when the connection is to be closed. */
static inline int server_answer(const server_t *server, server_connection_t *connection)
{
    size_t length;

    while ((length = server_request_length(connection->bytes)) > 0 &&
           length <= connection->length) {
        if (!server->on_request(connection)) {
            return 0;
        }
        connection->length -= length;
        memmove(connection->bytes, connection->bytes + length, connection->length + 1);
    }
    return connection->length < SERVER_REQUEST_MAX;
}

static inline void server_read(const server_t *server, server_connection_t *connection)
{
    ssize_t got = recv(connection->fd, connection->bytes + connection->length,
                       SERVER_REQUEST_MAX - connection->length, 0);

    if (got < 0 && errno == EAGAIN) {
        return;
    }
    if (got > 0) {
        connection->length += (size_t)got;
        connection->bytes[connection->length] = '\0';
        if (server_answer(server, connection)) {
            return;
        }
    }
    if (server->on_close != NULL) {
        server->on_close(connection);
    }
    (void)close(connection->fd);
    free(connection);
}

/* Until it is killed. */
static inline void server_run(server_t *server, const char *port)
{
    struct epoll_event events[SERVER_EVENTS_MAX];
    int listener = server_listen((unsigned short)strtoul(port, NULL, 10));

    server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    server_watch(server, listener, NULL);
    for (;;) {
        int timeout = server->wait_ms != NULL ? server->wait_ms() : -1;
        int count = epoll_wait(server->epoll_fd, events, SERVER_EVENTS_MAX, timeout);
        int i;

        for (i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL) {
                server_accept(server, listener);
            } else {
                server_read(server, events[i].data.ptr);
            }
        }
    }
}

#endif
