#include "emulator/agentcore.h"

#include "base/text.h"
#include "emulator/agentcore_answer.h"
#include "emulator/rest.h"
#include "emulator/shape.h"
#include "emulator/speech.h"

#include <apr_strings.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#define INVOKE_PATH    "/runtimes/{}/invocations"
#define STOP_PATH      "/runtimes/{}/stopruntimesession"
#define SESSION_HEADER "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"
#define SESSION_MIN    33
#define SESSION_MAX    256
#define TOKEN_PATTERN  "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,256}"
#define ARN_MAX        200
#define QUALIFIER_MAX  48
#define QUALIFIER      "DEFAULT" /* when the request names none */
#define VALIDATION     "ValidationException"
#define NO_SUCH_PREFIX "NOTFOUND" /* runtimes named so are unknown, all others exist */

/* Source: API Reference, InvokeAgentRuntime, "Errors". */
static const effects_exception_t modelled[] = {{"ValidationException", 400},
                                               {"ServiceQuotaExceededException", 402},
                                               {"AccessDeniedException", 403},
                                               {"ResourceNotFoundException", 404},
                                               {"RetryableConflictException", 409},
                                               {"RuntimeClientError", 424},
                                               {"ThrottlingException", 429},
                                               {"InternalServerException", 500},
                                               {NULL, 0}};

/* Source: API Reference, StopRuntimeSession, "Errors". */
static const effects_exception_t modelled_stop[] = {{"ValidationException", 400},
                                                    {"UnauthorizedException", 401},
                                                    {"ServiceQuotaExceededException", 402},
                                                    {"AccessDeniedException", 403},
                                                    {"ResourceNotFoundException", 404},
                                                    {"ConflictException", 409},
                                                    {"RetryableConflictException", 409},
                                                    {"RuntimeClientError", 424},
                                                    {"ThrottlingException", 429},
                                                    {"InternalServerException", 500},
                                                    {NULL, 0}};

typedef struct {
    call_t *call;
    char arn[1][REST_LABEL_MAX];
    char qualifier[QUALIFIER_MAX + 1];
    char session[SESSION_MAX + 1];
    agentcore_form_e form;
    json_t *body;
    buffer_t input; /* without commands */
    buffer_t output;
    shape_t shape;
    answer_t *refusal;
} invoke_t;

static const char *find_operation(const http_request_t *request)
{
    char arn[1][REST_LABEL_MAX];

    if (strcmp(request->method, "POST") != 0) {
        return NULL;
    }
    return rest_match(request->path, INVOKE_PATH, arn) ? "InvokeAgentRuntime"
           : rest_match(request->path, STOP_PATH, arn) ? "StopRuntimeSession"
                                                       : NULL;
}

/* ---- checks ---- */

/* arn:aws:bedrock-agentcore:{region}:{account}:runtime/{name}: the name, or NULL. */
static const char *runtime_name(const char *arn)
{
    static const char kind[] = ":runtime/";
    const char *name = strstr(arn, kind);

    return strncmp(arn, "arn:aws", 7) == 0 && strstr(arn, ":bedrock-agentcore:") != NULL &&
                   name != NULL && strlen(arn) <= ARN_MAX &&
                   text_only(name + sizeof(kind) - 1, strlen(name) - sizeof(kind) + 1, "_-") &&
                   isalpha((unsigned char)name[sizeof(kind) - 1])
               ? name + sizeof(kind) - 1
               : NULL;
}

static int take_qualifier(invoke_t *invoke)
{
    size_t length = 0;
    const char *value = http_query(invoke->call->request, "qualifier", &length);

    if (value == NULL) {
        (void)apr_cpystrn(invoke->qualifier, QUALIFIER, sizeof(invoke->qualifier));
        return 1;
    }
    if (length == 0 || length > QUALIFIER_MAX || !text_only(value, length, "_")) {
        return shape_wrong(&invoke->shape, "The qualifier is no version and no endpoint's name.");
    }
    (void)apr_cpystrn(invoke->qualifier, value, length + 1);
    return 1;
}

