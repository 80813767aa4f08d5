/* loop/transfer: HTTP exchanges, and every way they go wrong. */
#include "base/clock.h"
#include "loop/transfer.h"

#include "loop_server.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <time.h>

#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Amzn-Errortype: none\r\n\r\nhello"
#define MANY     2000

typedef struct fetched_t fetched_t;
struct fetched_t {
    transfer_request_t request;
    char url[128];
    transfer_t *transfer;
    char body[256]; /* the beginning */
    size_t length;
    int heads;
    int ends;
    int head_status;
    int paused;
    int while_paused; /* pieces that came nevertheless */
    char header[64];
    transfer_result_t result;
    char error[512];
    int (*at_head)(fetched_t *fetched);
    int (*at_body)(fetched_t *fetched);
    void (*at_end)(fetched_t *fetched);
    fetched_t *other;
    loop_timer_t timer;
    sem_t done;
};

static int on_head(void *baton, transfer_t *transfer, int status)
{
    fetched_t *fetched = baton;
    const char *value = transfer_header(transfer, "x-amzn-errortype");

    fetched->heads++;
    fetched->head_status = status;
    (void)snprintf(fetched->header, sizeof(fetched->header), "%s", value != NULL ? value : "-");
    return fetched->at_head == NULL || fetched->at_head(fetched);
}

static int on_body(void *baton, transfer_t *transfer, const char *bytes, size_t length)
{
    fetched_t *fetched = baton;
    size_t room = sizeof(fetched->body) - 1 - fetched->length;

    (void)transfer;
    fetched->while_paused += fetched->paused;
    if (fetched->length < sizeof(fetched->body) - 1) {
        memcpy(fetched->body + fetched->length, bytes, length < room ? length : room);
    }
    fetched->length += length;
    return fetched->at_body == NULL || fetched->at_body(fetched);
}

static void on_end(void *baton, const transfer_result_t *result)
{
    fetched_t *fetched = baton;

    fetched->ends++;
    fetched->transfer = NULL;
    fetched->result = *result;
    (void)snprintf(fetched->error, sizeof(fetched->error), "%s", result->error);
    if (fetched->at_end != NULL) {
        fetched->at_end(fetched);
    }
    (void)sem_post(&fetched->done);
}

static void start_fetch(void *baton)
{
    fetched_t *fetched = baton;
    const transfer_owner_t owner = {on_head, on_body, on_end, fetched};
    int ends = fetched->ends;

    fetched->transfer = transfer_start(loop, &fetched->request, &owner);
    if (fetched->ends != ends) {
        fetched->ends = 1000; /* told from within transfer_start() */
    }
}

static void cancel_fetch(void *baton)
{
    fetched_t *fetched = baton;

    if (fetched->transfer != NULL) {
        transfer_cancel(fetched->transfer);
        fetched->transfer = NULL;
    }
}

static void start_and_cancel(void *baton)
{
    start_fetch(baton);
    cancel_fetch(baton);
}

static void nothing(void *baton)
{
    (void)baton;
}

static void aim(fetched_t *fetched, int port)
{
    memset(fetched, 0, sizeof(*fetched));
    (void)snprintf(fetched->url, sizeof(fetched->url), "http://127.0.0.1:%d/a/../b?c=%%20", port);
    fetched->request.method = "GET";
    fetched->request.url = fetched->url;
    fetched->request.no_proxy = 1;
    fetched->request.total_timeout = MS(60000);
    (void)sem_init(&fetched->done, 0, 0);
}

static void fetch(fetched_t *fetched)
{
    on_loop(start_fetch, fetched);
    wait_for(&fetched->done);
}

static void is_end(const fetched_t *fetched, transfer_end_e end, int sent, const char *phase,
                   const char *what)
{
    IS_NUMBER(fetched->result.end, end, what);
    IS_NUMBER(fetched->result.request_sent, sent, "  and whether the request was sent is known");
    OK(strncmp(fetched->error, phase, strlen(phase)) == 0, "  and the error says the phase");
    printf("#   %s\n", fetched->error);
    IS_NUMBER(fetched->ends, 1, "  and it ends once, not within transfer_start()");
}

