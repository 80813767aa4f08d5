/*
 * upstream: answers every HTTP/1.1 request at once with the same bytes, so that a server in front
 * of it is what is measured.
 *
 *     upstream -p 8001 file-with-the-answer
 *
 * One thread. A request's body has a Content-Length or there is none; the answer must be small
 * enough for a socket's send buffer. Runs until it is killed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX 16384
#define ANSWER_MAX  65536
#define EVENTS_MAX  256
#define BACKLOG     4096

typedef struct {
    int fd;
    size_t length;
    char bytes[REQUEST_MAX + 1];
} connection_t;

static char answer[ANSWER_MAX];
static size_t answer_length;
static int epoll_fd;

static void fail(const char *what)
{
    perror(what);
    exit(2);
}

static void watch(int fd, void *baton)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = baton};

    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        fail("epoll_ctl");
    }
}

static void accept_all(int listener)
{
    const int on = 1;
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        connection_t *connection = calloc(1, sizeof(*connection));

        if (connection == NULL) {
            fail("calloc");
        }
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        connection->fd = fd;
        watch(fd, connection);
    }
    if (errno != EAGAIN && errno != ECONNABORTED) {
        fail("accept4");
    }
}

/* Length of the whole request at the beginning of the bytes; 0 while its head is not all there. */
static size_t request_length(const char *bytes)
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
static int answer_whole(connection_t *connection)
{
    size_t length;

    while ((length = request_length(connection->bytes)) > 0 && length <= connection->length) {
        if (send(connection->fd, answer, answer_length, MSG_NOSIGNAL) != (ssize_t)answer_length) {
            return 0;
        }
        connection->length -= length;
        memmove(connection->bytes, connection->bytes + length, connection->length + 1);
    }
    return connection->length < REQUEST_MAX;
}

static void on_readable(connection_t *connection)
{
    ssize_t got = recv(connection->fd, connection->bytes + connection->length,
                       REQUEST_MAX - connection->length, 0);

    if (got < 0 && errno == EAGAIN) {
        return;
    }
    if (got > 0) {
        connection->length += (size_t)got;
        connection->bytes[connection->length] = '\0';
        if (answer_whole(connection)) {
            return;
        }
    }
    close(connection->fd);
    free(connection);
}

static int listen_on(unsigned short port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(fd, BACKLOG) != 0) {
        fail("listening");
    }
    return fd;
}

static void read_answer(const char *path)
{
    FILE *file = fopen(path, "rb");

    answer_length = file != NULL ? fread(answer, 1, sizeof(answer), file) : 0;
    if (answer_length == 0 || answer_length == sizeof(answer)) {
        fail(path);
    }
    (void)fclose(file);
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS_MAX];
    int listener;

    if (argc != 4 || strcmp(argv[1], "-p") != 0) {
        (void)fprintf(stderr, "usage: upstream -p port file-with-the-answer\n");
        return 2;
    }
    read_answer(argv[3]);
    listener = listen_on((unsigned short)strtoul(argv[2], NULL, 10));
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    watch(listener, NULL);
    for (;;) {
        int count = epoll_wait(epoll_fd, events, EVENTS_MAX, -1);

        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL) {
                accept_all(listener);
            } else {
                on_readable(events[i].data.ptr);
            }
        }
    }
}