static const char *sent_session_id(const invoke_t *invoke)
{
    return http_header(invoke->call->request, "x-amzn-bedrock-agentcore-runtime-session-id");
}

/* The service makes one up for who invokes without. */
static int take_session_id(invoke_t *invoke)
{
    const char *value = sent_session_id(invoke);

    if (value == NULL) {
        return text_uuid4(invoke->session);
    }
    (void)apr_cpystrn(invoke->session, value, sizeof(invoke->session));
    return shape_id(&invoke->shape, "runtimeSessionId", value, SESSION_MIN, SESSION_MAX, "._:-",
                    "^[0-9a-zA-Z._:-]+$");
}

/* By command, else by Accept. */
static int take_form(invoke_t *invoke)
{
    const char *accept = http_header(invoke->call->request, "accept");
    const script_t *script = invoke->call->script;

    if (script_has(script, SCRIPT_FORM)) {
        invoke->form = agentcore_form(script_word(script, SCRIPT_FORM));
    } else if (accept != NULL && strcasestr(accept, "text/event-stream") != NULL) {
        invoke->form = AGENTCORE_SSE;
    } else if (accept != NULL && strcasestr(accept, "text/plain") != NULL) {
        invoke->form = AGENTCORE_TEXT;
    }
    return invoke->form != AGENTCORE_FORMS ||
           shape_wrong(&invoke->shape, "{{form}}: there is no form '%s'",
                       script_word(script, SCRIPT_FORM));
}

static int check_head(invoke_t *invoke)
{
    const char *name = runtime_name(invoke->arn[0]);

    if (name == NULL) {
        return shape_wrong(&invoke->shape, "The agentRuntimeArn is no ARN of a runtime.");
    }
    if (strncmp(name, NO_SUCH_PREFIX, strlen(NO_SUCH_PREFIX)) == 0) {
        invoke->refusal = rest_error(404, "ResourceNotFoundException",
                                     "No endpoint or agent found with that ARN and qualifier.");
        return 0;
    }
    return take_qualifier(invoke) && take_session_id(invoke);
}

/* The service passes any body on: it is the runtime that wants a prompt. */
static int read_body(invoke_t *invoke)
{
    const json_t *prompt;

    invoke->body = shape_parse(&invoke->shape, invoke->call->request);
    prompt = json_member(invoke->body, "prompt");
    if (json_kind(prompt) != JSON_STRING) {
        invoke->refusal = rest_error(424, "RuntimeClientError",
                                     "Received error (400) from runtime: the body must be a JSON "
                                     "object with a text as its prompt.");
        return 0;
    }
    return speech_take(invoke->call->script, prompt, &invoke->input) ||
           shape_wrong(&invoke->shape, "%s", invoke->call->script->problem);
}

/* ---- the answer ---- */

static void speak(invoke_t *invoke, session_t *session)
{
    speech_answer(invoke->call->script, invoke->body, &invoke->input, &session->conversation,
                  &invoke->output);
    sessions_add_turn(session, buffer_text(&invoke->input), invoke->input.length,
                      buffer_text(&invoke->output), invoke->output.length);
}

static answer_t *write_answer(const invoke_t *invoke)
{
    answer_t *answer = rest_answer(200, agentcore_type(invoke->form));

    if (answer != NULL) {
        answer->failed = invoke->output.failed;
        answer_header(answer, SESSION_HEADER, invoke->session);
        agentcore_answer_write(invoke->form, invoke->call->script, buffer_text(&invoke->output),
                               invoke->output.length, answer);
    }
    return answer;
}

static answer_t *answer_prompt(emulator_t *emulator, invoke_t *invoke)
{
    answer_t *answer = effects_replace(invoke->call->script, modelled, rest_error);
    session_t *session;
    int busy = 0;

    if (answer != NULL) {
        return answer;
    }
    session = emulator_session(emulator, invoke->arn[0], invoke->qualifier, invoke->session,
                               invoke->call->ticket, &busy);
    if (busy) {
        return rest_error(409, "RetryableConflictException",
                          "Another call of this session is in progress.");
    }
    if (session == NULL) {
        return NULL;
    }
    speak(invoke, session);
    return write_answer(invoke);
}

