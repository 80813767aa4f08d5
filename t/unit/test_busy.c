/* shm/busy: one turn of a session at a time, over threads and processes, also when they die. */
#include "shm/busy.h"

#include "shared_fixture.h"
#include "tap.h"

#include <apr_general.h>
#include <pthread.h>
#include <stdatomic.h>

#define NOW   apr_time_from_sec(1000)
#define UNTIL apr_time_from_sec(1030)

static busy_t *make(unsigned claims)
{
    busy_t *busy = shared_memory(busy_size(claims));

    if (!busy_init(busy, claims)) {
        exit(2);
    }
    return busy;
}

static int claim(busy_t *busy, const char *session, busy_claim_t *mine)
{
    return busy_claim(busy, "store", session, UNTIL, NOW, mine);
}

static void a_session_has_one_turn(void)
{
    busy_t *busy = make(100);
    busy_claim_t mine;
    busy_claim_t other;

    OK(claim(busy, "s1", &mine), "a session is claimed");
    OK(!claim(busy, "s1", &other), "and busy then");
    OK(claim(busy, "s2", &other), "another one is not");
    OK(busy_claim(busy, "elsewhere", "s1", UNTIL, NOW, &other), "nor is the id in another store");
    busy_release(busy, &mine);
    OK(claim(busy, "s1", &other), "when it was given back it can be claimed again");
    busy_release(busy, &mine);
    OK(!claim(busy, "s1", &mine), "giving back twice does nothing");
}

static void claims_end_by_themselves(void)
{
    busy_t *busy = make(100);
    busy_claim_t late;
    busy_claim_t mine;
    busy_claim_t other;

    (void)claim(busy, "s1", &late);
    OK(!busy_claim(busy, "store", "s1", UNTIL, UNTIL - 1, &other), "busy until its time is up");
    OK(busy_claim(busy, "store", "s1", UNTIL + 30, UNTIL, &mine), "and not longer");
    busy_release(busy, &late);
    OK(!busy_claim(busy, "store", "s1", UNTIL + 30, UNTIL, &other),
       "who gives back too late does not give back another's claim");
}

static void claim_and_die(void *busy)
{
    busy_claim_t mine;

    (void)claim(busy, "s1", &mine);
    (void)claim(busy, "s2", &mine);
    (void)raise(SIGKILL);
}

static void the_dead_have_no_turn(void)
{
    busy_t *busy = make(100);
    busy_claim_t mine;
    const pid_t child = shared_process(claim_and_die, busy);

    (void)shared_wait(child);
    (void)claim(busy, "s3", &mine);
    OK(!claim(busy, "s1", &mine) && !claim(busy, "s2", &mine), "who dies leaves claims behind");
    busy_reap(busy, child);
    OK(claim(busy, "s1", &mine) && claim(busy, "s2", &mine), "until they are reaped");
    OK(!claim(busy, "s3", &mine), "which leaves those of others");
}

static void claim_for_ever(void *busy)
{
    busy_claim_t mine;

    for (;;) {
        if (claim(busy, "s1", &mine)) {
            busy_release(busy, &mine);
        }
    }
}

static void a_death_inside_leaves_the_table_whole(void)
{
    busy_t *busy = make(1);
    busy_claim_t mine;
    int good = 1;
    int i;

    for (i = 0; i < 50; i++) {
        const pid_t child = shared_process(claim_for_ever, busy);
        int turn;
        for (turn = 0; turn < 200; turn++) {
            (void)claim(busy, "s2", &mine);
            busy_release(busy, &mine);
        }
        shared_kill(child);
        busy_reap(busy, child);
        good = claim(busy, "s1", &mine) && good;
        busy_release(busy, &mine);
    }
    OK(good, "50 processes killed in between: the session is free after each");
}

/* One bucket of eight places. */
static void a_full_table_refuses_nobody(void)
{
    busy_t *busy = make(1);
    busy_claim_t claims[9];
    int good = 1;
    int i;

    for (i = 0; i < 9; i++) {
        const char session[] = {(char)('a' + i), '\0'};
        good = claim(busy, session, &claims[i]) && good;
    }
    OK(good, "nine sessions in eight places: all have their turn");
    OK(!claim(busy, "a", &claims[8]), "those written down are busy");
    busy_release(busy, &claims[3]);
    OK(claim(busy, "j", &claims[8]) && !claim(busy, "j", &claims[3]), "and make room at their end");
    IS_NUMBER(busy_size(0), 0, "no claim is no table");
    IS_NUMBER(busy_size(BUSY_CLAIMS_MAX + 1), 0, "nor are more than there can be");
}

/* ---- threads ---- */

static struct {
    busy_t *busy;
    atomic_int inside;
    atomic_int most;
    atomic_int turns;
} crowd;

static void *in_thread(void *baton)
{
    busy_claim_t mine;
    int i;

    for (i = 0; i < 5000; i++) {
        if (claim(crowd.busy, "s1", &mine)) {
            const int inside = atomic_fetch_add(&crowd.inside, 1) + 1;
            if (inside > atomic_load(&crowd.most)) {
                atomic_store(&crowd.most, inside);
            }
            atomic_fetch_add(&crowd.turns, 1);
            atomic_fetch_sub(&crowd.inside, 1);
            busy_release(crowd.busy, &mine);
        }
    }
    return baton;
}

static void threads_take_turns(void)
{
    pthread_t threads[4];
    int i;

    crowd.busy = make(100);
    for (i = 0; i < 4; i++) {
        (void)pthread_create(&threads[i], NULL, in_thread, NULL);
    }
    for (i = 0; i < 4; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    printf("# %d turns\n", atomic_load(&crowd.turns));
    IS_NUMBER(atomic_load(&crowd.most), 1, "four threads, one session: never two at a time");
}

int main(void)
{
    (void)apr_initialize();
    atexit(apr_terminate);
    a_session_has_one_turn();
    claims_end_by_themselves();
    the_dead_have_no_turn();
    a_death_inside_leaves_the_table_whole();
    a_full_table_refuses_nobody();
    threads_take_turns();
    return tap_done();
}