/* ---- answers ---- */

/* Each text answers one request; the connection stays until the client closes it. */
static const char *const *answers;

static void answer_all(server_t *server)
{
    const char *const *answer = answers;
    int fd;

    while ((fd = server_accept(server)) >= 0) {
        while (server_read(server, fd)) {
            server_write(fd, *answer);
            if (answer[1] != NULL) {
                answer++;
            }
        }
        server_close(server, fd);
    }
}

static server_t *serve(const char *const *texts)
{
    answers = texts;
    return server_start(answer_all);
}

static void whole_answers(void)
{
    static const char *const texts[] = {
        OK_HELLO,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        NULL};
    static const char *const bodies[] = {"hello", "abcdefg", "no", "", "", "ok", ""};
    static const int statuses[] = {200, 200, 404, 503, 204, 200, 302};
    server_t *server = serve(texts);
    fetched_t fetched;
    int i;

    for (i = 0; texts[i] != NULL; i++) {
        aim(&fetched, server->port);
        fetch(&fetched);
        is_end(&fetched, TRANSFER_OK, 1, "reading the answer", "a whole answer");
        IS_NUMBER(fetched.result.status, statuses[i], "  its status");
        IS_NUMBER(fetched.head_status, statuses[i], "  told with the head");
        IS_NUMBER(fetched.heads, 1, "  of which there is one");
        IS(fetched.body, bodies[i], "  its body");
        IS(fetched.header, i == 0 ? "none" : "-", "  its header");
        IS_NUMBER(fetched.result.new_connections, i == 0, "  one connection for all");
    }
    server_stop(server);
}

