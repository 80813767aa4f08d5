#include "chat/flow_private.h"

#include "base/clock.h"
#include "base/log.h"

#include <apr_strings.h>
#include <string.h>

/* The session store's own part of the deadline, each time it is asked. */
#define STORE_TIME       apr_time_from_sec(2)
#define STORE_TIME_AGAIN apr_time_from_msec(250)

/* It has no more than this part of what is left of the turn. */
#define STORE_SHARE 3

/* A claim on a session outlives its turn by this, for clocks that differ. */
#define CLAIM_EXTRA apr_time_from_sec(5)

static const char *const state_names[] = {"READY",  "LIMIT", "LOAD",    "UPLOAD",
                                          "INVOKE", "SAVE",  "RELEASE", "DONE"};

static void enter(flow_t *flow, flow_state_e state);

/* ---- one function a state ---- */

void flow_log_failure(const flow_t *flow, reply_e reply, const char *reason)
{
    const char *id = flow->result.aws_request_id;

    log_at(reply_error(reply)->status >= 500 ? LOG_AT_ERROR : LOG_AT_WARNING,
           "CHAT0301: request %s%s%s: %s: %s", flow->request_id,
           *id != '\0' ? ", AWS request " : "", id, reply_error(reply)->code, reason);
}

static void end_with(flow_t *flow, reply_e reply)
{
    flow->result.reply = reply;
    enter(flow, keeper_must_release(&flow->machine->keeper) ? FLOW_RELEASE : FLOW_DONE);
}

/* The two exits of every state: on to the next one, or to the end with an error. */
static void fail(flow_t *flow, reply_e reply, const char *reason)
{
    flow_log_failure(flow, reply, reason);
    end_with(flow, reply);
}

/* ---- the rate limit ---- */

/* Files go into their bucket before the agent hears of them. */
static flow_state_e after_load(const flow_t *flow)
{
    return flow->machine->files != NULL && flow->settings.files.bucket != NULL ? FLOW_UPLOAD
                                                                               : FLOW_INVOKE;
}

static flow_state_e after_limit(const flow_t *flow)
{
    return keeper_is_for_loop(&flow->machine->keeper) && flow->request.session_id != NULL
               ? FLOW_LOAD
               : after_load(flow);
}

/* Refusals are many when they come: the access log has them. */
static void on_verdict(fleet_limit_ask_t *ask)
{
    flow_t *flow = LOOP_CONTAINER(ask, flow_t, limit);

    if (ask->verdict.allowed) {
        enter(flow, after_limit(flow));
        return;
    }
    flow->result.retry_in = ask->verdict.reset;
    end_with(flow, REPLY_RATE_LIMITED);
}

static void limit(flow_t *flow)
{
    flow->limit.on_verdict = on_verdict;
    fleet_limit_start(&flow->limit);
}

/* ---- the session's store ---- */

/* A store that hangs has its own short part of the deadline, and one that hung at the load is asked
 * to save all the same, but hardly waited for. */
static apr_interval_time_t time_for_store(const flow_t *flow)
{
    apr_interval_time_t left = flow->started + flow->settings.total - clock_monotonic();
    apr_interval_time_t most = flow->result.unsaved ? STORE_TIME_AGAIN : STORE_TIME;

    return left / STORE_SHARE < most ? left / STORE_SHARE : most;
}

/* What the store said means this for the chat: without a session it goes on. */
reply_e flow_judge_store(flow_t *flow, session_end_e end, const char *reason)
{
    flow->result.unsaved = end == SESSION_FAILED;
    switch (end) {
    case SESSION_BUSY: return REPLY_SESSION_BUSY;
    case SESSION_FORBIDDEN: return REPLY_SESSION_FORBIDDEN;
    case SESSION_FAILED:
        log_warn("CHAT0305: request %s: the session is not saved: %s", flow->request_id, reason);
        return REPLY_ANSWER;
    default: return REPLY_ANSWER;
    }
}

static void go_on(flow_t *flow, session_end_e end, const char *reason, flow_state_e next)
{
    reply_e reply = flow_judge_store(flow, end, reason);

    if (reply == REPLY_ANSWER) {
        enter(flow, next);
    } else {
        fail(flow, reply, reason);
    }
}

static void on_opened(void *baton, session_end_e end, const char *reason)
{
    flow_t *flow = baton;

    go_on(flow, end, reason, after_load(flow));
}

static void load(flow_t *flow)
{
    const session_owner_t owner = {on_opened, flow};

    keeper_open(&flow->machine->keeper, flow->machine->loop, time_for_store(flow), &owner);
}

/* Of a session that could not be opened it shows only here that it is somebody else's: then the
 * answer is not for the visitor. */
static void on_saved(void *baton, session_end_e end, const char *reason)
{
    flow_t *flow = baton;

    if (end == SESSION_FAILED) {
        keeper_stop(&flow->machine->keeper);
    }
    go_on(flow, end, reason, FLOW_DONE);
}

