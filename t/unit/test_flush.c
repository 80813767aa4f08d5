/* chat/flush: who delivers, what, and when; to a server of the test's, and as lines. */
#include "base/clock.h"
#include "chat/flush.h"

#include "loop_server.h"

#include <apr_strings.h>
#include <stdatomic.h>
#include <unistd.h>

#define KEY    50u
#define SECOND apr_time_from_sec(1)

/* ---- a server, and what it was sent ---- */

static call_client_t client;
static atomic_int status_to_give;
static atomic_int waits; /* the next answer, for the test to go on */
static server_t *cloudwatch;

static void serve(server_t *server)
{
    char answer[128];
    int fd;

    while ((fd = server_accept(server)) >= 0) {
        while (server_read(server, fd)) {
            (void)snprintf(answer, sizeof(answer), "HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\n{}",
                           atomic_load(&status_to_give));
            if (atomic_exchange(&waits, 0)) {
                (void)sem_post(&server->reached);
                wait_for(&server->go_on);
            }
            server_write(fd, answer);
        }
        server_close(server, fd);
    }
}

/* Data in the body of the last call. */
static size_t data_in_last_call(void)
{
    const char *body = strstr(server_request(cloudwatch), "\r\n\r\n") + 4;
    json_error_t error;
    json_t *document = json_parse(body, strlen(body), 20, &error);
    size_t data = json_length(json_member(document, "MetricData"));

    json_release(document);
    return data;
}

static void make_client(void)
{
    static credentials_settings_t settings;
    static endpoint_t endpoint;
    const endpoint_options_t options = {
        .url = apr_psprintf(fixture_pool, "http://127.0.0.1:%d", cloudwatch->port)};

    settings.access_key_id = "AKIDEXAMPLE";
    settings.secret_access_key = "secret";
    settings.imds_disabled = "true";
    (void)endpoint_resolve(&endpoint, fixture_pool, endpoint_service("monitoring"), "us-east-1",
                           &options);
    client.loop = loop;
    client.service = "monitoring";
    client.endpoint = &endpoint;
    client.keys = sigv4_keys_create(fixture_pool);
    client.credentials = credentials_create(loop, &settings, fixture_pool);
    credentials_start(client.credentials);
    retry_bucket_fill(&client.bucket, 500);
}

/* ---- what flush is given ---- */

static metrics_t *metrics;
static metrics_values_t values;
static int has_region;
static int leaving;
static int lines_fail;
static int lines;
static unsigned in_flight;
static flush_t *flush;

static call_client_t *give_client(void *baton)
{
    (void)baton;
    return has_region ? &client : NULL;
}

static int take_line(void *baton, const char *line, size_t length)
{
    (void)baton;
    lines += line[0] == '{' && line[length - 1] == '\n';
    return !lines_fail;
}

static unsigned give_in_flight(void)
{
    return in_flight;
}

static int is_leaving(void)
{
    return leaving;
}

static flush_publisher_t publishers[] = {
    {KEY, {"Calls", NULL, 0}, 3600 * SECOND, give_client, NULL, NULL},
    {KEY + 1, {"Lines", NULL, 0}, 3600 * SECOND, give_client, take_line, NULL}};

static void make_metrics(void)
{
    size_t memory = (size_t)apr_pcalloc(fixture_pool, metrics_size() + 64);

    metrics = (metrics_t *)(void *)((memory + 63) / 64 * 64);
}

static void make_flush(void)
{
    const flush_settings_t settings = {loop, metrics, give_in_flight, is_leaving};

    flush = flush_create(fixture_pool, &settings, publishers, 2);
    has_region = 1;
    leaving = 0;
    lines = 0;
    lines_fail = 0;
    in_flight = 0;
    atomic_store(&status_to_give, 200);
}

static void count_request(uint64_t publisher)
{
    metrics_outcome(metrics, metrics_series(metrics, publisher, "/chat"), 200, "success");
}

/* Requests of a publisher that were not delivered. */
static uint64_t pending(uint64_t publisher)
{
    uint64_t requests = 0;
    uint64_t errors;
    unsigned i;

    for (i = 0; i < METRICS_SERIES; i++) {
        if (metrics_pending(metrics, i, &values) && values.publisher == publisher) {
            requests += metrics_requests(metrics, &values, &errors);
        }
    }
    return requests;
}

