/*
 * listener: many readers of a streamed chat that speaker tells, and what came
 * between the two.
 *
 *     listener -p 8000 -n 2000 [-r 1000]
 *
 * Opens n connections, r a second, asks each for one stream and reads it to its
 * end. A JSON line: streams that ended well; tokens; stalls, that is gaps of
 * over 200 ms between two tokens that speaker did not make; how long a token
 * took, and the first one, in milliseconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WORDS      64
#define STALL_US   200000
#define EVENTS_MAX 512
#define PATIENCE   60 /* seconds for the whole */

typedef struct {
    int fd;
    unsigned tokens;
    uint64_t number; /* of the token being read: its place, then its time */
    unsigned place;
    int digits;
    int64_t sent; /* of the last token */
    int64_t received;
    int is_done;
    char tail[16];
} reader_t;

static int64_t *delays; /* of all tokens */
static size_t delay_count;
static int64_t *first_delays;
static size_t first_count;
static unsigned long stalls;
static unsigned long long longest_gap;

static void fail(const char *what)
{
    perror(what);
    exit(2);
}

static int64_t now(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static void take_token(reader_t *reader, int64_t sent, int64_t received)
{
    int64_t gap = received - reader->received;

    if (reader->place != reader->tokens + 1 || reader->tokens >= WORDS) {
        return; /* the last event repeats the whole answer */
    }
    delays[delay_count++] = received - sent;
    if (reader->tokens == 0) {
        first_delays[first_count++] = received - sent;
    } else {
        stalls += gap > STALL_US && sent - reader->sent <= STALL_US;
        longest_gap = (unsigned long long)gap > longest_gap ? (unsigned long long)gap : longest_gap;
    }
    reader->tokens++;
    reader->sent = sent;
    reader->received = received;
}

static void read_byte(reader_t *reader, char byte, int64_t received)
{
    if (byte >= '0' && byte <= '9') {
        reader->number = reader->digits > 0 ? 10 * reader->number + (uint64_t)(byte - '0')
                                            : (uint64_t)(byte - '0');
        reader->digits++;
        return;
    }
    if (byte == '@' && reader->digits > 0) {
        reader->place = (unsigned)reader->number;
    } else if (byte == ';' && reader->digits > 0 && reader->place > 0) {
        take_token(reader, (int64_t)reader->number, received);
        reader->place = 0;
    } else {
        reader->place = 0;
    }
    reader->digits = 0;
}

/* The chunked body has ended when these are its last bytes. */
static int has_ended(reader_t *reader, const char *bytes, size_t length)
{
    static const char end[] = "\r\n0\r\n\r\n";
    const size_t size = sizeof(end) - 1;

    if (length >= size) {
        memcpy(reader->tail, bytes + length - size, size);
    } else {
        memmove(reader->tail, reader->tail + length, size - length);
        memcpy(reader->tail + size - length, bytes, length);
    }
    return memcmp(reader->tail, end, size) == 0;
}

static int open_one(reader_t *reader, int epoll_fd, unsigned short port)
{
    static const char body[] = "{\"message\":\"speak\",\"stream\":true}";
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = reader};
    char request[512];
    int length = snprintf(request, sizeof(request),
                          "POST /chat HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
                          "Content-Length: %zu\r\n\r\n%s",
                          sizeof(body) - 1, body);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    reader->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return reader->fd >= 0 && connect(reader->fd, (const void *)&address, sizeof(address)) == 0 &&
           send(reader->fd, request, (size_t)length, MSG_NOSIGNAL) == length &&
           epoll_ctl(epoll_fd, EPOLL_CTL_ADD, reader->fd, &event) == 0;
}

/* 1 when this one has come to its end. */
static int read_some(reader_t *reader)
{
    char bytes[16384];
    ssize_t got = recv(reader->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    int64_t received = now();
    ssize_t i;

    if (got < 0 && errno == EAGAIN) {
        return 0;
    }
    for (i = 0; i < got; i++) {
        read_byte(reader, bytes[i], received);
    }
    if (got > 0 && !has_ended(reader, bytes, (size_t)got)) {
        return 0;
    }
    reader->is_done = got > 0 && reader->tokens == WORDS;
    (void)close(reader->fd);
    return 1;
}

static int compare(const void *one, const void *other)
{
    const int64_t *a = one;
    const int64_t *b = other;

    return (*a > *b) - (*a < *b);
}

static void print_delays(const char *name, int64_t *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare);
    if (count == 0) {
        printf(",\"%s\":null", name);
        return;
    }
    printf(",\"%s\":{\"p50\":%.2f,\"p99\":%.2f,\"max\":%.2f}", name,
           (double)values[count / 2] / 1000, (double)values[count * 99 / 100] / 1000,
           (double)values[count - 1] / 1000);
}

static void run(reader_t *readers, unsigned count, unsigned rate, unsigned short port)
{
    int64_t started = now();
    unsigned opened = 0;
    unsigned ended = 0;
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

    while (ended < count && now() - started < (int64_t)PATIENCE * 1000000) {
        struct epoll_event events[EVENTS_MAX];
        int i;
        int ready;

        while (opened < count && (now() - started) * rate / 1000000 >= opened) {
            if (!open_one(&readers[opened++], epoll_fd, port)) {
                fail("connecting");
            }
        }
        ready = epoll_wait(epoll_fd, events, EVENTS_MAX, opened < count ? 1 : 100);
        for (i = 0; i < ready; i++) {
            ended += (unsigned)read_some(events[i].data.ptr);
        }
    }
    (void)close(epoll_fd);
}

int main(int argc, char **argv)
{
    const struct rlimit files = {65536, 65536};
    unsigned long port = 8000;
    unsigned long count = 100;
    unsigned long rate = 1000;
    unsigned done = 0;
    reader_t *readers;
    unsigned i;
    int option;

    while ((option = getopt(argc, argv, "p:n:r:")) != -1) {
        unsigned long number = option != '?' ? strtoul(optarg, NULL, 10) : 0;
        if (number == 0) {
            (void)fprintf(stderr, "usage: listener -p port -n streams [-r streams a second]\n");
            return 2;
        }
        *(option == 'p' ? &port : option == 'n' ? &count : &rate) = number;
    }
    (void)setrlimit(RLIMIT_NOFILE, &files);
    readers = calloc(count, sizeof(*readers));
    delays = calloc(count * WORDS, sizeof(*delays));
    first_delays = calloc(count, sizeof(*first_delays));
    if (readers == NULL || delays == NULL || first_delays == NULL) {
        fail("calloc");
    }
    run(readers, (unsigned)count, (unsigned)rate, (unsigned short)port);
    for (i = 0; i < count; i++) {
        done += (unsigned)readers[i].is_done;
    }
    printf("{\"streams\":%lu,\"whole\":%u,\"tokens\":%zu,\"stalls\":%lu,\"longest_gap_ms\":%.1f",
           count, done, delay_count, stalls, (double)longest_gap / 1000);
    print_delays("token_ms", delays, delay_count);
    print_delays("first_ms", first_delays, first_count);
    printf("}\n");
    return 0;
}
