#include "emulator/control.h"

#include "base/json.h"
#include "emulator/dynamodb_control.h"
#include "emulator/s3.h"

#include <stdlib.h>
#include <string.h>

#define PREFIX         "/_emulator/"
#define CONTENT_MAX    (64 * 1024 * 1024)
#define REQUESTS_LIMIT 100

typedef answer_t *(*handler_t)(emulator_t *emulator, const http_request_t *request,
                               const char *rest);

static answer_t *json_answer(int status, buffer_t *body)
{
    answer_t *answer = answer_create(status, "application/json");

    if (answer != NULL) {
        (void)buffer_puts(body, "\n");
        answer_send(answer, buffer_text(body), body->length);
        answer->failed |= body->failed;
    }
    buffer_free(body);
    return answer;
}

static answer_t *refuse(int status, const char *message)
{
    buffer_t body;
    json_writer_t writer;

    buffer_init(&body, CONTENT_MAX);
    json_write_to(&writer, &body);
    json_open(&writer, '{');
    json_put_member(&writer, "error", message);
    json_close(&writer, '}');
    return json_answer(status, &body);
}

/* An object of one member. */
typedef struct {
    buffer_t body;
    json_writer_t writer;
} listing_t;

static json_writer_t *begin(listing_t *listing, const char *name)
{
    buffer_init(&listing->body, CONTENT_MAX);
    json_write_to(&listing->writer, &listing->body);
    json_open(&listing->writer, '{');
    json_name(&listing->writer, name);
    return &listing->writer;
}

static answer_t *end(listing_t *listing)
{
    json_close(&listing->writer, '}');
    return json_answer(200, &listing->body);
}

static answer_t *get_health(emulator_t *emulator, const http_request_t *request, const char *rest)
{
    buffer_t body;

    (void)emulator;
    (void)request;
    (void)rest;
    buffer_init(&body, CONTENT_MAX);
    (void)buffer_puts(&body, "{\"status\":\"ok\"}");
    return json_answer(200, &body);
}

static answer_t *get_state(emulator_t *emulator, const http_request_t *request, const char *rest)
{
    buffer_t body;
    json_writer_t writer;

    (void)request;
    (void)rest;
    buffer_init(&body, CONTENT_MAX);
    json_write_to(&writer, &body);
    json_open(&writer, '{');
    journal_write_state(emulator->journal, &writer);
    json_name(&writer, "credentials");
    issuer_write(emulator->issuer, &writer);
    json_close(&writer, '}');
    return json_answer(200, &body);
}

static answer_t *delete_state(emulator_t *emulator, const http_request_t *request, const char *rest)
{
    (void)request;
    (void)rest;
    journal_reset(emulator->journal);
    sessions_clear(emulator->sessions);
    faults_clear(emulator->faults);
    tables_empty_all(emulator->tables);
    metrics_clear(emulator->metrics);
    s3_store_clear(emulator->s3);
    switches_init(&emulator->switches);
    memset(issuer_counters(emulator->issuer), 0, sizeof(issuer_counters_t));
    return answer_create(204, NULL);
}

/* A number of the query; `otherwise` when it is absent. */
static uint64_t query_number(const http_request_t *request, const char *name, uint64_t otherwise)
{
    size_t length = 0;
    const char *value = http_query(request, name, &length);

    return value != NULL && length > 0 ? strtoull(value, NULL, 10) : otherwise;
}

static answer_t *get_requests(emulator_t *emulator, const http_request_t *request, const char *rest)
{
    listing_t listing;

    (void)rest;
    journal_write_requests(emulator->journal, begin(&listing, "requests"),
                           query_number(request, "after", 0),
                           (size_t)query_number(request, "limit", REQUESTS_LIMIT));
    return end(&listing);
}

static answer_t *get_session(emulator_t *emulator, const http_request_t *request, const char *rest)
{
    listing_t listing;
    json_writer_t *writer = begin(&listing, "sessions");
    buffer_t id;
    size_t found = 0;

    (void)request;
    buffer_init(&id, HTTP_HEAD_MAX);
    if (http_percent_decode(&id, rest, strlen(rest))) {
        found = sessions_write(emulator->sessions, buffer_text(&id), writer);
    }
    buffer_free(&id);
    if (found == 0) {
        buffer_free(&listing.body);
        return refuse(404, "there is no session of that id");
    }
    return end(&listing);
}

static answer_t *get_faults(emulator_t *emulator, const http_request_t *request, const char *rest)
{
    listing_t listing;

    (void)request;
    (void)rest;
    faults_write(emulator->faults, begin(&listing, "faults"));
    return end(&listing);
}

static answer_t *put_faults(emulator_t *emulator, const http_request_t *request, const char *rest)
{
    buffer_t problem;
    answer_t *answer;

    buffer_init(&problem, HTTP_HEAD_MAX);
    if (faults_replace(emulator->faults, request->body, request->body_length, &problem)) {
        answer = get_faults(emulator, request, rest);
    } else {
        answer = refuse(400, buffer_text(&problem));
    }
    buffer_free(&problem);
    return answer;
}

static answer_t *delete_faults(emulator_t *emulator, const http_request_t *request,
                               const char *rest)
{
    (void)request;
    (void)rest;
    faults_clear(emulator->faults);
    return answer_create(204, NULL);
}

static answer_t *get_switches(emulator_t *emulator, const http_request_t *request, const char *rest)
{
    buffer_t body;
    json_writer_t writer;

    (void)request;
    (void)rest;
    buffer_init(&body, CONTENT_MAX);
    json_write_to(&writer, &body);
    switches_write(&emulator->switches, &writer);
    return json_answer(200, &body);
}

