#include "backend/agentcore.h"

#include "backend/agentcore_answer.h"
#include "backend/agentcore_request.h"

/* An ARN's characters may take three each. */
#define PATH_MAX_LENGTH  7000
#define VALUE_MAX_LENGTH 16384

/* What a request is for, beside its body. */
typedef struct {
    const char *operation;
    const char *action; /* last part of the path */
    const char *session_id;
    const char *user; /* or NULL */
    const call_header_t *trace_headers;
    size_t trace_header_count;
    apr_time_t deadline;
} errand_t;

/* The turn's own headers and as many of the trace's as fit; their number. */
static size_t write_headers(agentcore_turn_t *turn, const errand_t *errand)
{
    size_t count = 0;
    size_t i;
    int fine;

    buffer_init(&turn->session, VALUE_MAX_LENGTH);
    buffer_init(&turn->user, VALUE_MAX_LENGTH);
    fine = agentcore_request_session(&turn->session, errand->session_id);
    turn->headers[count++] =
        (call_header_t){"X-Amzn-Bedrock-AgentCore-Runtime-Session-Id", buffer_text(&turn->session)};
    if (errand->user != NULL && errand->user[0] != '\0') {
        fine = fine && agentcore_request_user(&turn->user, errand->user);
        turn->headers[count++] =
            (call_header_t){"X-Amzn-Bedrock-AgentCore-Runtime-User-Id", buffer_text(&turn->user)};
    }
    for (i = 0; i < errand->trace_header_count && count < CALL_HEADERS_MAX; i++) {
        turn->headers[count++] = errand->trace_headers[i];
    }
    turn->base.turn.body.failed |= !fine;
    return count;
}

static int run(agentcore_turn_t *turn, const agentcore_t *agentcore, const errand_t *errand)
{
    call_request_t request = {.operation = errand->operation,
                              .method = "POST",
                              .content_type = "application/json",
                              .accept = "text/event-stream, application/json",
                              .headers = turn->headers,
                              .limits = agentcore->limits,
                              .deadline = errand->deadline};
    buffer_t path;
    int fine;

    buffer_init(&path, PATH_MAX_LENGTH);
    (void)agentcore_request_path(&path, agentcore, errand->action);
    request.path = buffer_text(&path);
    request.header_count = write_headers(turn, errand);
    turn->base.turn.body.failed |= path.failed;
    fine = turn_call_start(&turn->base, agentcore->client, &request);
    buffer_free(&path);
    return fine;
}

static agentcore_turn_t *make(backend_turn_t **made, const backend_owner_t *owner)
{
    turn_call_t *turn = turn_call_make(sizeof(agentcore_turn_t), &agentcore_answer_reader, owner);

    *made = turn != NULL ? &turn->turn : NULL;
    return (agentcore_turn_t *)(void *)turn;
}

static int start(const backend_t *backend, backend_turn_t **started, const backend_prompt_t *prompt,
                 const backend_owner_t *owner)
{
    const errand_t errand = {.operation = "InvokeAgentRuntime",
                             .action = "invocations",
                             .session_id = prompt->session_id,
                             .user = prompt->user,
                             .trace_headers = prompt->trace_headers,
                             .trace_header_count = prompt->trace_header_count,
                             .deadline = prompt->deadline};
    agentcore_turn_t *turn = make(started, owner);

    if (turn == NULL) {
        return 0;
    }
    agentcore_request_write(&turn->base.turn.body, prompt);
    return run(turn, (const agentcore_t *)(const void *)backend, &errand);
}

static int end_session(const backend_t *backend, backend_turn_t **started, const char *session_id,
                       apr_time_t deadline, const backend_owner_t *owner)
{
    const errand_t errand = {.operation = "StopRuntimeSession",
                             .action = "stopruntimesession",
                             .session_id = session_id,
                             .deadline = deadline};
    agentcore_turn_t *turn = make(started, owner);

    if (turn == NULL) {
        return 0;
    }
    turn->base.turn.ends_session = 1;
    agentcore_request_write_stop(&turn->base.turn.body);
    return run(turn, (const agentcore_t *)(const void *)backend, &errand);
}

void agentcore_init(agentcore_t *agentcore)
{
    agentcore->backend.name = "agentcore";
    agentcore->backend.start = start;
    agentcore->backend.cancel = turn_cancel;
    agentcore->backend.pause = turn_pause;
    agentcore->backend.resume = turn_resume;
    agentcore->backend.end_session = end_session;
}
