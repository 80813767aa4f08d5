#include "chat/fleet_limit.h"

#include "aws/dynamodb.h"
#include "aws/skew.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "chat/fleet_item.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_TIME apr_time_from_msec(400)
#define ANSWER_TIME  apr_time_from_msec(300)

/* Most times that others come first: more than there are writers of one client. */
#define TRIES_MAX 50

#define BUCKETS 256u

/* The first failure is enough, and one request every two seconds tries again. */
static const circuit_settings_t breaker = {1, 1, apr_time_from_sec(10), apr_time_from_sec(2)};

/* Requests in the order they came. */
typedef struct {
    fleet_limit_ask_t *first;
    fleet_limit_ask_t **end;
} queue_t;

/* What is under way for one client. */
typedef struct fleet_limit_write_t {
    fleet_limit_t *fleet;
    char id[FLEET_ITEM_ID_LENGTH + 1];
    struct fleet_limit_write_t *next;
    queue_t writing; /* counted in `item` */
    queue_t waiting; /* for the next write */
    queue_t refused;
    fleet_item_t known;
    fleet_item_t item; /* what is being written in its place */
    int tries;
    dynamodb_t *request;
    loop_timer_t timer;
} write_t;

struct fleet_limit_t {
    fleet_limit_settings_t settings;
    call_client_t *client; /* of the last ask */
    char writer[FLEET_ITEM_WRITER_LENGTH + 1];
    atomic_llong skew; /* seconds that AWS's clock is ahead */
    write_t *writes[BUCKETS];
};

/* ---- queues ---- */

static void empty(queue_t *queue)
{
    queue->first = NULL;
    queue->end = &queue->first;
}

static void push(queue_t *queue, fleet_limit_ask_t *ask)
{
    ask->next = NULL;
    *queue->end = ask;
    queue->end = &ask->next;
}

static fleet_limit_ask_t *pop(queue_t *queue)
{
    fleet_limit_ask_t *ask = queue->first;

    if (ask != NULL) {
        queue->first = ask->next;
        if (queue->first == NULL) {
            queue->end = &queue->first;
        }
    }
    return ask;
}

static void append(queue_t *queue, queue_t *more)
{
    if (more->first != NULL) {
        *queue->end = more->first;
        queue->end = more->end;
        empty(more);
    }
}

static void drop(queue_t *queue, const fleet_limit_ask_t *ask)
{
    queue_t rest;
    fleet_limit_ask_t *other;

    empty(&rest);
    while ((other = pop(queue)) != NULL) {
        if (other != ask) {
            push(&rest, other);
        }
    }
    append(queue, &rest);
}

static void tell(fleet_limit_ask_t *ask)
{
    ask->write = NULL;
    ask->has_verdict = 1;
    ask->on_verdict(ask);
}

/* Owners may cancel others, or start new ones, from within. */
static void tell_all(queue_t *queue)
{
    fleet_limit_ask_t *ask;

    while ((ask = pop(queue)) != NULL) {
        tell(ask);
    }
}

/* ---- what is known here ---- */

static apr_time_t now_of(const fleet_limit_t *fleet)
{
    return clock_wall() + apr_time_from_sec(atomic_load(&fleet->skew));
}

static void learn_clock(fleet_limit_t *fleet)
{
    atomic_store(&fleet->skew, skew_steady(&fleet->client->skew, atomic_load(&fleet->skew)));
}

void fleet_limit_look(const fleet_limit_t *fleet, const char *scope, const char *key,
                      const sliding_log_rule_t *rule, sliding_log_verdict_t *verdict)
{
    ratelimit_look(fleet->settings.known, scope, key, rule, now_of(fleet), verdict);
}

static void remember(const write_t *write, const fleet_limit_ask_t *ask, const fleet_item_t *item)
{
    sliding_log_t log = item->log;

    log.window = (uint32_t)(ask->rule.window / 1000);
    ratelimit_store(write->fleet->settings.known, ask->scope, ask->key, &log,
                    (uint64_t)item->version, now_of(write->fleet));
}

static void count_here(fleet_limit_ask_t *ask)
{
    ratelimit_verdict_t verdict;

    ratelimit_take(ask->fleet->settings.known, ask->scope, ask->key, &ask->rule, now_of(ask->fleet),
                   &verdict);
    ask->verdict = verdict.log;
}

/* ---- whether the table is there ---- */

