/*
 * When a client's last requests came: a sliding log of a fixed size.
 *
 *     | (at, count) | (at, count) | … |        oldest first, at most CELLS
 *
 * Every request has a cell of its own while there is room, and is forgotten
 * exactly when the window has passed. When all cells are taken, the two
 * neighbours become one whose merging holds back fewest requests least (count
 * times gap), at the later of the two times: requests are then counted longer
 * than they should be, never shorter. So no window ever holds more than n.
 *
 * Pure and of plain data: it can be copied, kept in shared memory, or sent
 * elsewhere. Times are microseconds of whichever clock the caller keeps to; one
 * earlier than the last counts as the last.
 */
#ifndef SHM_SLIDING_LOG_H
#define SHM_SLIDING_LOG_H

#include <apr_time.h>
#include <stdint.h>

#define SLIDING_LOG_CELLS      16u
#define SLIDING_LOG_N_MAX      4000000u
#define SLIDING_LOG_WINDOW_MIN apr_time_from_sec(1)
#define SLIDING_LOG_WINDOW_MAX apr_time_from_sec(30 * 86400)

/* `at` are the lower bits of a time, which begin anew after 50 days: the whole is the nearest one
 * not after `last`. */
typedef struct {
    uint64_t at : 42;
    uint64_t count : 22; /* up to SLIDING_LOG_N_MAX */
} sliding_log_cell_t;

typedef struct {
    int64_t last;    /* time of the last request */
    uint32_t window; /* of the last request, milliseconds */
    uint32_t used;   /* cells; 0: no request is known */
    sliding_log_cell_t cells[SLIDING_LOG_CELLS];
} sliding_log_t;

/* At most `n` requests in any window of this length. */
typedef struct {
    uint32_t n;                 /* 1..SLIDING_LOG_N_MAX */
    apr_interval_time_t window; /* SLIDING_LOG_WINDOW_MIN..SLIDING_LOG_WINDOW_MAX */
} sliding_log_rule_t;

typedef struct {
    int allowed;
    uint32_t remaining;        /* how many more are, now */
    apr_interval_time_t reset; /* until more are; with none remaining: until the next one is */
} sliding_log_verdict_t;

/* Notes a request if the rule allows it; a refused one changes nothing. */
void sliding_log_take(sliding_log_t *log, const sliding_log_rule_t *rule, apr_time_t now,
                      sliding_log_verdict_t *verdict);

/* What a request would be told, without making it. `remaining` counts it as not made. */
void sliding_log_look(const sliding_log_t *log, const sliding_log_rule_t *rule, apr_time_t now,
                      sliding_log_verdict_t *verdict);

/* Notes `count` requests of that time, as they come from elsewhere: 0 and no change when they are
 * older than what is there, too many, or their cell would be one too much. */
int sliding_log_add(sliding_log_t *log, apr_time_t time, int64_t count);

/* Whether all that it knows is older than its window. */
int sliding_log_is_over(const sliding_log_t *log, apr_time_t now);

/* The whole time of a cell. */
apr_time_t sliding_log_time(const sliding_log_t *log, unsigned cell);

#endif
