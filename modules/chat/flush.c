#include "chat/flush.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdlib.h>
#include <unistd.h>

/* A call's time, all attempts; the lease lasts longer. */
#define DELIVERY_TIME apr_time_from_sec(15)
#define LEASE_TIME    (2 * DELIVERY_TIME)
/* When somebody else has the lease: a look at what has become of it. */
#define LOOK_AGAIN apr_time_from_sec(1)

/* One publisher, in this child. */
typedef struct {
    flush_t *flush;
    const flush_publisher_t *publisher;
    size_t index;
    metrics_publisher_t *record;
    loop_timer_t timer;
    int busy;
    int is_last; /* the delivery that runs is the one of flush_finish() */
    apr_time_t deadline;
    unsigned next; /* the first series that is not in the call under way */
    metrics_values_t *taken[METRICS_SERIES]; /* what is in it; NULL: nothing */
    cloudwatch_batch_t batch;
    cloudwatch_put_t put;
} publication_t;

struct flush_t {
    flush_settings_t settings;
    const flush_publisher_t *publishers;
    size_t count;
    publication_t *publications;
    int finishing;
    apr_time_t deadline; /* of flush_finish() */
    size_t unfinished;
    void (*on_done)(void *baton);
    void *baton;
};

static void on_timer(loop_timer_t *timer);
static void deliver(publication_t *publication);

/* ---- which series, and their numbers ---- */

/* Those of publishers that a new configuration no longer has go out with the first one's. */
static int is_its(const flush_publisher_t *publishers, size_t count, size_t index, uint64_t key)
{
    size_t i;

    if (key == publishers[index].key) {
        return 1;
    }
    for (i = 0; i < count; i++) {
        if (publishers[i].key == key) {
            return 0;
        }
    }
    return index == 0 && key != METRICS_NOBODY;
}

/* What series `index` has for this publisher, to be freed; NULL: nothing. */
static metrics_values_t *take(const metrics_t *metrics, const flush_publisher_t *publishers,
                              size_t count, size_t publisher, unsigned index)
{
    metrics_values_t *values = malloc(sizeof(*values));

    if (values != NULL && (!metrics_pending(metrics, index, values) || metrics_is_empty(values) ||
                           !is_its(publishers, count, publisher, values->publisher))) {
        free(values);
        values = NULL;
    }
    return values;
}

static void forget_taken(publication_t *publication)
{
    unsigned i;

    for (i = 0; i < METRICS_SERIES; i++) {
        free(publication->taken[i]);
        publication->taken[i] = NULL;
    }
}

/* Another child has taken over what took too long here: it counts the delivery then. */
static void settle_taken(publication_t *publication)
{
    metrics_t *metrics = publication->flush->settings.metrics;
    unsigned i;

    if (!metrics_has_lease(publication->record, getpid())) {
        return;
    }
    for (i = 0; i < METRICS_SERIES; i++) {
        if (publication->taken[i] != NULL) {
            metrics_delivered(metrics, i, publication->taken[i]);
        }
    }
}

/* ---- the end of a delivery ---- */

static void tell(const publication_t *publication, metrics_tell_e what, const char *reason)
{
    const char *namespace = publication->publisher->place.namespace;

    if (what == METRICS_TELL_FAILURE) {
        log_warn("CHAT0701: delivering metrics to CloudWatch, namespace %s: %s; the numbers are "
                 "kept and sent with the next attempt, in %d s; this is said once an hour",
                 namespace, reason, (int)apr_time_sec(publication->publisher->interval));
    } else if (what == METRICS_TELL_RECOVERY) {
        log_notice("CHAT0702: delivering metrics to CloudWatch, namespace %s, works again; nothing "
                   "was lost",
                   namespace);
    }
}

static void wait_for_next(publication_t *publication, apr_interval_time_t least)
{
    apr_interval_time_t left =
        metrics_due_in(publication->record, clock_monotonic(), publication->publisher->interval);

    loop_timer_arm(publication->flush->settings.loop, &publication->timer,
                   left > least ? left : least, on_timer);
}

static void finish_one(flush_t *flush)
{
    if (--flush->unfinished == 0) {
        flush->on_done(flush->baton);
    }
}

static void begin(publication_t *publication, apr_time_t deadline);

static void end(publication_t *publication)
{
    flush_t *flush = publication->flush;

    metrics_end_lease(publication->record, getpid());
    publication->busy = 0;
    if (!flush->finishing) {
        wait_for_next(publication, 0);
    } else if (publication->is_last) {
        finish_one(flush);
    } else {
        begin(publication, flush->deadline);
    }
}

