#include "chat/flow.h"

#include "base/clock.h"
#include "base/log.h"

#include <apr_strings.h>
#include <string.h>

/* Longest answer kept, in bytes: forty times what agents are allowed to say in one chunk. */
#define ANSWER_MAX (40 * 1000 * 1000)

typedef enum { READY, INVOKE, DONE } state_e;

static const char *const state_names[] = {"READY", "INVOKE", "DONE"};

typedef struct flow_machine_t {
    state_e state;
    loop_t *loop;
    void (*on_done)(void *baton);
    void *baton;
    backend_turn_t *turn;
    apr_time_t invoked;
    loop_timer_t deadline;
    flow_t *flow;
} machine_t;

static void enter(flow_t *flow, state_e state);

/* ---- one function a state ---- */

/* The two exits of every state: on to the next one, or to the end with an error. */
static void fail(flow_t *flow, reply_e reply, const char *reason)
{
    const char *id = flow->result.aws_request_id;

    log_at(reply_error(reply)->status >= 500 ? LOG_AT_ERROR : LOG_AT_WARNING,
           "CHAT0301: request %s%s%s: %s: %s", flow->request_id,
           *id != '\0' ? ", AWS request " : "", id, reply_error(reply)->code, reason);
    flow->result.reply = reply;
    enter(flow, DONE);
}

static int on_text(void *baton, const char *text, size_t length)
{
    flow_t *flow = baton;

    if (flow->result.first_text < 0) {
        flow->result.first_text = clock_monotonic() - flow->started;
    }
    return buffer_append(&flow->result.text, text, length);
}

static reply_e reply_of(backend_end_e end)
{
    switch (end) {
    case BACKEND_ANSWERED: return REPLY_ANSWER;
    case BACKEND_TIMEOUT: return REPLY_UPSTREAM_TIMEOUT;
    case BACKEND_THROTTLED: return REPLY_UPSTREAM_THROTTLED;
    case BACKEND_BUSY: return REPLY_SESSION_BUSY;
    case BACKEND_NO_CREDENTIALS: return REPLY_NO_CREDENTIALS;
    case BACKEND_ACCESS_DENIED: return REPLY_UPSTREAM_ACCESS_DENIED;
    case BACKEND_DEPENDENCY_FAILED: return REPLY_DEPENDENCY_FAILED;
    case BACKEND_UNAVAILABLE:
    case BACKEND_ERROR: return REPLY_UPSTREAM_ERROR;
    case BACKEND_PROTOCOL_ERROR: return REPLY_UPSTREAM_PROTOCOL_ERROR;
    default: return REPLY_INTERNAL_ERROR;
    }
}

/* An answer that the agent gives, be it a refusal, shows that the agent is there. */
static void report_to_circuit(flow_t *flow, backend_end_e end)
{
    const flow_settings_t *settings = &flow->settings;
    int failed =
        end == BACKEND_TIMEOUT || end == BACKEND_UNAVAILABLE || end == BACKEND_PROTOCOL_ERROR;

    if (settings->circuit == NULL || end == BACKEND_INTERNAL || end == BACKEND_NO_CREDENTIALS) {
        return;
    }
    if (circuit_report(settings->circuit, &settings->circuit_settings, clock_monotonic(), failed)) {
        log_warn(
            "CHAT0304: the circuit of %s is open: too many calls failed; chats are refused with "
            "503 circuit_open for %d s, then one may try (ChatbotCircuitBreaker)",
            settings->backend->name, (int)apr_time_sec(settings->circuit_settings.open));
    }
}

static void on_answered(void *baton, const backend_outcome_t *outcome)
{
    flow_t *flow = baton;
    flow_result_t *result = &flow->result;

    flow->machine->turn = NULL;
    report_to_circuit(flow, outcome->end);
    result->tokens = outcome->tokens;
    result->retries = outcome->retries;
    result->retry_in = outcome->retry_in;
    (void)apr_cpystrn(result->aws_request_id, outcome->aws_request_id,
                      sizeof(result->aws_request_id));
    if (outcome->end != BACKEND_ANSWERED) {
        fail(flow, reply_of(outcome->end), outcome->reason);
    } else if (text_utf8_length(buffer_text(&result->text), result->text.length) == TEXT_NOT_UTF8) {
        fail(flow, REPLY_UPSTREAM_PROTOCOL_ERROR,
             "reading the agent's answer: its text is not UTF-8");
    } else {
        enter(flow, DONE);
    }
}

