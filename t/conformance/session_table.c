/*
 * Does with a table of sessions what a child of httpd does, on an I/O thread of its own. The first
 * question names the table:
 *
 *     {"endpoint": "http://127.0.0.1:8001", "table": "chat_sessions"}
 *
 * and the others operations. Those of one array are started at once; the next array's when all have
 * ended:
 *
 *     {"do": [[{"op": "open", "record": 0, "id": "s-1", "user": "ada", "request": "r-1"}],
 *             [{"op": "save", "record": 0, "user": "ada", "request": "r-1", "message": "Hello",
 *               "answer": "Hi", "history": 20, "ttl": 3600}]]}
 *
 * "op" is open, save, release, read, remove or detach (a release that nobody waits for). The answer
 * has an end, a reason and the record for each, and the log since the last one.
 */
#include "chat/session_table.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include "lines.h"

#include <apr_strings.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>

#define LOG_MAX     65536
#define RECORDS     64
#define AT_ONCE_MAX 32
#define REASON_MAX  2048

static const char *const ends[] = {"ok", "absent", "busy", "forbidden", "failed"};

typedef struct {
    const json_t *asked;
    session_operation_t *operation;
    session_asker_t asker;
    session_turn_t turn;
    session_t *session;
    const char *end;
    char reason[REASON_MAX];
    int told;
    sem_t done;
} doing_t;

static apr_pool_t *lasting;
static loop_t *loop;
static call_client_t client;
static const session_store_t *store;
static session_t records[RECORDS];
static buffer_t kept_log; /* locked */
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

static int wants(void *baton, log_level_e level)
{
    (void)baton;
    return level <= LOG_AT_DEBUG;
}

static void keep(void *baton, log_level_e level, const char *file, int line, const char *text)
{
    (void)baton;
    (void)level;
    (void)file;
    (void)line;
    (void)pthread_mutex_lock(&log_lock);
    (void)buffer_puts(&kept_log, text);
    (void)buffer_puts(&kept_log, "\n");
    (void)pthread_mutex_unlock(&log_lock);
}

/* ---- the store ---- */

static const char *variable(void *baton, const char *name)
{
    (void)baton;
    return getenv(name);
}

static int start(const json_t *question)
{
    static const log_sink_t sink = {wants, keep, NULL};
    static endpoint_t endpoint;
    static credentials_settings_t settings;
    const endpoint_options_t options = {
        .url = apr_pstrdup(lasting, json_member_text(question, "endpoint", NULL))};

    log_set_sink(&sink);
    buffer_init(&kept_log, LOG_MAX);
    credentials_settings_read(&settings, lasting, variable, NULL);
    (void)credentials_settings_choose(&settings, "env");
    client.service = "dynamodb";
    if (endpoint_resolve(&endpoint, lasting, endpoint_service(client.service), "us-east-1",
                         &options) != NULL ||
        loop_create(&loop, lasting) != APR_SUCCESS || loop_start(loop) != APR_SUCCESS) {
        return 0;
    }
    client.loop = loop;
    client.endpoint = &endpoint;
    client.credentials = credentials_create(loop, &settings, lasting);
    client.keys = sigv4_keys_create(lasting);
    retry_bucket_fill(&client.bucket, RETRY_BUCKET_TOKENS);
    store = session_table_create(lasting, json_member_text(question, "table", NULL), &client);
    return 1;
}

/* ---- operations ---- */

static void on_end(void *baton, session_end_e end, const char *reason)
{
    doing_t *doing = baton;

    doing->told++;
    doing->end = ends[end];
    (void)apr_cpystrn(doing->reason, reason, sizeof(doing->reason));
    (void)sem_post(&doing->done);
}

static const char *text_of(const json_t *object, const char *name, size_t *length)
{
    const char *text = json_member_text(object, name, length);

    return text != NULL ? text : "";
}

static void prepare(doing_t *doing, const json_t *asked)
{
    session_turn_t *turn = &doing->turn;

    doing->asked = asked;
    doing->session = &records[lines_integer(asked, "record", 0) % RECORDS];
    doing->asker.user = json_member_text(asked, "user", NULL);
    doing->asker.is_anyone = lines_truth(asked, "anyone");
    doing->asker.request_id = text_of(asked, "request", NULL);
    doing->asker.until =
        clock_wall() + 1000 * (apr_interval_time_t)lines_integer(asked, "for", 30000);
    turn->user = doing->asker.user;
    turn->message = text_of(asked, "message", &turn->message_length);
    turn->answer = text_of(asked, "answer", &turn->answer_length);
    turn->when = clock_wall();
    turn->ttl = apr_time_from_sec(lines_integer(asked, "ttl", 86400));
    turn->history_turns = (int)lines_integer(asked, "history", 20);
    doing->end = "";
    (void)sem_init(&doing->done, 0, 0);
    if (json_member_text(asked, "id", NULL) != NULL) {
        session_free(doing->session);
        session_init(doing->session, json_member_text(asked, "id", NULL));
    }
}

