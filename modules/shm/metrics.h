/*
 * What the module counts, in shared memory: the one table of metrics, and the
 * numbers of all children.
 *
 *     +--------------------+----------------------+--------------------------------------+
 *     | names: outcomes,   | publishers: lease,   | series: counters and histograms, one |
 *     | AWS errors, series | when due, how it went | for each endpoint of a publisher     |
 *     +--------------------+----------------------+--------------------------------------+
 *
 * Every number is an atomic that is only ever added to, beside a second one: how
 * much of it was delivered to CloudWatch. A delivery reads the difference, sends
 * it and then adds exactly that to the second: a child that dies loses nothing,
 * a call that fails is made up for later, and nothing is counted twice.
 *
 * A publisher is one way out of the server: its key stands for a namespace,
 * dimensions and an account. All functions may be called by any thread of any
 * process unless said.
 */
#ifndef SHM_METRICS_H
#define SHM_METRICS_H

#include "shm/histogram.h"
#include "shm/names.h"

#include <apr_time.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* name, CloudWatch's name ("": not sent there), Prometheus's name, unit, help. The histograms: */
#define METRICS_HISTOGRAMS(X)                                                                      \
    X(DURATION, "ProcessingTime", "chatbot_request_duration_seconds", "Milliseconds",              \
      "Time from the start of a request until its answer was ready")                               \
    X(FIRST_TOKEN, "FirstTokenTime", "chatbot_first_token_seconds", "Milliseconds",                \
      "Time from the start of a request until the first text of its answer came from AWS")         \
    X(UPSTREAM, "", "chatbot_upstream_seconds", "Milliseconds",                                    \
      "Time of a request that was spent waiting for AWS")                                          \
    X(OVERHEAD, "", "chatbot_overhead_seconds", "Milliseconds",                                    \
      "Time of a request that was spent here: all of it but the waiting for AWS")                  \
    X(TOKENS, "TokensUsed", "chatbot_tokens_total", "Count",                                       \
      "Tokens that AWS reported for answers, input and output")
/* The plain counters. */
#define METRICS_COUNTERS(X)                                                                        \
    X(RETRIES, "Retries", "chatbot_retries_total", "Count",                                        \
      "Calls to AWS that were made again after a failure")                                         \
    X(CLIENT_GONE, "ClientGone", "chatbot_client_gone_total", "Count",                             \
      "Requests whose client left before the answer was ready")                                    \
    X(RATE_LIMITED, "RateLimited", "chatbot_rate_limited_total", "Count",                          \
      "Requests that were refused because of the client's rate limit")                             \
    X(UNSAVED, "UnsavedSessions", "chatbot_unsaved_sessions_total", "Count",                       \
      "Answers whose session could not be saved")
/* Counters with a label of their own. */
#define METRICS_LABELLED(X)                                                                        \
    X(REQUESTS, "ChatRequest", "chatbot_requests_total", "Count",                                  \
      "Requests that were answered, by their outcome")                                             \
    X(UPSTREAM_ERRORS, "UpstreamErrors", "chatbot_upstream_errors_total", "Count",                 \
      "Chats that failed at AWS, by the error's code")
/* What is looked up when somebody asks. */
#define METRICS_GAUGES(X)                                                                          \
    X(IN_FLIGHT, "InFlight", "chatbot_in_flight", "Count",                                         \
      "Chats being answered now, over the whole server")                                           \
    X(OPEN_CIRCUITS, "", "chatbot_open_circuits", "Count",                                         \
      "Circuit breakers that are open: agents that fail too often and are given a rest")           \
    X(UNDELIVERED, "", "chatbot_metrics_undelivered_requests", "Count",                            \
      "Requests whose numbers were not delivered to CloudWatch yet")                               \
    X(BUILD, "", "chatbot_build_info", "None", "1, labelled with the module's version")

#define METRICS(X) METRICS_HISTOGRAMS(X) METRICS_COUNTERS(X) METRICS_LABELLED(X) METRICS_GAUGES(X)

typedef enum {
#define METRICS_ENUM(name, cloudwatch, prometheus, unit, help) METRIC_##name,
    METRICS(METRICS_ENUM)
#undef METRICS_ENUM
        METRICS_COUNT
} metric_e;

#define METRICS_ONE(name, cloudwatch, prometheus, unit, help) char name;
enum {
    METRICS_HISTOGRAM_COUNT = sizeof(struct {METRICS_HISTOGRAMS(METRICS_ONE)}),
    METRICS_COUNTER_COUNT = sizeof(struct {METRICS_COUNTERS(METRICS_ONE)})
};
#undef METRICS_ONE

#define METRICS_FIRST_COUNTER METRICS_HISTOGRAM_COUNT

/* One row of the table. */
typedef struct {
    const char *cloudwatch;
    const char *prometheus;
    const char *unit;
    const char *help;
} metrics_info_t;

const metrics_info_t *metrics_info(metric_e metric);

/* Places in the tables; what finds none left is counted under "other", the last of each. */
#define METRICS_SERIES     24
#define METRICS_OUTCOMES   64
#define METRICS_CODES      33
#define METRICS_PUBLISHERS 32

