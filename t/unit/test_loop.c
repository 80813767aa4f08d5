/* loop/: the mailbox, the timers, the rounds, the end. */
#include "loop_fixture.h"

#include <pthread.h>
#include <signal.h>

#define POSTERS        8
#define POSTS_A_THREAD 2000
#define TIMERS         1000

/* ---- the mailbox ---- */

typedef struct {
    loop_task_t task;
    int poster;
    int number;
} numbered_t;

static numbered_t numbered[POSTERS][POSTS_A_THREAD];
static int seen[POSTERS];
static int out_of_order;

static void on_numbered(loop_task_t *task)
{
    const numbered_t *item = LOOP_CONTAINER(task, numbered_t, task);

    out_of_order += seen[item->poster] != item->number;
    seen[item->poster]++;
}

static void *post_many(void *baton)
{
    numbered_t *items = baton;
    int i;

    for (i = 0; i < POSTS_A_THREAD; i++) {
        items[i].task.run = on_numbered;
        items[i].poster = (int)((items - numbered[0]) / POSTS_A_THREAD);
        items[i].number = i;
        (void)loop_post(loop, &items[i].task);
    }
    return NULL;
}

static void nothing(void *baton)
{
    (void)baton;
}

static void tasks_of_many_threads_keep_their_order(void)
{
    pthread_t threads[POSTERS];
    int i;
    int total = 0;

    start_loop();
    for (i = 0; i < POSTERS; i++) {
        (void)pthread_create(&threads[i], NULL, post_many, numbered[i]);
    }
    for (i = 0; i < POSTERS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    on_loop(nothing, NULL);
    for (i = 0; i < POSTERS; i++) {
        total += seen[i];
    }
    IS_NUMBER(total, POSTERS * POSTS_A_THREAD, "each task ran once");
    IS_NUMBER(out_of_order, 0, "in the order its thread posted it");
    stop_loop();
}

typedef struct {
    loop_task_t task;
    loop_task_t second;
    int ran;
    int taken;
    sem_t done;
} chain_t;

static void on_second(loop_task_t *task)
{
    chain_t *chain = LOOP_CONTAINER(task, chain_t, second);

    chain->ran++;
    (void)sem_post(&chain->done);
}

static void on_first(loop_task_t *task)
{
    chain_t *chain = LOOP_CONTAINER(task, chain_t, task);

    chain->ran++;
    chain->second.run = on_second;
    chain->taken = loop_post(loop, &chain->second);
}

static void the_io_thread_may_post_too(void)
{
    chain_t chain = {.task = {.run = on_first}};

    (void)sem_init(&chain.done, 0, 0);
    start_loop();
    OK(!loop_is_current(loop), "the test is not the I/O thread");
    (void)loop_post(loop, &chain.task);
    wait_for(&chain.done);
    IS_NUMBER(chain.ran, 2, "a task that a task posted runs, without a wake-up from outside");
    stop_loop();
    (void)sem_destroy(&chain.done);
}

static void after_the_end_nothing_is_taken(void)
{
    chain_t chain = {.task = {.run = on_first}};
    loop_task_t late = {.run = on_first};

    (void)apr_pool_create(&fixture_pool, NULL);
    (void)loop_create(&loop, fixture_pool);
    IS_NUMBER(loop_post(loop, &chain.task), 1, "a task is taken before the start");
    loop_stop(loop);
    IS_NUMBER(chain.ran, 1, "what was in the mailbox ran, though the loop never started");
    IS_NUMBER(chain.taken, 0, "a task posted by the last task is not taken");
    IS_NUMBER(loop_post(loop, &late), 0, "a task posted after the end is not taken");
    loop_stop(loop);
    OK(1, "stopping twice is fine");
    apr_pool_destroy(fixture_pool);
}

static void *post_until_refused(void *baton)
{
    numbered_t *items = baton;
    int i;

    for (i = 0; i < POSTS_A_THREAD; i++) {
        items[i].task.run = on_numbered;
        items[i].number = i;
        if (!loop_post(loop, &items[i].task)) {
            break;
        }
    }
    return NULL;
}

static void posting_while_it_stops_is_safe(void)
{
    static numbered_t items[POSTS_A_THREAD];
    pthread_t thread;

    seen[0] = 0;
    start_loop();
    (void)pthread_create(&thread, NULL, post_until_refused, items);
    loop_stop(loop);
    (void)pthread_join(thread, NULL);
    OK(seen[0] <= POSTS_A_THREAD, "no crash, and no task ran twice");
    apr_pool_destroy(fixture_pool);
}

/* ---- timers ---- */

typedef struct {
    loop_timer_t timer;
    int rank;
} ranked_t;

static ranked_t ranked[TIMERS];
static int last_rank;
static int fired;
static int wrong;
static sem_t timers_done;

static void on_ranked(loop_timer_t *timer)
{
    const ranked_t *item = LOOP_CONTAINER(timer, ranked_t, timer);

    wrong += item->rank < last_rank || item->rank % 2 != 0;
    last_rank = item->rank;
    if (++fired == TIMERS / 2) {
        (void)sem_post(&timers_done);
    }
}

/* Ranks come scattered (7 and TIMERS have no common factor); every other one is disarmed again. */
static void arm_ranked(void *baton)
{
    int i;

    (void)baton;
    for (i = 0; i < TIMERS; i++) {
        ranked[i].rank = i * 7 % TIMERS;
        loop_timer_arm(loop, &ranked[i].timer, MS(50), on_ranked);
        loop_timer_arm(loop, &ranked[i].timer, ranked[i].rank, on_ranked);
    }
    for (i = 0; i < TIMERS; i++) {
        if (ranked[i].rank % 2 != 0) {
            loop_timer_disarm(loop, &ranked[i].timer);
            loop_timer_disarm(loop, &ranked[i].timer);
        }
    }
}

static void timers_fire_in_order(void)
{
    (void)sem_init(&timers_done, 0, 0);
    start_loop();
    on_loop(arm_ranked, NULL);
    wait_for(&timers_done);
    IS_NUMBER(wrong, 0, "timers fire in the order they are due; disarmed ones never");
    IS_NUMBER(ranked[0].timer.timer.position, 0, "a timer that fired is not armed");
    stop_loop();
}

typedef struct {
    loop_timer_t timer;
    loop_timer_t *victim;
    apr_time_t armed_at;
    apr_time_t fired_at;
    int left;
} again_t;

static void on_again(loop_timer_t *timer)
{
    again_t *again = LOOP_CONTAINER(timer, again_t, timer);

    if (--again->left > 0) {
        loop_timer_arm(loop, timer, 0, on_again);
        return;
    }
    again->fired_at = loop_now(loop);
    (void)sem_post(&timers_done);
}

static void on_freed(loop_timer_t *timer)
{
    free(LOOP_CONTAINER(timer, again_t, timer));
    (void)sem_post(&timers_done);
}

static void on_disarming(loop_timer_t *timer)
{
    again_t *again = LOOP_CONTAINER(timer, again_t, timer);

    loop_timer_disarm(loop, again->victim);
    (void)sem_post(&timers_done);
}

static void arm_again(void *baton)
{
    again_t *again = baton;

    again->armed_at = loop_now(loop);
    loop_timer_arm(loop, &again->timer, MS(20), on_again);
}

static void arm_freed(void *baton)
{
    again_t *again = calloc(1, sizeof(*again));

    (void)baton;
    loop_timer_arm(loop, &again->timer, -5, on_freed);
}

static void arm_pair(void *baton)
{
    again_t *pair = baton;

    pair[0].victim = &pair[1].timer;
    loop_timer_arm(loop, &pair[0].timer, 1, on_disarming);
    loop_timer_arm(loop, &pair[1].timer, 2, on_again);
}

static void timers_may_do_as_they_like(void)
{
    again_t again = {.left = 100};
    again_t pair[2] = {{.left = 1}, {.left = 1}};

    start_loop();
    on_loop(arm_again, &again);
    wait_for(&timers_done);
    OK(again.fired_at - again.armed_at >= MS(20), "a timer does not fire early");
    IS_NUMBER(again.left, 0, "a timer may arm itself again, with no delay, and rounds go on");
    on_loop(arm_freed, NULL);
    wait_for(&timers_done);
    OK(1, "a timer may free itself; a delay below 0 is none");
    on_loop(arm_pair, pair);
    wait_for(&timers_done);
    on_loop(nothing, NULL);
    IS_NUMBER(pair[1].left, 1, "a timer may disarm another that is due in the same round");
    stop_loop();
    (void)sem_destroy(&timers_done);
}

/* ---- rounds and the thread ---- */

typedef struct {
    int rounds;
    int inside;
    int blocked;
} rounds_t;

static void on_round(void *baton)
{
    rounds_t *rounds = baton;

    rounds->rounds++;
    rounds->inside = loop_is_current(loop);
}

static void look_at_rounds(void *baton)
{
    rounds_t *rounds = baton;
    sigset_t mask;

    (void)pthread_sigmask(SIG_SETMASK, NULL, &mask);
    rounds->blocked = sigismember(&mask, SIGTERM) && sigismember(&mask, SIGPIPE);
    rounds->rounds = 0;
}

static void a_round_ends_with_its_hook(void)
{
    rounds_t rounds = {0};

    (void)apr_pool_create(&fixture_pool, NULL);
    (void)loop_create(&loop, fixture_pool);
    loop_on_round_end(loop, on_round, &rounds);
    (void)loop_start(loop);
    on_loop(look_at_rounds, &rounds);
    loop_stop(loop);
    OK(rounds.rounds >= 1 && rounds.rounds <= 4, "the hook runs once a round, the last one too");
    OK(rounds.inside, "on the I/O thread");
    OK(rounds.blocked, "which has its signals blocked");
    apr_pool_destroy(fixture_pool);
}

int main(void)
{
    fixture_begin();
    tasks_of_many_threads_keep_their_order();
    the_io_thread_may_post_too();
    after_the_end_nothing_is_taken();
    posting_while_it_stops_is_safe();
    timers_fire_in_order();
    timers_may_do_as_they_like();
    a_round_ends_with_its_hook();
    return tap_done();
}