static void start_one(doing_t *doing)
{
    const session_owner_t owner = {on_end, doing};
    const char *op = text_of(doing->asked, "op", NULL);
    int is_to_cancel = lines_truth(doing->asked, "cancel");
    session_t *session = doing->session;

    if (strcmp(op, "open") == 0) {
        store->open(store, &doing->operation, session, &doing->asker, &owner);
    } else if (strcmp(op, "save") == 0) {
        store->save(store, &doing->operation, session, &doing->asker, &doing->turn, &owner);
    } else if (strcmp(op, "release") == 0) {
        store->release(store, &doing->operation, session, &doing->asker, &owner);
    } else if (strcmp(op, "read") == 0) {
        store->read(store, &doing->operation, session, &doing->asker, &owner);
    } else if (strcmp(op, "remove") == 0) {
        store->remove(store, &doing->operation, session->id, &doing->asker, &owner);
    } else {
        store->release(store, NULL, session, &doing->asker, NULL);
        on_end(doing, SESSION_OK, "");
    }
    /* Who is told may be asked the next question already. */
    if (is_to_cancel && !doing->told) {
        store->cancel(doing->operation);
        on_end(doing, SESSION_FAILED, "cancelled");
    }
}

typedef struct {
    loop_task_t task;
    doing_t *doings;
    size_t count;
} batch_t;

static void on_task(loop_task_t *task)
{
    /* The batch goes when the last one has ended. */
    const batch_t batch = *LOOP_CONTAINER(task, batch_t, task);
    size_t i;

    for (i = 0; i < batch.count; i++) {
        start_one(&batch.doings[i]);
    }
}

/* ---- answers ---- */

static void put_time(json_writer_t *writer, const char *name, apr_time_t when)
{
    char text[TEXT_RFC3339_LENGTH + 1];

    text_rfc3339(text, when);
    json_put_member(writer, name, when != 0 ? text : NULL);
}

static void put_record(json_writer_t *writer, const session_t *session)
{
    size_t i;

    json_put_member(writer, "id", session->id);
    json_put_member(writer, "user", buffer_text(&session->user));
    json_put_member(writer, "last_message", buffer_text(&session->last_message));
    put_time(writer, "created_at", session->created_at);
    put_time(writer, "updated_at", session->updated_at);
    put_time(writer, "expires_at", session->expires_at);
    json_name(writer, "turns");
    json_put_integer(writer, session->turns);
    json_name(writer, "version");
    json_put_integer(writer, session->version);
    json_name(writer, "history");
    json_open(writer, '[');
    for (i = 0; i < session->history_count; i++) {
        const session_message_t *message = &session->history[i];
        json_open(writer, '[');
        json_put_text(writer, message->role == SESSION_USER ? "user" : "assistant");
        json_put_string(writer, session->texts.data + message->at, message->length);
        json_close(writer, ']');
    }
    json_close(writer, ']');
}

static void put_result(json_writer_t *writer, const doing_t *doing)
{
    json_open(writer, '{');
    json_put_member(writer, "end", doing->told == 1 ? doing->end : "told more than once");
    json_put_member(writer, "reason", doing->reason);
    put_record(writer, doing->session);
    json_close(writer, '}');
}

static void do_batch(const json_t *asked, json_writer_t *writer)
{
    static doing_t doings[AT_ONCE_MAX];
    batch_t batch = {.task = {.run = on_task}, .doings = doings, .count = json_length(asked)};
    size_t i;

    batch.count = batch.count < AT_ONCE_MAX ? batch.count : AT_ONCE_MAX;
    memset(doings, 0, sizeof(doings));
    for (i = 0; i < batch.count; i++) {
        prepare(&doings[i], json_item(asked, i));
    }
    (void)loop_post(loop, &batch.task);
    for (i = 0; i < batch.count; i++) {
        while (sem_wait(&doings[i].done) != 0) {
        }
    }
    json_open(writer, '[');
    for (i = 0; i < batch.count; i++) {
        put_result(writer, &doings[i]);
    }
    json_close(writer, ']');
}

static void answer(apr_pool_t *pool, const json_t *question, json_writer_t *writer)
{
    const json_t *batches = json_member(question, "do");
    size_t i;

    (void)pool;
    if (lasting == NULL) {
        (void)apr_pool_create(&lasting, NULL);
        json_name(writer, "started");
        json_put_boolean(writer, start(question));
        return;
    }
    json_name(writer, "results");
    json_open(writer, '[');
    for (i = 0; i < json_length(batches); i++) {
        do_batch(json_item(batches, i), writer);
    }
    json_close(writer, ']');
    if (lines_truth(question, "stop")) {
        loop_stop(loop);
        for (i = 0; i < RECORDS; i++) {
            session_free(&records[i]);
        }
    }
    (void)pthread_mutex_lock(&log_lock);
    json_put_member(writer, "log", buffer_text(&kept_log));
    buffer_clear(&kept_log);
    (void)pthread_mutex_unlock(&log_lock);
}

int main(void)
{
    return lines_answer(answer);
}
