/*
 * load: many HTTP/1.1 connections at once from one thread, and what became of each request.
 *
 *     load -p 8000 -c 2000 'POST /chat {"message":"{{delay 1000}}"}' 'GET /page.html'
 *
 * The requests are sent in turn, each with an X-Request-ID of its own; an answer that carries
 * another id is counted as crossed. The result is one JSON object on standard output; the exit
 * status is 0 when every request got an answer.
 */
#include "answer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define SPECS_MAX   16
#define DEPTH_MAX   64
#define REQUEST_MAX 16384
#define EVENTS_MAX  512
#define STATUS_MAX  600
#define ID_DIGITS   9

typedef struct {
    char text[REQUEST_MAX];
    size_t length;
    size_t id_at; /* where the ID_DIGITS digits of the request's number go */
} spec_t;

typedef struct {
    long id;
    double due; /* when it should have been sent: what it waited for a connection counts */
} pending_t;

typedef struct {
    int fd; /* -1 while closed */
    int writing;
    pending_t pending[DEPTH_MAX]; /* sent or being sent, oldest first */
    int pending_count;
    char *out;
    size_t out_length, out_sent;
    answer_t answer;
} connection_t;

typedef struct {
    long answered, lost, crossed, reconnected, timed_out;
    long statuses[STATUS_MAX];
    long long bytes;
    double *latency, *first; /* milliseconds, one for each answer */
} result_t;

static struct {
    struct sockaddr_in to;
    int connections, depth, keep_alive;
    long total;
    double rate, timeout;
    char headers[2048];
    spec_t specs[SPECS_MAX];
    int spec_count;
} options = {.connections = 1, .depth = 1, .keep_alive = 1, .timeout = 60};

static connection_t *connections;
static result_t result;
static long issued;
static double started;
static int epoll_fd;

static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1e6;
}

static void fail(const char *what)
{
    perror(what);
    exit(2);
}

static double due_time(long id)
{
    return options.rate > 0 ? started + (double)id * 1000 / options.rate : started;
}

static void interest(connection_t *connection, int writing)
{
    struct epoll_event event = {.events = EPOLLIN | (writing ? (unsigned)EPOLLOUT : 0u),
                                .data.ptr = connection};

    if (connection->writing != writing) {
        connection->writing = writing;
        if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, connection->fd, &event) != 0) {
            fail("epoll_ctl");
        }
    }
}

static void open_connection(connection_t *connection)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = connection};
    int on = 1;

    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->fd < 0) {
        fail("socket");
    }
    (void)setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(connection->fd, (struct sockaddr *)&options.to, sizeof(options.to)) != 0 &&
        errno != EINPROGRESS) {
        fail("connect");
    }
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) != 0) {
        fail("epoll_ctl");
    }
    connection->writing = 1;
    connection->out_length = connection->out_sent = 0;
    answer_reset(&connection->answer);
}

/* Whatever was still to be answered on it is lost. */
static void close_connection(connection_t *connection)
{
    close(connection->fd);
    connection->fd = -1;
    result.lost += connection->pending_count;
    connection->pending_count = 0;
    if (issued < options.total) {
        result.reconnected++;
        open_connection(connection);
    }
}

static void issue(connection_t *connection)
{
    const spec_t *spec = &options.specs[issued % options.spec_count];
    char *at = connection->out + connection->out_length;
    long id = issued;

    memcpy(at, spec->text, spec->length);
    for (int i = ID_DIGITS - 1; i >= 0; i--) {
        at[spec->id_at + (size_t)i] = (char)('0' + id % 10);
        id /= 10;
    }
    connection->out_length += spec->length;
    connection->pending[connection->pending_count++] =
        (pending_t){.id = issued, .due = options.rate > 0 ? due_time(issued) : now()};
    issued++;
}

/* Sends what is due and what is left of the last time. */
static void flush(connection_t *connection)
{
    while (connection->pending_count < options.depth && issued < options.total &&
           due_time(issued) <= now()) {
        issue(connection);
    }
    while (connection->out_sent < connection->out_length) {
        ssize_t n = send(connection->fd, connection->out + connection->out_sent,
                         connection->out_length - connection->out_sent, MSG_NOSIGNAL);

        if (n < 0 && (errno == EAGAIN || errno == ENOTCONN)) {
            interest(connection, 1);
            return;
        }
        if (n < 0) {
            close_connection(connection);
            return;
        }
        connection->out_sent += (size_t)n;
    }
    connection->out_length = connection->out_sent = 0;
    interest(connection, 0);
}