/* ---- on the I/O thread ---- */

static sem_t finished;

static void on_finished(void *baton)
{
    (void)baton;
    (void)sem_post(&finished);
}

static void finish_there(void *baton)
{
    (void)baton;
    flush_finish(flush, clock_monotonic() + 10 * SECOND, on_finished, NULL);
}

static void finish(void)
{
    on_loop(finish_there, NULL);
    wait_for(&finished);
}

static void do_nothing_there(void *baton)
{
    (void)baton;
}

static void start_there(void *baton)
{
    (void)baton;
    flush_start(flush);
}

static void stop_there(void *baton)
{
    (void)baton;
    flush_stop(flush);
}

/* ---- tests ---- */

static void everybody_gets_his_own(void)
{
    int before = server_requests(cloudwatch);

    make_flush();
    count_request(KEY);
    count_request(KEY);
    count_request(KEY + 1);
    count_request(METRICS_NOBODY);
    count_request(KEY + 9); /* of an earlier configuration */
    finish();
    IS_NUMBER(server_requests(cloudwatch) - before, 1, "one call");
    IS_NUMBER(data_in_last_call(), 2,
              "with the first publisher's numbers, and those of nobody left");
    IS_NUMBER(lines, 1, "one line");
    IS_NUMBER(pending(KEY) + pending(KEY + 1) + pending(KEY + 9), 0, "nothing is left");
    IS_NUMBER(pending(METRICS_NOBODY), 1, "but what nobody gets");
    make_flush();
    finish();
    IS_NUMBER(server_requests(cloudwatch) - before, 1, "when nothing was counted nothing is sent");
}

static void what_fails_is_kept(void)
{
    make_flush();
    count_request(KEY);
    count_request(KEY + 1);
    atomic_store(&status_to_give, 403);
    lines_fail = 1;
    finish();
    IS_NUMBER(pending(KEY), 1, "a call that is refused: the numbers are kept");
    IS_NUMBER(pending(KEY + 1), 1, "a line that cannot be written, too");
    make_flush();
    has_region = 0;
    finish();
    IS_NUMBER(pending(KEY), 1, "no region: kept");
    make_flush();
    finish();
    IS_NUMBER(pending(KEY) + pending(KEY + 1), 0, "and delivered later");
}

static void another_one_delivers(void)
{
    metrics_publisher_t *record = metrics_publisher(metrics, KEY);
    int before = server_requests(cloudwatch);

    make_flush();
    count_request(KEY);
    (void)metrics_lease(record, getpid() + 1, clock_monotonic(), 60 * SECOND);
    finish();
    IS_NUMBER(server_requests(cloudwatch) - before, 0, "who has no lease sends nothing");
    IS_NUMBER(pending(KEY), 1, "and settles nothing");
    metrics_reap(metrics, getpid() + 1);
    make_flush();
    metrics_set_due(record, 1);
    leaving = 1;
    on_loop(start_there, NULL);
    on_loop(stop_there, NULL);
    IS_NUMBER(pending(KEY), 1, "a child on its way out leaves it to others");
    make_flush();
    metrics_set_due(record, 1);
    on_loop(start_there, NULL);
    while (pending(KEY) > 0) {
        on_loop(do_nothing_there, NULL);
    }
    OK(metrics_due_in(record, clock_monotonic(), 3600 * SECOND) > 0, "what is due is delivered");
    on_loop(stop_there, NULL);
}

/* A delivery that is due, up to where its answer is waited for. */
static metrics_publisher_t *begin_delivery(void)
{
    metrics_publisher_t *record = metrics_publisher(metrics, KEY);

    make_flush();
    count_request(KEY);
    metrics_set_due(record, 1);
    atomic_store(&waits, 1);
    on_loop(start_there, NULL);
    wait_for(&cloudwatch->reached);
    return record;
}

