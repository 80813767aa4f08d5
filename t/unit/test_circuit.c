/* shm/circuit: it opens, lets one try, and closes or opens again; over processes too. */
#include "shm/circuit.h"

#include "tap.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECOND 1000000LL

static const circuit_settings_t settings = {50, 4, 30 * SECOND, 10 * SECOND};

static circuits_t *make(unsigned count)
{
    return mmap(NULL, circuit_size(count), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                0);
}

static int report(circuit_t *circuit, long long second, int failed)
{
    return circuit_report(circuit, &settings, second * SECOND, failed);
}

static long long refused_for(circuit_t *circuit, long long second)
{
    apr_interval_time_t wait = 0;

    return circuit_allows(circuit, &settings, second * SECOND, &wait) ? 0 : wait / SECOND;
}

static void circuits_have_names(void)
{
    circuits_t *circuits = make(2);
    circuit_t *a = circuit_find(circuits, 2, "a");
    circuit_t *b = circuit_find(circuits, 2, "b");

    OK(a != NULL && b != NULL && a != b, "each name has its circuit");
    OK(circuit_find(circuits, 2, "a") == a, "and finds it again");
    OK(circuit_find(circuits, 2, "c") == NULL, "there is none when all are taken");
}

static void it_opens_and_closes(void)
{
    circuit_t *circuit = circuit_find(make(1), 1, "a");

    OK(!report(circuit, 100, 1) && !report(circuit, 101, 1) && !report(circuit, 102, 0),
       "three calls are too few to judge");
    IS_NUMBER(refused_for(circuit, 102), 0, "it is closed");
    OK(report(circuit, 103, 1), "three of four failed: it opens");
    IS_NUMBER(refused_for(circuit, 104), 9, "and says for how long");
    OK(circuit_is_open(circuit, 104 * SECOND), "the status says so");
    OK(!report(circuit, 105, 0), "a call from before does not close it");
    IS_NUMBER(refused_for(circuit, 105), 8, "it is still open");
    IS_NUMBER(refused_for(circuit, 113), 0, "its time has passed: one may try");
    IS_NUMBER(refused_for(circuit, 114), 9, "but only one");
    OK(report(circuit, 115, 1), "that one failed: it opens again");
    IS_NUMBER(refused_for(circuit, 116), 9, "for as long as before");
    IS_NUMBER(refused_for(circuit, 125), 0, "another one may try");
    OK(!report(circuit, 126, 0), "it went well");
    IS_NUMBER(refused_for(circuit, 126), 0, "so it is closed");
    OK(!report(circuit, 127, 1), "and the failures of before are forgotten");
}

static void old_failures_do_not_count(void)
{
    circuit_t *circuit = circuit_find(make(1), 1, "a");
    int i;

    OK(!report(circuit, 100, 1) && !report(circuit, 100, 1) && !report(circuit, 100, 1),
       "three failures");
    for (i = 0; i < 10; i++) {
        (void)report(circuit, 131, 0);
    }
    OK(!report(circuit, 131, 1), "one of eleven in this window is no reason");
    IS_NUMBER(refused_for(circuit, 131), 0, "it is closed");
}

static void a_probe_that_never_ends_does_not_block(void)
{
    circuit_t *circuit = circuit_find(make(1), 1, "a");
    int i;

    for (i = 0; i < 4; i++) {
        (void)report(circuit, 100, 1);
    }
    IS_NUMBER(refused_for(circuit, 110), 0, "one may try, and is never heard of again");
    IS_NUMBER(refused_for(circuit, 115), 5, "the others wait");
    IS_NUMBER(refused_for(circuit, 120), 0, "then the next one may");
}

static void off_is_off(void)
{
    static const circuit_settings_t off = {0, 1, SECOND, SECOND};
    circuit_t *circuit = circuit_find(make(1), 1, "a");
    apr_interval_time_t wait = 0;

    OK(!circuit_report(circuit, &off, SECOND, 1) && !circuit_report(circuit, &off, SECOND, 1),
       "it never opens");
    OK(circuit_allows(circuit, &off, SECOND, &wait), "it always allows");
}

static void children_share_it(void)
{
    circuits_t *circuits = make(4);
    circuit_t *circuit = circuit_find(circuits, 4, "a");
    int i;

    for (i = 0; i < 4; i++) {
        pid_t child = fork();
        if (child == 0) {
            (void)report(circuit_find(circuits, 4, "a"), 100, 1);
            _exit(0);
        }
        (void)waitpid(child, NULL, 0);
    }
    OK(circuit_is_open(circuit, 101 * SECOND), "four children saw one failure each: it is open");
    (void)circuit_find(circuits, 4, "b");
    IS_NUMBER(circuit_count_open(circuits, 4, 101 * SECOND), 1, "one of two circuits is open");
    IS_NUMBER(circuit_count_open(circuits, 4, 1000 * SECOND), 0, "none later");
}

int main(void)
{
    circuits_have_names();
    it_opens_and_closes();
    old_failures_do_not_count();
    a_probe_that_never_ends_does_not_block();
    off_is_off();
    children_share_it();
    return tap_done();
}
