/*
 * For the tests of loop/: a running loop, and work done on its thread while
 * the test waits.
 */
#ifndef UNIT_LOOP_FIXTURE_H
#define UNIT_LOOP_FIXTURE_H

#include "base/log.h"
#include "loop/loop.h"

#include "tap.h"

#include <apr_general.h>
#include <apr_pools.h>
#include <apr_time.h>
#include <semaphore.h>
#include <stdlib.h>
#include <unistd.h>

/* Nothing here may take longer, valgrind included; a hang ends the program. */
#define FIXTURE_PATIENCE 300

#define MS(number) ((apr_interval_time_t)(number)*1000)

static apr_pool_t *fixture_pool;
static loop_t *loop;

typedef struct {
    loop_task_t task;
    void (*fn)(void *baton);
    void *baton;
    sem_t done;
} fixture_call_t;

static inline void fixture_log(void *baton, log_level_e level, const char *file, int line,
                               const char *text)
{
    (void)baton;
    (void)level;
    printf("# %s:%d: %s\n", file, line, text);
}

static inline int fixture_enabled(void *baton, log_level_e level)
{
    (void)baton;
    return level <= LOG_AT_INFO;
}

static inline void fixture_begin(void)
{
    static const log_sink_t sink = {.enabled = fixture_enabled, .write = fixture_log};

    (void)alarm(FIXTURE_PATIENCE);
    (void)apr_initialize();
    log_set_sink(&sink);
}

static inline void start_loop(void)
{
    (void)apr_pool_create(&fixture_pool, NULL);
    if (loop_create(&loop, fixture_pool) != APR_SUCCESS || loop_start(loop) != APR_SUCCESS) {
        printf("Bail out! no loop\n");
        exit(1);
    }
}

static inline void stop_loop(void)
{
    loop_stop(loop);
    apr_pool_destroy(fixture_pool);
}

static inline void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0) {
    }
}

static inline void fixture_run(loop_task_t *task)
{
    fixture_call_t *call = LOOP_CONTAINER(task, fixture_call_t, task);

    call->fn(call->baton);
    (void)sem_post(&call->done);
}

/* Runs fn(baton) on the I/O thread and waits until it has. */
static inline void on_loop(void (*fn)(void *baton), void *baton)
{
    fixture_call_t call = {.task = {.run = fixture_run}, .fn = fn, .baton = baton};

    (void)sem_init(&call.done, 0, 0);
    if (!loop_post(loop, &call.task)) {
        printf("Bail out! the loop takes no task\n");
        exit(1);
    }
    wait_for(&call.done);
    (void)sem_destroy(&call.done);
}

#endif
