/* shm/sliding_log: against a list of all requests, with random traffic of many kinds. */
#include "shm/sliding_log.h"

#include "tap.h"

#include <stdlib.h>

#define HOUR apr_time_from_sec(3600)
#define DAY  apr_time_from_sec(86400)
#define MOST 200000

static uint64_t random_state = 88172645463325252ULL;

static uint64_t any(uint64_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % bound;
}

/* ---- the model: every request that was allowed ---- */

static struct {
    apr_time_t at[MOST];
    size_t count;
    size_t first; /* still in the window */
} list;

static void model_take(const sliding_log_rule_t *rule, apr_time_t now,
                       sliding_log_verdict_t *verdict)
{
    size_t held;

    while (list.first < list.count && list.at[list.first] <= now - rule->window) {
        list.first++;
    }
    held = list.count - list.first;
    verdict->allowed = held < rule->n;
    if (verdict->allowed) {
        list.at[list.count++] = now;
        held++;
    }
    verdict->remaining = held < rule->n ? rule->n - (uint32_t)held : 0;
    verdict->reset = list.at[list.first] + rule->window - now;
}

static void model_clear(void)
{
    list.count = 0;
    list.first = 0;
}

static int same(const sliding_log_verdict_t *one, const sliding_log_verdict_t *other)
{
    return one->allowed == other->allowed && one->remaining == other->remaining &&
           one->reset == other->reset;
}

/* Mostly a little later, sometimes at an edge of the window, to the microsecond. */
static apr_time_t next_time(apr_time_t now, const sliding_log_rule_t *rule)
{
    const apr_time_t edge = list.first < list.count ? list.at[list.first] + rule->window : now;

    switch (any(8)) {
    case 0: return edge - 1 >= now ? edge - 1 : now;
    case 1: return edge >= now ? edge : now;
    case 2: return now;
    case 3: return now + (apr_time_t)any((uint64_t)rule->window * 2);
    default: return now + (apr_time_t)any((uint64_t)rule->window * 2 / rule->n);
    }
}

static int agrees_with_model(uint32_t n, apr_interval_time_t window, apr_time_t now)
{
    const sliding_log_rule_t rule = {n, window};
    sliding_log_t log = {.used = 0};
    int i;

    model_clear();
    for (i = 0; i < 20000; i++) {
        sliding_log_verdict_t expected;
        sliding_log_verdict_t got;
        now = next_time(now, &rule);
        model_take(&rule, now, &expected);
        sliding_log_take(&log, &rule, now, &got);
        if (!same(&got, &expected)) {
            printf("# n %u, step %d: %d %u %lld, not %d %u %lld\n", n, i, got.allowed,
                   got.remaining, (long long)got.reset, expected.allowed, expected.remaining,
                   (long long)expected.reset);
            return 0;
        }
    }
    return 1;
}

static void it_is_exact_while_there_is_room(void)
{
    static const uint32_t ns[] = {1, 2, 3, 7, 15, 16};
    size_t i;
    int good = 1;

    for (i = 0; i < sizeof(ns) / sizeof(ns[0]); i++) {
        good = good && agrees_with_model(ns[i], apr_time_from_sec(1), 5000000);
        good = good && agrees_with_model(ns[i], HOUR, 5000000);
        good = good && agrees_with_model(ns[i], 30 * DAY, DAY * 100);
        good = good && agrees_with_model(ns[i], HOUR, ((apr_time_t)1 << 42) - HOUR);
    }
    OK(good, "up to 16 requests a window: as the list of all requests says, to the microsecond");
    OK(agrees_with_model(1, apr_time_from_sec(1), 0), "from the clock's start on");
}

/* ---- more requests than cells ---- */

typedef apr_interval_time_t pause_t(const sliding_log_rule_t *rule);

static apr_interval_time_t steadily(const sliding_log_rule_t *rule)
{
    return rule->window / rule->n;
}

static apr_interval_time_t eagerly(const sliding_log_rule_t *rule)
{
    return rule->window / rule->n / 10;
}

static apr_interval_time_t randomly(const sliding_log_rule_t *rule)
{
    return (apr_interval_time_t)any((uint64_t)(rule->window / rule->n * 2));
}

static apr_interval_time_t in_bursts(const sliding_log_rule_t *rule)
{
    return any(rule->n / 3 + 1) == 0 ? (apr_interval_time_t)any((uint64_t)rule->window)
                                     : (apr_interval_time_t)any(3000);
}

static apr_interval_time_t at_once(const sliding_log_rule_t *rule)
{
    (void)rule;
    return 0;
}

/* How many of a model's requests are allowed, in percent; 0 when a window had more than n. */
static unsigned replay(uint32_t n, apr_interval_time_t window, pause_t *pause, int obedient)
{
    const sliding_log_rule_t rule = {n, window};
    sliding_log_t log = {.used = 0};
    apr_time_t now = DAY;
    apr_time_t end = now + 20 * window;
    size_t fair;
    size_t count = 0;
    static apr_time_t at[MOST];

    model_clear();
    while (now < end && list.count < MOST && count < MOST) {
        sliding_log_verdict_t expected;
        sliding_log_verdict_t verdict;
        model_take(&rule, now, &expected);
        sliding_log_take(&log, &rule, now, &verdict);
        if (verdict.allowed) {
            at[count++] = now;
            if (count > n && at[count - 1] - at[count - 1 - n] < window) {
                return 0;
            }
        }
        now += !verdict.allowed && obedient ? verdict.reset : pause(&rule);
        if (!verdict.allowed && pause == at_once) {
            now += window / 50;
        }
    }
    fair = list.count;
    return (unsigned)(count * 100 / fair);
}

