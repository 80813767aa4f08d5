#include "http/metrics_publish.h"

#include "base/clock.h"
#include "base/log.h"
#include "chat/flush.h"
#include "http/child.h"
#include "http/config.h"
#include "http/shared.h"
#include "http/upstream.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_main.h>
#include <semaphore.h>
#include <time.h>
#include <unistd.h>

APLOG_USE_MODULE(chatbot);

#define DEFAULT_NAMESPACE "ChatBot/httpd"
#define DEFAULT_INTERVAL  apr_time_from_sec(60)
#define LAST_SECONDS      2 /* for the delivery of the last child */

/* Read-only once the configuration was read, but for the last four. */
static struct {
    flush_publisher_t *publishers;
    size_t count;
    pid_t parent;
    flush_t *flush; /* I/O thread */
    loop_t *loop;
    loop_task_t task;
    sem_t finished;
} publishing;

/* ---- publishers ---- */

static const char *namespace_of(const metrics_directives_t *said)
{
    return said->namespace != NULL ? said->namespace : DEFAULT_NAMESPACE;
}

static apr_interval_time_t interval_of(const metrics_directives_t *said)
{
    return said->interval != 0 ? said->interval : DEFAULT_INTERVAL;
}

static const char *or_nothing(const char *text)
{
    return text != NULL ? text : "";
}

static int add_dimension_key(void *key, const char *name, const char *value)
{
    *(uint64_t *)key = names_hash(names_hash(*(uint64_t *)key, name), value);
    return 1;
}

/* By all that says where the numbers go: what they are called there, and in which account. */
static uint64_t key_of(apr_pool_t *pool, const server_rec *server)
{
    const config_server_t *config = config_of_server(server);
    const metrics_directives_t *said = &config->metrics;
    const endpoint_t *endpoint = config->aws.endpoints[AWS_MONITORING];
    uint64_t key = names_hash(0, namespace_of(said));

    if (said->mode == METRICS_MODE_OFF) {
        return METRICS_NOBODY;
    }
    (void)apr_table_do(add_dimension_key, &key, said->dimensions, NULL);
    key = names_hash(key, apr_ltoa(pool, (long)interval_of(said)));
    if (said->mode == METRICS_MODE_EMF) {
        key = names_hash(names_hash(key, "emf"), or_nothing(server->error_fname));
    } else {
        key = names_hash(key, endpoint != NULL ? endpoint->origin : "");
        key = names_hash(key, endpoint != NULL ? endpoint->prefix : "");
        key = names_hash(key, or_nothing(config->aws.region));
        key = names_hash(key, or_nothing(config->said.profile));
        key = names_hash(key, or_nothing(config->said.credentials));
    }
    return key > METRICS_NOBODY ? key : METRICS_NOBODY + 1;
}

static call_client_t *on_client(void *server)
{
    return upstream_client(server, AWS_MONITORING);
}

/* The line alone, without what httpd puts in front of its own. */
static int on_line(void *baton, const char *line, size_t length)
{
    const server_rec *server = baton;

    return server->error_log != NULL &&
           apr_file_write_full(server->error_log, line, length, NULL) == APR_SUCCESS;
}

static void fill_dimensions(emf_place_t *place, apr_pool_t *pool, const apr_table_t *table)
{
    const apr_array_header_t *entries = apr_table_elts(table);
    const apr_table_entry_t *entry = (const apr_table_entry_t *)(void *)entries->elts;
    cloudwatch_dimension_t *dimensions =
        apr_palloc(pool, ((size_t)entries->nelts + 1) * sizeof(*dimensions));
    int i;

    for (i = 0; i < entries->nelts; i++) {
        dimensions[i].name = entry[i].key;
        dimensions[i].value = entry[i].val;
    }
    place->dimensions = dimensions;
    place->dimension_count = (size_t)entries->nelts;
}

static void add_publisher(apr_pool_t *pool, server_rec *server, uint64_t key)
{
    const metrics_directives_t *said = &config_of_server(server)->metrics;
    flush_publisher_t *publisher;
    size_t i;

    for (i = 0; i < publishing.count; i++) {
        if (publishing.publishers[i].key == key) {
            return;
        }
    }
    publisher = &publishing.publishers[publishing.count++];
    publisher->key = key;
    publisher->place.namespace = namespace_of(said);
    fill_dimensions(&publisher->place, pool, said->dimensions);
    publisher->interval = interval_of(said);
    publisher->client = on_client;
    publisher->write = said->mode == METRICS_MODE_EMF ? on_line : NULL;
    publisher->baton = server;
}

/* NULL, or what cannot be. */
static const char *find_problem(const server_rec *server)
{
    const metrics_directives_t *said = &config_of_server(server)->metrics;

    if (said->mode == METRICS_MODE_EMF &&
        strncasecmp(or_nothing(server->error_fname), "syslog", 6) == 0) {
        return "ChatbotMetrics emf writes to the error log, and a line of syslog is no document; "
               "write ErrorLog with a file or a program";
    }
    return metrics_directives_problem(said);
}

