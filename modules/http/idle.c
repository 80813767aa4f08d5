#include "http/idle.h"

#include "http/closing.h"

/* I/O thread. */
static struct {
    adopted_t *first;
    int closing; /* the child is stopping: nothing stays idle */
} idle;

static loop_task_t close_idle_task;

static void unlist(adopted_t *adopted)
{
    if (adopted->next_idle != NULL) {
        adopted->next_idle->previous_idle = adopted->previous_idle;
    }
    if (adopted->previous_idle != NULL) {
        adopted->previous_idle->next_idle = adopted->next_idle;
    } else if (idle.first == adopted) {
        idle.first = adopted->next_idle;
    }
    adopted->next_idle = NULL;
    adopted->previous_idle = NULL;
}

static void list(adopted_t *adopted)
{
    adopted->next_idle = idle.first;
    if (idle.first != NULL) {
        idle.first->previous_idle = adopted;
    }
    idle.first = adopted;
}

static void on_idle_event(void *baton, unsigned came)
{
    adopted_t *adopted = baton;

    adopted->watch = NULL;
    unlist(adopted);
    if (came & (WATCH_TIMEOUT | WATCH_ERROR)) {
        adopted_to_worker(adopted, closing_on_job, 0);
    } else {
        adopted_to_worker(adopted, adopted->on_request, 1);
    }
}

static void on_idle(loop_task_t *task)
{
    adopted_t *adopted = adopted_of_task(task);

    if (!idle.closing) {
        adopted->watch = watch_start(adopted->loop, adopted->presence.descriptor,
                                     WATCH_READABLE | WATCH_PEER_SHUT, adopted->patience,
                                     on_idle_event, adopted);
    }
    if (adopted->watch != NULL) {
        list(adopted);
    } else {
        adopted_to_worker(adopted, closing_on_job, 0);
    }
}

static void on_close_idle(loop_task_t *task)
{
    (void)task;
    idle.closing = 1;
    while (idle.first != NULL) {
        adopted_t *adopted = idle.first;
        watch_stop(adopted->watch);
        adopted->watch = NULL;
        unlist(adopted);
        adopted_to_worker(adopted, closing_on_job, 0);
    }
}

void idle_close_all(loop_t *loop)
{
    close_idle_task.run = on_close_idle;
    (void)loop_post(loop, &close_idle_task);
}

void idle_start(adopted_t *adopted, void (*on_request)(workers_job_t *))
{
    adopted->on_request = on_request;
    adopted->patience = adopted->server->keep_alive_timeout;
    adopted_to_loop(adopted, on_idle);
}