static void report(fleet_limit_t *fleet, const char *failure)
{
    const fleet_limit_settings_t *settings = &fleet->settings;
    const int was_closed = circuit_is_closed(settings->circuit);
    const int opened =
        circuit_report(settings->circuit, &breaker, clock_monotonic(), failure != NULL);

    if (opened && was_closed) {
        log_warn("CHAT0611: counting a request in the table %s: %s; until it answers, each machine "
                 "limits its clients by itself",
                 settings->table, failure);
    } else if (!was_closed && circuit_is_closed(settings->circuit)) {
        log_notice("CHAT0612: the table %s answers again: the rate limit is that of all machines",
                   settings->table);
    }
}

/* ---- the client's write ---- */

static write_t **bucket_of(fleet_limit_t *fleet, const char *id)
{
    unsigned hash = 0;

    for (; *id != '\0'; id++) {
        hash = hash * 31 + (unsigned char)*id;
    }
    return &fleet->writes[hash % BUCKETS];
}

static write_t *find_write(fleet_limit_t *fleet, const char *id)
{
    write_t *write = *bucket_of(fleet, id);

    while (write != NULL && strcmp(write->id, id) != 0) {
        write = write->next;
    }
    return write;
}

static write_t *make_write(fleet_limit_t *fleet, const char *id)
{
    write_t *write = calloc(1, sizeof(*write));
    write_t **bucket = bucket_of(fleet, id);

    if (write != NULL) {
        write->fleet = fleet;
        memcpy(write->id, id, sizeof(write->id));
        empty(&write->writing);
        empty(&write->waiting);
        empty(&write->refused);
        write->next = *bucket;
        *bucket = write;
    }
    return write;
}

static void end_write(write_t *write)
{
    write_t **link = bucket_of(write->fleet, write->id);

    while (*link != write) {
        link = &(*link)->next;
    }
    *link = write->next;
    loop_timer_disarm(write->fleet->client->loop, &write->timer);
    free(write);
}

static void begin(write_t *write);

/* Who came meanwhile has the next write. */
static void go_on(write_t *write)
{
    if (write->waiting.first != NULL) {
        begin(write);
    } else {
        end_write(write);
    }
}

static void give_up(write_t *write, const char *reason)
{
    queue_t here;
    fleet_limit_ask_t *ask;

    loop_timer_disarm(write->fleet->client->loop, &write->timer);
    report(write->fleet, reason);
    empty(&here);
    append(&write->writing, &write->waiting);
    if (write->writing.first != NULL && write->known.version > 0) {
        remember(write, write->writing.first, &write->known);
    }
    while ((ask = pop(&write->writing)) != NULL) {
        count_here(ask);
        push(&here, ask);
    }
    append(&write->refused, &here);
    tell_all(&write->refused);
    go_on(write);
}

static void on_timer(loop_timer_t *timer)
{
    write_t *write = LOOP_CONTAINER(timer, write_t, timer);

    dynamodb_cancel(write->request);
    write->request = NULL;
    give_up(write, "it did not answer within 500 ms");
}

static void succeed(write_t *write)
{
    report(write->fleet, NULL);
    if (write->writing.first != NULL) {
        remember(write, write->writing.first, &write->item);
    }
    tell_all(&write->writing);
    go_on(write);
}

static void send_put(write_t *write);

/* As far as the rule allows; the others are refused. */
static void decide(write_t *write)
{
    const apr_time_t now = now_of(write->fleet);
    fleet_limit_ask_t *ask;

    write->item = write->known;
    while ((ask = pop(&write->waiting)) != NULL) {
        sliding_log_take(&write->item.log, &ask->rule, now, &ask->verdict);
        push(ask->verdict.allowed ? &write->writing : &write->refused, ask);
    }
    write->item.version = now > write->known.version ? now : write->known.version + 1;
    memcpy(write->item.writer, write->fleet->writer, sizeof(write->item.writer));
}

/* From what is known of the client. */
static void write_next(write_t *write)
{
    decide(write);
    tell_all(&write->refused);
    if (write->writing.first != NULL) {
        send_put(write);
    } else {
        go_on(write);
    }
}

/* Another one wrote before us; or the item is ours, and its answer was lost. */
static void on_current(write_t *write, const json_t *attributes)
{
    fleet_item_t current;

    if (!fleet_item_read(&current, attributes)) {
        give_up(write, "the client's item is none of mod_chatbot's; delete it");
    } else if (current.version == write->item.version &&
               strcmp(current.writer, write->item.writer) == 0) {
        succeed(write);
    } else if (++write->tries > TRIES_MAX) {
        give_up(write, "other writers always came first");
    } else {
        write->known = current;
        append(&write->writing, &write->waiting);
        append(&write->waiting, &write->writing);
        if (write->waiting.first != NULL && current.version > 0) {
            remember(write, write->waiting.first, &current);
        }
        write_next(write);
    }
}

