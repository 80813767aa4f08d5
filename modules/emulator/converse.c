#include "emulator/converse.h"

#include "emulator/conversation.h"
#include "emulator/converse_answer.h"
#include "emulator/converse_request.h"
#include "emulator/events.h"
#include "emulator/rest.h"
#include "emulator/speech.h"

#include <string.h>

#define MODEL_MAX      2048
#define MODEL_OTHERS   "._:/-"
#define VALIDATION     "ValidationException"
#define NO_SUCH_PREFIX "NOTFOUND" /* models named so are unknown, all others exist */

/* Source: API Reference, Converse, "Errors". */
static const effects_exception_t modelled[] = {
    {"ValidationException", 400},         {"AccessDeniedException", 403},
    {"ResourceNotFoundException", 404},   {"ModelTimeoutException", 408},
    {"ModelErrorException", 424},         {"ThrottlingException", 429},
    {"ModelNotReadyException", 429},      {"InternalServerException", 500},
    {"ServiceUnavailableException", 503}, {NULL, 0}};

/* Source: API Reference, ConverseStreamOutput. */
static const effects_exception_t modelled_in_stream[] = {
    {"InternalServerException", 500},     {"ModelStreamErrorException", 424},
    {"ValidationException", 400},         {"ThrottlingException", 429},
    {"ServiceUnavailableException", 503}, {NULL, 0}};

typedef struct {
    call_t *call;
    int streamed;
    char model[1][REST_LABEL_MAX];
    converse_request_t request;
    conversation_t conversation;
    buffer_t input; /* without commands */
    buffer_t output;
    const char *stop_reason;
    shape_t shape;
} converse_t;

static const char *find_operation(const http_request_t *request)
{
    char model[1][REST_LABEL_MAX];

    if (strcmp(request->method, "POST") != 0) {
        return NULL;
    }
    if (rest_match(request->path, "/model/{}/converse", model)) {
        return "Converse";
    }
    return rest_match(request->path, "/model/{}/converse-stream", model) ? "ConverseStream" : NULL;
}

/* ---- what the model says ---- */

static const char *const stop_reasons[] = {
    [SPEECH_WHOLE] = "end_turn", [SPEECH_STOPPED] = "stop_sequence", [SPEECH_CUT] = "max_tokens"};

static void speak(converse_t *converse)
{
    const script_t *script = converse->call->script;

    speech_answer(script, converse->request.body, &converse->input, &converse->conversation,
                  &converse->output);
    if (script_has(script, SCRIPT_GUARDRAIL)) {
        converse->stop_reason = "guardrail_intervened";
    } else if (script_has(script, SCRIPT_TOOL_USE)) {
        converse->stop_reason = "tool_use";
    } else {
        converse->stop_reason = stop_reasons[speech_limit(
            &converse->output, converse->request.stop_sequences, converse->request.max_tokens)];
    }
    if (script_has(script, SCRIPT_STOP_REASON)) {
        converse->stop_reason = script_word(script, SCRIPT_STOP_REASON);
    }
}

/* Whose trace is asked for. */
static const char *traced_guardrail(const converse_request_t *request)
{
    const char *trace = json_member_text(request->guardrail, "trace", &(size_t){0});

    return trace != NULL && strcmp(trace, "disabled") != 0
               ? json_member_text(request->guardrail, "guardrailIdentifier", &(size_t){0})
               : NULL;
}

static answer_t *write_answer(const converse_t *converse)
{
    const converse_answer_t plan = {.script = converse->call->script,
                                    .text = buffer_text(&converse->output),
                                    .length = converse->output.length,
                                    .stop_reason = converse->stop_reason,
                                    .guardrail = traced_guardrail(&converse->request),
                                    .input_tokens = speech_tokens(converse->request.text_bytes),
                                    .modelled = modelled_in_stream};
    answer_t *answer = rest_answer(200, converse->streamed ? EVENTS_TYPE : "application/json");

    if (answer == NULL) {
        return NULL;
    }
    answer->failed = converse->output.failed;
    if (converse->streamed) {
        converse_answer_stream(&plan, answer);
    } else {
        converse_answer_whole(&plan, answer);
    }
    return answer;
}

/* ---- the call ---- */

static int read_request(converse_t *converse)
{
    const http_request_t *http = converse->call->request;
    script_t *script = converse->call->script;

    (void)rest_match(http->path,
                     converse->streamed ? "/model/{}/converse-stream" : "/model/{}/converse",
                     converse->model);
    if (!shape_id(&converse->shape, "modelId", converse->model[0], 1, MODEL_MAX, MODEL_OTHERS,
                  "^[a-zA-Z0-9._:/-]+$") ||
        !converse_request_read(&converse->request, http, converse->streamed, &converse->shape)) {
        return 0;
    }
    return converse_request_hear(&converse->request, script, &converse->conversation,
                                 &converse->input) ||
           shape_wrong(&converse->shape, "%s", script->problem);
}

static answer_t *answer_converse(emulator_t *emulator, converse_t *converse)
{
    const call_t *call = converse->call;
    int good = read_request(converse);
    answer_t *answer;

    journal_subject(emulator->journal, call->ticket, converse->model[0],
                    buffer_text(&converse->input), converse->input.length, call->faults);
    if (!good) {
        return rest_error(400, VALIDATION, converse->shape.problem);
    }
    if (strncmp(converse->model[0], NO_SUCH_PREFIX, strlen(NO_SUCH_PREFIX)) == 0) {
        return rest_error(404, "ResourceNotFoundException",
                          "Could not resolve the foundation model from the provided model "
                          "identifier.");
    }
    answer = effects_replace(call->script, modelled, rest_error);
    if (answer == NULL) {
        speak(converse);
        answer = write_answer(converse);
    }
    return answer;
}

static answer_t *answer_call(emulator_t *emulator, call_t *call)
{
    converse_t converse = {.call = call,
                           .streamed = strcmp(call->operation, "ConverseStream") == 0};
    answer_t *answer;

    buffer_init(&converse.input, HTTP_BODY_MAX);
    buffer_init(&converse.output, HTTP_BODY_MAX);
    answer = answer_converse(emulator, &converse);
    json_release(converse.request.body);
    buffer_free(&converse.input);
    buffer_free(&converse.output);
    return answer;
}

const service_t converse_service = {.rules = {.service = "bedrock"},
                                    .operation = find_operation,
                                    .answer = answer_call,
                                    .error = rest_error};
