/* backend/turn_http by way of backend/openai: exchanges with a server that does what it must not.
 */
#include "backend/openai.h"
#include "base/clock.h"

#include "loop_server.h"

#include <stdatomic.h>

#define EVENTS "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/event-stream\r\n\r\n"
#define PIECE  "data: {\"choices\":[{\"delta\":{\"content\":\"Hello\"}}]}\n\n"
#define DONE   "data: [DONE]\n\n"
#define LATER                                                                                      \
    "HTTP/1.1 429 Too Many\r\nConnection: close\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"
#define BUSY "HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

static const char *answers[4]; /* one a connection; NULL: silence */
static atomic_int served;

static void serve(server_t *server)
{
    int fd;

    while ((fd = server_accept(server)) >= 0) {
        int which = atomic_fetch_add(&served, 1);

        if (server_read(server, fd) && which < 4 && answers[which] != NULL) {
            server_write(fd, answers[which]);
        } else {
            server_await_end(fd);
        }
        server_close(server, fd);
    }
}

/* ---- an owner ---- */

typedef struct {
    char text[1024];
    int pieces;
    backend_outcome_t outcome;
    char code[64];
    char reason[1024];
    sem_t done;
    sem_t piece;
    backend_turn_t *turn;
    int started;
    int pause;
} owner_t;

static owner_t told;
static openai_t openai;
static turn_http_client_t client;
static backend_prompt_t prompt;
static server_t *server;
static char base_url[64];

static int on_text(void *baton, const char *text, size_t length)
{
    (void)baton;
    (void)snprintf(told.text + strlen(told.text), sizeof(told.text) - strlen(told.text), "%.*s",
                   (int)length, text);
    told.pieces++;
    if (told.pause) {
        openai.backend.pause(told.turn);
    }
    (void)sem_post(&told.piece);
    return 1;
}

static void on_end(void *baton, const backend_outcome_t *outcome)
{
    (void)baton;
    told.outcome = *outcome;
    (void)snprintf(told.code, sizeof(told.code), "%s", outcome->code);
    (void)snprintf(told.reason, sizeof(told.reason), "%s", outcome->reason);
    (void)sem_post(&told.done);
}

static void start_turn(void *baton)
{
    const backend_owner_t owner = {on_text, on_end, NULL};

    (void)baton;
    prompt.deadline = clock_monotonic() + MS(60000);
    told.started = openai.backend.start(&openai.backend, &told.turn, &prompt, &owner);
}

static void begin(const char *first, const char *second, const char *third)
{
    static const call_header_t trace = {"traceparent", "00-1-2-01"};

    memset(&told, 0, sizeof(told));
    memset(&openai, 0, sizeof(openai));
    (void)sem_init(&told.done, 0, 0);
    (void)sem_init(&told.piece, 0, 0);
    answers[0] = first;
    answers[1] = second;
    answers[2] = third;
    atomic_store(&served, 0);
    server = server_start(serve);
    (void)snprintf(base_url, sizeof(base_url), "http://127.0.0.1:%d/v1", server->port);
    start_loop();
    client = (turn_http_client_t){.loop = loop};
    retry_bucket_fill(&client.bucket, RETRY_BUCKET_TOKENS);
    openai_init(&openai);
    openai.base_url = base_url;
    openai.key = "sk-secret";
    openai.model.id = "m";
    openai.client = &client;
    prompt = (backend_prompt_t){.message = "Hi",
                                .message_length = 2,
                                .stream = 1,
                                .trace_headers = &trace,
                                .trace_header_count = 1};
}

static void run(void)
{
    on_loop(start_turn, NULL);
    OK(told.started, "it starts");
    wait_for(&told.done);
}

static void end(void)
{
    stop_loop();
    server_stop(server);
}

/* ---- what may be sent again ---- */

static void a_stream(void)
{
    const char *request;

    begin(EVENTS PIECE PIECE DONE, NULL, NULL);
    run();
    IS(told.text, "HelloHello", "the text comes");
    IS_NUMBER(told.outcome.end, BACKEND_ANSWERED, "it is an answer");
    request = server_request(server);
    OK(strstr(request, "POST /v1/chat/completions HTTP/1.1\r\n") == request, "the path");
    OK(strstr(request, "\r\nAuthorization: Bearer sk-secret\r\n") != NULL, "the key");
    OK(strstr(request, "\r\ntraceparent: 00-1-2-01\r\n") != NULL, "the trace");
    OK(strstr(request, "{\"model\":\"m\",\"messages\":[") != NULL, "the body");
    end();
    begin(EVENTS PIECE DONE, NULL, NULL);
    openai.key = NULL;
    run();
    OK(strstr(server_request(server), "Authorization") == NULL, "no key, no header");
    end();
}

