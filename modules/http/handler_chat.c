#include "http/handler_chat.h"

#include "backend/agent.h"
#include "base/clock.h"
#include "http/answer.h"
#include "http/body.h"
#include "http/child.h"
#include "http/config.h"
#include "http/delivery.h"
#include "http/shared.h"
#include "http/upstream.h"

#include <apr_strings.h>

/* Why no chat can be held here at all; REPLY_ANSWER: it can. */
static reply_e find_obstacle(const request_rec *r)
{
    if (child_refuses_chats()) {
        return REPLY_SHUTTING_DOWN;
    }
    if (!child_is_ready()) {
        return REPLY_OVERLOADED;
    }
    return config_agent_id(config_of_location(r)) == NULL ||
                   upstream_client(r->server, AWS_AGENTS) == NULL
               ? REPLY_NOT_CONFIGURED
               : REPLY_ANSWER;
}

/* The agent of this location, for this chat. */
static const backend_t *make_backend(const request_rec *r)
{
    const config_location_t *location = config_of_location(r);
    agent_t *agent = apr_pcalloc(r->pool, sizeof(*agent));

    agent_init(agent);
    agent->agent_id = config_agent_id(location);
    agent->alias_id = config_alias_id(location);
    agent->token_usage = config_token_usage(location);
    agent->client = upstream_client(r->server, AWS_AGENTS);
    agent->limits = config_call_limits(location);
    return &agent->backend;
}

/* Reads and checks the body into the flow; REPLY_ANSWER when it can start. `*status` as for
 * body_read(). */
static reply_e take_request(request_rec *r, flow_t *flow, buffer_t *issues, int *status)
{
    const config_location_t *location = config_of_location(r);
    buffer_t body;
    reply_e trouble;

    buffer_init(&body, (size_t)config_max_body(location));
    trouble = body_read(r, &body, status);
    if (trouble == REPLY_ANSWER &&
        !request_parse(&flow->request, r->pool, buffer_text(&body), body.length,
                       (size_t)config_max_message(location), issues)) {
        trouble = REPLY_VALIDATION_ERROR;
    }
    flow->user = flow->request.user_id;
    if (trouble == REPLY_ANSWER && !flow_choose_session(flow)) {
        trouble = REPLY_INTERNAL_ERROR;
    }
    buffer_free(&body);
    return trouble;
}

/* ---- the chat as delivery knows it ---- */

static void start(void *task, loop_t *loop, void (*on_done)(void *baton), void *baton)
{
    flow_start(task, loop, on_done, baton);
}

static void abandon(void *task, const char *why)
{
    flow_abandon(task, why);
}

/* An ErrorDocument may run any handler. */
static int may_block(const void *task)
{
    const flow_t *flow = task;

    return flow->result.reply != REPLY_ANSWER;
}

static int prepare(request_rec *r, void *task, answer_rest_t *rest)
{
    flow_save_session(task);
    return answer_prepare(r, task, rest);
}

static void destroy(void *task)
{
    flow_destroy(task);
    child_leave_chat();
}

static const delivery_job_t chat_job = {start, abandon, may_block, prepare, destroy};

/* ---- what must be so before it starts ---- */

/* By the endpoint and the agent: locations that share those share the circuit. */
circuit_t *handler_chat_circuit(const request_rec *r)
{
    const call_client_t *client = upstream_client(r->server, AWS_AGENTS);
    const char *agent = config_agent_id(config_of_location(r));

    if (client == NULL || agent == NULL) {
        return NULL;
    }
    return shared_circuit(
        apr_pstrcat(r->pool, client->endpoint->origin, client->endpoint->prefix, " ", agent, NULL));
}

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

static int start_chat(request_rec *r, flow_t *flow)
{
    const config_location_t *location = config_of_location(r);

    flow->settings.circuit_settings = config_circuit(location);
    flow->settings.circuit = handler_chat_circuit(r);
    if (!is_allowed(r, &flow->settings)) {
        flow_destroy(flow);
        return answer_error(r, REPLY_CIRCUIT_OPEN, NULL);
    }
    if (!child_enter_chat()) {
        flow_destroy(flow);
        return answer_error(r, REPLY_OVERLOADED, NULL);
    }
    flow->settings.backend = make_backend(r);
    flow->settings.total = config_total_timeout(location);
    return delivery_start(r, &chat_job, flow);
}

int handler_chat(request_rec *r)
{
    int status = answer_other_methods(r, AP_METHOD_BIT << M_POST);
    reply_e obstacle;
    buffer_t issues;
    flow_t *flow;

    if (status != DECLINED) {
        return status;
    }
    obstacle = body_check_type(r);
    if (obstacle == REPLY_ANSWER) {
        obstacle = find_obstacle(r);
    }
    if (obstacle != REPLY_ANSWER) {
        return answer_error(r, obstacle, NULL);
    }
    flow = flow_create(r->pool, answer_request_id(r));
    /* An issue repeats its input, each byte of which may be an escape of six. */
    buffer_init(&issues, 4096 + 24 * (size_t)config_max_body(config_of_location(r)));
    status = OK;
    obstacle = take_request(r, flow, &issues, &status);
    if (obstacle == REPLY_ANSWER) {
        status = start_chat(r, flow);
    } else {
        flow_destroy(flow);
        if (status == OK) {
            status = answer_error(r, obstacle,
                                  obstacle == REPLY_VALIDATION_ERROR ? buffer_text(&issues) : NULL);
        }
    }
    buffer_free(&issues);
    return status;
}