static void the_end_comes_meanwhile(void)
{
    int before = server_requests(cloudwatch);

    (void)begin_delivery();
    count_request(KEY);
    on_loop(finish_there, NULL);
    (void)sem_post(&cloudwatch->go_on);
    wait_for(&finished);
    IS_NUMBER(server_requests(cloudwatch) - before, 2,
              "the last delivery waits for the one before");
    IS_NUMBER(pending(KEY), 0, "nothing is left");
}

static void another_one_takes_over(void)
{
    metrics_publisher_t *record = begin_delivery();

    (void)metrics_lease(record, getpid() + 1, clock_monotonic() + 60 * SECOND, 60 * SECOND);
    on_loop(finish_there, NULL);
    (void)sem_post(&cloudwatch->go_on);
    wait_for(&finished);
    IS_NUMBER(pending(KEY), 1, "who has lost the lease does not count what it delivered");
    make_flush();
    metrics_set_due(record, 1);
    on_loop(start_there, NULL);
    on_loop(do_nothing_there, NULL);
    on_loop(stop_there, NULL);
    IS_NUMBER(pending(KEY), 1, "nor delivers what is due");
    metrics_reap(metrics, getpid() + 1);
    make_flush();
    finish();
    IS_NUMBER(pending(KEY), 0, "until it can have the lease");
}

static void chats_are_in_flight(void)
{
    make_flush();
    in_flight = 3;
    finish();
    IS_NUMBER(data_in_last_call(), 1, "chats in flight are told though nothing ended");
    IS_NUMBER(lines, 1, "as a line, too");
}

static void too_many_publishers(void)
{
    uint64_t key = KEY + 100;

    make_metrics();
    while (metrics_publisher(metrics, key) != NULL) {
        key++;
    }
    make_flush();
    count_request(KEY);
    on_loop(start_there, NULL);
    finish();
    IS_NUMBER(pending(KEY), 1, "publishers without a place are told of, and left out");
    make_metrics();
}

static void count_everything(const char *endpoint)
{
    metrics_series_t *series = metrics_series(metrics, KEY, endpoint);
    char code[20];
    int i;

    for (i = 0; i < METRICS_HISTOGRAM_COUNT; i++) {
        metrics_observe(series, (metric_e)i, 1000);
    }
    for (i = 0; i < METRICS_COUNTER_COUNT; i++) {
        metrics_add(series, (metric_e)(METRICS_FIRST_COUNTER + i), 1);
    }
    for (i = 0; i < METRICS_CODES; i++) {
        (void)snprintf(code, sizeof(code), "Code%d", i);
        metrics_upstream_error(metrics, series, code);
    }
    metrics_outcome(metrics, series, 200, "success");
    metrics_outcome(metrics, series, 502, "upstream_error");
}

static void more_than_one_call_holds(void)
{
    int before = server_requests(cloudwatch);
    char endpoint[20];
    int i;

    make_metrics();
    make_flush();
    for (i = 0; i < 2 * METRICS_SERIES; i++) {
        (void)snprintf(endpoint, sizeof(endpoint), "/%d", i);
        count_everything(endpoint);
    }
    finish();
    IS_NUMBER(server_requests(cloudwatch) - before, 2, "1,000 data a call, then another one");
    IS_NUMBER(pending(KEY), 0, "both delivered");
    make_metrics();
}

static void the_rest_is_written(void)
{
    make_flush();
    count_request(KEY);
    count_request(KEY);
    IS_NUMBER(flush_write_rest(metrics, publishers, 2, 0, take_line, NULL), 2,
              "what is left is written as lines");
    IS_NUMBER(lines, 1, "once");
    IS_NUMBER(flush_write_rest(metrics, publishers, 2, 0, take_line, NULL), 0,
              "and then delivered");
}

int main(void)
{
    fixture_begin();
    start_loop();
    (void)sem_init(&finished, 0, 0);
    make_metrics();
    cloudwatch = server_start(serve);
    make_client();
    everybody_gets_his_own();
    what_fails_is_kept();
    another_one_delivers();
    the_end_comes_meanwhile();
    another_one_takes_over();
    chats_are_in_flight();
    too_many_publishers();
    more_than_one_call_holds();
    the_rest_is_written();
    stop_loop();
    server_stop(cloudwatch);
    return tap_done();
}
