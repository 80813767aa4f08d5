#include "http/adopted.h"

void adopted_to_loop(adopted_t *adopted, void (*run)(loop_task_t *))
{
    adopted->c->current_thread = NULL;
    adopted->task.run = run;
    /* Refused only after the child's end has begun: the connection goes with the process. */
    (void)loop_post(adopted->loop, &adopted->task);
}

void adopted_to_worker(adopted_t *adopted, void (*run)(workers_job_t *), int may_block)
{
    adopted->job.run = run;
    adopted->job.may_block = may_block;
    workers_run(&adopted->job);
}

adopted_t *adopted_of_task(loop_task_t *task)
{
    return LOOP_CONTAINER(task, adopted_t, task);
}

adopted_t *adopted_of_job(workers_job_t *job)
{
    adopted_t *adopted = LOOP_CONTAINER(job, adopted_t, job);

    adopted->c->current_thread = ap_thread_current();
    return adopted;
}