static void invoke(flow_t *flow)
{
    machine_t *machine = flow->machine;
    const backend_prompt_t prompt = {flow->request.message, flow->request.message_length,
                                     flow->session_id, flow->started + flow->settings.total};
    const backend_owner_t owner = {on_text, on_answered, flow};
    const backend_t *backend = flow->settings.backend;

    machine->invoked = clock_monotonic();
    if (!backend->start(backend, &machine->turn, &prompt, &owner)) {
        machine->turn = NULL;
        fail(flow, REPLY_INTERNAL_ERROR, "starting the call to the agent");
    }
}

static void stop_invoking(flow_t *flow)
{
    machine_t *machine = flow->machine;

    if (machine->turn != NULL) {
        flow->settings.backend->cancel(machine->turn);
        machine->turn = NULL;
    }
}

static void finish(flow_t *flow)
{
    machine_t *machine = flow->machine;

    loop_timer_disarm(machine->loop, &machine->deadline);
    if (machine->invoked != 0) {
        flow->result.upstream = clock_monotonic() - machine->invoked;
    }
    machine->on_done(machine->baton);
}

/* The one place where the state changes. */
static void enter(flow_t *flow, state_e state)
{
    machine_t *machine = flow->machine;

    log_trace("CHAT0302: request %s: %s -> %s", flow->request_id, state_names[machine->state],
              state_names[state]);
    machine->state = state;
    switch (state) {
    case READY: break;
    case INVOKE: invoke(flow); break;
    case DONE: finish(flow); break;
    }
}

/* ---- from outside ---- */

static void on_deadline(loop_timer_t *timer)
{
    flow_t *flow = LOOP_CONTAINER(timer, machine_t, deadline)->flow;

    report_to_circuit(flow, BACKEND_TIMEOUT);
    stop_invoking(flow);
    fail(flow, REPLY_UPSTREAM_TIMEOUT,
         "waiting for the agent's answer: the turn's time is up (ChatbotTimeout total=)");
}

flow_t *flow_create(apr_pool_t *pool, const char *request_id)
{
    flow_t *flow = apr_pcalloc(pool, sizeof(*flow));

    flow->machine = apr_pcalloc(pool, sizeof(*flow->machine));
    flow->started = clock_monotonic();
    flow->result.reply = REPLY_ANSWER;
    flow->result.tokens = BACKEND_TOKENS_UNKNOWN;
    flow->result.first_text = -1;
    buffer_init(&flow->result.text, ANSWER_MAX);
    flow->machine->state = READY;
    flow->machine->flow = flow;
    (void)apr_cpystrn(flow->request_id, request_id, sizeof(flow->request_id));
    return flow;
}

int flow_choose_session(flow_t *flow)
{
    if (flow->request.session_id == NULL) {
        return text_uuid4(flow->session_id);
    }
    (void)apr_cpystrn(flow->session_id, flow->request.session_id, sizeof(flow->session_id));
    return 1;
}

void flow_start(flow_t *flow, loop_t *loop, void (*on_done)(void *baton), void *baton)
{
    machine_t *machine = flow->machine;
    apr_interval_time_t left = flow->settings.total - (clock_monotonic() - flow->started);

    machine->loop = loop;
    machine->on_done = on_done;
    machine->baton = baton;
    loop_timer_arm(loop, &machine->deadline, left > 0 ? left : 0, on_deadline);
    enter(flow, INVOKE);
}

void flow_abandon(flow_t *flow, const char *why)
{
    if (flow->machine->state == DONE) {
        return;
    }
    stop_invoking(flow);
    log_info("CHAT0303: request %s: client_gone: %s while the agent was answering",
             flow->request_id, why);
    flow->result.reply = REPLY_CLIENT_GONE;
    enter(flow, DONE);
}

void flow_destroy(flow_t *flow)
{
    buffer_free(&flow->result.text);
}