static void requests_as_given(void)
{
    static const char *const texts[] = {OK_HELLO, NULL};
    static const char *const typed[] = {"Content-Type: application/json", "X-Amz-Date: today",
                                        NULL};
    server_t *server = serve(texts);
    fetched_t fetched;
    char expected[256];
    char *large = malloc(200001);

    aim(&fetched, server->port);
    fetch(&fetched);
    (void)snprintf(expected, sizeof(expected),
                   "GET /a/../b?c=%%20 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                   "User-Agent: mod_chatbot\r\nAccept: */*\r\n\r\n",
                   server->port);
    IS(server_request(server), expected, "GET: the path as it stands, and no header but three");

    aim(&fetched, server->port);
    fetched.request.method = "POST";
    fetched.request.headers = typed;
    fetched.request.body = "{}";
    fetched.request.body_length = 2;
    fetch(&fetched);
    OK(strstr(server_request(server), "\r\nX-Amz-Date: today\r\n") != NULL,
       "POST: the caller's headers");
    OK(strstr(server_request(server), "\r\nContent-Type: application/json\r\n") != NULL,
       "  its type");
    OK(strstr(server_request(server), "\r\nContent-Length: 2\r\n") != NULL, "  its length");
    OK(strstr(server_request(server), "\r\n\r\n{}") != NULL, "  its body");

    aim(&fetched, server->port);
    fetched.request.method = "PUT";
    memset(large, 'x', 200000);
    large[200000] = '\0';
    fetched.request.body = large;
    fetched.request.body_length = 200000;
    fetch(&fetched);
    is_end(&fetched, TRANSFER_OK, 1, "reading", "PUT of more than libcurl sends in one piece");
    OK(strncmp(server_request(server), "PUT ", 4) == 0, "  its method");
    OK(strstr(server_request(server), "Content-Type") == NULL, "  no type of libcurl's");
    OK(strstr(server_request(server), "Expect") == NULL, "  no Expect");
    OK(strstr(server_request(server), large) != NULL, "  its body");

    aim(&fetched, server->port);
    fetched.request.method = "DELETE";
    fetch(&fetched);
    OK(strncmp(server_request(server), "DELETE ", 7) == 0, "DELETE");
    aim(&fetched, server->port);
    fetched.request.method = "PUT";
    fetch(&fetched);
    OK(strstr(server_request(server), "\r\nContent-Length: 0\r\n") != NULL,
       "PUT without a body: length 0");
    aim(&fetched, server->port);
    fetch(&fetched);
    IS(server_request(server), expected,
       "GET again: nothing is left of what the handle did before");
    free(large);
    server_stop(server);
}

static void connections_are_reused(void)
{
    static const char *const texts[] = {OK_HELLO, NULL};
    server_t *server = serve(texts);
    unsigned long before = transfer_connections_opened(loop);
    fetched_t fetched;
    int good = 0;
    int i;

    for (i = 0; i < 200; i++) {
        aim(&fetched, server->port);
        fetched.request.single_send = i % 2;
        fetch(&fetched);
        good += fetched.result.end == TRANSFER_OK;
    }
    IS_NUMBER(good, 200, "two hundred exchanges, one after the other");
    IS_NUMBER(server_connections(server), 1, "  over one connection");
    IS_NUMBER(transfer_connections_opened(loop) - before, 1, "  as the loop counts too");
    server_stop(server);
}

static void names_are_looked_up(void)
{
    static const char *const texts[] = {OK_HELLO, NULL};
    server_t *server = serve(texts);
    fetched_t fetched;

    aim(&fetched, server->port);
    (void)snprintf(fetched.url, sizeof(fetched.url), "http://localhost:%d/", server->port);
    fetch(&fetched);
    is_end(&fetched, TRANSFER_OK, 1, "reading", "localhost by name");
    aim(&fetched, server->port);
    (void)snprintf(fetched.url, sizeof(fetched.url), "http://localhost:%d/", server->port);
    on_loop(start_and_cancel, &fetched);
    IS_NUMBER(fetched.ends, 0, "a look-up can be cancelled");
    server_stop(server);
}

/* The loop's clock, which a test may put forward. */
static atomic_llong forward;

static apr_time_t shifted_clock(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (apr_time_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 + atomic_load(&forward);
}

static void answer_and_await_end(server_t *server)
{
    int fd = server_accept(server);

    (void)server_read(server, fd);
    server_write(fd, OK_HELLO);
    server_await_end(fd);
    server_close(server, fd);
    (void)sem_post(&server->reached);
}

static void idle_connections_are_closed(void)
{
    server_t *server = server_start(answer_and_await_end);
    fetched_t fetched;

    aim(&fetched, server->port);
    fetch(&fetched);
    (void)atomic_fetch_add(&forward, MS(49000));
    on_loop(nothing, NULL);
    OK(sem_trywait(&server->reached) != 0, "a connection is kept for 49 s without transfers");
    (void)atomic_fetch_add(&forward, MS(2000));
    on_loop(nothing, NULL);
    wait_for(&server->reached);
    OK(1, "and closed after 51 s");
    server_stop(server);
}

/* ---- failures ---- */

/* Plays `broken` on each connection's first request, then ends it as told. */
static const char *broken;
static void (*broken_end)(server_t *server, int fd);

static void answer_broken(server_t *server)
{
    int fd;

    while ((fd = server_accept(server)) >= 0) {
        if (server_read(server, fd)) {
            server_write(fd, broken);
        }
        broken_end(server, fd);
    }
}

static void end_when_client_does(server_t *server, int fd)
{
    server_await_end(fd);
    server_close(server, fd);
}

static void set_first(fetched_t *fetched)
{
    fetched->request.first_timeout = MS(500);
}

static void set_idle(fetched_t *fetched)
{
    fetched->request.idle_timeout = MS(30);
}

static void set_total(fetched_t *fetched)
{
    fetched->request.first_timeout = MS(60000);
    fetched->request.idle_timeout = MS(60000);
    fetched->request.total_timeout = MS(500);
}

static int say_no(fetched_t *fetched)
{
    (void)fetched;
    return 0;
}

static void set_no_to_head(fetched_t *fetched)
{
    fetched->at_head = say_no;
}

static void set_no_to_body(fetched_t *fetched)
{
    fetched->at_body = say_no;
}

static void answers_go_wrong(void)
{
    static const struct {
        const char *what;
        const char *text;
        void (*end)(server_t *server, int fd);
        transfer_end_e expected;
        const char *phase;
        void (*set)(fetched_t *fetched);
    } cases[] = {
        {"closed without an answer", "", server_close, TRANSFER_RECEIVE_FAILED, "waiting", NULL},
        {"reset without an answer", "", server_reset, TRANSFER_RECEIVE_FAILED, "waiting", NULL},
        {"closed within the head", "HTTP/1.1 200 OK\r\nConte", server_close,
         TRANSFER_RECEIVE_FAILED, "", NULL},
        {"closed before Content-Length is reached",
         "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", server_close,
         TRANSFER_RECEIVE_FAILED, "reading the answer", NULL},
        {"reset within the body", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
         server_reset, TRANSFER_RECEIVE_FAILED, "reading the answer", NULL},
        {"closed within a chunk",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nhello", server_close,
         TRANSFER_RECEIVE_FAILED, "reading the answer", NULL},
        {"garbage instead of HTTP", "SSH-2.0-OpenSSH_9.2p1 Debian\r\n\r\n", server_close,
         TRANSFER_PROTOCOL_FAILED, "", NULL},
        {"no byte of an answer in time", "", end_when_client_does, TRANSFER_FIRST_TIMEOUT,
         "waiting for the answer", set_first},
        {"a pause in the body", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
         end_when_client_does, TRANSFER_IDLE_TIMEOUT, "reading the answer", set_idle},
        {"a pause in the head", "HTTP/1.1 200 OK\r\n", end_when_client_does, TRANSFER_IDLE_TIMEOUT,
         "reading the answer", set_idle},
        {"too long in all", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
         end_when_client_does, TRANSFER_TOTAL_TIMEOUT, "", set_total},
        {"the head refused by its reader", OK_HELLO, end_when_client_does,
         TRANSFER_REFUSED_BY_OWNER, "reading the answer", set_no_to_head},
        {"the body refused by its reader", OK_HELLO, end_when_client_does,
         TRANSFER_REFUSED_BY_OWNER, "reading the answer", set_no_to_body},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        server_t *server;
        fetched_t fetched;

        broken = cases[i].text;
        broken_end = cases[i].end;
        server = server_start(answer_broken);
        aim(&fetched, server->port);
        if (cases[i].set != NULL) {
            cases[i].set(&fetched);
        }
        fetch(&fetched);
        is_end(&fetched, cases[i].expected, 1, cases[i].phase, cases[i].what);
        IS_NUMBER(server_requests(server), 1, "  the server saw one request");
        server_stop(server);
    }
}

static void until_the_end_of_the_connection(void)
{
    server_t *server;
    fetched_t fetched;

    broken = "HTTP/1.1 200 OK\r\n\r\nas long as it lasts";
    broken_end = server_close;
    server = server_start(answer_broken);
    aim(&fetched, server->port);
    fetch(&fetched);
    is_end(&fetched, TRANSFER_OK, 1, "reading", "without a length the end is the end");
    IS(fetched.body, "as long as it lasts", "  and the body is whole");
    server_stop(server);
}

static void a_head_has_a_limit(void)
{
    char *head = malloc(40000);
    server_t *server;
    fetched_t fetched;
    size_t length = (size_t)snprintf(head, 64, "HTTP/1.1 200 OK\r\n");

    while (length < 30000) {
        length += (size_t)snprintf(head + length, 64, "X-Header-%zu: some value\r\n", length);
    }
    (void)snprintf(head + length, 64, "Content-Length: 0\r\n\r\n");
    broken = head;
    broken_end = end_when_client_does;
    server = server_start(answer_broken);
    aim(&fetched, server->port);
    fetch(&fetched);
    is_end(&fetched, TRANSFER_PROTOCOL_FAILED, 1, "reading the answer", "a head of 30 KB");
    server_stop(server);
    free(head);
}

static void no_connection(void)
{
    fetched_t fetched;
    int port;
    int listener = listen_somewhere(0, &port);
    int fill[16];
    size_t i;

    (void)close(listener);
    aim(&fetched, port);
    fetch(&fetched);
    is_end(&fetched, TRANSFER_CONNECT_FAILED, 0, "connecting", "refused");

    /* A full backlog: the kernel leaves the next SYN unanswered. */
    listener = listen_somewhere(0, &port);
    for (i = 0; i < sizeof(fill) / sizeof(fill[0]); i++) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fill[i], (struct sockaddr *)&address, sizeof(address));
    }
    aim(&fetched, port);
    fetched.request.connect_timeout = MS(50);
    fetch(&fetched);
    is_end(&fetched, TRANSFER_CONNECT_TIMEOUT, 0, "connecting", "not accepted in time");
    aim(&fetched, port);
    fetched.request.first_timeout = MS(30);
    fetch(&fetched);
    is_end(&fetched, TRANSFER_FIRST_TIMEOUT, 0, "connecting", "no limit for connecting alone");
    aim(&fetched, port);
    on_loop(start_fetch, &fetched);
    on_loop(nothing, NULL);
    on_loop(cancel_fetch, &fetched);
    IS_NUMBER(fetched.ends, 0, "cancelled while connecting");
    for (i = 0; i < sizeof(fill) / sizeof(fill[0]); i++) {
        (void)close(fill[i]);
    }
    (void)close(listener);
}

static void no_tls(void)
{
    server_t *server;
    fetched_t fetched;

    broken = "";
    broken_end = server_close;
    server = server_start(answer_broken);
    aim(&fetched, server->port);
    (void)snprintf(fetched.url, sizeof(fetched.url), "https://127.0.0.1:%d/", server->port);
    fetched.request.ca_file = "/nonexistent/ca.pem";
    fetch(&fetched);
    is_end(&fetched, TRANSFER_CERTIFICATE_REFUSED, 0, "connecting", "a CA file that is not there");
    server_stop(server);
    aim(&fetched, 1);
    fetched.request.url = "ftp://127.0.0.1/";
    fetch(&fetched);
    is_end(&fetched, TRANSFER_INTERNAL, 0, "connecting", "a scheme that is not ours");
}

static void answer_tls_with_http(server_t *server)
{
    char bytes[1024];
    int fd = server_accept(server);

    (void)recv(fd, bytes, sizeof(bytes), 0);
    server_write(fd, OK_HELLO);
    server_await_end(fd);
    server_close(server, fd);
}

static void tls_with_a_server_that_has_none(void)
{
    server_t *server = server_start(answer_tls_with_http);
    fetched_t fetched;

    aim(&fetched, server->port);
    (void)snprintf(fetched.url, sizeof(fetched.url), "https://127.0.0.1:%d/", server->port);
    fetch(&fetched);
    is_end(&fetched, TRANSFER_TLS_FAILED, 0, "connecting", "TLS with a server that has none");
    server_stop(server);
}

/* ---- never twice ---- */

/* The first request of a connection is answered; a second is read, and the connection ends. */
static void die_at_second(server_t *server)
{
    int fd;

    while ((fd = server_accept(server)) >= 0) {
        if (server_connections(server) > 1) {
            if (server_read(server, fd)) {
                server_write(fd, OK_HELLO);
            }
        } else if (server_read(server, fd)) {
            server_write(fd, OK_HELLO);
            (void)server_read(server, fd);
        }
        broken_end(server, fd);
    }
}

static void second_of_two(fetched_t *fetched, int single_send, int *requests, int *connections)
{
    server_t *server = server_start(die_at_second);

    aim(fetched, server->port);
    fetch(fetched);
    aim(fetched, server->port);
    fetched->request.method = "POST";
    fetched->request.body = "once";
    fetched->request.body_length = 4;
    fetched->request.single_send = single_send;
    fetch(fetched);
    server_catch_up(server);
    server_join(server);
    *requests = server_requests(server);
    *connections = server_connections(server) - 1;
    server_free(server);
}

static void a_request_is_sent_once(void)
{
    void (*const ends[])(server_t * server, int fd) = {server_close, server_reset};
    fetched_t fetched;
    int requests, connections;
    size_t i;

    for (i = 0; i < 2; i++) {
        broken_end = ends[i];
        second_of_two(&fetched, 1, &requests, &connections);
        is_end(&fetched, TRANSFER_RECEIVE_FAILED, 1, "waiting for the answer",
               "a pooled connection that dies with our request");
        IS_NUMBER(requests, 2, "  exactly one copy of it arrived");
        IS_NUMBER(connections, 1, "  and no second connection was tried");
        second_of_two(&fetched, 0, &requests, &connections);
        is_end(&fetched, TRANSFER_OK, 1, "reading", "where that does not matter");
        IS_NUMBER(requests, 3, "  libcurl repeats it");
    }
}

/* Each connection carries one exchange, though the answer promises more. */
static void close_after_first(server_t *server)
{
    int fd;

    while ((fd = server_accept(server)) >= 0) {
        if (server_read(server, fd)) {
            server_write(fd, OK_HELLO);
        }
        server_close(server, fd);
        (void)sem_post(&server->reached);
    }
}

static void a_dead_connection_is_not_used(void)
{
    server_t *server = server_start(close_after_first);
    fetched_t fetched;
    int good = 0;
    int i;

    for (i = 0; i < 20; i++) {
        aim(&fetched, server->port);
        fetched.request.single_send = 1;
        fetch(&fetched);
        good += fetched.result.end == TRANSFER_OK;
        wait_for(&server->reached);
    }
    IS_NUMBER(good, 20, "a pooled connection that the server closed meanwhile is not used");
    server_stop(server);
}

/* ---- pause ---- */

#define PIECES 100

static void send_pieces(server_t *server)
{
    static char piece[16384];
    int fd = server_accept(server);
    int i;

    memset(piece, 'x', sizeof(piece));
    (void)server_read(server, fd);
    server_write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1638400\r\n\r\n");
    for (i = 0; i < PIECES; i++) {
        (void)send(fd, piece, sizeof(piece), MSG_NOSIGNAL);
    }
    server_await_end(fd);
    server_close(server, fd);
}

static void on_resume(loop_timer_t *timer)
{
    fetched_t *fetched = LOOP_CONTAINER(timer, fetched_t, timer);

    fetched->paused = 0;
    transfer_resume(fetched->transfer);
}

/* Pauses for longer than the idle time, twice. */
static int pause_now(fetched_t *fetched)
{
    static int times;

    if (times++ < 2) {
        transfer_pause(fetched->transfer);
        fetched->paused = 1;
        loop_timer_arm(loop, &fetched->timer, MS(600), on_resume);
    }
    return 1;
}

static int pause_in_passing(fetched_t *fetched)
{
    transfer_pause(fetched->transfer);
    transfer_resume(fetched->transfer);
    transfer_resume(fetched->transfer);
    return 1;
}

static void pauses(void)
{
    server_t *server = server_start(send_pieces);
    fetched_t fetched;

    aim(&fetched, server->port);
    fetched.at_head = pause_now;
    fetched.at_body = pause_now;
    fetched.request.idle_timeout = MS(500);
    fetch(&fetched);
    is_end(&fetched, TRANSFER_OK, 1, "reading", "paused twice for longer than the idle time");
    IS_NUMBER(fetched.length, PIECES * 16384, "  the body is whole");
    IS_NUMBER(fetched.while_paused, 0, "  and nothing of it came during a pause");
    server_stop(server);

    server = server_start(send_pieces);
    aim(&fetched, server->port);
    fetched.at_head = pause_in_passing;
    fetched.at_body = pause_in_passing;
    fetch(&fetched);
    IS_NUMBER(fetched.length, PIECES * 16384, "pause and resume at each piece");
    server_stop(server);
}

static int pause_for_good(fetched_t *fetched)
{
    transfer_pause(fetched->transfer);
    return 1;
}

static void a_pause_is_no_excuse(void)
{
    server_t *server = server_start(send_pieces);
    fetched_t fetched;

    aim(&fetched, server->port);
    fetched.at_body = pause_for_good;
    fetched.request.total_timeout = MS(500);
    fetch(&fetched);
    is_end(&fetched, TRANSFER_TOTAL_TIMEOUT, 1, "reading", "the total time runs while paused");
    server_stop(server);
}

/* ---- cancelling ---- */

static int cancel_self(fetched_t *fetched)
{
    cancel_fetch(fetched);
    (void)sem_post(&fetched->done);
    return 1;
}

static int cancel_other(fetched_t *fetched)
{
    cancel_fetch(fetched->other);
    return 1;
}

static void cancel_other_at_end(fetched_t *fetched)
{
    cancel_fetch(fetched->other);
}

static int start_other(fetched_t *fetched)
{
    if (fetched->other->transfer == NULL && fetched->other->ends == 0) {
        start_fetch(fetched->other);
    }
    return 1;
}

static void start_other_at_end(fetched_t *fetched)
{
    (void)start_other(fetched);
}

static int start_and_cancel_other(fetched_t *fetched)
{
    start_and_cancel(fetched->other);
    return 1;
}

static void cancelled_within_callbacks(void)
{
    static const char *const texts[] = {OK_HELLO, NULL};
    int (*const moments[][2])(fetched_t *) = {{cancel_self, NULL}, {NULL, cancel_self}};
    server_t *server;
    fetched_t fetched;
    size_t i;

    for (i = 0; i < 2; i++) {
        server = serve(texts);
        aim(&fetched, server->port);
        fetched.at_head = moments[i][0];
        fetched.at_body = moments[i][1];
        fetch(&fetched);
        on_loop(nothing, NULL);
        IS_NUMBER(fetched.ends, 0,
                  i == 0 ? "cancelled in its on_head" : "cancelled in its on_body");
        OK(i == 1 || fetched.length == 0, "  no callback came after it");
        aim(&fetched, server->port);
        on_loop(start_and_cancel, &fetched);
        IS_NUMBER(fetched.ends, 0, "cancelled at once");
        aim(&fetched, server->port);
        fetch(&fetched);
        IS_NUMBER(fetched.result.end, TRANSFER_OK, "  and the next one is well");
        server_stop(server);
    }
}

static void wait_and_hold(server_t *server)
{
    int fd = server_accept(server);

    (void)server_read(server, fd);
    (void)sem_post(&server->reached);
    server_await_end(fd);
    server_close(server, fd);
    (void)sem_post(&server->reached);
}

static void cancelled_while_it_waits(void)
{
    static const char *const texts[] = {OK_HELLO, NULL};
    server_t *holding = server_start(wait_and_hold);
    server_t *server = serve(texts);
    fetched_t waiting, fetched;

    aim(&waiting, holding->port);
    on_loop(start_fetch, &waiting);
    wait_for(&holding->reached);
    on_loop(cancel_fetch, &waiting);
    wait_for(&holding->reached);
    IS_NUMBER(waiting.ends, 0, "cancelled while it waits: the connection is closed, no call");
    server_stop(holding);

    holding = server_start(wait_and_hold);
    aim(&waiting, holding->port);
    on_loop(start_fetch, &waiting);
    wait_for(&holding->reached);
    aim(&fetched, server->port);
    fetched.other = &waiting;
    fetched.at_body = cancel_other;
    fetch(&fetched);
    wait_for(&holding->reached);
    IS_NUMBER(waiting.ends, 0, "cancelled by another's on_body");
    IS_NUMBER(fetched.result.end, TRANSFER_OK, "  which goes on");
    server_stop(holding);

    holding = server_start(wait_and_hold);
    aim(&waiting, holding->port);
    on_loop(start_fetch, &waiting);
    wait_for(&holding->reached);
    aim(&fetched, server->port);
    fetched.other = &waiting;
    fetched.at_end = cancel_other_at_end;
    fetch(&fetched);
    wait_for(&holding->reached);
    IS_NUMBER(waiting.ends, 0, "cancelled by another's on_end");
    server_stop(holding);
    server_stop(server);
}

static void started_within_callbacks(void)
{
    static const char *const texts[] = {OK_HELLO, NULL};
    server_t *server = serve(texts);
    server_t *other_server;
    fetched_t one, other;
    int i;

    for (i = 0; i < 3; i++) {
        other_server = server_start(answer_all);
        aim(&one, server->port);
        aim(&other, other_server->port);
        one.other = &other;
        one.at_head = i == 0 ? start_other : NULL;
        one.at_body = i == 1 ? start_other : NULL;
        one.at_end = i == 2 ? start_other_at_end : NULL;
        fetch(&one);
        wait_for(&other.done);
        is_end(&other, TRANSFER_OK, 1, "reading", "started from within another's callback");
        server_stop(other_server);
    }
    aim(&one, server->port);
    aim(&other, server->port);
    one.other = &other;
    one.at_body = start_and_cancel_other;
    fetch(&one);
    on_loop(nothing, NULL);
    IS_NUMBER(other.ends, 0, "started and cancelled from within another's callback");
    server_stop(server);
}

/* ---- many ---- */

/* Takes requests until all have come, and only then answers. */
static void gather_then_answer(server_t *server)
{
    static int fds[MANY];
    int i;

    for (i = 0; i < MANY; i++) {
        fds[i] = server_accept(server);
        (void)server_read(server, fds[i]);
    }
    (void)sem_post(&server->reached);
    wait_for(&server->go_on);
    for (i = 0; i < MANY; i++) {
        server_write(fds[i], OK_HELLO);
    }
    wait_for(&server->go_on);
    for (i = 0; i < MANY; i++) {
        server_close(server, fds[i]);
    }
}

static fetched_t many[MANY];

static void start_many(void *baton)
{
    int i;

    (void)baton;
    for (i = 0; i < MANY; i++) {
        start_fetch(&many[i]);
    }
}

static size_t resident_kib(void)
{
    char text[128] = "";
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    char *end = text;

    if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0) {
        (void)strtoul(text, &end, 10);
    }
    (void)close(fd);
    return strtoul(end, NULL, 10) * (size_t)getpagesize() / 1024;
}

