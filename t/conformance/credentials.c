/*
 * Fetches credentials as a child of httpd does: each question is answered by
 * {"key", "secret", "token", "source", "expires"} or {"reason"}, and {"log"},
 * the lines that httpd's log would have.
 *
 *     {"env": {"AWS_…": "…"}, "choice": "auto", "sts": "http://…" or null}
 */
#include "aws/credentials.h"
#include "base/log.h"

#include "lines.h"

#include <apr_strings.h>
#include <semaphore.h>

#define LOG_MAX 65536

typedef struct {
    loop_task_t task;
    credentials_provider_t *provider;
    credentials_waiter_t waiter;
    json_writer_t *writer;
    sem_t done;
} asking_t;

static buffer_t kept_log; /* the I/O thread's, then the main thread's */

static int wants(void *baton, log_level_e level)
{
    (void)baton;
    return level <= LOG_AT_INFO;
}

static void keep(void *baton, log_level_e level, const char *file, int line, const char *text)
{
    (void)baton;
    (void)level;
    (void)file;
    (void)line;
    (void)buffer_puts(&kept_log, text);
    (void)buffer_puts(&kept_log, "\n");
}

static const char *variable(void *baton, const char *name)
{
    return json_member_text(baton, name, NULL);
}

static void on_told(void *baton, const credentials_t *set, const char *reason)
{
    asking_t *asking = baton;

    json_put_member(asking->writer, "reason", reason);
    if (set != NULL) {
        json_put_member(asking->writer, "key", set->access_key_id);
        json_put_member(asking->writer, "secret", set->secret_access_key);
        json_put_member(asking->writer, "token", set->session_token);
        json_put_member(asking->writer, "source", set->source);
        json_name(asking->writer, "expires");
        json_put_integer(asking->writer, apr_time_sec(set->expires));
    }
    (void)sem_post(&asking->done);
}

static void on_task(loop_task_t *task)
{
    asking_t *asking = LOOP_CONTAINER(task, asking_t, task);

    credentials_get(asking->provider, &asking->waiter);
}

static void answer(apr_pool_t *pool, const json_t *question, json_writer_t *writer)
{
    const log_sink_t sink = {wants, keep, NULL};
    credentials_settings_t settings = {.sts.url = json_member_text(question, "sts", NULL)};
    asking_t asking = {.task = {.run = on_task}, .waiter = {.fn = on_told}, .writer = writer};
    const char *choice = json_member_text(question, "choice", NULL);
    loop_t *loop;

    log_set_sink(&sink);
    buffer_init(&kept_log, LOG_MAX);
    asking.waiter.baton = &asking;
    (void)sem_init(&asking.done, 0, 0);
    credentials_settings_read(&settings, pool, variable,
                              (void *)(uintptr_t)json_member(question, "env"));
    if (choice != NULL && !credentials_settings_choose(&settings, choice)) {
        json_put_member(writer, "reason", "no such choice");
        return;
    }
    if (loop_create(&loop, pool) != APR_SUCCESS || loop_start(loop) != APR_SUCCESS) {
        json_put_member(writer, "reason", "no loop");
        return;
    }
    asking.provider = credentials_create(loop, &settings, pool);
    (void)loop_post(loop, &asking.task);
    while (sem_wait(&asking.done) != 0) {
    }
    loop_stop(loop);
    json_put_member(writer, "log", buffer_text(&kept_log));
    buffer_free(&kept_log);
}

int main(void)
{
    return lines_answer(answer);
}
