/* loop/offload: work beside the I/O thread. */
#include "loop/offload.h"

#include "loop_fixture.h"

#include <signal.h>

#define MANY 50

typedef struct {
    offload_job_t job;
    sem_t go_on; /* the test lets the work end */
    sem_t done;
    int worked;
    int on_io_thread; /* where the work was done */
    int signals;      /* that the thread takes */
    int told;
    int told_on_io_thread;
} errand_t;

static offload_t *offload;

static int open_signals(void)
{
    static const int signals[] = {SIGTERM, SIGHUP, SIGUSR1, SIGWINCH, SIGINT};
    sigset_t blocked;
    int open = 0;
    size_t i;

    (void)pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        open += !sigismember(&blocked, signals[i]);
    }
    return open;
}

static void work(offload_job_t *job)
{
    errand_t *errand = LOOP_CONTAINER(job, errand_t, job);

    wait_for(&errand->go_on);
    errand->worked++;
    errand->on_io_thread = loop_is_current(loop);
    errand->signals = open_signals();
}

static void done(offload_job_t *job)
{
    errand_t *errand = LOOP_CONTAINER(job, errand_t, job);

    errand->told++;
    errand->told_on_io_thread = loop_is_current(loop);
    (void)sem_post(&errand->done);
}

static errand_t *make_errand(void)
{
    errand_t *errand = calloc(1, sizeof(*errand));

    errand->job.work = work;
    errand->job.done = done;
    (void)sem_init(&errand->go_on, 0, 0);
    (void)sem_init(&errand->done, 0, 0);
    return errand;
}

static void start(void *errand)
{
    if (!offload_start(offload, &((errand_t *)errand)->job)) {
        printf("Bail out! no thread\n");
        exit(1);
    }
}

static void nothing(void *baton)
{
    (void)baton;
}

static void begin(void)
{
    start_loop();
    offload = offload_create(loop, fixture_pool);
}

static void one_job(void)
{
    errand_t *errand = make_errand();

    begin();
    on_loop(start, errand);
    on_loop(nothing, NULL);
    OK(1, "the loop goes on while the work is done");
    (void)sem_post(&errand->go_on);
    wait_for(&errand->done);
    IS_NUMBER(errand->worked, 1, "the work is done once");
    OK(!errand->on_io_thread, "  beside the I/O thread");
    IS_NUMBER(errand->signals, 0, "  by a thread that takes no signal");
    OK(errand->told_on_io_thread, "its owner is told on the I/O thread");
    errand->worked = 0;
    on_loop(start, errand);
    (void)sem_post(&errand->go_on);
    wait_for(&errand->done);
    IS_NUMBER(errand->worked, 1, "a job can be started again");
    stop_loop();
    free(errand);
}

static void many_jobs(void)
{
    errand_t *errands[MANY];
    int told = 0;
    int i;

    begin();
    for (i = 0; i < MANY; i++) {
        errands[i] = make_errand();
        on_loop(start, errands[i]);
    }
    for (i = MANY - 1; i >= 0; i--) {
        (void)sem_post(&errands[i]->go_on);
    }
    for (i = 0; i < MANY; i++) {
        wait_for(&errands[i]->done);
        told += errands[i]->told;
        free(errands[i]);
    }
    IS_NUMBER(told, MANY, "many jobs at once, each told once");
    stop_loop();
}

static void the_loop_stops_first(void)
{
    errand_t *errand = make_errand();

    begin();
    on_loop(start, errand);
    loop_stop(loop);
    (void)sem_post(&errand->go_on);
    offload_wait(offload);
    IS_NUMBER(errand->worked, 1, "a job that the loop's end overtakes is waited for");
    IS_NUMBER(errand->told, 0, "  and its owner is not told");
    apr_pool_destroy(fixture_pool);
    free(errand);
}

static void the_pool_waits_too(void)
{
    errand_t *errand = make_errand();

    begin();
    on_loop(start, errand);
    (void)sem_post(&errand->go_on);
    stop_loop();
    IS_NUMBER(errand->worked, 1, "the end of the pool waits for the jobs");
    free(errand);
}

int main(void)
{
    fixture_begin();
    one_job();
    many_jobs();
    the_loop_stops_first();
    the_pool_waits_too();
    return tap_done();
}
