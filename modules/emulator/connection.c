#include "emulator/connection.h"

#include "base/clock.h"
#include "base/log.h"

#include <apr_errno.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES     (64 * 1024)
#define UNREAD_MAX     (READ_BYTES + HTTP_HEAD_MAX)
#define IDLE_TIMEOUT   apr_time_from_sec(75)
#define LINGER_TIMEOUT apr_time_from_sec(2)
#define PIECE_PAUSE    apr_time_from_msec(1)
#define DRAIN_TURNS    1000 /* pauses that a reset waits for what was sent to arrive */
#define REASON_MAX     128
#define CONTINUE       "HTTP/1.1 100 Continue\r\n\r\n"

typedef enum { READING, ANSWERING, LINGERING } state_e;

struct connection_t {
    source_t source; /* first: see poller.h */
    alarm_t alarm;
    connections_t *all;
    connection_t *previous;
    connection_t *next;
    state_e state;
    buffer_t in;           /* come, but not yet read */
    http_parser_t *parser; /* only between a request's first byte and its answer */
    answer_t *answer;      /* while ANSWERING */
    size_t sent;           /* bytes of the answer's wire */
    size_t step;           /* of the answer, and what of it is done */
    size_t step_done;
    int drain_turns;
    uint64_t number;
    uint64_t calls;
};

static connection_t *of_source(source_t *source)
{
    return (connection_t *)source;
}

static connection_t *of_alarm(alarm_t *alarm)
{
    return (connection_t *)((char *)alarm - offsetof(connection_t, alarm));
}

/* ---- ends ---- */

static void forget_answer(connection_t *connection, journal_outcome_e outcome)
{
    if (connection->answer != NULL) {
        journal_close(connection->all->emulator->journal, connection->answer->ticket, outcome);
        answer_destroy(connection->answer);
        connection->answer = NULL;
    }
}

static void forget_parser(connection_t *connection)
{
    if (connection->parser != NULL) {
        http_parser_reset(connection->parser);
        free(connection->parser);
        connection->parser = NULL;
    }
}

static void end(connection_t *connection, journal_outcome_e outcome)
{
    connections_t *all = connection->all;

    forget_answer(connection, outcome);
    forget_parser(connection);
    buffer_free(&connection->in);
    poller_unset(all->poller, &connection->alarm);
    *(connection->previous != NULL ? &connection->previous->next : &all->first) = connection->next;
    if (connection->next != NULL) {
        connection->next->previous = connection->previous;
    }
    journal_connections(all->emulator->journal)->open--;
    poller_retire(all->poller, &connection->source);
}

/* Watches and wakes; a connection that can do neither is ended. 0 then. */
static int await(connection_t *connection, uint32_t interest, apr_time_t delay)
{
    poller_t *poller = connection->all->poller;
    char reason[REASON_MAX];

    if (!poller_watch(poller, &connection->source, interest) ||
        (delay > 0 && !poller_set(poller, &connection->alarm, clock_monotonic() + delay))) {
        log_error("EMUL0020: waiting on a connection failed (%s): it is closed",
                  apr_strerror(errno, reason, sizeof(reason)));
        end(connection, JOURNAL_CLOSED);
        return 0;
    }
    if (delay == 0) {
        poller_unset(poller, &connection->alarm);
    }
    return 1;
}

/* Says that no more comes, and reads on for a while: closing with unread bytes would send RST and
 * take from the client what it has not read yet. */
static void linger(connection_t *connection)
{
    connection->state = LINGERING;
    (void)shutdown(connection->source.fd, SHUT_WR);
    (void)await(connection, EPOLLIN, LINGER_TIMEOUT);
}

/* With RST, once what was sent has arrived at the other end's buffers. */
static void reset(connection_t *connection)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    int unsent = 0;

    if (ioctl(connection->source.fd, SIOCOUTQ, &unsent) == 0 && unsent > 0 &&
        connection->drain_turns++ < DRAIN_TURNS) {
        (void)await(connection, EPOLLRDHUP, PIECE_PAUSE);
        return;
    }
    (void)setsockopt(connection->source.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    end(connection, JOURNAL_RESET);
}