static answer_t *answer_invoke(emulator_t *emulator, invoke_t *invoke)
{
    const call_t *call = invoke->call;
    int good = check_head(invoke) && read_body(invoke) && take_form(invoke);

    journal_subject(emulator->journal, call->ticket, invoke->session, buffer_text(&invoke->input),
                    invoke->input.length, call->faults);
    if (invoke->refusal != NULL) {
        return invoke->refusal;
    }
    return good ? answer_prompt(emulator, invoke)
                : rest_error(400, VALIDATION, invoke->shape.problem);
}

/* ---- the end of a session ---- */

/* Letters and digits, with hyphens between them. */
static int check_token(invoke_t *invoke)
{
    size_t length = 0;
    const char *token = json_member_text(invoke->body, "clientToken", &length);

    if (json_member(invoke->body, "clientToken") == NULL) {
        return 1;
    }
    if (token == NULL || (length > 0 && (token[0] == '-' || token[length - 1] == '-'))) {
        return shape_wrong(&invoke->shape,
                           "The member 'clientToken' must be a text of the pattern %s.",
                           TOKEN_PATTERN);
    }
    return shape_id(&invoke->shape, "clientToken", token, SESSION_MIN, SESSION_MAX, "-",
                    TOKEN_PATTERN);
}

static int read_stop(invoke_t *invoke)
{
    if (!check_head(invoke)) {
        return 0;
    }
    if (sent_session_id(invoke) == NULL) {
        return shape_wrong(&invoke->shape, "The runtimeSessionId is missing.");
    }
    invoke->body = shape_parse(&invoke->shape, invoke->call->request);
    return invoke->body != NULL && check_token(invoke);
}

/* Only a session that somebody spoke in has turns. */
static int forget_session(emulator_t *emulator, const invoke_t *invoke)
{
    const int64_t idle = emulator->switches.numbers[SWITCHES_SESSION_IDLE_MS];
    session_t *session = sessions_get(emulator->sessions, invoke->arn[0], invoke->qualifier,
                                      invoke->session, apr_time_from_msec(idle));
    int known = session != NULL && session->turns > 0;

    if (session != NULL) {
        sessions_forget(emulator->sessions, session);
    }
    return known;
}

static answer_t *stop_session(emulator_t *emulator, const invoke_t *invoke)
{
    answer_t *answer = effects_replace(invoke->call->script, modelled_stop, rest_error);

    if (answer != NULL) {
        return answer;
    }
    if (!forget_session(emulator, invoke)) {
        return rest_error(404, "ResourceNotFoundException",
                          "Session not found or already terminated.");
    }
    answer = rest_answer(200, "application/json");
    if (answer != NULL) {
        answer_header(answer, SESSION_HEADER, invoke->session);
        answer_send(answer, "{}", 2);
    }
    return answer;
}

static answer_t *answer_stop(emulator_t *emulator, invoke_t *invoke)
{
    const call_t *call = invoke->call;
    int good = read_stop(invoke);

    journal_subject(emulator->journal, call->ticket, invoke->session, "", 0, call->faults);
    if (invoke->refusal != NULL) {
        return invoke->refusal;
    }
    return good ? stop_session(emulator, invoke)
                : rest_error(400, VALIDATION, invoke->shape.problem);
}

static answer_t *answer_call(emulator_t *emulator, call_t *call)
{
    invoke_t invoke = {.call = call};
    int stops = rest_match(call->request->path, STOP_PATH, invoke.arn);
    answer_t *answer;

    (void)(stops || rest_match(call->request->path, INVOKE_PATH, invoke.arn));
    buffer_init(&invoke.input, HTTP_BODY_MAX);
    buffer_init(&invoke.output, HTTP_BODY_MAX);
    answer = stops ? answer_stop(emulator, &invoke) : answer_invoke(emulator, &invoke);
    json_release(invoke.body);
    buffer_free(&invoke.input);
    buffer_free(&invoke.output);
    return answer;
}

const service_t agentcore_service = {.rules = {.service = "bedrock-agentcore"},
                                     .operation = find_operation,
                                     .answer = answer_call,
                                     .error = rest_error};