/* Publisher of servers whose numbers are delivered to nobody; other keys are greater. */
#define METRICS_NOBODY 1u

typedef struct metrics_t metrics_t;
typedef struct metrics_series_t metrics_series_t;

/* Bytes of all this; memory of that size, zeroed and aligned to 64, is a metrics_t. */
size_t metrics_size(void);

/* ---- counting ---- */

/* The series of an endpoint of a publisher, made at its first use. */
metrics_series_t *metrics_series(metrics_t *metrics, uint64_t publisher, const char *endpoint);

/* Adds to one of METRICS_COUNTERS. */
void metrics_add(metrics_series_t *series, metric_e counter, uint64_t number);

/* Adds a value to one of METRICS_HISTOGRAMS, in thousandths of its unit: microseconds, or
 * thousandths of a token. */
void metrics_observe(metrics_series_t *series, metric_e histogram, uint64_t thousandths);

/* A request has ended with this HTTP status and "error_code" ("success": without error; a stream
 * may have begun with 200 and end with one). */
void metrics_outcome(metrics_t *metrics, metrics_series_t *series, int status, const char *code);

/* A chat has failed at AWS with that error. */
void metrics_upstream_error(metrics_t *metrics, metrics_series_t *series, const char *code);

/* ---- reading ---- */

/* The numbers of one series, of one thread. */
typedef struct {
    uint64_t publisher;
    char endpoint[NAMES_TEXT_MAX + 1];
    uint64_t counters[METRICS_COUNTER_COUNT]; /* from METRICS_FIRST_COUNTER on */
    uint64_t outcomes[METRICS_OUTCOMES];      /* see metrics_outcome_at() */
    uint64_t codes[METRICS_CODES];            /* see metrics_code_at() */
    histogram_values_t histograms[METRICS_HISTOGRAM_COUNT];
} metrics_values_t;

/* All that series `index` (0 to METRICS_SERIES - 1) has counted; 0 when there is no such series. */
int metrics_read(const metrics_t *metrics, unsigned index, metrics_values_t *values);

/* Of that, what was not delivered. */
int metrics_pending(const metrics_t *metrics, unsigned index, metrics_values_t *values);

/* These values were delivered. Only by who holds the publisher's lease. */
void metrics_delivered(metrics_t *metrics, unsigned index, const metrics_values_t *values);

/* Requests among the values: with any outcome, and with an error. */
uint64_t metrics_requests(const metrics_t *metrics, const metrics_values_t *values,
                          uint64_t *errors);

/* Whether nothing was counted in the values. */
int metrics_is_empty(const metrics_values_t *values);

/* The status and code of an outcome; `code` has room for NAMES_TEXT_MAX + 1. 0: never seen. */
int metrics_outcome_at(const metrics_t *metrics, unsigned index, int *status, char *code);

/* The code of an AWS error. As above. */
int metrics_code_at(const metrics_t *metrics, unsigned index, char *code);

/* ---- delivering ---- */

typedef struct metrics_publisher_t metrics_publisher_t;

/* The record of a publisher, made at its first use; NULL when there are too many. */
metrics_publisher_t *metrics_publisher(metrics_t *metrics, uint64_t key);

/* How long until its numbers are to be delivered, at most `interval`; 0: now. The first time it is
 * asked the interval begins. `now` is monotonic. */
apr_interval_time_t metrics_due_in(metrics_publisher_t *publisher, apr_time_t now,
                                   apr_interval_time_t interval);

/* The next delivery is due then. */
void metrics_set_due(metrics_publisher_t *publisher, apr_time_t due);

/* The lease to deliver, see shm/lease. */
int metrics_lease(metrics_publisher_t *publisher, pid_t pid, apr_time_t now,
                  apr_interval_time_t hold);
int metrics_has_lease(const metrics_publisher_t *publisher, pid_t pid);
void metrics_end_lease(metrics_publisher_t *publisher, pid_t pid);

/* Ends every lease of a process that has ended. Parent. */
void metrics_reap(metrics_t *metrics, pid_t pid);

/* Whether httpd is between two generations of children: the next one goes on with these numbers.
 * The parent sets it, the first child of the next generation ends it. */
void metrics_set_restarting(metrics_t *metrics, int restarting);
int metrics_is_restarting(const metrics_t *metrics);

/* What a delivery that has ended is worth in the log. */
typedef enum {
    METRICS_TELL_NOTHING,
    METRICS_TELL_FAILURE, /* the first, or none was told for an hour */
    METRICS_TELL_RECOVERY /* it works again */
} metrics_tell_e;

/* Notes how a delivery went; `wall` is the time of day. Only by who holds the lease. */
metrics_tell_e metrics_report(metrics_publisher_t *publisher, int delivered, apr_time_t wall);

/* How the deliveries of a publisher go. */
typedef struct {
    apr_time_t tried;     /* time of day of the last one; 0: there was none yet */
    apr_time_t delivered; /* and of the last that went well */
    unsigned failures;    /* in a row, the last included */
} metrics_delivery_t;

void metrics_delivery(const metrics_publisher_t *publisher, metrics_delivery_t *delivery);

#endif
