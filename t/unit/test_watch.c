/* loop/watch: one-shot interest in a socket. */
#include "loop/watch.h"

#include "loop_fixture.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/socket.h>

typedef struct watched_t watched_t;
struct watched_t {
    int fd;
    int peer;
    unsigned interest;
    apr_interval_time_t timeout;
    atomic_uint
        came; /* a byte through the socket orders them, but ThreadSanitizer cannot see that */
    atomic_int calls;
    watch_t *watch;
    void (*then)(watched_t *watched); /* from within the callback */
    watched_t *other;
    sem_t done;
};

static void on_watched(void *baton, unsigned came)
{
    watched_t *watched = baton;

    watched->came = came;
    watched->calls++;
    watched->watch = NULL;
    if (watched->then != NULL) {
        watched->then(watched);
    }
    (void)sem_post(&watched->done);
}

static void start_watch(void *baton)
{
    watched_t *watched = baton;

    watched->watch =
        watch_start(loop, watched->fd, watched->interest, watched->timeout, on_watched, watched);
}

static void stop_watch(void *baton)
{
    watched_t *watched = baton;

    if (watched->watch != NULL) {
        watch_stop(watched->watch);
        watched->watch = NULL;
    }
}

static void nothing(void *baton)
{
    (void)baton;
}

/* Two ends of one TCP connection: a reset is not to be had from a socketpair. */
static void connect_pair(int *one, int *other)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *one = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) != 0 ||
        connect(*one, (struct sockaddr *)&address, length) != 0) {
        printf("Bail out! no loopback\n");
        exit(1);
    }
    *other = accept(listener, NULL, NULL);
    (void)close(listener);
}

static void open_watched(watched_t *watched, unsigned interest, apr_interval_time_t timeout)
{
    memset(watched, 0, sizeof(*watched));
    connect_pair(&watched->fd, &watched->peer);
    watched->interest = interest;
    watched->timeout = timeout;
    (void)sem_init(&watched->done, 0, 0);
}

static void close_watched(watched_t *watched)
{
    (void)close(watched->fd);
    if (watched->peer >= 0) {
        (void)close(watched->peer);
    }
    (void)sem_destroy(&watched->done);
}

static void reset_peer(watched_t *watched)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt(watched->peer, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    (void)close(watched->peer);
    watched->peer = -1;
}

static void tells_what_came(void)
{
    watched_t watched;

    open_watched(&watched, WATCH_READABLE, -1);
    on_loop(start_watch, &watched);
    on_loop(nothing, NULL);
    IS_NUMBER(watched.calls, 0, "nothing to read, no call");
    (void)send(watched.peer, "x", 1, 0);
    wait_for(&watched.done);
    IS_NUMBER(watched.came, WATCH_READABLE, "a byte: readable");
    on_loop(nothing, NULL);
    IS_NUMBER(watched.calls, 1, "once, though the byte is still there");
    on_loop(start_watch, &watched);
    wait_for(&watched.done);
    IS_NUMBER(watched.calls, 2, "a second watch on the same socket fires again");
    watched.interest = WATCH_WRITABLE;
    on_loop(start_watch, &watched);
    wait_for(&watched.done);
    IS_NUMBER(watched.came, WATCH_WRITABLE, "writable");
    close_watched(&watched);
}

static void tells_fin_from_reset(void)
{
    watched_t watched;

    open_watched(&watched, WATCH_PEER_SHUT, -1);
    (void)send(watched.peer, "pipelined", 9, 0);
    on_loop(start_watch, &watched);
    on_loop(nothing, NULL);
    IS_NUMBER(watched.calls, 0, "bytes are no hang-up");
    (void)shutdown(watched.peer, SHUT_WR);
    wait_for(&watched.done);
    IS_NUMBER(watched.came, WATCH_PEER_SHUT, "a FIN: the peer has shut, no error");
    close_watched(&watched);

    open_watched(&watched, WATCH_PEER_SHUT, -1);
    on_loop(start_watch, &watched);
    reset_peer(&watched);
    wait_for(&watched.done);
    OK((watched.came & WATCH_ERROR) != 0, "a reset: an error");
    close_watched(&watched);

    open_watched(&watched, 0, -1);
    (void)shutdown(watched.peer, SHUT_WR);
    on_loop(start_watch, &watched);
    on_loop(nothing, NULL);
    IS_NUMBER(watched.calls, 0, "without interest a FIN is not told");
    reset_peer(&watched);
    wait_for(&watched.done);
    IS_NUMBER(watched.came, WATCH_ERROR, "but an error is");
    close_watched(&watched);
}

static void times_out_and_stops(void)
{
    watched_t watched;

    open_watched(&watched, WATCH_READABLE, MS(5));
    on_loop(start_watch, &watched);
    wait_for(&watched.done);
    IS_NUMBER(watched.came, WATCH_TIMEOUT, "a timeout");
    (void)send(watched.peer, "x", 1, 0);
    on_loop(nothing, NULL);
    on_loop(nothing, NULL);
    IS_NUMBER(watched.calls, 1, "nothing comes after it");
    close_watched(&watched);

    open_watched(&watched, WATCH_READABLE, MS(1));
    on_loop(start_watch, &watched);
    on_loop(stop_watch, &watched);
    close_watched(&watched);

    open_watched(&watched, WATCH_READABLE, -1);
    on_loop(start_watch, &watched);
    on_loop(stop_watch, &watched);
    (void)send(watched.peer, "x", 1, 0);
    on_loop(nothing, NULL);
    on_loop(nothing, NULL);
    IS_NUMBER(watched.calls, 0, "a stopped watch is silent");
    on_loop(start_watch, &watched);
    wait_for(&watched.done);
    IS_NUMBER(watched.came, WATCH_READABLE, "and its socket can be watched again");
    close_watched(&watched);
}

