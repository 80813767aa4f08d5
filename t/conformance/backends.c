/*
 * Asks a backend as a child of httpd does: each question is answered by
 * {"end", "stop", "text", "pieces", "tokens", "input_tokens", "code", "retries",
 * "aws_request_id", "reason"}.
 *
 *     {"backend": "agent" | "converse" | "agentcore" | "openai", "url": "http://…",
 *      "message", "session", "user", "stream", "history": [[role, text], …], "system",
 *      "id": the model's or the runtime's, "key", "max_tokens", "guardrail",
 *      "session_attributes": {…}, "file": base64, "trace": traceparent, "timeout": ms,
 *      "ends": true to end the session, "pauses": true to pause at each piece,
 *      "cancels": true to cancel at the first}
 */
#include "backend/agent.h"
#include "backend/agentcore.h"
#include "backend/converse.h"
#include "backend/openai.h"
#include "base/clock.h"
#include "base/log.h"

#include "aws_client.h"
#include "lines.h"

#include <semaphore.h>
#include <string.h>

#define HISTORY_MAX 16
#define TOTAL       apr_time_from_sec(20)

typedef struct {
    loop_t *loop;
    loop_task_t task;
    loop_timer_t timer;
    apr_pool_t *pool;
    const json_t *question;
    json_writer_t *writer;
    buffer_t text;
    int pieces;
    int is_over;
    sem_t done;
    const backend_t *backend;
    backend_turn_t *turn;
    backend_prompt_t prompt;
    backend_message_t history[HISTORY_MAX];
    backend_attribute_t attribute;
    backend_file_t file;
    call_header_t trace;
    call_client_t client;
    turn_http_client_t http;
    agent_t agent;
    agentcore_t agentcore;
    converse_t converse;
    openai_t openai;
} asking_t;

static const char *text_of(const asking_t *asking, const char *name)
{
    return json_member_text(asking->question, name, NULL);
}

/* ---- the owner ---- */

static void finish(asking_t *asking)
{
    asking->is_over = 1;
    loop_timer_disarm(asking->loop, &asking->timer);
    (void)sem_post(&asking->done);
}

static void on_resume(loop_timer_t *timer)
{
    asking_t *asking = LOOP_CONTAINER(timer, asking_t, timer);

    if (lines_truth(asking->question, "cancels")) {
        (void)asking->backend->cancel(asking->turn);
        json_put_member(asking->writer, "end", "cancelled");
        finish(asking);
        return;
    }
    asking->backend->resume(asking->turn);
}

static int on_text(void *baton, const char *text, size_t length)
{
    asking_t *asking = baton;

    asking->pieces++;
    if (lines_truth(asking->question, "pauses") || lines_truth(asking->question, "cancels")) {
        asking->backend->pause(asking->turn);
        loop_timer_arm(asking->loop, &asking->timer, 0, on_resume);
    }
    return buffer_append(&asking->text, text, length);
}

static void on_end(void *baton, const backend_outcome_t *outcome)
{
    static const char *const ends[] = {"answered",       "timeout",       "throttled",
                                       "busy",           "access_denied", "no_credentials",
                                       "dependency",     "unavailable",   "error",
                                       "protocol_error", "internal"};
    static const char *const stops[] = {"end", "length", "filtered"};
    asking_t *asking = baton;
    json_writer_t *writer = asking->writer;

    json_put_member(writer, "end", ends[outcome->end]);
    json_put_member(writer, "stop", stops[outcome->stop]);
    json_put_member(writer, "code", outcome->code);
    json_put_member(writer, "reason", outcome->reason);
    json_put_member(writer, "aws_request_id", outcome->aws_request_id);
    json_name(writer, "tokens");
    json_put_integer(writer, outcome->tokens);
    json_name(writer, "input_tokens");
    json_put_integer(writer, outcome->input_tokens);
    json_name(writer, "retries");
    json_put_integer(writer, outcome->retries);
    finish(asking);
}

static void on_task(loop_task_t *task)
{
    asking_t *asking = LOOP_CONTAINER(task, asking_t, task);
    const backend_owner_t owner = {on_text, on_end, asking};
    const backend_t *backend = asking->backend;
    apr_time_t deadline = clock_monotonic() + TOTAL;
    int started;

    asking->prompt.deadline = deadline;
    started = lines_truth(asking->question, "ends")
                  ? backend->end_session(backend, &asking->turn, asking->prompt.session_id,
                                         deadline, &owner)
                  : backend->start(backend, &asking->turn, &asking->prompt, &owner);
    if (!started) {
        json_put_member(asking->writer, "end", "not started");
        finish(asking);
    }
}

/* ---- the backends ---- */

static call_limits_t limits(const asking_t *asking)
{
    call_limits_t made = {.connect = apr_time_from_sec(5)};

    made.first = apr_time_from_msec(lines_integer(asking->question, "timeout", 10000));
    made.idle = made.first;
    return made;
}

static const backend_t *make_agent(asking_t *asking)
{
    aws_client_make(&asking->client, asking->loop, asking->pool, "bedrock-agent-runtime",
                    text_of(asking, "url"));
    agent_init(&asking->agent);
    asking->agent.agent_id = "AGENT12345";
    asking->agent.alias_id = "TSTALIASID";
    asking->agent.token_usage = 1;
    asking->agent.client = &asking->client;
    asking->agent.limits = limits(asking);
    return &asking->agent.backend;
}

