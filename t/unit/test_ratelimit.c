/* shm/ratelimit: one count over threads and processes, also when they die; a full table. */
#include "shm/ratelimit.h"

#include "base/clock.h"
#include "shm/digest.h"
#include "shm/lock.h"

#include "shared_fixture.h"
#include "tap.h"

#include <apr_general.h>
#include <pthread.h>
#include <stdatomic.h>

#define DAY   apr_time_from_sec(86400)
#define MONTH (30 * DAY)

static ratelimit_t *make(unsigned clients)
{
    ratelimit_t *limits = shared_memory(ratelimit_size(clients));

    if (!ratelimit_init(limits, clients)) {
        exit(2);
    }
    return limits;
}

static int take(ratelimit_t *limits, const char *scope, const char *key, uint32_t n, apr_time_t now)
{
    const sliding_log_rule_t rule = {n, MONTH};
    ratelimit_verdict_t verdict;

    ratelimit_take(limits, scope, key, &rule, now, &verdict);
    return verdict.log.allowed;
}

static void sizes_are_bounded(void)
{
    printf("# 65,536 clients take %zu bytes\n", ratelimit_size(65536));
    OK(ratelimit_size(65536) < 20u << 20, "65,536 clients fit in 20 MB");
    OK(ratelimit_size(1) > 0 && ratelimit_size(RATELIMIT_CLIENTS_MAX) > 0, "the bounds are good");
    IS_NUMBER(ratelimit_size(0), 0, "no client is no table");
    IS_NUMBER(ratelimit_size(RATELIMIT_CLIENTS_MAX + 1), 0, "nor are more than there can be");
}

static void clients_are_told_apart(void)
{
    ratelimit_t *limits = make(100);
    const sliding_log_rule_t rule = {2, apr_time_from_sec(10)};
    ratelimit_verdict_t verdict;

    OK(take(limits, "server", "one", 1, DAY), "the first request of a client");
    OK(!take(limits, "server", "one", 1, DAY), "its second is over the limit");
    OK(take(limits, "server", "two", 1, DAY), "another client has its own count");
    OK(take(limits, "serve", "rone", 1, DAY), "scope and key are not one text");
    OK(take(limits, "other", "one", 1, DAY), "and so has the same client elsewhere");
    ratelimit_take(limits, "short", "one", &rule, DAY, &verdict);
    IS_NUMBER(verdict.log.remaining, 1, "what remains");
    IS_NUMBER(verdict.log.reset, apr_time_from_sec(10), "until when");
    IS_NUMBER(verdict.evicted, 0, "nobody had to go");
}

/* ---- threads and processes ---- */

#define WORKERS 8
#define CLIENTS 5
#define EACH    100

typedef struct {
    ratelimit_t *limits;
    atomic_int *allowed; /* by client */
} crowd_t;

static void ask_a_lot(void *baton)
{
    const crowd_t *crowd = baton;
    int i;

    for (i = 0; i < 400; i++) {
        const char key[] = {(char)('a' + i % CLIENTS), '\0'};
        if (take(crowd->limits, "s", key, EACH, clock_monotonic())) {
            atomic_fetch_add(&crowd->allowed[i % CLIENTS], 1);
        }
    }
}

static void *in_thread(void *baton)
{
    ask_a_lot(baton);
    return NULL;
}

static crowd_t make_crowd(void)
{
    const crowd_t crowd = {make(100), shared_memory(CLIENTS * sizeof(atomic_int))};

    return crowd;
}

static int all_have(const crowd_t *crowd, int number)
{
    int client;

    for (client = 0; client < CLIENTS; client++) {
        if (atomic_load(&crowd->allowed[client]) != number) {
            printf("# client %d: %d\n", client, atomic_load(&crowd->allowed[client]));
            return 0;
        }
    }
    return 1;
}