static void many_at_once(void)
{
    server_t *server = server_start(gather_then_answer);
    size_t before;
    int i;
    int good = 0;

    for (i = 0; i < MANY; i++) {
        aim(&many[i], server->port);
    }
    before = resident_kib();
    on_loop(start_many, NULL);
    wait_for(&server->reached);
    printf("#   %zu bytes a waiting transfer\n", (resident_kib() - before) * 1024 / MANY);
    (void)sem_post(&server->go_on);
    for (i = 0; i < MANY; i++) {
        wait_for(&many[i].done);
        good += many[i].result.end == TRANSFER_OK && strcmp(many[i].body, "hello") == 0 &&
                many[i].ends == 1;
    }
    IS_NUMBER(good, MANY, "two thousand wait at once, and each is answered");
    (void)sem_post(&server->go_on);
    server_stop(server);
}

static void the_end_is_silent(void)
{
    static const char *const texts[] = {OK_HELLO, NULL};
    server_t *holding = server_start(wait_and_hold);
    server_t *server = serve(texts);
    fetched_t waiting, fetched;

    aim(&fetched, server->port);
    fetch(&fetched);
    aim(&waiting, holding->port);
    on_loop(start_fetch, &waiting);
    wait_for(&holding->reached);
    stop_loop();
    wait_for(&holding->reached);
    IS_NUMBER(waiting.ends, 0, "the end of the loop closes what is in flight and tells nobody");
    server_stop(holding);
    server_stop(server);
}

static void allow_many_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max < 8192 ? limit.rlim_max : 8192;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(void)
{
    fixture_begin();
    allow_many_files();
    clock_replace(NULL, shifted_clock);
    start_loop();
    whole_answers();
    requests_as_given();
    connections_are_reused();
    names_are_looked_up();
    idle_connections_are_closed();
    answers_go_wrong();
    until_the_end_of_the_connection();
    a_head_has_a_limit();
    no_connection();
    no_tls();
    tls_with_a_server_that_has_none();
    a_request_is_sent_once();
    a_dead_connection_is_not_used();
    pauses();
    a_pause_is_no_excuse();
    cancelled_within_callbacks();
    cancelled_while_it_waits();
    started_within_callbacks();
    many_at_once();
    the_end_is_silent();
    return tap_done();
}
