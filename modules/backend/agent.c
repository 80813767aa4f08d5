#include "backend/agent.h"

#include "backend/agent_answer.h"
#include "backend/agent_request.h"
#include "base/text.h"

#include <string.h>

#define PATH_MAX_LENGTH 1024

static int invoke(agent_turn_t *turn, const agent_t *agent, const char *session_id,
                  const call_header_t *headers, size_t header_count, apr_time_t deadline)
{
    call_request_t request = {.operation = "InvokeAgent",
                              .method = "POST",
                              .content_type = "application/json",
                              .accept = "application/vnd.amazon.eventstream",
                              .headers = headers,
                              .header_count =
                                  header_count < CALL_HEADERS_MAX ? header_count : CALL_HEADERS_MAX,
                              .limits = agent->limits,
                              .deadline = deadline};
    buffer_t path;
    int fine;

    buffer_init(&path, PATH_MAX_LENGTH);
    (void)agent_request_path(&path, agent->agent_id, agent->alias_id, session_id);
    request.path = buffer_text(&path);
    turn->base.turn.body.failed |= path.failed;
    fine = turn_call_start(&turn->base, agent->client, &request);
    buffer_free(&path);
    return fine;
}

static agent_turn_t *make(backend_turn_t **made, const backend_owner_t *owner)
{
    turn_call_t *turn = turn_call_make(sizeof(agent_turn_t), &agent_answer_reader, owner);

    *made = turn != NULL ? &turn->turn : NULL;
    return (agent_turn_t *)(void *)turn;
}

static int start(const backend_t *backend, backend_turn_t **started, const backend_prompt_t *prompt,
                 const backend_owner_t *owner)
{
    const agent_t *agent = (const agent_t *)(const void *)backend;
    agent_turn_t *turn = make(started, owner);

    if (turn == NULL) {
        return 0;
    }
    agent_request_write(&turn->base.turn.body, prompt, agent->token_usage);
    return invoke(turn, agent, prompt->session_id, prompt->trace_headers,
                  prompt->trace_header_count, prompt->deadline);
}

static int end_session(const backend_t *backend, backend_turn_t **started, const char *session_id,
                       apr_time_t deadline, const backend_owner_t *owner)
{
    const agent_t *agent = (const agent_t *)(const void *)backend;
    agent_turn_t *turn = make(started, owner);

    if (turn == NULL) {
        return 0;
    }
    turn->base.turn.ends_session = 1;
    agent_request_write_end(&turn->base.turn.body);
    return invoke(turn, agent, session_id, NULL, 0, deadline);
}

/* What an agent does with a file is its own business. */
static int takes_file(const char *media_type)
{
    (void)media_type;
    return 1;
}

void agent_init(agent_t *agent)
{
    agent->backend.name = "agent";
    agent->backend.start = start;
    agent->backend.cancel = turn_cancel;
    agent->backend.pause = turn_pause;
    agent->backend.resume = turn_resume;
    agent->backend.end_session = end_session;
    agent->backend.takes_file = takes_file;
    agent->backend.reads_buckets = 1;
}

int agent_is_id(const char *id)
{
    size_t length = strlen(id);

    return length >= 1 && length <= 10 && text_only(id, length, "");
}
