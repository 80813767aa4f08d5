/*
 * Test Anything Protocol for C: each unit test is one program that prints TAP.
 *
 *     int main(void) { OK(1 + 1 == 2, "addition"); IS("a", "a", "texts"); return tap_done(); }
 */
#ifndef UNIT_TAP_H
#define UNIT_TAP_H

#include <stdio.h>
#include <string.h>

static int tap_run;
static int tap_failed;

static inline int tap_ok(int truth, const char *file, int line, const char *what)
{
    tap_run++;
    printf("%sok %d - %s\n", truth ? "" : "not ", tap_run, what);
    if (!truth) {
        tap_failed++;
        printf("#   failed at %s line %d\n", file, line);
    }
    (void)fflush(stdout);
    return truth;
}

static inline int tap_is(const char *got, const char *expected, const char *file, int line,
                         const char *what)
{
    int same = got == expected || (got != NULL && expected != NULL && strcmp(got, expected) == 0);

    tap_ok(same, file, line, what);
    if (!same) {
        printf("#        got: %s\n#   expected: %s\n", got != NULL ? got : "(null)",
               expected != NULL ? expected : "(null)");
    }
    return same;
}

static inline int tap_is_number(long long got, long long expected, const char *file, int line,
                                const char *what)
{
    tap_ok(got == expected, file, line, what);
    if (got != expected) {
        printf("#        got: %lld\n#   expected: %lld\n", got, expected);
    }
    return got == expected;
}

/* Prints the plan; the exit status of the program. */
static inline int tap_done(void)
{
    printf("1..%d\n", tap_run);
    return tap_failed > 0;
}

#define OK(truth, what)         tap_ok(!!(truth), __FILE__, __LINE__, what)
#define IS(got, expected, what) tap_is((got), (expected), __FILE__, __LINE__, what)
#define IS_NUMBER(got, expected, what)                                                             \
    tap_is_number((long long)(got), (long long)(expected), __FILE__, __LINE__, what)

#endif
