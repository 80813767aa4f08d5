#include "http/conversation.h"

#include "base/clock.h"
#include "chat/trace.h"
#include "http/backend_config.h"
#include "http/child.h"
#include "http/config.h"
#include "http/delivery.h"
#include "http/limit.h"
#include "http/session_config.h"
#include "http/shared.h"

/* A claim outlives its chat by this: who takes it back is a worker, when it comes to it. */
#define CLAIM_EXTRA apr_time_from_sec(5)

/* In the request's pool. */
typedef struct {
    flow_t *flow;
    const conversation_face_t *face;
    busy_claim_t claim; /* on the session, among the chats of this machine */
    void (*on_news)(void *baton);
    void *baton;
} conversation_t;

/* ---- what the location says ---- */

reply_e conversation_obstacle(request_rec *r, int needs_backend)
{
    if (child_refuses_chats()) {
        return REPLY_SHUTTING_DOWN;
    }
    if (!child_is_ready()) {
        return REPLY_OVERLOADED;
    }
    if (needs_backend && !backend_config_ready(r)) {
        backend_config_tell_missing(r);
        return REPLY_NOT_CONFIGURED;
    }
    return REPLY_ANSWER;
}

circuit_t *conversation_circuit(const request_rec *r)
{
    const char *key = backend_config_key(r);

    return key != NULL ? shared_circuit(key) : NULL;
}

static void fill_keeper(const request_rec *r, keeper_settings_t *keeper)
{
    keeper->store = session_config_store(r->server);
    keeper->circuit = session_config_circuit(r->server);
    keeper->ttl = session_config_ttl(r->server);
    keeper->history_turns = session_config_history(r->server);
}

static void fill_settings(const request_rec *r, flow_settings_t *settings)
{
    const config_location_t *location = config_of_location(r);

    settings->circuit_settings = config_circuit(location);
    settings->circuit = conversation_circuit(r);
    settings->backend = backend_config_make(r);
    settings->total =
        settings->stream ? config_stream_timeout(location) : config_total_timeout(location);
    settings->heartbeat = config_heartbeat(location);
    fill_keeper(r, &settings->keeper);
}

/* Trace context that has the right form goes on to the backend. */
static void pass_trace_on(request_rec *r, backend_prompt_t *prompt)
{
    static const struct {
        const char *name;
        int (*is_good)(const char *value);
    } known[] = {{"traceparent", trace_is_parent}, {"X-Amzn-Trace-Id", trace_is_amazon}};
    call_header_t *headers =
        apr_pcalloc(r->pool, sizeof(known) / sizeof(known[0]) * sizeof(*headers));
    size_t i;

    prompt->trace_headers = headers;
    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const char *value = apr_table_get(r->headers_in, known[i].name);
        if (value != NULL && known[i].is_good(value)) {
            headers[prompt->trace_header_count++] = (call_header_t){known[i].name, value};
        }
    }
}

/* ---- the chat as delivery knows it ---- */

static void start(void *task, loop_t *loop, void (*on_done)(void *baton), void *baton)
{
    const conversation_t *conversation = task;
    const flow_owner_t owner = {conversation->on_news, on_done, baton};

    flow_start(conversation->flow, loop, &owner);
}

static void abandon(void *task, const char *why)
{
    const conversation_t *conversation = task;

    flow_abandon(conversation->flow, why);
}

/* ---- its stream ---- */

static void listen_to(void *task, void (*on_news)(void *baton), void *baton)
{
    conversation_t *conversation = task;

    conversation->on_news = on_news;
    conversation->baton = baton;
}

static void hand_over(void *task)
{
    const conversation_t *conversation = task;

    flow_hand_over(conversation->flow);
}

static void probe(void *task)
{
    const conversation_t *conversation = task;

    flow_beat(conversation->flow);
}

static void write_part(const conversation_t *conversation, buffer_t *out)
{
    const outbox_t *outbox = &conversation->flow->outbox;

    if (outbox->sending.length > 0) {
        conversation->face->write_text(out, conversation->flow, outbox->sending.data,
                                       outbox->sending.length);
    } else if (outbox->beat_sending) {
        conversation->face->write_beat(out);
    }
}

static void begin_stream(request_rec *r, const conversation_t *conversation, answer_rest_t *rest)
{
    limit_tell_asked(r, &conversation->flow->limit);
    answer_begin_stream(r, rest);
    conversation->face->write_begin(answer_stream_events(rest->stream), conversation->flow);
}