static answer_t *put_switches(emulator_t *emulator, const http_request_t *request, const char *rest)
{
    buffer_t problem;
    answer_t *answer;

    buffer_init(&problem, HTTP_HEAD_MAX);
    if (switches_change(&emulator->switches, request->body, request->body_length, &problem)) {
        answer = get_switches(emulator, request, rest);
    } else {
        answer = refuse(400, buffer_text(&problem));
    }
    buffer_free(&problem);
    return answer;
}

static answer_t *delete_switches(emulator_t *emulator, const http_request_t *request,
                                 const char *rest)
{
    (void)request;
    (void)rest;
    switches_init(&emulator->switches);
    return answer_create(204, NULL);
}

static answer_t *get_buckets(emulator_t *emulator, const http_request_t *request, const char *rest)
{
    listing_t listing;

    (void)request;
    (void)rest;
    s3_write(emulator->s3, begin(&listing, "buckets"));
    return end(&listing);
}

/* ---- tables ---- */

static answer_t *get_tables(emulator_t *emulator, const http_request_t *request, const char *rest)
{
    listing_t listing;

    (void)request;
    (void)rest;
    dynamodb_control_list(emulator, begin(&listing, "tables"));
    return end(&listing);
}

static answer_t *get_table(emulator_t *emulator, const http_request_t *request, const char *rest)
{
    buffer_t body;
    json_writer_t writer;

    (void)request;
    buffer_init(&body, CONTENT_MAX);
    json_write_to(&writer, &body);
    if (!dynamodb_control_show(emulator, rest, &writer)) {
        return refuse(404, "there is no table of that name");
    }
    return json_answer(200, &body);
}

typedef int (*table_change_t)(const emulator_t *emulator, const char *name,
                              const http_request_t *request, buffer_t *problem);

static answer_t *change_table(emulator_t *emulator, const http_request_t *request, const char *rest,
                              table_change_t change)
{
    buffer_t problem;
    answer_t *answer;

    buffer_init(&problem, HTTP_HEAD_MAX);
    answer = change(emulator, rest, request, &problem) ? get_table(emulator, request, rest)
                                                       : refuse(400, buffer_text(&problem));
    buffer_free(&problem);
    return answer;
}

static answer_t *put_table(emulator_t *emulator, const http_request_t *request, const char *rest)
{
    return change_table(emulator, request, rest, dynamodb_control_make);
}

static answer_t *post_table(emulator_t *emulator, const http_request_t *request, const char *rest)
{
    return change_table(emulator, request, rest, dynamodb_control_put);
}

static answer_t *delete_table(emulator_t *emulator, const http_request_t *request, const char *rest)
{
    (void)request;
    return dynamodb_control_drop(emulator, rest) ? answer_create(204, NULL)
                                                 : refuse(404, "there is no table of that name");
}

/* ---- metrics ---- */

static answer_t *get_metrics(emulator_t *emulator, const http_request_t *request, const char *rest)
{
    buffer_t body;
    json_writer_t writer;

    (void)request;
    (void)rest;
    buffer_init(&body, CONTENT_MAX);
    json_write_to(&writer, &body);
    metrics_write(emulator->metrics, &writer);
    return json_answer(200, &body);
}

static answer_t *delete_metrics(emulator_t *emulator, const http_request_t *request,
                                const char *rest)
{
    (void)request;
    (void)rest;
    metrics_clear(emulator->metrics);
    return answer_create(204, NULL);
}

/* ---- routes ---- */

static const struct {
    const char *method;
    const char *path; /* one that ends in "/" has a rest */
    handler_t handler;
} routes[] = {{"GET", "health", get_health},           {"GET", "state", get_state},
              {"DELETE", "state", delete_state},       {"GET", "requests", get_requests},
              {"GET", "sessions/", get_session},       {"GET", "faults", get_faults},
              {"PUT", "faults", put_faults},           {"DELETE", "faults", delete_faults},
              {"GET", "switches", get_switches},       {"PUT", "switches", put_switches},
              {"DELETE", "switches", delete_switches}, {"GET", "tables", get_tables},
              {"GET", "tables/", get_table},           {"PUT", "tables/", put_table},
              {"POST", "tables/", post_table},         {"DELETE", "tables/", delete_table},
              {"GET", "metrics", get_metrics},         {"DELETE", "metrics", delete_metrics},
              {"GET", "buckets", get_buckets}};

int control_is_for(const http_request_t *request)
{
    return strncmp(request->path, PREFIX, sizeof(PREFIX) - 1) == 0;
}

/* Whether a route's path fits, and what of the path is behind it. */
static int matches(const char *route, const char *path, const char **rest)
{
    size_t length = strlen(route);

    *rest = path + length;
    return strncmp(path, route, length) == 0 && (route[length - 1] == '/' || **rest == '\0');
}

answer_t *control_answer(emulator_t *emulator, const http_request_t *request)
{
    const char *path = request->path + sizeof(PREFIX) - 1;
    const char *method = strcmp(request->method, "HEAD") == 0 ? "GET" : request->method;
    int known = 0;
    size_t i;

    for (i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        const char *rest;
        if (!matches(routes[i].path, path, &rest)) {
            continue;
        }
        if (strcmp(routes[i].method, method) == 0) {
            return routes[i].handler(emulator, request, rest);
        }
        known = 1;
    }
    return known ? refuse(405, "this path does not take that method")
                 : refuse(404, "there is no such path; docs/emulator.md lists them");
}
