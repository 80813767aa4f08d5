/* shm/: chats in flight counted over processes, also when one of them dies. */
#include "shm/gauge.h"
#include "shm/segment.h"

#include "tap.h"

#include <apr_general.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static apr_pool_t *pool;

static segment_plan_t plan_of(size_t each)
{
    segment_plan_t plan;
    int part;

    for (part = 0; part < SEGMENT_PARTS; part++) {
        plan.sizes[part] = each + (size_t)part;
    }
    return plan;
}

static void the_segment_is_planned(void)
{
    segment_plan_t plan = plan_of(100);
    segment_plan_t other = plan_of(101);
    segment_t *segment = NULL;
    int part;

    IS_NUMBER(segment_create(&segment, &plan, pool), APR_SUCCESS, "the segment is made");
    OK(segment_fits(segment, &plan), "it fits its plan");
    OK(!segment_fits(segment, &other), "it does not fit another one");
    OK(segment_bytes(segment) >= (size_t)SEGMENT_PARTS * 128, "it has room for all parts");
    for (part = 0; part < SEGMENT_PARTS; part++) {
        memset(segment_part(segment, (segment_part_e)part), part + 1, plan.sizes[part]);
    }
    for (part = 0; part < SEGMENT_PARTS; part++) {
        const char *bytes = segment_part(segment, (segment_part_e)part);
        OK((size_t)bytes % 64 == 0 && bytes[0] == part + 1 &&
               bytes[plan.sizes[part] - 1] == part + 1,
           "a part is aligned and nobody else's");
    }
    plan.sizes[SEGMENT_GAUGE] = 0;
    IS_NUMBER(segment_create(&segment, &plan, pool), APR_EINVAL, "an empty part is no plan");
    plan.sizes[SEGMENT_GAUGE] = (size_t)-1;
    IS_NUMBER(segment_create(&segment, &plan, pool), APR_EINVAL, "nor is one beyond all memory");
}

static gauge_t *make_gauge(unsigned children, unsigned *slots)
{
    segment_plan_t plan = plan_of(1);
    segment_t *segment = NULL;

    plan.sizes[SEGMENT_GAUGE] = gauge_size(children);
    (void)segment_create(&segment, &plan, pool);
    *slots = children;
    return segment_part(segment, SEGMENT_GAUGE);
}

static void chats_are_counted(void)
{
    unsigned slots;
    gauge_t *gauge = make_gauge(2, &slots);
    unsigned a = 9;
    unsigned b = 9;
    unsigned c;

    OK(gauge_join(gauge, slots, 100, &a) && gauge_join(gauge, slots, 200, &b) && a != b,
       "each child has a slot of its own");
    OK(!gauge_join(gauge, slots, 300, &c), "there is none for a third");
    OK(gauge_enter(gauge, a, 2) && gauge_enter(gauge, b, 2), "two chats fit");
    OK(!gauge_enter(gauge, a, 2), "the third is refused");
    IS_NUMBER(gauge_total(gauge), 2, "and not counted");
    gauge_leave(gauge, a);
    OK(gauge_enter(gauge, b, 2), "one left, so one fits");
    gauge_reap(gauge, slots, 200);
    IS_NUMBER(gauge_total(gauge), 0, "a child that ended gives back what it counted");
    OK(gauge_join(gauge, slots, 300, &c), "and its slot is free");
    gauge_reap(gauge, slots, 999);
    IS_NUMBER(gauge_total(gauge), 0, "an unknown child changes nothing");
}

static void a_killed_child_harms_nobody(void)
{
    unsigned slots;
    gauge_t *gauge = make_gauge(4, &slots);
    unsigned slot = 0;
    int status;
    pid_t child = fork();

    if (child == 0) {
        (void)gauge_join(gauge, slots, getpid(), &slot);
        (void)gauge_enter(gauge, slot, 10);
        (void)gauge_enter(gauge, slot, 10);
        abort();
    }
    (void)waitpid(child, &status, 0);
    IS_NUMBER(gauge_total(gauge), 2, "a killed child leaves its chats behind");
    gauge_reap(gauge, slots, child);
    IS_NUMBER(gauge_total(gauge), 0, "until the parent reaps it");
}

static void the_last_child_knows(void)
{
    unsigned slots;
    gauge_t *gauge = make_gauge(3, &slots);
    unsigned a = 9;
    unsigned b = 9;
    unsigned c = 9;

    (void)gauge_join(gauge, slots, 100, &a);
    (void)gauge_join(gauge, slots, 200, &b);
    (void)gauge_join(gauge, slots, 300, &c);
    OK(!gauge_depart(gauge, slots, a), "the first child to leave is not the last");
    gauge_reap(gauge, slots, 200);
    OK(gauge_depart(gauge, slots, c), "one is gone, the other leaves: it is the last");
    gauge_reap(gauge, slots, 100);
    (void)gauge_join(gauge, slots, 400, &a);
    OK(!gauge_depart(gauge, slots, c), "a new child has not left");
}

int main(void)
{
    (void)apr_initialize();
    atexit(apr_terminate);
    (void)apr_pool_create(&pool, NULL);
    the_segment_is_planned();
    chats_are_counted();
    a_killed_child_harms_nobody();
    the_last_child_knows();
    return tap_done();
}