static const backend_t *make_agentcore(asking_t *asking)
{
    aws_client_make(&asking->client, asking->loop, asking->pool, "bedrock-agentcore",
                    text_of(asking, "url"));
    agentcore_init(&asking->agentcore);
    asking->agentcore.arn = text_of(asking, "id");
    asking->agentcore.qualifier = text_of(asking, "qualifier");
    asking->agentcore.client = &asking->client;
    asking->agentcore.limits = limits(asking);
    return &asking->agentcore.backend;
}

static const backend_t *make_converse(asking_t *asking)
{
    aws_client_make(&asking->client, asking->loop, asking->pool, "bedrock-runtime",
                    text_of(asking, "url"));
    converse_init(&asking->converse);
    asking->converse.model.id = text_of(asking, "id");
    asking->converse.model.system = text_of(asking, "system");
    asking->converse.guardrail_id = text_of(asking, "guardrail");
    asking->converse.guardrail_version = "1";
    asking->converse.client = &asking->client;
    asking->converse.limits = limits(asking);
    return &asking->converse.backend;
}

static const backend_t *make_openai(asking_t *asking)
{
    asking->http.loop = asking->loop;
    retry_bucket_fill(&asking->http.bucket, RETRY_BUCKET_TOKENS);
    openai_init(&asking->openai);
    asking->openai.base_url = text_of(asking, "url");
    asking->openai.key = text_of(asking, "key");
    asking->openai.model.id = text_of(asking, "id");
    asking->openai.model.system = text_of(asking, "system");
    asking->openai.client = &asking->http;
    asking->openai.limits = limits(asking);
    return &asking->openai.backend;
}

/* ---- the question ---- */

static backend_role_e role_of(const char *name)
{
    return strcmp(name, "system") == 0 ? BACKEND_SYSTEM
           : strcmp(name, "user") == 0 ? BACKEND_USER
                                       : BACKEND_ASSISTANT;
}

static void read_history(asking_t *asking)
{
    const json_t *history = json_member(asking->question, "history");
    size_t count = json_length(history);
    size_t i;

    count = count < HISTORY_MAX ? count : HISTORY_MAX;
    for (i = 0; i < count; i++) {
        const json_t *message = json_item(history, i);

        asking->history[i].role = role_of(json_text(json_item(message, 0), NULL));
        asking->history[i].text = json_text(json_item(message, 1), &asking->history[i].length);
    }
    asking->prompt.history = asking->history;
    asking->prompt.history_count = count;
}

static void read_prompt(asking_t *asking)
{
    backend_prompt_t *prompt = &asking->prompt;

    prompt->message = json_member_text(asking->question, "message", &prompt->message_length);
    prompt->session_id = text_of(asking, "session");
    prompt->user = text_of(asking, "user");
    prompt->stream = lines_truth(asking->question, "stream");
    prompt->max_tokens = (int)lines_integer(asking->question, "max_tokens", 0);
    read_history(asking);
    asking->attribute = (backend_attribute_t){"tier", text_of(asking, "attribute")};
    prompt->session_attributes = &asking->attribute;
    prompt->prompt_attributes = &asking->attribute;
    prompt->session_attribute_count = asking->attribute.value != NULL;
    prompt->prompt_attribute_count = asking->attribute.value != NULL;
    asking->file = (backend_file_t){.name = "note.txt", .media_type = "text/plain"};
    asking->file.data = json_member_text(asking->question, "file", &asking->file.data_length);
    prompt->files = &asking->file;
    prompt->file_count = asking->file.data != NULL;
    asking->trace = (call_header_t){"traceparent", text_of(asking, "trace")};
    prompt->trace_headers = &asking->trace;
    prompt->trace_header_count = asking->trace.value != NULL;
}

static const backend_t *make_backend(asking_t *asking)
{
    static const struct {
        const char *name;
        const backend_t *(*make)(asking_t *asking);
    } kinds[] = {{"agent", make_agent},
                 {"agentcore", make_agentcore},
                 {"converse", make_converse},
                 {"openai", make_openai}};
    const char *name = text_of(asking, "backend");
    size_t i = 0;

    while (i < 3 && (name == NULL || strcmp(name, kinds[i].name) != 0)) {
        i++;
    }
    return kinds[i].make(asking);
}

static void answer(apr_pool_t *pool, const json_t *question, json_writer_t *writer)
{
    asking_t *asking = apr_pcalloc(pool, sizeof(*asking));

    asking->pool = pool;
    asking->question = question;
    asking->writer = writer;
    asking->task.run = on_task;
    buffer_init(&asking->text, LINES_MAX / 2);
    (void)sem_init(&asking->done, 0, 0);
    if (loop_create(&asking->loop, pool) != APR_SUCCESS ||
        loop_start(asking->loop) != APR_SUCCESS) {
        json_put_member(writer, "end", "no loop");
        return;
    }
    read_prompt(asking);
    asking->backend = make_backend(asking);
    (void)loop_post(asking->loop, &asking->task);
    while (sem_wait(&asking->done) != 0) {
    }
    loop_stop(asking->loop);
    json_name(writer, "text");
    json_put_string(writer, buffer_text(&asking->text), asking->text.length);
    json_name(writer, "pieces");
    json_put_integer(writer, asking->pieces);
    buffer_free(&asking->text);
}

int main(void)
{
    return lines_answer(answer);
}
