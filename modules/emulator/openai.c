#include "emulator/openai.h"

#include "base/text.h"
#include "emulator/openai_answer.h"
#include "emulator/openai_request.h"
#include "emulator/rest.h"
#include "emulator/speech.h"
#include "emulator/sse.h"

#include <stdio.h>
#include <string.h>

#define PREFIX         "/openai/v1/"
#define MODEL_PATH     PREFIX "models/{}"
#define NO_SUCH_PREFIX "NOTFOUND" /* models named so are unknown, all others exist */
#define COMPLETIONS    "ChatCompletions"
#define UNKNOWN        "OpenAIOther"

/* Source: API Reference, "Error codes". */
static const effects_exception_t modelled[] = {
    {"invalid_request_error", 400}, {"context_length_exceeded", 400},
    {"invalid_api_key", 401},       {"permission_denied", 403},
    {"model_not_found", 404},       {"rate_limit_exceeded", 429},
    {"insufficient_quota", 429},    {"server_error", 500},
    {"service_unavailable", 503},   {NULL, 0}};

typedef struct {
    call_t *call;
    openai_request_t request;
    conversation_t conversation;
    buffer_t input; /* without commands */
    buffer_t output;
    buffer_t reasoning;
    const char *finish_reason;
    shape_t shape;
} chat_t;

static const char *find_operation(const http_request_t *request)
{
    char model[1][REST_LABEL_MAX];
    int gets = strcmp(request->method, "GET") == 0;

    if (strcmp(request->path, PREFIX "chat/completions") == 0 &&
        strcmp(request->method, "POST") == 0) {
        return COMPLETIONS;
    }
    if (gets && strcmp(request->path, PREFIX "models") == 0) {
        return "ListModels";
    }
    if (gets && rest_match(request->path, MODEL_PATH, model)) {
        return "RetrieveModel";
    }
    return strncmp(request->path, PREFIX, sizeof(PREFIX) - 1) == 0 ? UNKNOWN : NULL;
}

/* ---- the key ---- */

/* The refusal, or NULL. */
static answer_t *check_key(emulator_t *emulator, const call_t *call)
{
    static const char scheme[] = "Bearer ";
    const char *wanted = emulator->settings->openai_key;
    const char *header = http_header(call->request, "authorization");
    int given = header != NULL && strncmp(header, scheme, sizeof(scheme) - 1) == 0;

    if (wanted == NULL || (given && strcmp(header + sizeof(scheme) - 1, wanted) == 0)) {
        journal_signature(emulator->journal, call->ticket, "", NULL);
        return NULL;
    }
    journal_signature(emulator->journal, call->ticket, "", "invalid_api_key");
    return openai_answer_error(401, "invalid_api_key",
                               given ? "Incorrect API key provided."
                                     : "You didn't provide an API key. Send it in an Authorization "
                                       "header: Authorization: Bearer KEY");
}

/* ---- chat completions ---- */

static void speak(chat_t *chat)
{
    const script_t *script = chat->call->script;

    speech_answer(script, chat->request.body, &chat->input, &chat->conversation, &chat->output);
    if (script_has(script, SCRIPT_REASONING)) {
        speech_reasoning(script, &chat->reasoning);
    }
    chat->finish_reason = "stop";
    if (script_has(script, SCRIPT_GUARDRAIL)) {
        chat->finish_reason = "content_filter";
    } else if (script_has(script, SCRIPT_TOOL_USE)) {
        chat->finish_reason = "tool_calls";
    } else if (speech_limit(&chat->output, chat->request.stop, chat->request.max_tokens) ==
               SPEECH_CUT) {
        chat->finish_reason = "length";
    }
    if (script_has(script, SCRIPT_STOP_REASON)) {
        chat->finish_reason = script_word(script, SCRIPT_STOP_REASON);
    }
}

