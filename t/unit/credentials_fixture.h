/*
 * For the tests of credentials: clocks that stand until they are put forward, a
 * log that is kept, AWS's services on a loopback port, and a provider to ask.
 *
 * Whatever is secret here has "SECRET" in it, so that the log can be searched;
 * the name AWS_SECRET_ACCESS_KEY is none.
 */
#ifndef UNIT_CREDENTIALS_FIXTURE_H
#define UNIT_CREDENTIALS_FIXTURE_H

#include "aws/credentials.h"
#include "base/clock.h"

#include "loop_server.h"

#include <apr_strings.h>
#include <stdatomic.h>
#include <time.h>

#define SECONDS(number) apr_time_from_sec(number)
#define MINUTES(number) SECONDS((number)*60)
#define HOURS(number)   MINUTES((number)*60)

#define STARTED     (apr_time_from_sec(1787392800)) /* 2026-08-22T10:00:00Z */
#define KEPT_MAX    (1 << 20)
#define ANSWER_SIZE 100000
#define MANY        100

/* ---- clocks ---- */

static atomic_llong forward;

static inline apr_time_t standing_wall(void)
{
    return STARTED + atomic_load(&forward);
}

static inline apr_time_t shifted_monotonic(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (apr_time_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 + atomic_load(&forward);
}

static inline void do_nothing(void *baton)
{
    (void)baton;
}

/* Puts both clocks forward and lets the timers that are due fire. */
static inline void pass(apr_interval_time_t time)
{
    (void)atomic_fetch_add(&forward, time);
    on_loop(do_nothing, NULL);
    on_loop(do_nothing, NULL);
}

/* ---- the log ---- */

static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;
static char kept_log[KEPT_MAX];
static size_t kept_length;

static inline int keep_all(void *baton, log_level_e level)
{
    (void)baton;
    (void)level;
    return 1;
}

static inline void keep_line(void *baton, log_level_e level, const char *file, int line,
                             const char *text)
{
    (void)baton;
    (void)file;
    (void)line;
    (void)pthread_mutex_lock(&kept_lock);
    kept_length += (size_t)snprintf(kept_log + kept_length, KEPT_MAX - kept_length, "<%d> %s\n",
                                    (int)level, text);
    if (kept_length >= KEPT_MAX) {
        printf("Bail out! the log is full\n");
        exit(1);
    }
    (void)pthread_mutex_unlock(&kept_lock);
}

/* How often `text` is in the log. */
static inline int logged(const char *text)
{
    const char *at = kept_log;
    int count = 0;

    (void)pthread_mutex_lock(&kept_lock);
    while ((at = strstr(at, text)) != NULL) {
        count++;
        at++;
    }
    (void)pthread_mutex_unlock(&kept_lock);
    return count;
}

static inline void forget_log(void)
{
    static const char name[] = "SECRET_ACCESS_KEY";
    const char *at = kept_log;

    (void)pthread_mutex_lock(&kept_lock);
    while ((at = strstr(at, "SECRET")) != NULL) {
        if (strncmp(at, name, strlen(name)) != 0) {
            OK(0, "no secret is in the log");
            printf("#   %.60s\n", at);
        }
        at++;
    }
    kept_length = 0;
    kept_log[0] = '\0';
    (void)pthread_mutex_unlock(&kept_lock);
}

/* ---- the services ---- */

/* Writes the answer to a request, status line and all; "" to close without one. */
typedef void answer_fn(const char *request, char *answer);

static answer_fn *answering;
static atomic_int answered; /* requests, whole */
static server_t *services;
static char asked_for[KEPT_MAX]; /* the first lines of all requests; locked by kept_lock */

static inline void note_request(const char *request)
{
    (void)pthread_mutex_lock(&kept_lock);
    (void)snprintf(asked_for + strlen(asked_for), sizeof(asked_for) - strlen(asked_for), "%.*s\n",
                   (int)(strstr(request, " HTTP/") - request), request);
    (void)pthread_mutex_unlock(&kept_lock);
}

static inline void serve_answers(server_t *server)
{
    char answer[ANSWER_SIZE];
    int fd;

    while ((fd = server_accept(server)) >= 0) {
        if (server_read(server, fd)) {
            note_request(server->request);
            answer[0] = '\0';
            answering(server->request, answer);
            server_write(fd, answer);
        }
        server_close(server, fd);
        (void)atomic_fetch_add(&answered, 1);
    }
}

static inline void answer_with(char *answer, const char *status, const char *body)
{
    (void)snprintf(answer, ANSWER_SIZE,
                   "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s", status,
                   strlen(body), body);
}

/* All requests so far, "GET /a\nPUT /b\n". */
static inline const char *requests_so_far(void)
{
    static char copy[KEPT_MAX];

    (void)pthread_mutex_lock(&kept_lock);
    memcpy(copy, asked_for, sizeof(copy));
    (void)pthread_mutex_unlock(&kept_lock);
    return copy;
}

static inline int has(const char *request, const char *text)
{
    return strstr(request, text) != NULL;
}

/* ---- a provider ---- */

static credentials_settings_t settings;
static credentials_provider_t *provider;
static char base_url[64];

/* Settings that name nothing, an empty environment. */
static inline void begin_without_services(void)
{
    memset(&settings, 0, sizeof(settings));
    settings.container_base = base_url;
    settings.imds_disabled = "true";
    asked_for[0] = '\0';
    start_loop();
    provider = credentials_create(loop, &settings, fixture_pool);
}

static inline void begin(answer_fn *fn)
{
    begin_without_services();
    answering = fn;
    atomic_store(&answered, 0);
    services = server_start(serve_answers);
    (void)snprintf(base_url, sizeof(base_url), "http://127.0.0.1:%d", services->port);
}

static inline void end_without_services(void)
{
    stop_loop();
    forget_log();
}

static inline void end(void)
{
    stop_loop();
    server_stop(services);
    forget_log();
}

typedef struct {
    credentials_waiter_t waiter;
    const credentials_t *set; /* held, as long as `keep` says */
    int keep;
    int told;
    int told_at_once;
    char key[64];
    char secret[64];
    char token[64];
    char source[256];
    apr_time_t expires;
    char reason[2048];
    sem_t done;
} question_t;

static inline void on_told(void *baton, const credentials_t *set, const char *reason)
{
    question_t *question = baton;

    question->told++;
    if (set != NULL) {
        (void)snprintf(question->key, 64, "%s", set->access_key_id);
        (void)snprintf(question->secret, 64, "%s", set->secret_access_key);
        (void)snprintf(question->token, 64, "%s",
                       set->session_token != NULL ? set->session_token : "-");
        (void)snprintf(question->source, 256, "%s", set->source);
        question->expires = set->expires;
    } else {
        (void)snprintf(question->reason, sizeof(question->reason), "%s", reason);
    }
    if (question->keep) {
        question->set = credentials_set_hold(set);
    }
    (void)sem_post(&question->done);
}

static inline void start_asking(void *baton)
{
    question_t *question = baton;

    credentials_get(provider, &question->waiter);
    question->told_at_once = question->told;
}

static inline void prepare_question(question_t *question)
{
    memset(question, 0, sizeof(*question));
    question->waiter.fn = on_told;
    question->waiter.baton = question;
    (void)sem_init(&question->done, 0, 0);
}

/* Asks and waits for what comes. */
static inline question_t ask(void)
{
    question_t question;

    prepare_question(&question);
    on_loop(start_asking, &question);
    wait_for(&question.done);
    on_loop(do_nothing, NULL); /* the one who told has returned */
    return question;
}

static inline void credentials_fixture_begin(void)
{
    static const log_sink_t sink = {.enabled = keep_all, .write = keep_line};

    fixture_begin();
    clock_replace(standing_wall, shifted_monotonic);
    log_set_sink(&sink);
}

/* The container's answer with keys of that number, good for `lifetime` from now. */
static inline void answer_keys(char *answer, int number, apr_interval_time_t lifetime)
{
    char body[1024];
    char expires[32];
    apr_time_exp_t utc;
    apr_size_t length;

    (void)apr_time_exp_gmt(&utc, standing_wall() + lifetime);
    (void)apr_strftime(expires, &length, sizeof(expires), "%Y-%m-%dT%H:%M:%SZ", &utc);
    (void)snprintf(body, sizeof(body),
                   "{\"Code\":\"Success\",\"AccessKeyId\":\"ASIAEXAMPLE%05d\","
                   "\"SecretAccessKey\":\"keySECRET%d\",\"Token\":\"tokenSECRET%d\","
                   "\"Expiration\":\"%s\"}",
                   number, number, number, expires);
    answer_with(answer, "200 OK", body);
}

#endif
