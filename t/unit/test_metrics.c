/* shm/metrics: what is counted by threads and processes at once, and delivered exactly once. */
#include "shm/lease.h"
#include "shm/metrics.h"

#include "tap.h"

#include <apr_general.h>
#include <apr_shm.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECOND    apr_time_from_sec(1)
#define CHILDREN  4
#define THREADS   3
#define PER_TASK  20000
#define PUBLISHER 42u

static apr_pool_t *pool;
static metrics_values_t values;

static metrics_t *make_metrics(void)
{
    apr_shm_t *shm;
    char *base;

    (void)apr_shm_create(&shm, metrics_size() + 64, NULL, pool);
    base = apr_shm_baseaddr_get(shm);
    memset(base, 0, metrics_size() + 64);
    return (metrics_t *)(void *)(base + (64 - (size_t)base % 64) % 64);
}

/* ---- the table ---- */

static int is_named_well(const metrics_info_t *info, const metrics_info_t *other)
{
    return strncmp(info->prometheus, "chatbot_", 8) == 0 && *info->help != '\0' &&
           strcmp(info->prometheus, other->prometheus) != 0 &&
           (*info->cloudwatch == '\0' || strcmp(info->cloudwatch, other->cloudwatch) != 0);
}

static void every_metric_has_names_of_its_own(void)
{
    int wrong = 0;
    int i;
    int k;

    for (i = 0; i < METRICS_COUNT; i++) {
        for (k = 0; k < METRICS_COUNT; k++) {
            wrong += i != k && !is_named_well(metrics_info((metric_e)i), metrics_info((metric_e)k));
        }
    }
    IS_NUMBER(wrong, 0, "every metric has names of its own, and a help text");
    IS(metrics_info(METRIC_REQUESTS)->cloudwatch, "ChatRequest", "CloudWatch's name of requests");
    IS(metrics_info(METRIC_DURATION)->prometheus, "chatbot_request_duration_seconds",
       "Prometheus's name of durations");
}

/* ---- histograms ---- */

static void buckets_are_narrow(void)
{
    unsigned i;
    int wrong = 0;

    for (i = 1; i < HISTOGRAM_BUCKETS - 1; i++) {
        wrong += (double)histogram_bound(i) > 1.135 * (double)histogram_bound(i - 1) ||
                 histogram_bound(i) <= histogram_bound(i - 1);
        wrong += histogram_bucket(histogram_bound(i)) != i;
        wrong += histogram_bucket(histogram_bound(i) + 1) != i + 1;
    }
    IS_NUMBER(wrong, 0, "buckets are at most 13 % wide, and each value is in its own");
    IS_NUMBER(histogram_bucket(0), 0, "0 is in the first");
    IS_NUMBER(histogram_bound(0), 100, "which ends at 0.1 ms");
    OK(histogram_bound(HISTOGRAM_BUCKETS - 2) >= 600 * 1000 * 1000, "10 minutes are measured");
    IS_NUMBER(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1, "the last takes all above");
    IS_NUMBER(histogram_bound(histogram_bucket(2500 * 1000)), 2500 * 1000, "2.5 s is a bound");
}

static void totals_are_exact(void)
{
    static histogram_t histogram;
    static histogram_values_t read;
    static const uint64_t some[] = {0, 1, 99, 100, 101, 123456, 123457, 30000000, 900000000000};
    uint64_t sum = 0;
    size_t i;

    for (i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
        histogram_add(&histogram, some[i]);
        sum += some[i];
    }
    histogram_pending(&histogram, &read);
    IS_NUMBER(histogram_count(&read), i, "all values are counted");
    IS_NUMBER(histogram_sum(&read), sum, "and their sum is exact");
    histogram_delivered(&histogram, &read);
    histogram_pending(&histogram, &read);
    IS_NUMBER(histogram_count(&read) + histogram_sum(&read), 0, "once delivered nothing is left");
    histogram_read(&histogram, &read);
    IS_NUMBER(histogram_sum(&read), sum, "the whole is still there");
}