static void report(publication_t *publication, int delivered, const char *reason)
{
    tell(publication, metrics_report(publication->record, delivered, clock_wall()), reason);
}

/* ---- to CloudWatch ---- */

static int on_datum(void *baton, const report_datum_t *datum)
{
    publication_t *publication = baton;
    const emf_place_t *place = &publication->publisher->place;
    cloudwatch_dimension_t dimensions[CLOUDWATCH_DIMENSIONS_MAX];
    cloudwatch_datum_t out = {datum->info->cloudwatch, datum->info->unit, dimensions,        0,
                              datum->values,           datum->counts,     datum->value_count};
    size_t i;

    if (datum->endpoint != NULL) {
        dimensions[out.dimension_count++] = (cloudwatch_dimension_t){"Endpoint", datum->endpoint};
    }
    if (datum->label != NULL) {
        dimensions[out.dimension_count++] =
            (cloudwatch_dimension_t){datum->label, datum->label_value};
    }
    for (i = 0; i < place->dimension_count && out.dimension_count < CLOUDWATCH_DIMENSIONS_MAX;
         i++) {
        dimensions[out.dimension_count++] = place->dimensions[i];
    }
    return cloudwatch_add(&publication->batch, &out);
}

static void add_in_flight(publication_t *publication)
{
    unsigned chats = publication->flush->settings.in_flight();
    double value;
    uint64_t count;
    report_datum_t datum = report_in_flight(chats, &value, &count);

    if (chats > 0 && on_datum(publication, &datum)) {
        cloudwatch_mark(&publication->batch);
    }
}

/* Fills a call with whole series, from `next` on. */
static void fill(publication_t *publication)
{
    const flush_t *flush = publication->flush;
    const metrics_t *metrics = flush->settings.metrics;

    for (; publication->next < METRICS_SERIES; publication->next++) {
        metrics_values_t *values =
            take(metrics, flush->publishers, flush->count, publication->index, publication->next);
        if (values != NULL && !report_each(metrics, values, on_datum, publication)) {
            cloudwatch_rewind(&publication->batch);
            free(values);
            return;
        }
        publication->taken[publication->next] = values;
        cloudwatch_mark(&publication->batch);
    }
}

static void on_put(void *baton, int delivered, const char *reason)
{
    publication_t *publication = baton;

    log_debug("CHAT0703: delivering metrics: a call with %u data, %lu bytes: %s",
              publication->batch.data, (unsigned long)publication->batch.body.length,
              delivered ? "delivered" : reason);
    cloudwatch_free(&publication->batch);
    if (delivered) {
        settle_taken(publication);
    }
    forget_taken(publication);
    report(publication, delivered, reason);
    if (delivered && publication->next < METRICS_SERIES) {
        deliver(publication);
    } else {
        end(publication);
    }
}

static void call_cloudwatch(publication_t *publication)
{
    const flush_publisher_t *publisher = publication->publisher;
    call_client_t *client = publisher->client(publisher->baton);

    if (client == NULL) {
        on_put(publication, 0, "no AWS region is known; set ChatbotAWSRegion");
    } else {
        publication->put.on_end = on_put;
        publication->put.baton = publication;
        cloudwatch_put(&publication->put, client, &publication->batch, publication->deadline);
    }
}

/* One call; more follow when there is more than one may hold. */
static void deliver(publication_t *publication)
{
    int is_first = publication->next == 0;

    cloudwatch_begin(&publication->batch, publication->publisher->place.namespace, clock_wall());
    if (is_first) {
        add_in_flight(publication);
    }
    fill(publication);
    if (publication->batch.data > 0) {
        call_cloudwatch(publication);
    } else {
        cloudwatch_free(&publication->batch);
        end(publication);
    }
}

/* ---- as lines ---- */

typedef struct {
    const flush_publisher_t *publisher;
    emf_line_fn write;
    void *baton;
    apr_time_t wall;
} lines_t;

static int on_line_datum(void *baton, const report_datum_t *datum)
{
    const lines_t *lines = baton;

    return emf_write(&lines->publisher->place, datum, lines->wall, lines->write, lines->baton);
}

uint64_t flush_write_rest(metrics_t *metrics, const flush_publisher_t *publishers, size_t count,
                          size_t index, emf_line_fn write, void *baton)
{
    lines_t lines = {&publishers[index], write, baton, clock_wall()};
    uint64_t requests = 0;
    uint64_t errors;
    unsigned i;

    for (i = 0; i < METRICS_SERIES; i++) {
        metrics_values_t *values = take(metrics, publishers, count, index, i);
        if (values != NULL && report_each(metrics, values, on_line_datum, &lines)) {
            metrics_delivered(metrics, i, values);
            requests += metrics_requests(metrics, values, &errors);
        }
        free(values);
    }
    return requests;
}

