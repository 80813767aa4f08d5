#include "emulator/agents.h"

#include "emulator/agent_request.h"
#include "emulator/agent_stream.h"
#include "emulator/conversation.h"
#include "emulator/effects.h"
#include "emulator/events.h"
#include "emulator/rest.h"
#include "emulator/speech.h"

#include <string.h>

#define ID_MAX          10
#define SESSION_MAX     100
#define ID_PATTERN      "^[0-9a-zA-Z]+$"
#define SESSION_PATTERN "^[0-9a-zA-Z._:-]+$"
#define VALIDATION      "ValidationException"
#define PATH            "/agents/{}/agentAliases/{}/sessions/{}/text"
#define NO_SUCH_PREFIX  "NOTFOUND" /* agents and aliases named so are unknown, all others exist */

/* Source: API Reference, InvokeAgent, "Errors". */
static const effects_exception_t modelled[] = {{"ValidationException", 400},
                                               {"ServiceQuotaExceededException", 400},
                                               {"AccessDeniedException", 403},
                                               {"ResourceNotFoundException", 404},
                                               {"ConflictException", 409},
                                               {"DependencyFailedException", 424},
                                               {"ModelNotReadyException", 424},
                                               {"ThrottlingException", 429},
                                               {"InternalServerException", 500},
                                               {"BadGatewayException", 502},
                                               {NULL, 0}};

enum { AGENT, ALIAS, SESSION, LABELS };

typedef struct {
    call_t *call;
    char labels[LABELS][REST_LABEL_MAX];
    agent_request_t request;
    buffer_t input; /* without commands */
    buffer_t output;
    shape_t shape;
} invoke_t;

static const char *find_operation(const http_request_t *request)
{
    char labels[LABELS][REST_LABEL_MAX];

    return strcmp(request->method, "POST") == 0 && rest_match(request->path, PATH, labels)
               ? "InvokeAgent"
               : NULL;
}

/* ---- checks ---- */

static int check_labels(invoke_t *invoke)
{
    shape_t *shape = &invoke->shape;

    return shape_id(shape, "agentId", invoke->labels[AGENT], 1, ID_MAX, "", ID_PATTERN) &&
           shape_id(shape, "agentAliasId", invoke->labels[ALIAS], 1, ID_MAX, "", ID_PATTERN) &&
           shape_id(shape, "sessionId", invoke->labels[SESSION], 2, SESSION_MAX, "._:-",
                    SESSION_PATTERN);
}

static int is_unknown(const char *id)
{
    return strncmp(id, NO_SUCH_PREFIX, strlen(NO_SUCH_PREFIX)) == 0;
}

/* The commands of the fault rules are in the script already. */
static int read_request(invoke_t *invoke)
{
    script_t *script = invoke->call->script;

    return check_labels(invoke) &&
           agent_request_read(&invoke->request, invoke->call->request, &invoke->shape) &&
           (speech_take(script, invoke->request.text, &invoke->input) ||
            shape_wrong(&invoke->shape, "%s", script->problem));
}

/* ---- the answer ---- */

static void converse(invoke_t *invoke, sessions_t *sessions, session_t *session)
{
    const agent_request_t *request = &invoke->request;

    if (request->ends) {
        (void)buffer_puts(&invoke->output, "The session has ended.");
        sessions_forget(sessions, session);
        return;
    }
    if (session->turns == 0) {
        agent_request_hear(request, &session->conversation);
    }
    if (request->control_results > 0) {
        conversation_hear(&session->conversation, "", 0);
        (void)buffer_printf(&invoke->output, "I have the result of %zu actions.",
                            request->control_results);
    } else {
        speech_answer(invoke->call->script, request->body, &invoke->input, &session->conversation,
                      &invoke->output);
    }
    sessions_add_turn(session, buffer_text(&invoke->input), invoke->input.length,
                      buffer_text(&invoke->output), invoke->output.length);
}

static answer_t *stream_answer(const invoke_t *invoke)
{
    answer_t *answer = rest_answer(200, EVENTS_TYPE);
    agent_stream_t plan = {.agent = invoke->labels[AGENT],
                           .alias = invoke->labels[ALIAS],
                           .session = invoke->labels[SESSION],
                           .input = buffer_text(&invoke->input),
                           .input_length = invoke->input.length,
                           .output = buffer_text(&invoke->output),
                           .output_length = invoke->output.length,
                           .streamed = invoke->request.streamed,
                           .traced = invoke->request.traced,
                           .script = invoke->call->script,
                           .modelled = modelled};

    if (answer == NULL) {
        return NULL;
    }
    answer->failed = invoke->output.failed;
    answer_header(answer, "x-amz-bedrock-agent-session-id", plan.session);
    answer_header(answer, "x-amzn-bedrock-agent-content-type", "application/json");
    if (invoke->request.memory != NULL) {
        answer_header(answer, "x-amz-bedrock-agent-memory-id", invoke->request.memory);
    }
    agent_stream_write(&plan, answer);
    return answer;
}

static answer_t *answer_invoke(emulator_t *emulator, invoke_t *invoke)
{
    const call_t *call = invoke->call;
    int good = read_request(invoke);
    int busy = 0;
    session_t *session;
    answer_t *answer;

    journal_subject(emulator->journal, call->ticket, invoke->labels[SESSION],
                    buffer_text(&invoke->input), invoke->input.length, call->faults);
    if (!good) {
        return rest_error(400, VALIDATION, invoke->shape.problem);
    }
    if (is_unknown(invoke->labels[AGENT]) || is_unknown(invoke->labels[ALIAS])) {
        return rest_error(404, "ResourceNotFoundException",
                          "Failed to retrieve resource because it doesn't exist. Retry your "
                          "request with a different resource identifier.");
    }
    answer = effects_replace(call->script, modelled, rest_error);
    if (answer != NULL) {
        return answer;
    }
    session = emulator_session(emulator, invoke->labels[AGENT], invoke->labels[ALIAS],
                               invoke->labels[SESSION], call->ticket, &busy);
    if (busy) {
        return rest_error(409, "ConflictException",
                          "There was a conflict performing an operation: another call of this "
                          "session is in progress. Resolve the conflict and retry your request.");
    }
    if (session == NULL) {
        return NULL;
    }
    converse(invoke, emulator->sessions, session);
    return stream_answer(invoke);
}

static answer_t *answer_call(emulator_t *emulator, call_t *call)
{
    invoke_t invoke = {.call = call};
    answer_t *answer;

    (void)rest_match(call->request->path, PATH, invoke.labels);
    buffer_init(&invoke.input, HTTP_BODY_MAX);
    buffer_init(&invoke.output, HTTP_BODY_MAX);
    answer = answer_invoke(emulator, &invoke);
    json_release(invoke.request.body);
    buffer_free(&invoke.input);
    buffer_free(&invoke.output);
    return answer;
}

const service_t agents_service = {.rules = {.service = "bedrock"},
                                  .operation = find_operation,
                                  .answer = answer_call,
                                  .error = rest_error};