int metrics_publish_check(apr_pool_t *pconf, server_rec *main_server)
{
    server_rec *server;
    size_t servers = 0;

    for (server = main_server; server != NULL; server = server->next) {
        servers++;
    }
    publishing.publishers = apr_pcalloc(pconf, servers * sizeof(*publishing.publishers));
    publishing.count = 0;
    for (server = main_server; server != NULL; server = server->next) {
        config_server_t *config = config_of_server(server);
        const char *problem = find_problem(server);
        if (problem != NULL) {
            ap_log_error(APLOG_MARK, APLOG_EMERG, 0, server,
                         "CHAT0711: reading the configuration of metrics: %s", problem);
            return HTTP_INTERNAL_SERVER_ERROR;
        }
        if (config->publisher != 0) {
            continue; /* a virtual host without directives of its own: the main server's record */
        }
        config->publisher = key_of(pconf, server);
        if (config->publisher != METRICS_NOBODY) {
            add_publisher(pconf, server, config->publisher);
        }
    }
    return OK;
}

/* ---- the parent ---- */

static void write_rest(size_t index)
{
    const flush_publisher_t *publisher = &publishing.publishers[index];
    server_rec *server = publisher->baton;
    uint64_t requests = flush_write_rest(shared_metrics(), publishing.publishers, publishing.count,
                                         index, on_line, server);

    if (requests > 0 && publisher->write == NULL) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, server,
                     "CHAT0712: stopping: the metrics of %" APR_UINT64_T_FMT
                     " requests could not be delivered to CloudWatch, namespace %s; they are "
                     "written above, in the embedded metric format",
                     requests, publisher->place.namespace);
    }
}

/* httpd ends, and all children are gone; the logs are still open. */
static apr_status_t on_process_ends(void *unused)
{
    size_t i;

    (void)unused;
    for (i = 0; getpid() == publishing.parent && i < publishing.count; i++) {
        write_rest(i);
    }
    return APR_SUCCESS;
}

/* The configuration goes: for another one, or for good. */
static apr_status_t on_configuration_ends(void *process_pool)
{
    if (getpid() == publishing.parent) {
        apr_pool_cleanup_kill(process_pool, &publishing, on_process_ends);
        metrics_set_restarting(shared_metrics(), 1);
    }
    return APR_SUCCESS;
}

void metrics_publish_prepare(apr_pool_t *pconf, server_rec *main_server)
{
    apr_pool_t *process_pool = main_server->process->pool;

    publishing.parent = getpid();
    apr_pool_pre_cleanup_register(process_pool, &publishing, on_process_ends);
    apr_pool_cleanup_register(pconf, process_pool, on_configuration_ends, apr_pool_cleanup_null);
}

/* ---- the child ---- */

static void on_start(loop_task_t *task)
{
    (void)task;
    flush_start(publishing.flush);
}

void metrics_publish_start(apr_pool_t *pchild, loop_t *loop)
{
    const flush_settings_t settings = {loop, shared_metrics(), shared_chats_in_flight,
                                       child_is_stopping};

    metrics_set_restarting(shared_metrics(), 0);
    publishing.loop = loop;
    publishing.flush = flush_create(pchild, &settings, publishing.publishers, publishing.count);
    publishing.task.run = on_start;
    (void)loop_post(loop, &publishing.task);
}

static void on_finished(void *unused)
{
    (void)unused;
    (void)sem_post(&publishing.finished);
}

static void on_finish(loop_task_t *task)
{
    (void)task;
    flush_finish(publishing.flush, clock_monotonic() + apr_time_from_sec(LAST_SECONDS), on_finished,
                 NULL);
}

/* A semaphore, because prefork ends a child from within a signal handler. */
static void finish(void)
{
    static loop_task_t task = {NULL, on_finish};
    struct timespec until;

    (void)sem_init(&publishing.finished, 0, 0);
    if (loop_post(publishing.loop, &task)) {
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += LAST_SECONDS;
        (void)sem_clockwait(&publishing.finished, CLOCK_MONOTONIC, &until);
    }
}

static void on_stop(loop_task_t *task)
{
    (void)task;
    flush_stop(publishing.flush);
}

void metrics_publish_stop(int is_last)
{
    static loop_task_t task = {NULL, on_stop};

    if (publishing.flush == NULL) {
        return;
    }
    if (is_last && !metrics_is_restarting(shared_metrics())) {
        finish();
    }
    (void)loop_post(publishing.loop, &task);
}

/* ---- for those who ask ---- */

int metrics_publish_state(metrics_publish_state_t *state)
{
    size_t i;

    memset(state, 0, sizeof(*state));
    for (i = 0; i < publishing.count; i++) {
        metrics_publisher_t *record =
            metrics_publisher(shared_metrics(), publishing.publishers[i].key);
        metrics_delivery_t delivery;
        if (record == NULL) {
            continue;
        }
        metrics_delivery(record, &delivery);
        state->delivered =
            delivery.delivered > state->delivered ? delivery.delivered : state->delivered;
        state->failures = delivery.failures > state->failures ? delivery.failures : state->failures;
    }
    return publishing.count > 0;
}