void flow_record_turn(flow_t *flow)
{
    flow->machine->keeper.turn =
        (session_turn_t){.user = flow->user,
                         .message = flow->request.message,
                         .message_length = flow->request.message_length,
                         .answer = buffer_text(&flow->result.text),
                         .answer_length = flow->result.text.length,
                         .when = clock_wall(),
                         .ttl = flow->settings.keeper.ttl,
                         .history_turns = flow->settings.keeper.history_turns};
}

static void save(flow_t *flow)
{
    const session_owner_t owner = {on_saved, flow};

    flow_record_turn(flow);
    keeper_save(&flow->machine->keeper, flow->machine->loop, time_for_store(flow), &owner);
}

static void on_released(void *baton, session_end_e end, const char *reason)
{
    flow_t *flow = baton;

    if (end == SESSION_FAILED) {
        log_info("CHAT0307: request %s: the session stays busy until its claim runs out: %s",
                 flow->request_id, reason);
    }
    enter(flow, FLOW_DONE);
}

static void release(flow_t *flow)
{
    const session_owner_t owner = {on_released, flow};

    keeper_release(&flow->machine->keeper, flow->machine->loop, time_for_store(flow), &owner);
}

/* ---- the files ---- */

static void on_stored(void *baton, reply_e reply, const char *reason)
{
    flow_t *flow = baton;

    flow->machine->is_uploading = 0;
    if (reply == REPLY_ANSWER) {
        enter(flow, FLOW_INVOKE);
    } else {
        fail(flow, reply, reason);
    }
}

static void upload(flow_t *flow)
{
    const files_owner_t owner = {on_stored, flow};

    flow->machine->is_uploading = 1;
    files_start(flow->machine->files, &flow->settings.files, flow->session_id,
                flow->started + flow->settings.total, &owner);
}

static void stop_uploading(flow_t *flow)
{
    if (flow->machine->is_uploading) {
        flow->machine->is_uploading = 0;
        files_cancel(flow->machine->files);
    }
}

/* ---- the backend ---- */

/* A slow reader holds up its own upstream only. */
static int send_on(flow_t *flow, const char *text, size_t length)
{
    flow_machine_t *machine = flow->machine;

    if (!outbox_put(&flow->outbox, text, length)) {
        machine->is_garbled = 1;
        return 0;
    }
    machine->owner.on_news(machine->owner.baton);
    if (outbox_is_full(&flow->outbox) && !machine->is_paused) {
        machine->is_paused = 1;
        flow->settings.backend->pause(machine->turn);
    }
    return 1;
}

static int on_text(void *baton, const char *text, size_t length)
{
    flow_t *flow = baton;

    if (flow->result.first_text < 0) {
        flow->result.first_text = clock_monotonic() - flow->started;
    }
    if (!buffer_append(&flow->result.text, text, length)) {
        return 0;
    }
    return !flow->settings.stream || send_on(flow, text, length);
}

reply_e flow_reply_of(backend_end_e end)
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
    result->stop = outcome->stop;
    result->tokens = outcome->tokens;
    result->input_tokens = outcome->input_tokens;
    result->retries = outcome->retries;
    result->retry_in = outcome->retry_in;
    (void)apr_cpystrn(result->error_code, outcome->code, sizeof(result->error_code));
    (void)apr_cpystrn(result->aws_request_id, outcome->aws_request_id,
                      sizeof(result->aws_request_id));
    if (flow->machine->is_garbled) {
        fail(flow, REPLY_UPSTREAM_PROTOCOL_ERROR,
             "reading the agent's answer: its text is not UTF-8, or memory is out");
    } else if (outcome->end != BACKEND_ANSWERED) {
        fail(flow, flow_reply_of(outcome->end), outcome->reason);
    } else if (text_utf8_length(buffer_text(&result->text), result->text.length) == TEXT_NOT_UTF8) {
        fail(flow, REPLY_UPSTREAM_PROTOCOL_ERROR,
             "reading the agent's answer: its text is not UTF-8");
    } else {
        enter(flow, keeper_is_for_loop(&flow->machine->keeper) ? FLOW_SAVE : FLOW_DONE);
    }
}

static void invoke(flow_t *flow)
{
    flow_machine_t *machine = flow->machine;
    const backend_owner_t owner = {on_text, on_answered, flow};
    const backend_t *backend = flow->settings.backend;
    backend_prompt_t *prompt = &flow->prompt;

    machine->invoked = clock_monotonic();
    if (!flow_choose_history(flow)) {
        fail(flow, REPLY_INTERNAL_ERROR, "preparing the conversation: out of memory");
        return;
    }
    prompt->message = flow->request.message;
    prompt->message_length = flow->request.message_length;
    prompt->session_id = flow->session_id;
    prompt->user = flow->user;
    prompt->stream = flow->settings.stream;
    prompt->deadline = flow->started + flow->settings.total;
    if (!backend->start(backend, &machine->turn, prompt, &owner)) {
        machine->turn = NULL;
        fail(flow, REPLY_INTERNAL_ERROR, "starting the call to the agent");
    }
}

