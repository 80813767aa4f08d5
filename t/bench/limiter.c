/* What the rate limit costs: nanoseconds of CPU a call, in a table of 65,536 clients that is full.
 */
#include "base/clock.h"
#include "shm/ratelimit.h"

#include <apr_general.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define CLIENTS 65536u
#define CALLS   1000000u

static uint32_t random_state = 2463534242u;

static uint32_t any(uint32_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % bound;
}

static void measure(const char *what, ratelimit_t *limits, const sliding_log_rule_t *rule,
                    uint32_t first_client, uint32_t clients)
{
    const clock_t start = clock();
    ratelimit_verdict_t verdict;
    char key[48];
    unsigned i;
    unsigned refused = 0;

    for (i = 0; i < CALLS; i++) {
        (void)snprintf(key, sizeof(key), "2001:db8:%x::/64", first_client + any(clients));
        ratelimit_take(limits, "127.0.0.1:8000 /chat", key, rule, clock_monotonic(), &verdict);
        refused += !verdict.log.allowed;
    }
    printf("%-44s %5.0f ns a call, %u %% refused\n", what,
           (double)(clock() - start) * 1e9 / CLOCKS_PER_SEC / CALLS, refused * 100 / CALLS);
}

int main(void)
{
    static const sliding_log_rule_t rule = {100, apr_time_from_sec(3600)};
    static const sliding_log_rule_t strict = {2, apr_time_from_sec(3600)};
    ratelimit_t *limits = mmap(NULL, ratelimit_size(CLIENTS), PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    (void)apr_initialize();
    atexit(apr_terminate);
    if (limits == MAP_FAILED || !ratelimit_init(limits, CLIENTS)) {
        (void)fputs("limiter: no shared memory\n", stderr);
        return 1;
    }
    printf("%u clients: %.1f MB\n", CLIENTS, (double)ratelimit_size(CLIENTS) / 1e6);
    measure("while the table fills", limits, &rule, 0, CLIENTS);
    measure("full, clients it knows", limits, &rule, 0, CLIENTS);
    measure("the same, most of them refused", limits, &strict, 0, CLIENTS);
    measure("full, each client new: another is forgotten", limits, &rule, CLIENTS, 1u << 30);
    return 0;
}
