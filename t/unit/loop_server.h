/*
 * For the tests of loop/transfer: an HTTP server on plain sockets, in a thread
 * of its own, that plays one script and so can do all that a server must not.
 */
#ifndef UNIT_LOOP_SERVER_H
#define UNIT_LOOP_SERVER_H

#include "loop_fixture.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <strings.h>
#include <sys/socket.h>

#define SERVER_REQUEST_MAX 262144

typedef struct server_t server_t;
struct server_t {
    int listener;
    int port;
    pthread_t thread;
    void (*script)(server_t *server);
    sem_t reached; /* the script got somewhere that the test waits for */
    sem_t go_on;   /* the test got somewhere that the script waits for */
    pthread_mutex_t lock;
    int current;     /* the connection that the script has, or -1; this and all below: locked */
    int connections; /* accepted so far */
    int requests;    /* read whole so far */
    char request[SERVER_REQUEST_MAX]; /* the last one */
    char copy[SERVER_REQUEST_MAX];    /* the test's */
};

static inline void *server_main(void *baton)
{
    server_t *server = baton;

    server->script(server);
    return NULL;
}

static inline int listen_somewhere(int backlog, int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&address, length) != 0 || listen(fd, backlog) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) != 0) {
        printf("Bail out! no loopback\n");
        exit(1);
    }
    *port = ntohs(address.sin_port);
    return fd;
}

static inline server_t *server_start(void (*script)(server_t *server))
{
    server_t *server = calloc(1, sizeof(*server));

    server->listener = listen_somewhere(4096, &server->port);
    server->script = script;
    server->current = -1;
    (void)pthread_mutex_init(&server->lock, NULL);
    (void)sem_init(&server->reached, 0, 0);
    (void)sem_init(&server->go_on, 0, 0);
    (void)pthread_create(&server->thread, NULL, server_main, server);
    return server;
}

/* Ends accept() and recv() in the script, and waits for its end. */
static inline void server_join(server_t *server)
{
    (void)shutdown(server->listener, SHUT_RDWR);
    (void)pthread_mutex_lock(&server->lock);
    if (server->current >= 0) {
        (void)shutdown(server->current, SHUT_RDWR);
    }
    (void)pthread_mutex_unlock(&server->lock);
    (void)pthread_join(server->thread, NULL);
}

static inline void server_free(server_t *server)
{
    (void)close(server->listener);
    (void)pthread_mutex_destroy(&server->lock);
    (void)sem_destroy(&server->reached);
    (void)sem_destroy(&server->go_on);
    free(server);
}

static inline void server_stop(server_t *server)
{
    server_join(server);
    server_free(server);
}

/* The next connection, or -1 when the server is to stop. */
static inline int server_accept(server_t *server)
{
    int fd = accept(server->listener, NULL, NULL);

    (void)pthread_mutex_lock(&server->lock);
    server->current = fd;
    server->connections += fd >= 0;
    (void)pthread_mutex_unlock(&server->lock);
    return fd;
}

static inline void server_close(server_t *server, int fd)
{
    (void)pthread_mutex_lock(&server->lock);
    server->current = -1;
    (void)close(fd);
    (void)pthread_mutex_unlock(&server->lock);
}

static inline void server_reset(server_t *server, int fd)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    server_close(server, fd);
}

/* Waits until a script that takes one connection after another has taken all that came so far. */
static inline void server_catch_up(const server_t *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server->port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char byte;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)connect(fd, (struct sockaddr *)&address, sizeof(address));
    (void)shutdown(fd, SHUT_WR);
    while (recv(fd, &byte, 1, 0) > 0) {
    }
    (void)close(fd);
}

static inline size_t body_length_of(const char *head)
{
    const char *line = strcasestr(head, "\r\nContent-Length:");

    return line != NULL ? strtoul(line + 17, NULL, 10) : 0;
}

/* Reads one request, body and all; 0 at the end of the connection. */
static inline int server_read(server_t *server, int fd)
{
    char *text = calloc(1, SERVER_REQUEST_MAX);
    size_t have = 0;
    int whole = 0;

    while (!whole) {
        const char *end;
        ssize_t got = recv(fd, text + have, SERVER_REQUEST_MAX - 1 - have, 0);

        if (got <= 0) {
            break;
        }
        have += (size_t)got;
        end = strstr(text, "\r\n\r\n");
        whole = end != NULL && have >= (size_t)(end + 4 - text) + body_length_of(text);
    }
    if (whole) {
        (void)pthread_mutex_lock(&server->lock);
        server->requests++;
        memcpy(server->request, text, have + 1);
        (void)pthread_mutex_unlock(&server->lock);
    }
    free(text);
    return whole;
}

static inline const char *server_request(server_t *server)
{
    (void)pthread_mutex_lock(&server->lock);
    memcpy(server->copy, server->request, sizeof(server->copy));
    (void)pthread_mutex_unlock(&server->lock);
    return server->copy;
}

static inline int server_requests(server_t *server)
{
    int requests;

    (void)pthread_mutex_lock(&server->lock);
    requests = server->requests;
    (void)pthread_mutex_unlock(&server->lock);
    return requests;
}

static inline int server_connections(server_t *server)
{
    int connections;

    (void)pthread_mutex_lock(&server->lock);
    connections = server->connections;
    (void)pthread_mutex_unlock(&server->lock);
    return connections;
}

static inline void server_write(int fd, const char *text)
{
    (void)send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* Waits until the client has closed. */
static inline void server_await_end(int fd)
{
    char bytes[4096];

    while (recv(fd, bytes, sizeof(bytes), 0) > 0) {
    }
}

#endif
