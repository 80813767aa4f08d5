#include "backend/converse.h"

#include "backend/converse_answer.h"
#include "backend/converse_request.h"

#include <apr_strings.h>

/* A model's id is up to 2048 characters, each of which may take three. */
#define PATH_MAX_LENGTH 7000
#define REASON_MAX      512

static int ask(turn_call_t *turn, const converse_t *converse, const backend_prompt_t *prompt)
{
    size_t headers = prompt->trace_header_count;
    call_request_t request = {
        .operation = prompt->stream ? "ConverseStream" : "Converse",
        .method = "POST",
        .content_type = "application/json",
        .accept = prompt->stream ? "application/vnd.amazon.eventstream" : "application/json",
        .headers = prompt->trace_headers,
        .header_count = headers < CALL_HEADERS_MAX ? headers : CALL_HEADERS_MAX,
        .limits = converse->limits,
        .deadline = prompt->deadline};
    buffer_t path;
    int fine;

    buffer_init(&path, PATH_MAX_LENGTH);
    (void)converse_request_path(&path, converse->model.id, prompt->stream);
    request.path = buffer_text(&path);
    turn->turn.body.failed |= path.failed;
    fine = turn_call_start(turn, converse->client, &request);
    buffer_free(&path);
    return fine;
}

static void refuse(turn_call_t *turn, const char *media_type)
{
    char reason[REASON_MAX];
    const backend_outcome_t outcome = {
        .end = BACKEND_ERROR, .code = "", .aws_request_id = "", .reason = reason};

    (void)apr_snprintf(reason, sizeof(reason), "asking the model: none takes a file of type %s",
                       media_type);
    turn_end(&turn->turn, &outcome);
}

static int start(const backend_t *backend, backend_turn_t **started, const backend_prompt_t *prompt,
                 const backend_owner_t *owner)
{
    const converse_t *converse = (const converse_t *)(const void *)backend;
    turn_call_t *turn =
        turn_call_make(sizeof(converse_turn_t),
                       prompt->stream ? &converse_answer_stream : &converse_answer_whole, owner);
    const char *refused;

    if (turn == NULL) {
        return 0;
    }
    *started = &turn->turn;
    refused = converse_request_write(&turn->turn.body, converse, prompt);
    if (refused != NULL) {
        refuse(turn, refused);
        return 1;
    }
    return ask(turn, converse, prompt);
}

void converse_init(converse_t *converse)
{
    converse->backend.name = "converse";
    converse->backend.start = start;
    converse->backend.cancel = turn_cancel;
    converse->backend.takes_file = converse_takes;
    converse->backend.pause = turn_pause;
    converse->backend.resume = turn_resume;
    converse->backend.needs_history = 1;
}