static void stop_invoking(flow_t *flow)
{
    flow_machine_t *machine = flow->machine;
    backend_spent_t spent;

    if (machine->turn != NULL) {
        spent = flow->settings.backend->cancel(machine->turn);
        flow->result.tokens = spent.tokens;
        flow->result.retries = spent.retries;
        machine->turn = NULL;
    }
}

static void finish(flow_t *flow)
{
    flow_machine_t *machine = flow->machine;

    loop_timer_disarm(machine->loop, &machine->deadline);
    loop_timer_disarm(machine->loop, &machine->heartbeat);
    if (machine->invoked != 0) {
        flow->result.upstream = clock_monotonic() - machine->invoked;
    }
    machine->owner.on_done(machine->owner.baton);
}

/* The one place where the state changes. */
static void enter(flow_t *flow, flow_state_e state)
{
    flow_machine_t *machine = flow->machine;

    log_trace("CHAT0302: request %s: %s -> %s", flow->request_id, state_names[machine->state],
              state_names[state]);
    machine->state = state;
    switch (state) {
    case FLOW_READY: break;
    case FLOW_LIMIT: limit(flow); break;
    case FLOW_LOAD: load(flow); break;
    case FLOW_UPLOAD: upload(flow); break;
    case FLOW_INVOKE: invoke(flow); break;
    case FLOW_SAVE: save(flow); break;
    case FLOW_RELEASE: release(flow); break;
    case FLOW_DONE: finish(flow); break;
    }
}

/* ---- from outside ---- */

static void on_deadline(loop_timer_t *timer)
{
    flow_t *flow = LOOP_CONTAINER(timer, flow_machine_t, deadline)->flow;

    if (flow->machine->state == FLOW_SAVE || flow->machine->state == FLOW_RELEASE) {
        keeper_give_up(&flow->machine->keeper);
        return;
    }
    if (flow->machine->state == FLOW_INVOKE && !flow->machine->is_paused) {
        report_to_circuit(flow, BACKEND_TIMEOUT); /* else the reader was slow, not the agent */
    }
    fleet_limit_cancel(&flow->limit);
    stop_uploading(flow);
    stop_invoking(flow);
    keeper_stop(&flow->machine->keeper);
    fail(flow, REPLY_UPSTREAM_TIMEOUT,
         "waiting for the agent's answer: the turn's time is up (ChatbotTimeout total=)");
}

void flow_introduce(flow_t *flow)
{
    flow->machine->keeper.asker =
        (session_asker_t){.user = flow->user,
                          .request_id = flow->request_id,
                          .until = clock_wall() + flow->settings.total + CLAIM_EXTRA};
}

/* ---- start and end ---- */

static void on_heartbeat(loop_timer_t *timer)
{
    flow_beat(LOOP_CONTAINER(timer, flow_machine_t, heartbeat)->flow);
}

static void arm_heartbeat(flow_t *flow)
{
    if (flow->settings.stream && flow->machine->state != FLOW_DONE) {
        loop_timer_arm(flow->machine->loop, &flow->machine->heartbeat, flow->settings.heartbeat,
                       on_heartbeat);
    }
}

void flow_beat(flow_t *flow)
{
    flow->outbox.beat_pending = 1;
    flow->machine->owner.on_news(flow->machine->owner.baton);
}

void flow_hand_over(flow_t *flow)
{
    flow_machine_t *machine = flow->machine;

    outbox_hand_over(&flow->outbox);
    arm_heartbeat(flow);
    if (machine->is_paused && machine->turn != NULL) {
        machine->is_paused = 0;
        flow->settings.backend->resume(machine->turn);
    }
}

void flow_start(flow_t *flow, loop_t *loop, const flow_owner_t *owner)
{
    flow_machine_t *machine = flow->machine;
    apr_interval_time_t left = flow->settings.total - (clock_monotonic() - flow->started);

    machine->loop = loop;
    machine->owner = *owner;
    flow_introduce(flow);
    arm_heartbeat(flow);
    loop_timer_arm(loop, &machine->deadline, left > 0 ? left : 0, on_deadline);
    enter(flow, flow->limit.fleet != NULL ? FLOW_LIMIT : after_limit(flow));
}

static void log_gone(const flow_t *flow, const char *why)
{
    char tokens[32] = "unknown";

    if (flow->result.tokens != BACKEND_TOKENS_UNKNOWN) {
        (void)apr_snprintf(tokens, sizeof(tokens), "%" APR_INT64_T_FMT, flow->result.tokens);
    }
    log_info("CHAT0303: request %s: client_gone: %s while the agent was answering; %" APR_SIZE_T_FMT
             " bytes of text had come, tokens so far: %s",
             flow->request_id, why, flow->result.text.length, tokens);
}

void flow_abandon(flow_t *flow, const char *why)
{
    if (flow->machine->state == FLOW_DONE) {
        return;
    }
    fleet_limit_cancel(&flow->limit);
    stop_uploading(flow);
    stop_invoking(flow);
    keeper_stop(&flow->machine->keeper);
    log_gone(flow, why);
    flow->result.reply = REPLY_CLIENT_GONE;
    enter(flow, FLOW_DONE);
}