static void start_request(write_t *write, const char *operation, buffer_t *body,
                          void (*on_end)(void *, const dynamodb_result_t *))
{
    const dynamodb_owner_t owner = {on_end, write};
    const dynamodb_request_t request = {
        .operation = operation,
        .body = body,
        .limits = {.connect = CONNECT_TIME, .first = ANSWER_TIME, .idle = ANSWER_TIME},
        .deadline = clock_monotonic() + FLEET_LIMIT_TIME};

    dynamodb_start(&write->request, write->fleet->client, &request, &owner);
}

static void on_get_end(void *baton, const dynamodb_result_t *result)
{
    write_t *write = baton;

    write->request = NULL;
    if (result->end == DYNAMODB_OK) {
        on_current(write, result->item);
    } else {
        give_up(write, result->reason);
    }
}

/* Servers that do not return the item of a failed condition are asked for it; also when there is
 * none: the two look the same. */
static void send_get(write_t *write)
{
    buffer_t body;

    buffer_init(&body, DYNAMODB_BODY_MAX);
    fleet_item_write_get(&body, write->fleet->settings.table, write->id);
    start_request(write, "GetItem", &body, on_get_end);
}

static void on_put_end(void *baton, const dynamodb_result_t *result)
{
    write_t *write = baton;

    write->request = NULL;
    learn_clock(write->fleet);
    if (result->end == DYNAMODB_OK) {
        succeed(write);
    } else if (result->end != DYNAMODB_CONDITION_FAILED) {
        give_up(write, result->reason);
    } else if (result->item != NULL) {
        on_current(write, result->item);
    } else {
        send_get(write);
    }
}

static void send_put(write_t *write)
{
    buffer_t body;

    buffer_init(&body, DYNAMODB_BODY_MAX);
    fleet_item_write_put(&body, write->fleet->settings.table, write->id, &write->item,
                         write->known.version);
    start_request(write, "PutItem", &body, on_put_end);
}

static void begin(write_t *write)
{
    const fleet_limit_ask_t *ask = write->waiting.first;
    const fleet_limit_settings_t *settings = &write->fleet->settings;

    write->tries = 0;
    write->known.version =
        (int64_t)ratelimit_fetch(settings->known, ask->scope, ask->key, &write->known.log);
    loop_timer_arm(write->fleet->client->loop, &write->timer, FLEET_LIMIT_TIME, on_timer);
    write_next(write);
}

/* ---- from outside ---- */

fleet_limit_t *fleet_limit_create(apr_pool_t *pool, const fleet_limit_settings_t *settings)
{
    fleet_limit_t *fleet = apr_pcalloc(pool, sizeof(*fleet));

    fleet->settings = *settings;
    (void)text_uuid4(fleet->writer);
    return fleet;
}

static int is_asked(const fleet_limit_t *fleet)
{
    apr_interval_time_t wait;

    return fleet->settings.circuit != NULL &&
           circuit_allows(fleet->settings.circuit, &breaker, clock_monotonic(), &wait);
}

static void wait_for_write(write_t *write, fleet_limit_ask_t *ask)
{
    ask->write = write;
    push(&write->waiting, ask);
}

/* 0 when the table is not to be asked. */
static int ask_table(fleet_limit_ask_t *ask)
{
    char id[FLEET_ITEM_ID_LENGTH + 1];
    write_t *write;

    fleet_item_id(id, ask->scope, ask->key);
    write = find_write(ask->fleet, id);
    if (write != NULL) {
        wait_for_write(write, ask);
        return 1;
    }
    write = is_asked(ask->fleet) ? make_write(ask->fleet, id) : NULL;
    if (write == NULL) {
        return 0;
    }
    wait_for_write(write, ask);
    begin(write);
    return 1;
}

void fleet_limit_start(fleet_limit_ask_t *ask)
{
    ask->fleet->client = ask->client;
    learn_clock(ask->fleet);
    fleet_limit_look(ask->fleet, ask->scope, ask->key, &ask->rule, &ask->verdict);
    if (ask->verdict.allowed && ask_table(ask)) {
        return;
    }
    if (ask->verdict.allowed) {
        count_here(ask);
    }
    tell(ask);
}

void fleet_limit_cancel(fleet_limit_ask_t *ask)
{
    write_t *write = ask->write;

    if (write == NULL) {
        return;
    }
    ask->write = NULL;
    drop(&write->writing, ask);
    drop(&write->waiting, ask);
    drop(&write->refused, ask);
    if (write->request != NULL && write->writing.first == NULL && write->waiting.first == NULL) {
        dynamodb_cancel(write->request);
        end_write(write);
    }
}