static answer_t *write_answer(const emulator_t *emulator, const chat_t *chat)
{
    int thought = script_has(chat->call->script, SCRIPT_REASONING);
    openai_answer_t plan = {.script = chat->call->script,
                            .model = chat->request.model,
                            .text = buffer_text(&chat->output),
                            .length = chat->output.length,
                            .reasoning = thought ? buffer_text(&chat->reasoning) : NULL,
                            .reasoning_length = chat->reasoning.length,
                            .finish_reason = chat->finish_reason,
                            .prompt_tokens = speech_tokens(chat->request.text_bytes),
                            .created = apr_time_sec(emulator_now(emulator)),
                            .usage = chat->request.usage};
    answer_t *answer =
        openai_answer_begin(200, chat->request.streamed ? SSE_TYPE : "application/json");

    if (answer == NULL) {
        return NULL;
    }
    answer->failed = chat->output.failed;
    (void)snprintf(plan.id, sizeof(plan.id), "chatcmpl-%llu",
                   (unsigned long long)chat->call->ticket);
    if (chat->request.streamed) {
        openai_answer_stream(&plan, answer);
    } else {
        openai_answer_whole(&plan, answer);
    }
    return answer;
}

static int read_request(chat_t *chat)
{
    script_t *script = chat->call->script;

    return openai_request_read(&chat->request, chat->call->request, &chat->shape) &&
           (openai_request_hear(&chat->request, script, &chat->conversation, &chat->input) ||
            shape_wrong(&chat->shape, "%s", script->problem));
}

static int is_unknown(const char *model)
{
    return strncmp(model, NO_SUCH_PREFIX, strlen(NO_SUCH_PREFIX)) == 0;
}

static answer_t *refuse_model(void)
{
    return openai_answer_error(404, "model_not_found",
                               "The model does not exist or you do not have access to it.");
}

static answer_t *answer_chat(emulator_t *emulator, chat_t *chat)
{
    const call_t *call = chat->call;
    int good = read_request(chat);
    answer_t *answer;

    journal_subject(emulator->journal, call->ticket, chat->request.model, buffer_text(&chat->input),
                    chat->input.length, call->faults);
    answer = check_key(emulator, call);
    if (answer != NULL) {
        return answer;
    }
    if (!good) {
        return openai_answer_error(400, "invalid_request_error", chat->shape.problem);
    }
    if (is_unknown(chat->request.model)) {
        return refuse_model();
    }
    answer = effects_replace(call->script, modelled, openai_answer_error);
    if (answer == NULL) {
        speak(chat);
        answer = write_answer(emulator, chat);
    }
    return answer;
}

static answer_t *answer_completions(emulator_t *emulator, call_t *call)
{
    chat_t chat = {.call = call};
    answer_t *answer;

    buffer_init(&chat.input, HTTP_BODY_MAX);
    buffer_init(&chat.output, HTTP_BODY_MAX);
    buffer_init(&chat.reasoning, HTTP_BODY_MAX);
    answer = answer_chat(emulator, &chat);
    json_release(chat.request.body);
    buffer_free(&chat.input);
    buffer_free(&chat.output);
    buffer_free(&chat.reasoning);
    return answer;
}

/* ---- models ---- */

static answer_t *answer_models(emulator_t *emulator, const call_t *call)
{
    char model[1][REST_LABEL_MAX];
    int one = rest_match(call->request->path, MODEL_PATH, model) &&
              text_utf8_length(model[0], strlen(model[0])) != TEXT_NOT_UTF8;
    answer_t *answer = check_key(emulator, call);

    journal_subject(emulator->journal, call->ticket, one ? model[0] : "", "", 0, call->faults);
    if (answer == NULL) {
        answer = effects_replace(call->script, modelled, openai_answer_error);
    }
    if (answer == NULL && one && is_unknown(model[0])) {
        answer = refuse_model();
    }
    return answer != NULL
               ? answer
               : openai_answer_models(one ? model[0] : NULL, apr_time_sec(emulator_now(emulator)));
}

static answer_t *answer_call(emulator_t *emulator, call_t *call)
{
    if (strcmp(call->operation, UNKNOWN) == 0) {
        return openai_answer_error(404, "unknown_url", "There is nothing at this URL.");
    }
    return strcmp(call->operation, COMPLETIONS) == 0 ? answer_completions(emulator, call)
                                                     : answer_models(emulator, call);
}

const service_t openai_service = {
    .operation = find_operation, .answer = answer_call, .error = openai_answer_error};