static void merging_is_conservative(void)
{
    static pause_t *const kinds[] = {steadily, eagerly, randomly, in_bursts, at_once};
    static const uint32_t ns[] = {17, 20, 100, 1000};
    unsigned least = 100;
    size_t kind;
    size_t i;

    for (kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
        for (i = 0; i < 2 * sizeof(ns) / sizeof(ns[0]); i++) {
            unsigned share = replay(ns[i / 2], kind % 2 == 0 ? HOUR : 30 * DAY, kinds[kind], i % 2);
            least = share < least ? share : least;
        }
    }
    printf("# the least share of what could be allowed: %u %%\n", least);
    OK(least > 0, "no window ever has more than n");
    OK(least >= 80, "and at least four fifths of what is possible are allowed");
}

static void retry_after_is_kept(void)
{
    const sliding_log_rule_t rule = {100, apr_time_from_sec(60)};
    sliding_log_t log = {.used = 0};
    sliding_log_verdict_t verdict;
    sliding_log_verdict_t look;
    apr_time_t now = DAY;
    int kept = 1;
    int needed = 1;
    int i;

    for (i = 0; i < 100000; i++) {
        now += (apr_time_t)any(900000);
        sliding_log_look(&log, &rule, now, &look);
        sliding_log_take(&log, &rule, now, &verdict);
        kept = kept && look.allowed == verdict.allowed;
        if (!verdict.allowed) {
            sliding_log_look(&log, &rule, now + verdict.reset - 1, &look);
            needed = needed && !look.allowed;
            now += verdict.reset;
            sliding_log_take(&log, &rule, now, &verdict);
            kept = kept && verdict.allowed;
        }
    }
    OK(kept, "a request that waits for `reset` is allowed, to the microsecond");
    OK(needed, "one that does not is refused");
}

/* ---- bounds ---- */

static void a_million_in_thirty_days(void)
{
    const sliding_log_rule_t rule = {1000000, 30 * DAY};
    sliding_log_t log = {.used = 0};
    sliding_log_verdict_t verdict = {0, 0, 0};
    apr_time_t now = 400 * DAY;
    int allowed = 0;
    int i;

    for (i = 0; i < 1000000; i++) {
        sliding_log_take(&log, &rule, now, &verdict);
        allowed += verdict.allowed;
        now += 1000000;
    }
    IS_NUMBER(allowed, 1000000, "a million requests are counted");
    IS_NUMBER(verdict.remaining, 0, "no more remain");
    sliding_log_take(&log, &rule, now, &verdict);
    OK(!verdict.allowed && verdict.reset > 18 * DAY && verdict.reset < 30 * DAY,
       "the next one has to wait for weeks");
    sliding_log_take(&log, &rule, now + verdict.reset, &verdict);
    OK(verdict.allowed, "and is allowed then");
}

static void times_do_not_wrap(void)
{
    const sliding_log_rule_t rule = {1, 30 * DAY};
    const apr_interval_time_t wrap = (apr_interval_time_t)1 << 42;
    sliding_log_t log = {.used = 0};
    sliding_log_verdict_t verdict;
    int good = 1;
    int i;

    for (i = 1; i < 5; i++) {
        sliding_log_take(&log, &rule, DAY + i * wrap, &verdict);
        good = good && verdict.allowed;
        sliding_log_take(&log, &rule, DAY + i * wrap + 30 * DAY - 1, &verdict);
        good = good && !verdict.allowed && verdict.reset == 1;
    }
    OK(good, "a client who comes back after 50 days is new");
    OK(sliding_log_is_over(&log, DAY + 5 * wrap), "what it knew is over");
    OK(!sliding_log_is_over(&log, DAY + 4 * wrap + 30 * DAY - 1), "until then it is not");
}

static void clocks_of_two_threads_cross(void)
{
    const sliding_log_rule_t rule = {3, apr_time_from_sec(1)};
    sliding_log_t log = {.used = 0};
    sliding_log_verdict_t verdict;

    sliding_log_take(&log, &rule, DAY + 500000, &verdict);
    sliding_log_take(&log, &rule, DAY, &verdict);
    OK(verdict.allowed && verdict.remaining == 1, "an earlier time is counted");
    IS_NUMBER(verdict.reset, 1500000, "as of the last one");
    sliding_log_take(&log, &rule, DAY + 1400000, &verdict);
    OK(verdict.allowed && verdict.remaining == 0, "so both are in the window");
}

static void the_rule_changes(void)
{
    sliding_log_rule_t rule = {10, HOUR};
    sliding_log_t log = {.used = 0};
    sliding_log_verdict_t verdict;
    int i;

    for (i = 0; i < 10; i++) {
        sliding_log_take(&log, &rule, DAY + i * apr_time_from_sec(60), &verdict);
    }
    rule.n = 4;
    sliding_log_take(&log, &rule, DAY + apr_time_from_sec(600), &verdict);
    OK(!verdict.allowed, "a lower limit holds at once");
    IS_NUMBER(verdict.reset, HOUR + apr_time_from_sec(360 - 600),
              "until enough of the old requests are forgotten");
    rule.window = apr_time_from_sec(120);
    sliding_log_take(&log, &rule, DAY + apr_time_from_sec(600), &verdict);
    OK(verdict.allowed && verdict.remaining == 2, "and so does a shorter window");
}

int main(void)
{
    it_is_exact_while_there_is_room();
    merging_is_conservative();
    retry_after_is_kept();
    a_million_in_thirty_days();
    times_do_not_wrap();
    clocks_of_two_threads_cross();
    the_rule_changes();
    return tap_done();
}