/* ---- two events in one batch, the first callback ends the other's watch ---- */

static void stop_other(watched_t *watched)
{
    stop_watch(watched->other);
}

/* The other's socket is closed, and its number comes back as another connection at once. */
static void replace_other(watched_t *watched)
{
    watched_t *other = watched->other;
    int number = other->fd;

    stop_watch(other);
    (void)close(other->fd);
    (void)close(other->peer);
    connect_pair(&other->fd, &other->peer);
    if (other->fd != number && other->peer == number) {
        other->peer = other->fd;
        other->fd = number;
    }
    other->then = NULL;
    start_watch(other);
}

/* Both ready before the loop looks: the task holds the I/O thread meanwhile. */
static void start_two_ready(void *baton)
{
    watched_t *two = baton;

    two[0].other = &two[1];
    two[1].other = &two[0];
    start_watch(&two[0]);
    start_watch(&two[1]);
    (void)send(two[0].peer, "x", 1, 0);
    (void)send(two[1].peer, "x", 1, 0);
}

static void one_ends_the_other(void)
{
    watched_t two[2];

    open_watched(&two[0], WATCH_READABLE, -1);
    open_watched(&two[1], WATCH_READABLE, -1);
    two[0].then = two[1].then = stop_other;
    on_loop(start_two_ready, two);
    on_loop(nothing, NULL);
    on_loop(nothing, NULL);
    IS_NUMBER(two[0].calls + two[1].calls, 1, "the watch that was stopped in the batch is silent");
    close_watched(&two[0]);
    close_watched(&two[1]);
}

static void a_number_comes_back_within_a_batch(void)
{
    watched_t two[2];
    watched_t *replaced;
    int numbers[2];

    open_watched(&two[0], WATCH_READABLE, -1);
    open_watched(&two[1], WATCH_READABLE, -1);
    numbers[0] = two[0].fd;
    numbers[1] = two[1].fd;
    two[0].then = two[1].then = replace_other;
    on_loop(start_two_ready, two);
    on_loop(nothing, NULL);
    on_loop(nothing, NULL);
    replaced = two[0].calls > 0 ? &two[1] : &two[0];
    IS_NUMBER(replaced->fd, numbers[replaced - two], "the new connection has the old number");
    IS_NUMBER(replaced->calls, 0, "and the old one's event is not told to its watch");
    (void)send(replaced->peer, "x", 1, 0);
    wait_for(&replaced->done);
    IS_NUMBER(replaced->came, WATCH_READABLE, "its own event is");
    close_watched(&two[0]);
    close_watched(&two[1]);
}

/* The owner closes after the watch has fired, and the number is used again. */
static void a_number_comes_back_later(void)
{
    watched_t watched;
    int i;
    int told = 0;

    for (i = 0; i < 50; i++) {
        open_watched(&watched, WATCH_READABLE | WATCH_PEER_SHUT, -1);
        on_loop(start_watch, &watched);
        (void)send(watched.peer, "x", 1, 0);
        wait_for(&watched.done);
        told += watched.came == WATCH_READABLE;
        if (i % 2 == 0) {
            on_loop(start_watch, &watched);
            on_loop(stop_watch, &watched);
        }
        close_watched(&watched);
    }
    IS_NUMBER(told, 50, "sockets that come and go under one number are each told their own");
}

static void watch_again(watched_t *watched)
{
    char byte;

    if (recv(watched->fd, &byte, 1, MSG_DONTWAIT) == 1 && byte != 'z') {
        start_watch(watched);
    }
}

static void a_watch_starts_the_next(void)
{
    watched_t watched;

    open_watched(&watched, WATCH_READABLE, -1);
    watched.then = watch_again;
    on_loop(start_watch, &watched);
    (void)send(watched.peer, "abcz", 4, 0);
    wait_for(&watched.done);
    wait_for(&watched.done);
    wait_for(&watched.done);
    wait_for(&watched.done);
    IS_NUMBER(watched.calls, 4, "a callback may watch the same socket again");
    close_watched(&watched);
}

static void refusals_are_told(void)
{
    watched_t watched = {.fd = -1, .interest = WATCH_READABLE};
    int closed[2];

    connect_pair(&closed[0], &closed[1]);
    (void)close(closed[0]);
    (void)close(closed[1]);
    watched.fd = closed[0];
    on_loop(start_watch, &watched);
    OK(watched.watch == NULL, "a closed descriptor cannot be watched");
}

int main(void)
{
    watched_t left_over;

    fixture_begin();
    start_loop();
    tells_what_came();
    tells_fin_from_reset();
    times_out_and_stops();
    one_ends_the_other();
    a_number_comes_back_within_a_batch();
    a_number_comes_back_later();
    a_watch_starts_the_next();
    refusals_are_told();
    open_watched(&left_over, WATCH_READABLE, MS(60000));
    on_loop(start_watch, &left_over);
    stop_loop();
    IS_NUMBER(left_over.calls, 0, "the end of the loop is not told to a watch");
    close_watched(&left_over);
    return tap_done();
}
