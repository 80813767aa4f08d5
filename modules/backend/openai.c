#include "backend/openai.h"

#include "backend/openai_answer.h"
#include "backend/openai_request.h"

static int start(const backend_t *backend, backend_turn_t **started, const backend_prompt_t *prompt,
                 const backend_owner_t *owner)
{
    const openai_t *openai = (const openai_t *)(const void *)backend;
    const turn_http_request_t request = {.operation = "chat/completions",
                                         .base_url = openai->base_url,
                                         .path = "/chat/completions",
                                         .accept = prompt->stream ? "text/event-stream"
                                                                  : "application/json",
                                         .key = openai->key,
                                         .headers = prompt->trace_headers,
                                         .header_count = prompt->trace_header_count,
                                         .limits = openai->limits,
                                         .deadline = prompt->deadline,
                                         .read_error = openai_answer_error};
    turn_http_t *turn = turn_http_make(sizeof(openai_turn_t), &openai_answer_reader, owner);

    if (turn == NULL) {
        return 0;
    }
    *started = &turn->turn;
    openai_request_write(&turn->turn.body, &openai->model, prompt);
    return turn_http_start(turn, openai->client, &request);
}

/* Images as such, anything else as a file; what the model can read is known to the server alone. */
static int takes_file(const char *media_type)
{
    (void)media_type;
    return 1;
}

void openai_init(openai_t *openai)
{
    openai->backend.name = "openai";
    openai->backend.start = start;
    openai->backend.cancel = turn_cancel;
    openai->backend.takes_file = takes_file;
    openai->backend.pause = turn_pause;
    openai->backend.resume = turn_resume;
    openai->backend.needs_history = 1;
}