/* ---- playing an answer ---- */

static void finish(connection_t *connection)
{
    int keep_alive = connection->answer->keep_alive;
    int drop = connection->answer->drop;

    forget_answer(connection, JOURNAL_ANSWERED);
    if (!keep_alive || drop) {
        linger(connection);
        return;
    }
    connection->state = READING;
    (void)await(connection, EPOLLIN | EPOLLRDHUP, IDLE_TIMEOUT);
}

/* Writes on; 1 when the step is done, 0 when it must wait or the connection is gone. */
static int play_send(connection_t *connection, const answer_step_t *step)
{
    const answer_t *answer = connection->answer;

    while (connection->step_done < step->amount) {
        size_t left = step->amount - connection->step_done;
        ssize_t written;
        if (answer->split > 0 && left > answer->split) {
            left = answer->split;
        }
        written =
            send(connection->source.fd, answer->wire.data + connection->sent, left, MSG_NOSIGNAL);
        if (written < 0 && errno == EAGAIN) {
            (void)await(connection, EPOLLOUT | EPOLLRDHUP, 0);
            return 0;
        }
        if (written < 0) {
            end(connection, JOURNAL_CANCELLED);
            return 0;
        }
        connection->sent += (size_t)written;
        connection->step_done += (size_t)written;
        if (answer->split > 0) {
            (void)await(connection, EPOLLRDHUP, PIECE_PAUSE);
            return 0;
        }
    }
    return 1;
}

/* 1 when the next step follows at once. */
static int play_step(connection_t *connection)
{
    const answer_step_t *step = &connection->answer->steps[connection->step];

    switch (step->kind) {
    case ANSWER_SEND: return play_send(connection, step);
    case ANSWER_WAIT:
        if (step->amount == 0 || connection->step_done > 0) {
            return 1;
        }
        connection->step_done = 1;
        (void)await(connection, EPOLLRDHUP, apr_time_from_msec((apr_time_t)step->amount));
        return 0;
    case ANSWER_HANG: (void)await(connection, EPOLLRDHUP, 0); return 0;
    case ANSWER_CLOSE: end(connection, JOURNAL_CLOSED); return 0;
    case ANSWER_RESET: reset(connection); return 0;
    }
    return 0;
}

static void play(connection_t *connection)
{
    while (connection->step < connection->answer->step_count) {
        if (!play_step(connection)) {
            return;
        }
        connection->step++;
        connection->step_done = 0;
    }
    finish(connection);
}

static void start_answer(connection_t *connection, answer_t *answer)
{
    const http_request_t *request = &connection->parser->request;
    int is_head = request->method != NULL && strcmp(request->method, "HEAD") == 0;

    connection->answer = answer;
    connection->state = ANSWERING;
    connection->step = 0;
    connection->step_done = 0;
    connection->sent = 0;
    if (answer == NULL ||
        !answer_render(answer, is_head, request->minor_version, request->keep_alive)) {
        log_error("EMUL0021: writing an answer failed: out of memory, or over %d MB; the "
                  "connection is closed",
                  ANSWER_BODY_MAX >> 20);
        end(connection, JOURNAL_CLOSED);
        return;
    }
    forget_parser(connection);
    if (connection->in.length == 0) {
        buffer_free(&connection->in);
    }
    play(connection);
}

/* ---- reading requests ---- */

static void answer_request(connection_t *connection)
{
    http_request_t *request = &connection->parser->request;
    answer_t *answer;

    request->connection = connection->number;
    request->calls_before = connection->calls;
    answer = emulator_answer(connection->all->emulator, request);
    connection->calls += answer != NULL && answer->ticket != 0;
    start_answer(connection, answer);
}

static void answer_bad(connection_t *connection)
{
    http_parser_t *parser = connection->parser;
    answer_t *answer = answer_create(parser->bad_status, "text/plain");

    log_warn("EMUL0022: reading a request failed: %s; the connection is closed", parser->reason);
    journal_connections(connection->all->emulator->journal)->bad_requests++;
    parser->request.keep_alive = 0;
    parser->request.minor_version = 1;
    if (answer != NULL) {
        answer_send(answer, parser->reason, strlen(parser->reason));
        answer_send(answer, "\n", 1);
    }
    buffer_clear(&connection->in);
    start_answer(connection, answer);
}