/* The first part decides that the status is 200. */
static int write_on(request_rec *r, void *task, answer_rest_t *rest)
{
    const conversation_t *conversation = task;

    if (rest->stream == NULL) {
        begin_stream(r, conversation, rest);
    }
    write_part(conversation, answer_stream_events(rest->stream));
    return OK;
}

static int end_stream(request_rec *r, const conversation_t *conversation, answer_rest_t *rest)
{
    buffer_t *events = answer_stream_events(rest->stream);

    answer_note(r, conversation->flow);
    if (conversation->flow->result.reply == REPLY_CLIENT_GONE) {
        r->connection->aborted = 1;
        return OK;
    }
    write_part(conversation, events);
    conversation->face->write_end(events, conversation->flow);
    return OK;
}

/* ---- its end ---- */

/* An ErrorDocument may run any handler, a session store may block. */
static int may_block(const void *task)
{
    const conversation_t *conversation = task;

    return conversation->flow->result.reply != REPLY_ANSWER ||
           flow_saves_on_worker(conversation->flow);
}

static int prepare(request_rec *r, void *task, answer_rest_t *rest)
{
    const conversation_t *conversation = task;

    flow_t *flow = conversation->flow;

    flow_save_session(flow);
    if (rest->stream == NULL && flow->settings.stream && flow->result.reply == REPLY_ANSWER) {
        begin_stream(r, conversation, rest); /* all of it came at once */
    }
    if (rest->stream != NULL) {
        return end_stream(r, conversation, rest);
    }
    limit_tell_asked(r, &flow->limit);
    return conversation->face->prepare(r, flow, rest);
}

static void destroy(void *task)
{
    conversation_t *conversation = task;

    flow_destroy(conversation->flow);
    busy_release(shared_busy(), &conversation->claim);
    child_leave_chat();
}

static const delivery_stream_t stream = {listen_to, hand_over, probe, write_on};
static const delivery_job_t job = {start, abandon, may_block, prepare, destroy, NULL};
static const delivery_job_t stream_job = {start, abandon, may_block, prepare, destroy, &stream};

/* ---- what must be so before it starts ---- */

/* 0 and Retry-After when the agent is given a rest. */
static int is_allowed(request_rec *r, const flow_settings_t *settings)
{
    apr_interval_time_t wait = 0;

    if (settings->circuit == NULL ||
        circuit_allows(settings->circuit, &settings->circuit_settings, clock_monotonic(), &wait)) {
        return 1;
    }
    answer_retry_after(r, wait);
    return 0;
}

/* One turn of a session at a time: here over all children, in the store over all machines. */
static int claim_session(conversation_t *conversation)
{
    const flow_t *flow = conversation->flow;
    const session_store_t *store = flow->settings.keeper.store;
    apr_time_t now = clock_monotonic();

    return busy_claim(shared_busy(), store != NULL ? store->name : "", flow->session_id,
                      now + flow->settings.total + CLAIM_EXTRA, now, &conversation->claim);
}

/* Who is let through a circuit that is half open is the one that tries for all: asked last. */
static reply_e open_session(request_rec *r, conversation_t *conversation)
{
    if (!claim_session(conversation)) {
        return REPLY_SESSION_BUSY;
    }
    return is_allowed(r, &conversation->flow->settings) ? flow_open_session(conversation->flow)
                                                        : REPLY_CIRCUIT_OPEN;
}

static reply_e enter(request_rec *r, conversation_t *conversation)
{
    reply_e reply;

    if (!limit_check(r, &conversation->flow->limit)) {
        return REPLY_RATE_LIMITED;
    }
    if (!child_enter_chat()) {
        return REPLY_OVERLOADED;
    }
    reply = open_session(r, conversation);
    if (reply != REPLY_ANSWER) {
        busy_release(shared_busy(), &conversation->claim);
        child_leave_chat();
    }
    return reply;
}

void conversation_fill(request_rec *r, flow_t *flow)
{
    fill_settings(r, &flow->settings);
    pass_trace_on(r, &flow->prompt);
    backend_config_attributes(r, &flow->prompt);
}

reply_e conversation_start(request_rec *r, flow_t *flow, const conversation_face_t *face,
                           int *status)
{
    conversation_t *conversation = apr_pcalloc(r->pool, sizeof(*conversation));
    reply_e reply;

    conversation->flow = flow;
    conversation->face = face;
    reply = enter(r, conversation);
    if (reply == REPLY_ANSWER) {
        *status = delivery_start(r, flow->settings.stream ? &stream_job : &job, conversation);
    } else {
        flow_destroy(flow);
    }
    return reply;
}