static void threads_share_the_count(void)
{
    crowd_t crowd = make_crowd();
    pthread_t threads[WORKERS];
    int i;

    for (i = 0; i < WORKERS; i++) {
        (void)pthread_create(&threads[i], NULL, in_thread, &crowd);
    }
    for (i = 0; i < WORKERS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    OK(all_have(&crowd, EACH), "8 threads, 5 clients: exactly 100 requests each");
}

static void processes_share_the_count(void)
{
    crowd_t crowd = make_crowd();
    pid_t children[WORKERS];
    int good = 1;
    int i;

    for (i = 0; i < WORKERS; i++) {
        children[i] = shared_process(ask_a_lot, &crowd);
    }
    for (i = 0; i < WORKERS; i++) {
        good = shared_wait(children[i]) && good;
    }
    OK(good && all_have(&crowd, EACH), "8 processes, 5 clients: exactly 100 requests each");
}

/* ---- dying ---- */

static void die_inside(void *lock)
{
    lock_take(lock);
    (void)raise(SIGKILL);
}

static void a_lock_outlives_its_holder(void)
{
    lock_t *lock = shared_memory(sizeof(*lock));
    int died = 0;
    int i;

    OK(lock_init(lock), "the system has such locks");
    for (i = 0; i < 3; i++) {
        died += !shared_wait(shared_process(die_inside, lock));
        lock_take(lock);
        lock_release(lock);
    }
    IS_NUMBER(died, 3, "three processes die with the lock, and the next one gets it each time");
}

typedef struct {
    ratelimit_t *limits;
    atomic_int begun;
    atomic_int allowed;
} victim_t;

static void ask_for_ever(void *baton)
{
    victim_t *victim = baton;

    for (;;) {
        atomic_fetch_add(&victim->begun, 1);
        if (take(victim->limits, "s", "victim", SLIDING_LOG_N_MAX, clock_monotonic())) {
            atomic_fetch_add(&victim->allowed, 1);
        }
    }
}

/* Each killed process may have been counted for one request more than it knew of. */
static void killed_processes_harm_nobody(void)
{
    const sliding_log_rule_t rule = {SLIDING_LOG_N_MAX, MONTH};
    victim_t *victim = shared_memory(sizeof(*victim));
    ratelimit_verdict_t verdict;
    const int kills = 100;
    int counted;
    int known;
    int i;

    victim->limits = make(1);
    for (i = 0; i < kills; i++) {
        const pid_t child = shared_process(ask_for_ever, victim);
        const int before = atomic_load(&victim->begun);
        while (atomic_load(&victim->begun) < before + 10 + i) {
            (void)sched_yield();
        }
        shared_kill(child);
    }
    ratelimit_take(victim->limits, "s", "victim", &rule, clock_monotonic(), &verdict);
    counted = (int)(SLIDING_LOG_N_MAX - verdict.log.remaining) - 1;
    known = atomic_load(&victim->allowed);
    printf("# %d requests, %d counted\n", known, counted);
    OK(counted >= known && counted <= known + kills,
       "100 processes killed in between: no request is lost, none counted twice");
}

/* ---- a full table ---- */

static const char *name_of(unsigned number)
{
    static char name[16];

    (void)snprintf(name, sizeof(name), "%u", number);
    return name;
}

/* One bucket of 32 places. */
static void the_oldest_has_to_go(void)
{
    ratelimit_t *limits = make(20);
    const sliding_log_rule_t rule = {1, apr_time_from_sec(10)};
    ratelimit_verdict_t verdict;
    unsigned i;

    for (i = 0; i < 32; i++) {
        (void)take(limits, "s", name_of(i), 1, DAY + i * 1000);
    }
    IS_NUMBER(ratelimit_evictions(limits), 0, "32 clients have room");
    OK(!take(limits, "s", "0", 1, DAY + 40000), "the first one asks again");
    ratelimit_take(limits, "s", "new", &rule, DAY + 50000, &verdict);
    OK(verdict.log.allowed && verdict.evicted == 1, "the next one takes somebody's place");
    OK(!take(limits, "s", "0", 1, DAY + 60000), "not that of the one who just asked, in vain");
    OK(!take(limits, "s", "2", 1, DAY + 60000), "nor that of the second oldest");
    OK(take(limits, "s", "1", 1, DAY + 70000), "but of the one not seen for longest");
    IS_NUMBER(ratelimit_evictions(limits), 2, "which then takes a place in turn");
    ratelimit_take(limits, "s", "newer", &rule, DAY + apr_time_from_sec(11), &verdict);
    OK(verdict.log.allowed && verdict.evicted == 0, "one whose window has passed makes room first");
    OK(!take(limits, "s", "1", 1, DAY + apr_time_from_sec(12)), "and the others stay");
}

static void few_are_forgotten_in_a_full_table(void)
{
    const unsigned clients = 8192;
    ratelimit_t *limits = make(clients);
    unsigned i;

    for (i = 0; i < clients; i++) {
        (void)take(limits, "s", name_of(i), 1, DAY + i);
    }
    printf("# %llu of %u forgotten\n", (unsigned long long)ratelimit_evictions(limits), clients);
    OK(ratelimit_evictions(limits) < clients / 100,
       "a table with as many clients as it is made for forgets about one in a thousand");
}

static void digests_differ(void)
{
    digest_keys_t keys;
    digest_keys_t others;

    OK(digest_keys_make(&keys) && digest_keys_make(&others), "there is randomness");
    OK(digest_equal(digest_make(&keys, "a", "b"), digest_make(&keys, "a", "b")),
       "the same texts have the same digest");
    OK(!digest_equal(digest_make(&keys, "a", "b"), digest_make(&keys, "b", "a")),
       "their order matters");
    OK(!digest_equal(digest_make(&keys, "a", "b"), digest_make(&others, "a", "b")),
       "and so do the keys");
}

int main(void)
{
    (void)apr_initialize();
    atexit(apr_terminate);
    sizes_are_bounded();
    clients_are_told_apart();
    processes_share_the_count();
    a_lock_outlives_its_holder();
    killed_processes_harm_nobody();
    the_oldest_has_to_go();
    few_are_forgotten_in_a_full_table();
    digests_differ();
    threads_share_the_count(); /* the last: their stacks stay, and would be the processes' leaks */
    return tap_done();
}