static int prepare_parser(connection_t *connection)
{
    if (connection->parser == NULL) {
        connection->parser = malloc(sizeof(*connection->parser));
        if (connection->parser == NULL) {
            end(connection, JOURNAL_CLOSED);
            return 0;
        }
        http_parser_init(connection->parser);
    }
    return 1;
}

/* Takes as many requests as have come and are answered at once. 0 when the connection waits for
 * something or is gone. */
static int take_request(connection_t *connection)
{
    if (!prepare_parser(connection)) {
        return 0;
    }
    switch (http_parser_feed(connection->parser, &connection->in)) {
    case HTTP_WANTS_CONTINUE:
        (void)send(connection->source.fd, CONTINUE, sizeof(CONTINUE) - 1, MSG_NOSIGNAL);
        return 0;
    case HTTP_NEEDS_MORE: return 0;
    case HTTP_BAD: answer_bad(connection); return 0;
    case HTTP_COMPLETE: answer_request(connection); return 1;
    }
    return 0;
}

static int is_gone(const connection_t *connection)
{
    return connection->source.on_events == NULL;
}

static void take_requests(connection_t *connection)
{
    while (!is_gone(connection) && connection->state == READING && connection->in.length > 0 &&
           take_request(connection)) {
    }
}

/* The number of bytes that came; 0 at the end, -1 when there is nothing to read now. */
static ssize_t receive(connection_t *connection)
{
    static char scratch[READ_BYTES]; /* the daemon has one thread */
    ssize_t count = recv(connection->source.fd, scratch, sizeof(scratch), 0);

    if (count < 0) {
        return errno == EAGAIN || errno == EINTR ? -1 : 0;
    }
    if (connection->state == READING && !buffer_append(&connection->in, scratch, (size_t)count)) {
        return 0;
    }
    return count;
}

static void on_readable(connection_t *connection)
{
    ssize_t count = receive(connection);

    if (count == 0) {
        end(connection, JOURNAL_CANCELLED);
    } else if (count > 0 && connection->state == READING) {
        if (await(connection, EPOLLIN | EPOLLRDHUP, IDLE_TIMEOUT)) {
            take_requests(connection);
        }
    }
}

static void play_on(connection_t *connection)
{
    play(connection);
    take_requests(connection);
}

static void on_events(source_t *source, uint32_t events)
{
    connection_t *connection = of_source(source);

    if (connection->state != ANSWERING) {
        on_readable(connection);
    } else if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
        end(connection, JOURNAL_CANCELLED);
    } else {
        play_on(connection);
    }
}

static void on_due(alarm_t *alarm)
{
    connection_t *connection = of_alarm(alarm);

    if (connection->state == ANSWERING) {
        play_on(connection);
    } else {
        end(connection, JOURNAL_CLOSED);
    }
}

/* ---- birth and death ---- */

static void count_open(journal_connections_t *counters)
{
    counters->accepted++;
    counters->last++;
    counters->open++;
    if (counters->open > counters->open_most) {
        counters->open_most = counters->open;
    }
}

int connection_open(connections_t *all, int fd)
{
    connection_t *connection = calloc(1, sizeof(*connection));
    int on = 1;

    if (connection == NULL) {
        (void)close(fd);
        return 0;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    connection->source.fd = fd;
    connection->source.on_events = on_events;
    connection->alarm.on_due = on_due;
    connection->all = all;
    connection->next = all->first;
    buffer_init(&connection->in, UNREAD_MAX);
    if (all->first != NULL) {
        all->first->previous = connection;
    }
    all->first = connection;
    count_open(journal_connections(all->emulator->journal));
    connection->number = journal_connections(all->emulator->journal)->last;
    return await(connection, EPOLLIN | EPOLLRDHUP, IDLE_TIMEOUT);
}

void connection_close_all(connections_t *all)
{
    while (all->first != NULL) {
        end(all->first, JOURNAL_CLOSED);
    }
}