/* A child was stopped, or died, between the two additions of one value. */
static void half_a_value_gives_no_nonsense(void)
{
    static histogram_t histogram;
    static histogram_values_t read;
    unsigned bucket = histogram_bucket(1000000);
    histogram_bucket_t *counted = &histogram.buckets[bucket];

    atomic_fetch_add(&counted->count, 1); /* the sum comes later */
    histogram_pending(&histogram, &read);
    OK(read.sum[bucket] > histogram_bound(bucket - 1) && read.sum[bucket] <= 1000000,
       "a count without its sum is given a value of its bucket");
    histogram_delivered(&histogram, &read);
    atomic_fetch_add(&counted->sum, 1000000);
    histogram_pending(&histogram, &read);
    IS_NUMBER(histogram_count(&read) + histogram_sum(&read), 0, "a sum alone waits for a count");
    histogram_add(&histogram, 900000);
    histogram_pending(&histogram, &read);
    OK(read.count[bucket] == 1 && read.sum[bucket] <= histogram_bound(bucket) &&
           read.sum[bucket] > 900000,
       "and goes with the next, as much as fits");
    histogram_delivered(&histogram, &read);
    atomic_fetch_sub(&counted->sum, 500000); /* more was sent than summed up */
    histogram_add(&histogram, 950000);
    histogram_pending(&histogram, &read);
    IS_NUMBER(read.sum[bucket], histogram_bound(bucket - 1) + 1,
              "never less than the bucket's own");
}

/* ---- series ---- */

static void series_are_bounded(void)
{
    metrics_t *metrics = make_metrics();
    metrics_series_t *chat = metrics_series(metrics, PUBLISHER, "/chat");
    char name[200];
    int i;

    OK(chat == metrics_series(metrics, PUBLISHER, "/chat"), "an endpoint has one series");
    OK(chat != metrics_series(metrics, PUBLISHER + 1, "/chat"), "another publisher another one");
    OK(metrics_read(metrics, 0, &values) && values.publisher == PUBLISHER, "it is read back");
    IS(values.endpoint, "/chat", "by its name");
    OK(!metrics_read(metrics, 2, &values), "a series nobody made is not there");
    memset(name, 'x', sizeof(name));
    memcpy(name, "/\"\n\xc3\xa4", 5);
    name[sizeof(name) - 1] = '\0';
    (void)metrics_series(metrics, PUBLISHER, name);
    (void)metrics_read(metrics, 2, &values);
    OK(strncmp(values.endpoint, "/\"???xxx", 8) == 0 && strlen(values.endpoint) == NAMES_TEXT_MAX,
       "a long name is cut, and printable");
    for (i = 0; i < 2 * METRICS_SERIES; i++) {
        (void)snprintf(name, sizeof(name), "/chat/%d", i);
        metrics_add(metrics_series(metrics, PUBLISHER, name), METRIC_RETRIES, 1);
    }
    OK(metrics_read(metrics, METRICS_SERIES - 1, &values), "the last series takes the rest");
    IS(values.endpoint, "other", "under the name \"other\"");
    IS_NUMBER(values.counters[METRIC_RETRIES - METRICS_FIRST_COUNTER],
              2 * METRICS_SERIES - (METRICS_SERIES - 1 - 3), "all that did not fit");
}

static void outcomes_are_counted(void)
{
    metrics_t *metrics = make_metrics();
    metrics_series_t *chat = metrics_series(metrics, PUBLISHER, "/chat");
    char code[NAMES_TEXT_MAX + 1];
    uint64_t errors;
    int status;
    int i;

    metrics_outcome(metrics, chat, 200, "success");
    metrics_outcome(metrics, chat, 200, "success");
    metrics_outcome(metrics, chat, 408, "upstream_timeout");
    metrics_outcome(metrics, chat, -1, "odd");
    metrics_upstream_error(metrics, chat, "ThrottlingException");
    (void)metrics_read(metrics, 0, &values);
    IS_NUMBER(metrics_requests(metrics, &values, &errors), 4, "requests are counted");
    IS_NUMBER(errors, 2, "and how many failed");
    OK(metrics_outcome_at(metrics, 1, &status, code) && status == 408, "by status");
    IS(code, "upstream_timeout", "and code");
    OK(!metrics_outcome_at(metrics, 3, &status, code), "none that did not happen");
    OK(metrics_code_at(metrics, 0, code) && values.codes[0] == 1, "AWS's errors are counted");
    IS(code, "ThrottlingException", "by their code");
    for (i = 0; i < 2 * METRICS_CODES; i++) {
        (void)snprintf(code, sizeof(code), "Error%d", i);
        metrics_upstream_error(metrics, chat, code);
    }
    (void)metrics_read(metrics, 0, &values);
    OK(metrics_code_at(metrics, METRICS_CODES - 1, code), "too many codes");
    IS(code, "other", "are \"other\"");
    IS_NUMBER(values.codes[METRICS_CODES - 1], METRICS_CODES + 2, "all of them");
}

