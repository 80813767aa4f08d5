#include "shm/sliding_log.h"

#include <string.h>

#define AT_BITS    42
#define AT_MASK    (((uint64_t)1 << AT_BITS) - 1)
#define COUNT_MASK (((uint64_t)1 << (64 - AT_BITS)) - 1)

static uint64_t lower_bits(apr_time_t time)
{
    return (uint64_t)time & AT_MASK;
}

apr_time_t sliding_log_time(const sliding_log_t *log, unsigned cell)
{
    return log->last - (apr_time_t)lower_bits(log->last - (apr_time_t)log->cells[cell].at);
}

/* The first cell that a window which ends now still holds; `used` when there is none. */
static unsigned first_cell(const sliding_log_t *log, apr_interval_time_t window, apr_time_t now)
{
    unsigned i = 0;

    while (i < log->used && sliding_log_time(log, i) <= now - window) {
        i++;
    }
    return i;
}

static uint64_t count_from(const sliding_log_t *log, unsigned first)
{
    uint64_t count = 0;
    unsigned i;

    for (i = first; i < log->used; i++) {
        count += log->cells[i].count;
    }
    return count;
}

/* The cell that has to be forgotten before there are more than now, or any at all. */
static unsigned awaited_cell(const sliding_log_t *log, unsigned first, uint64_t count, uint32_t n)
{
    unsigned i = first;

    for (; i + 1 < log->used && count - log->cells[i].count >= n; i++) {
        count -= log->cells[i].count;
    }
    return i;
}

static void judge(const sliding_log_t *log, const sliding_log_rule_t *rule, apr_time_t now,
                  unsigned first, sliding_log_verdict_t *verdict)
{
    const uint64_t count = count_from(log, first);

    verdict->remaining = count < rule->n ? rule->n - (uint32_t)count : 0;
    verdict->reset = 0;
    if (first < log->used) {
        const unsigned cell = awaited_cell(log, first, count, rule->n);
        verdict->reset = sliding_log_time(log, cell) + rule->window - now;
    }
}

/* Of `used` cells the one whose merging into its successor costs least. */
static unsigned cheapest(const sliding_log_cell_t *cells, unsigned used)
{
    uint64_t least = UINT64_MAX;
    unsigned best = 0;
    unsigned i;

    for (i = 0; i + 1 < used; i++) {
        const uint64_t gap = lower_bits((apr_time_t)cells[i + 1].at - (apr_time_t)cells[i].at);
        const uint64_t cost = cells[i].count * gap;
        if (cost < least) {
            least = cost;
            best = i;
        }
    }
    return best;
}

static void append(sliding_log_t *log, apr_time_t at)
{
    sliding_log_cell_t cells[SLIDING_LOG_CELLS + 1];
    unsigned merged;

    memcpy(cells, log->cells, log->used * sizeof(cells[0]));
    cells[log->used].at = (uint64_t)at & AT_MASK;
    cells[log->used].count = 1;
    log->last = at;
    log->used++;
    if (log->used > SLIDING_LOG_CELLS) {
        merged = cheapest(cells, log->used);
        cells[merged + 1].count = (cells[merged].count + cells[merged + 1].count) & COUNT_MASK;
        log->used--;
        memmove(&cells[merged], &cells[merged + 1], (log->used - merged) * sizeof(cells[0]));
    }
    memcpy(log->cells, cells, log->used * sizeof(cells[0]));
}

static void note(sliding_log_t *log, unsigned first, apr_time_t now)
{
    memmove(log->cells, &log->cells[first], (log->used - first) * sizeof(log->cells[0]));
    log->used -= first;
    if (log->used > 0 && now <= log->last) {
        sliding_log_cell_t *cell = &log->cells[log->used - 1];
        cell->count = (cell->count + 1) & COUNT_MASK;
    } else {
        append(log, now);
    }
}

void sliding_log_look(const sliding_log_t *log, const sliding_log_rule_t *rule, apr_time_t now,
                      sliding_log_verdict_t *verdict)
{
    judge(log, rule, now, first_cell(log, rule->window, now), verdict);
    verdict->allowed = verdict->remaining > 0;
}

void sliding_log_take(sliding_log_t *log, const sliding_log_rule_t *rule, apr_time_t now,
                      sliding_log_verdict_t *verdict)
{
    const unsigned first = first_cell(log, rule->window, now);

    verdict->allowed = count_from(log, first) < rule->n;
    if (!verdict->allowed) {
        judge(log, rule, now, first, verdict);
        return;
    }
    note(log, first, now);
    log->window = (uint32_t)((rule->window + 999) / 1000);
    judge(log, rule, now, 0, verdict);
}

int sliding_log_add(sliding_log_t *log, apr_time_t time, int64_t count)
{
    const apr_interval_time_t most = SLIDING_LOG_WINDOW_MAX + apr_time_from_sec(86400);

    if (log->used == SLIDING_LOG_CELLS || count < 1 || count > SLIDING_LOG_N_MAX || time <= 0 ||
        (log->used > 0 && (time <= log->last || time - sliding_log_time(log, 0) > most))) {
        return 0;
    }
    log->last = time;
    log->cells[log->used].at = (uint64_t)time & AT_MASK;
    log->cells[log->used].count = (uint64_t)count & COUNT_MASK;
    log->used++;
    return 1;
}

int sliding_log_is_over(const sliding_log_t *log, apr_time_t now)
{
    return log->used == 0 || log->last <= now - (apr_time_t)log->window * 1000;
}