static void count_answer(connection_t *connection)
{
    answer_t *answer = &connection->answer;
    pending_t done = connection->pending[0];
    double end = now();
    char *digits_end;

    connection->pending_count--;
    memmove(connection->pending, connection->pending + 1,
            (size_t)connection->pending_count * sizeof(pending_t));
    if (answer->request_id[0] != '\0' && strtol(answer->request_id, &digits_end, 10) != done.id) {
        result.crossed++;
    }
    if (answer->status > 0 && answer->status < STATUS_MAX) {
        result.statuses[answer->status]++;
    }
    result.latency[result.answered] = end - done.due;
    result.first[result.answered] = (answer->first_byte > 0 ? answer->first_byte : end) - done.due;
    result.answered++;
}

/* The answers in what was read; 0 once the connection is of no more use. */
static int take(connection_t *connection, const char *bytes, size_t length)
{
    result.bytes += (long long)length;
    while (length > 0) {
        size_t used = answer_feed(&connection->answer, bytes, length, now());

        bytes += used;
        length -= used;
        if (connection->answer.failed || connection->pending_count == 0) {
            return 0;
        }
        if (connection->answer.complete) {
            int last = connection->answer.closing || !options.keep_alive;

            count_answer(connection);
            answer_reset(&connection->answer);
            if (last) {
                return 0;
            }
        }
    }
    return 1;
}

static void on_readable(connection_t *connection)
{
    char bytes[65536];
    ssize_t n = recv(connection->fd, bytes, sizeof(bytes), 0);

    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n == 0 && answer_end(&connection->answer) && connection->pending_count > 0) {
        count_answer(connection);
    }
    if (n <= 0 || !take(connection, bytes, (size_t)n)) {
        close_connection(connection);
        return;
    }
    flush(connection);
}

static int in_flight(void)
{
    int count = 0;

    for (int i = 0; i < options.connections; i++) {
        count += connections[i].pending_count;
    }
    return count;
}

/* Sends what has become due and gives up on what is overdue. */
static void look_around(void)
{
    double time = now();

    for (int i = 0; i < options.connections; i++) {
        connection_t *connection = &connections[i];

        if (connection->pending_count > 0 &&
            time - connection->pending[0].due > options.timeout * 1000) {
            result.timed_out++;
            close_connection(connection);
        } else if (connection->fd >= 0 && !connection->writing && issued < options.total) {
            flush(connection);
        }
    }
}