/* ---- many at once ---- */

static void count_one(metrics_t *metrics, int i)
{
    metrics_series_t *series = metrics_series(metrics, PUBLISHER, i % 2 ? "/chat" : "/v1");

    metrics_outcome(metrics, series, i % 10 ? 200 : 502, i % 10 ? "success" : "upstream_error");
    metrics_observe(series, METRIC_DURATION, (uint64_t)i);
    metrics_add(series, METRIC_RETRIES, 1);
}

static void *count_many(void *metrics)
{
    int i;

    for (i = 0; i < PER_TASK; i++) {
        count_one(metrics, i);
    }
    return NULL;
}

static void count_in_threads(metrics_t *metrics)
{
    pthread_t threads[THREADS];
    int i;

    for (i = 0; i < THREADS; i++) {
        (void)pthread_create(&threads[i], NULL, count_many, metrics);
    }
    for (i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
}

/* What deliveries added up to. */
typedef struct {
    uint64_t requests;
    uint64_t errors;
    uint64_t retries;
    uint64_t count;
    uint64_t sum;
} totals_t;

static void add_to_totals(const metrics_t *metrics, totals_t *totals)
{
    const histogram_values_t *duration = &values.histograms[METRIC_DURATION];
    uint64_t errors;

    totals->requests += metrics_requests(metrics, &values, &errors);
    totals->errors += errors;
    totals->retries += values.counters[METRIC_RETRIES - METRICS_FIRST_COUNTER];
    totals->count += histogram_count(duration);
    totals->sum += histogram_sum(duration);
}

/* Every fifth delivery fails. */
static void deliver(metrics_t *metrics, totals_t *totals)
{
    static int deliveries;
    unsigned i;

    for (i = 0; i < METRICS_SERIES; i++) {
        if (metrics_pending(metrics, i, &values) && ++deliveries % 5 != 0) {
            metrics_delivered(metrics, i, &values);
            add_to_totals(metrics, totals);
        }
    }
}

static int children_run(int *left)
{
    int status;

    while (*left > 0 && waitpid(-1, &status, WNOHANG) > 0) {
        (*left)--;
    }
    return *left > 0;
}

static void nothing_is_lost_or_counted_twice(void)
{
    metrics_t *metrics = make_metrics();
    totals_t totals = {0};
    uint64_t tasks = CHILDREN * THREADS;
    int left = CHILDREN;
    int rounds = 0;
    int i;

    for (i = 0; i < CHILDREN; i++) {
        if (fork() == 0) {
            count_in_threads(metrics);
            _exit(0);
        }
    }
    while (children_run(&left)) {
        deliver(metrics, &totals);
        rounds++;
    }
    for (i = 0; i < 3; i++) {
        deliver(metrics, &totals);
    }
    printf("# %d deliveries while %d children counted\n", rounds, CHILDREN);
    IS_NUMBER(totals.requests, tasks * PER_TASK, "every request was delivered once");
    IS_NUMBER(totals.errors, tasks * PER_TASK / 10, "with its outcome");
    IS_NUMBER(totals.retries, tasks * PER_TASK, "every retry, too");
    IS_NUMBER(totals.count, tasks * PER_TASK, "every duration, too");
    IS_NUMBER(totals.sum, tasks * (PER_TASK - 1) * PER_TASK / 2, "and their sum is exact");
    OK(!metrics_read(metrics, 2, &values), "two endpoints made two series");
}

static void a_killed_child_loses_nothing(void)
{
    metrics_t *metrics = make_metrics();
    uint64_t errors;
    int status;
    pid_t child = fork();

    if (child == 0) {
        metrics_publisher_t *publisher = metrics_publisher(metrics, PUBLISHER);
        count_one(metrics, 1);
        (void)metrics_lease(publisher, getpid(), SECOND, 30 * SECOND);
        (void)metrics_pending(metrics, 0, &values);
        abort();
    }
    (void)waitpid(child, &status, 0);
    (void)metrics_pending(metrics, 0, &values);
    IS_NUMBER(metrics_requests(metrics, &values, &errors), 1,
              "what a killed child counted is kept");
    OK(!metrics_lease(metrics_publisher(metrics, PUBLISHER), getpid(), 2 * SECOND, SECOND),
       "its lease, too");
    metrics_reap(metrics, child);
    OK(metrics_lease(metrics_publisher(metrics, PUBLISHER), getpid(), 2 * SECOND, SECOND),
       "until the parent has reaped it");
}

/* ---- who delivers, and when ---- */

static void one_has_the_lease(void)
{
    lease_t lease = 0;

    OK(lease_take(&lease, 100, 10 * SECOND, 5 * SECOND), "the first gets it");
    OK(!lease_take(&lease, 200, 14 * SECOND, 5 * SECOND), "the second does not");
    OK(lease_take(&lease, 100, 14 * SECOND, 5 * SECOND), "the first may prolong it");
    OK(!lease_take(&lease, 200, 18 * SECOND, 5 * SECOND), "then it lasts longer");
    OK(lease_take(&lease, 200, 19 * SECOND, 5 * SECOND), "when its time is over it is free");
    OK(!lease_is_held(&lease, 100) && lease_is_held(&lease, 200), "it knows whose it is");
    lease_give_back(&lease, 100);
    OK(lease_is_held(&lease, 200), "nobody gives back what is another's");
    lease_give_back(&lease, 200);
    OK(!lease_is_held(&lease, 200) && lease_take(&lease, 100, 20 * SECOND, SECOND),
       "given back it is free");
    lease_give_back(&lease, 100);
    OK(!lease_is_held(&lease, 0), "and nobody's");
}

static void deliveries_are_due(void)
{
    metrics_publisher_t *publisher = metrics_publisher(make_metrics(), PUBLISHER);

    IS_NUMBER(metrics_due_in(publisher, 100 * SECOND, 60 * SECOND), 60 * SECOND,
              "the first delivery is due after one interval");
    IS_NUMBER(metrics_due_in(publisher, 130 * SECOND, 60 * SECOND), 30 * SECOND,
              "for every child the same");
    IS_NUMBER(metrics_due_in(publisher, 131 * SECOND, 10 * SECOND), 10 * SECOND,
              "a shorter interval counts at once");
    IS_NUMBER(metrics_due_in(publisher, 200 * SECOND, 10 * SECOND), 0, "then it is due");
    metrics_set_due(publisher, 210 * SECOND);
    IS_NUMBER(metrics_due_in(publisher, 201 * SECOND, 60 * SECOND), 9 * SECOND, "and then again");
}

static void failures_are_told_once(void)
{
    metrics_publisher_t *publisher = metrics_publisher(make_metrics(), PUBLISHER);
    metrics_delivery_t delivery;
    apr_time_t start = 1000000 * SECOND;

    IS_NUMBER(metrics_report(publisher, 1, start), METRICS_TELL_NOTHING, "a delivery is no news");
    IS_NUMBER(metrics_report(publisher, 0, start + SECOND), METRICS_TELL_FAILURE, "a failure is");
    IS_NUMBER(metrics_report(publisher, 0, start + 2 * SECOND), METRICS_TELL_NOTHING,
              "its repetition is none");
    IS_NUMBER(metrics_report(publisher, 0, start + 3601 * SECOND), METRICS_TELL_FAILURE,
              "but for one an hour");
    metrics_delivery(publisher, &delivery);
    OK(delivery.failures == 3 && delivery.delivered == start &&
           delivery.tried == start + 3601 * SECOND,
       "how it goes is known");
    IS_NUMBER(metrics_report(publisher, 1, start + 3602 * SECOND), METRICS_TELL_RECOVERY,
              "that it works again is news");
    IS_NUMBER(metrics_report(publisher, 1, start + 3603 * SECOND), METRICS_TELL_NOTHING, "once");
}

static void publishers_are_bounded(void)
{
    metrics_t *metrics = make_metrics();
    unsigned i;

    for (i = 0; i < METRICS_PUBLISHERS; i++) {
        (void)metrics_publisher(metrics, i + 2);
    }
    OK(metrics_publisher(metrics, 2) != NULL, "a publisher keeps its record");
    OK(metrics_publisher(metrics, 1000) == NULL, "there is none for one too many");
}

int main(void)
{
    (void)apr_initialize();
    atexit(apr_terminate);
    (void)apr_pool_create(&pool, NULL);
    every_metric_has_names_of_its_own();
    buckets_are_narrow();
    totals_are_exact();
    half_a_value_gives_no_nonsense();
    series_are_bounded();
    outcomes_are_counted();
    nothing_is_lost_or_counted_twice();
    a_killed_child_loses_nothing();
    one_has_the_lease();
    deliveries_are_due();
    failures_are_told_once();
    publishers_are_bounded();
    return tap_done();
}