static void sent_again(void)
{
    begin(LATER, BUSY, EVENTS PIECE DONE);
    run();
    IS_NUMBER(told.outcome.end, BACKEND_ANSWERED, "after 429 and 503");
    IS_NUMBER(told.outcome.retries, 2, "the third attempt answers");
    IS(told.text, "Hello", "once");
    end();
    begin(BUSY, BUSY,
          "HTTP/1.1 429 Too Many\r\nConnection: close\r\nRetry-After: 7\r\n"
          "Content-Length: 58\r\n\r\n"
          "{\"error\":{\"message\":\"slow\",\"code\":\"rate_limit_exceeded\"}}  ");
    run();
    IS_NUMBER(told.outcome.end, BACKEND_THROTTLED, "429 at the end");
    IS_NUMBER(told.outcome.retry_in, apr_time_from_sec(7), "when to come again");
    IS(told.code, "rate_limit_exceeded", "the server's name for it");
    end();
}

static void never_sent_again(const char *answer, backend_end_e expected, const char *what)
{
    begin(answer, EVENTS PIECE DONE, NULL);
    run();
    IS_NUMBER(told.outcome.end, expected, what);
    IS_NUMBER(atomic_load(&served), 1, "and the server was asked once");
    OK(strstr(told.reason, "sk-secret") == NULL, "no key in the reason");
    end();
}

static void sent_once(void)
{
    never_sent_again("HTTP/1.1 500 Oh\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                     BACKEND_UNAVAILABLE, "500");
    never_sent_again("HTTP/1.1 401 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                     BACKEND_ACCESS_DENIED, "401");
    never_sent_again("HTTP/1.1 401 No\r\nConnection: close\r\nContent-Length: 61\r\n\r\n"
                     "{\"error\":{\"message\":\"sk-secret is wrong\",\"code\":\"sk-secret\"}}",
                     BACKEND_ACCESS_DENIED, "an error that repeats the key");
    OK(strstr(told.reason, "********* is wrong") != NULL, "which is hidden");
    IS(told.code, "*********", "in its name, too");
    never_sent_again(EVENTS "data: {\"error\":\"sk-secret\"}\n\n", BACKEND_ERROR,
                     "and in a stream");
    never_sent_again("HTTP/1.1 404 No\r\nConnection: close\r\nContent-Length: 25\r\n\r\n"
                     "{\"error\":\"no model called\"}",
                     BACKEND_ERROR, "404");
    never_sent_again("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/event-stream\r\n"
                     "Content-Length: 1000\r\n\r\n" PIECE,
                     BACKEND_PROTOCOL_ERROR, "a cut answer");
    never_sent_again("", BACKEND_UNAVAILABLE, "a connection closed without an answer");
    never_sent_again(EVENTS PIECE, BACKEND_PROTOCOL_ERROR, "no [DONE]");
}

static void limits(void)
{
    begin(NULL, NULL, NULL);
    openai.limits.first = MS(50);
    run();
    IS_NUMBER(told.outcome.end, BACKEND_TIMEOUT, "no first byte");
    end();
    begin(EVENTS, NULL, NULL);
    server_stop(server);
    run();
    IS_NUMBER(told.outcome.end, BACKEND_UNAVAILABLE, "nobody listens");
    IS_NUMBER(told.outcome.retries, 2, "which is tried again");
    stop_loop();
}

/* ---- pausing and cancelling ---- */

static void resume_turn(void *baton)
{
    (void)baton;
    told.pause = 0;
    openai.backend.resume(told.turn);
}

static void cancel_turn(void *baton)
{
    (void)baton;
    openai.backend.cancel(told.turn);
}

static void pausing(void)
{
    begin(EVENTS PIECE PIECE DONE, NULL, NULL);
    told.pause = 1;
    on_loop(start_turn, NULL);
    wait_for(&told.piece);
    server_catch_up(server); /* the server has written all, and closed */
    OK(told.pieces == 1 && sem_trywait(&told.done) != 0, "a reader that paused hears no more");
    on_loop(resume_turn, NULL);
    wait_for(&told.done);
    IS(told.text, "HelloHello", "until it resumes");
    IS_NUMBER(told.outcome.end, BACKEND_ANSWERED, "and has it all");
    end();
    begin(EVENTS PIECE PIECE DONE, NULL, NULL);
    told.pause = 1;
    on_loop(start_turn, NULL);
    wait_for(&told.piece);
    on_loop(cancel_turn, NULL);
    end();
    OK(sem_trywait(&told.done) != 0, "a paused turn is cancelled without a word");
    begin(NULL, NULL, NULL);
    on_loop(start_turn, NULL);
    on_loop(cancel_turn, NULL);
    end();
    OK(sem_trywait(&told.done) != 0, "so is one that waits");
    begin(NULL, NULL, NULL);
    answers[0] = "HTTP/1.1 429 Too Many\r\nConnection: close\r\nRetry-After: 4\r\n"
                 "Content-Length: 0\r\n\r\n";
    on_loop(start_turn, NULL);
    server_catch_up(server);
    on_loop(cancel_turn, NULL);
    end();
    OK(sem_trywait(&told.done) != 0, "and one between two attempts");
}

int main(void)
{
    fixture_begin();
    a_stream();
    sent_again();
    sent_once();
    limits();
    pausing();
    return tap_done();
}