static void run(void)
{
    struct epoll_event events[EVENTS_MAX];
    double looked = 0;

    started = now();
    for (int i = 0; i < options.connections && i < options.total; i++) {
        open_connection(&connections[i]);
    }
    while (issued < options.total || in_flight() > 0) {
        int n = epoll_wait(epoll_fd, events, EVENTS_MAX, options.rate > 0 ? 1 : 100);

        for (int i = 0; i < n; i++) {
            connection_t *connection = events[i].data.ptr;

            if (connection->fd >= 0 && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) {
                on_readable(connection);
            }
            if (connection->fd >= 0 && (events[i].events & EPOLLOUT)) {
                flush(connection);
            }
        }
        if (options.rate > 0 || now() - looked > 100) {
            look_around();
            looked = now();
        }
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static void print_percentiles(const char *name, double *values, long count)
{
    static const double shares[] = {0, 0.5, 0.9, 0.99, 0.999, 1};
    static const char *const names[] = {"min", "p50", "p90", "p99", "p999", "max"};

    qsort(values, (size_t)count, sizeof(*values), compare);
    printf(",\"%s\":{", name);
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        long at = (long)(shares[i] * (double)(count - 1) + 0.5);

        printf("%s\"%s\":%.3f", i > 0 ? "," : "", names[i], count > 0 ? values[at] : 0.0);
    }
    printf("}");
}

static void print_result(double seconds)
{
    const char *comma = "";

    printf("{\"sent\":%ld,\"answered\":%ld,\"lost\":%ld,\"timed_out\":%ld,\"crossed\":%ld,"
           "\"reconnected\":%ld,\"bytes\":%lld,\"seconds\":%.3f,\"per_second\":%.1f,\"statuses\":{",
           issued, result.answered, result.lost, result.timed_out, result.crossed,
           result.reconnected, result.bytes, seconds, (double)result.answered / seconds);
    for (int i = 0; i < STATUS_MAX; i++) {
        if (result.statuses[i] > 0) {
            printf("%s\"%d\":%ld", comma, i, result.statuses[i]);
            comma = ",";
        }
    }
    printf("}");
    print_percentiles("latency_ms", result.latency, result.answered);
    print_percentiles("first_byte_ms", result.first, result.answered);
    printf("}\n");
}

/* "METHOD /path [body]" as the bytes to send. */
static void add_spec(const char *text)
{
    const char *path = strchr(text, ' ');
    const char *body = path != NULL ? strchr(path + 1, ' ') : NULL;
    spec_t *spec = &options.specs[options.spec_count];
    int n;

    if (path == NULL || options.spec_count == SPECS_MAX) {
        (void)fprintf(stderr, "load: a request is 'METHOD /path [body]', at most %d of them\n",
                      SPECS_MAX);
        exit(2);
    }
    options.spec_count++;
    body = body != NULL ? body + 1 : "";
    n = snprintf(spec->text, sizeof(spec->text),
                 "%.*s HTTP/1.1\r\nX-Request-ID: %0*d\r\nHost: 127.0.0.1:%d\r\n%s%s",
                 (int)(*body != '\0' ? body - 1 - text : (long)strlen(text)), text, ID_DIGITS, 0,
                 ntohs(options.to.sin_port), options.keep_alive ? "" : "Connection: close\r\n",
                 options.headers);
    if (*body != '\0' && n < REQUEST_MAX) {
        n += snprintf(spec->text + n, sizeof(spec->text) - (size_t)n,
                      "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
    }
    if (n < REQUEST_MAX) {
        n += snprintf(spec->text + n, sizeof(spec->text) - (size_t)n, "\r\n%s", body);
    }
    if (n >= REQUEST_MAX) {
        (void)fprintf(stderr, "load: a request of at most %d bytes, please\n", REQUEST_MAX);
        exit(2);
    }
    spec->length = (size_t)n;
    spec->id_at = (size_t)(strstr(spec->text, "X-Request-ID: ") + 14 - spec->text);
}

static long number(const char *text, long least, long most)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (*end != '\0' || value < least || value > most) {
        (void)fprintf(stderr, "load: %s is not a number from %ld to %ld\n", text, least, most);
        exit(2);
    }
    return value;
}

static void usage(void)
{
    (void)fprintf(stderr,
                  "usage: load -p port [-a address] [-c connections] [-n requests] [-d depth]\n"
                  "            [-r requests-a-second] [-t timeout-seconds] [-H header] [-x]\n"
                  "            'METHOD /path [body]'...\n"
                  "-d: requests sent ahead on one connection; -x: a new connection for each\n");
    exit(2);
}

static void add_header(const char *header)
{
    size_t length = strlen(options.headers);

    snprintf(options.headers + length, sizeof(options.headers) - length, "%s\r\n", header);
}

static void read_options(int argc, char **argv)
{
    int option;

    options.to.sin_family = AF_INET;
    options.to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    while ((option = getopt(argc, argv, "a:p:c:n:d:r:t:H:x")) != -1) {
        switch (option) {
        case 'a':
            if (inet_pton(AF_INET, optarg, &options.to.sin_addr) != 1) {
                usage();
            }
            break;
        case 'p': options.to.sin_port = htons((uint16_t)number(optarg, 1, 65535)); break;
        case 'c': options.connections = (int)number(optarg, 1, 100000); break;
        case 'n': options.total = number(optarg, 1, 100000000); break;
        case 'd': options.depth = (int)number(optarg, 1, DEPTH_MAX); break;
        case 'r': options.rate = (double)number(optarg, 1, 10000000); break;
        case 't': options.timeout = (double)number(optarg, 1, 3600); break;
        case 'H': add_header(optarg); break;
        case 'x': options.keep_alive = 0; break;
        default: usage();
        }
    }
    if (options.to.sin_port == 0 || optind == argc) {
        usage();
    }
    if (!options.keep_alive) {
        options.depth = 1;
    }
    if (options.total == 0) {
        options.total = options.connections;
    }
    for (; optind < argc; optind++) {
        add_spec(argv[optind]);
    }
}

static void *claim(size_t count, size_t size)
{
    void *memory = calloc(count, size);

    if (memory == NULL) {
        fail("calloc");
    }
    return memory;
}

static void prepare(void)
{
    struct rlimit files;
    size_t out_max = 0;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    for (int i = 0; i < options.spec_count; i++) {
        out_max = options.specs[i].length > out_max ? options.specs[i].length : out_max;
    }
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    connections = claim((size_t)options.connections, sizeof(*connections));
    for (int i = 0; i < options.connections; i++) {
        connections[i].fd = -1;
        connections[i].out = claim((size_t)options.depth, out_max);
    }
    result.latency = claim((size_t)options.total, sizeof(double));
    result.first = claim((size_t)options.total, sizeof(double));
}

static void release(void)
{
    for (int i = 0; i < options.connections; i++) {
        if (connections[i].fd >= 0) {
            close(connections[i].fd);
        }
        free(connections[i].out);
    }
    free(connections);
    free(result.latency);
    free(result.first);
    close(epoll_fd);
}

int main(int argc, char **argv)
{
    int complete;

    read_options(argc, argv);
    prepare();
    run();
    print_result((now() - started) / 1000);
    complete = result.answered == options.total && result.crossed == 0;
    release();
    return complete ? 0 : 1;
}