static void write_lines(publication_t *publication)
{
    const flush_t *flush = publication->flush;
    const flush_publisher_t *publisher = publication->publisher;
    lines_t lines = {publisher, publisher->write, publisher->baton, clock_wall()};
    double value;
    uint64_t count;
    report_datum_t datum = report_in_flight(flush->settings.in_flight(), &value, &count);

    if (value > 0) {
        (void)on_line_datum(&lines, &datum);
    }
    (void)flush_write_rest(flush->settings.metrics, flush->publishers, flush->count,
                           publication->index, publisher->write, publisher->baton);
    (void)metrics_report(publication->record, 1, clock_wall());
    end(publication);
}

/* ---- when ---- */

/* With the lease. */
static void begin_held(publication_t *publication, apr_time_t deadline)
{
    metrics_set_due(publication->record, clock_monotonic() + publication->publisher->interval);
    publication->busy = 1;
    publication->deadline = deadline;
    publication->next = 0;
    if (publication->publisher->write != NULL) {
        write_lines(publication);
    } else {
        deliver(publication);
    }
}

/* The delivery of flush_finish(). */
static void begin(publication_t *publication, apr_time_t deadline)
{
    publication->is_last = 1;
    if (metrics_lease(publication->record, getpid(), clock_monotonic(), LEASE_TIME)) {
        begin_held(publication, deadline);
    } else {
        finish_one(publication->flush);
    }
}

static void on_timer(loop_timer_t *timer)
{
    publication_t *publication = LOOP_CONTAINER(timer, publication_t, timer);
    apr_interval_time_t interval = publication->publisher->interval;
    apr_time_t now = clock_monotonic();

    if (publication->flush->settings.is_leaving()) {
        return;
    }
    if (metrics_due_in(publication->record, now, interval) > 0) {
        wait_for_next(publication, 0);
    } else if (!metrics_lease(publication->record, getpid(), now, LEASE_TIME)) {
        wait_for_next(publication, LOOK_AGAIN);
    } else if (metrics_due_in(publication->record, now, interval) > 0) {
        metrics_end_lease(publication->record, getpid()); /* another child was faster */
        wait_for_next(publication, 0);
    } else {
        begin_held(publication, now + DELIVERY_TIME);
    }
}

/* ---- from outside ---- */

flush_t *flush_create(apr_pool_t *pool, const flush_settings_t *settings,
                      const flush_publisher_t *publishers, size_t count)
{
    flush_t *flush = apr_pcalloc(pool, sizeof(*flush));
    size_t i;

    flush->settings = *settings;
    flush->publishers = publishers;
    flush->count = count;
    flush->publications = apr_pcalloc(pool, (count + 1) * sizeof(*flush->publications));
    for (i = 0; i < count; i++) {
        flush->publications[i].flush = flush;
        flush->publications[i].publisher = &publishers[i];
        flush->publications[i].index = i;
        flush->publications[i].record = metrics_publisher(settings->metrics, publishers[i].key);
    }
    return flush;
}

void flush_start(flush_t *flush)
{
    size_t i;

    for (i = 0; i < flush->count; i++) {
        if (flush->publications[i].record != NULL) {
            wait_for_next(&flush->publications[i], 0);
            continue;
        }
        log_error("CHAT0704: starting the delivery of metrics to namespace %s: there were too many "
                  "different settings since httpd started; stop httpd and start it again",
                  flush->publishers[i].place.namespace);
    }
}

void flush_finish(flush_t *flush, apr_time_t deadline, void (*on_done)(void *baton), void *baton)
{
    size_t i;

    flush->finishing = 1;
    flush->deadline = deadline;
    flush->on_done = on_done;
    flush->baton = baton;
    flush->unfinished = flush->count + 1;
    for (i = 0; i < flush->count; i++) {
        publication_t *publication = &flush->publications[i];
        if (publication->record == NULL) {
            finish_one(flush);
        } else if (!publication->busy) { /* else it goes on when that has ended */
            loop_timer_disarm(flush->settings.loop, &publication->timer);
            begin(publication, deadline);
        }
    }
    finish_one(flush);
}

void flush_stop(flush_t *flush)
{
    size_t i;

    for (i = 0; i < flush->count; i++) {
        publication_t *publication = &flush->publications[i];
        loop_timer_disarm(flush->settings.loop, &publication->timer);
        if (publication->busy) {
            cloudwatch_cancel(&publication->put);
            cloudwatch_free(&publication->batch);
            forget_taken(publication);
            metrics_end_lease(publication->record, getpid());
            publication->busy = 0;
        }
    }
}
