#include "emulator/agents.h"

#include "base/json.h"
#include "base/text.h"
#include "emulator/agent_stream.h"
#include "emulator/conversation.h"
#include "emulator/effects.h"
#include "emulator/rest.h"

#include <stdio.h>
#include <string.h>

#define SEGMENTS        7
#define ID_MAX          10
#define SESSION_MAX     100
#define LABEL_MAX       512
#define JSON_DEPTH      64
#define OUTPUT_MAX      HTTP_BODY_MAX
#define ID_PATTERN      "^[0-9a-zA-Z]+$"
#define SESSION_PATTERN "^[0-9a-zA-Z._:-]+$"
#define VALIDATION      "ValidationException"
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

/* What an InvokeAgent request asks for. */
typedef struct {
    call_t *call;
    char agent[LABEL_MAX];
    char alias[LABEL_MAX];
    char session[LABEL_MAX];
    json_t *body;
    const char *memory;
    int traced;
    int ends;
    int streamed;
    size_t control_results; /* of an action that the client carried out itself */
    buffer_t input;         /* without commands */
    buffer_t output;
    answer_t *refusal;
} invoke_t;

/* ---- the path ---- */

/* One segment of the path, percent-decoded; 0 when it is empty, a dot segment or too long. */
static int take_label(const char *segment, size_t length, char *out)
{
    buffer_t decoded;
    int good;

    buffer_init(&decoded, LABEL_MAX - 1);
    good = length > 0 && http_percent_decode(&decoded, segment, length) &&
           memchr(decoded.data, '\0', decoded.length) == NULL &&
           !(segment[0] == '.' && (length == 1 || (length == 2 && segment[1] == '.')));
    if (good) {
        memcpy(out, decoded.data, decoded.length + 1);
    }
    buffer_free(&decoded);
    return good;
}

/* /agents/{agentId}/agentAliases/{agentAliasId}/sessions/{sessionId}/text */
static int match_path(const char *path, invoke_t *invoke)
{
    static const char *const fixed[SEGMENTS] = {"agents",   NULL, "agentAliases", NULL,
                                                "sessions", NULL, "text"};
    char *const labels[SEGMENTS] = {NULL, invoke->agent,   NULL, invoke->alias,
                                    NULL, invoke->session, NULL};
    int i;

    for (i = 0; i < SEGMENTS; i++) {
        size_t length;
        if (*path++ != '/') {
            return 0;
        }
        length = strcspn(path, "/");
        if (fixed[i] != NULL ? strlen(fixed[i]) != length || strncmp(path, fixed[i], length) != 0
                             : !take_label(path, length, labels[i])) {
            return 0;
        }
        path += length;
    }
    return *path == '\0';
}

static const char *find_operation(const http_request_t *request)
{
    invoke_t invoke;

    return strcmp(request->method, "POST") == 0 && match_path(request->path, &invoke)
               ? "InvokeAgent"
               : NULL;
}

/* ---- checks ---- */

static int refuse(invoke_t *invoke, int status, const char *type, const char *message)
{
    invoke->refusal = rest_error(status, type, message);
    return 0;
}

static int check_label(invoke_t *invoke, const char *member, const char *value, size_t longest,
                       const char *others, const char *pattern)
{
    size_t length = strlen(value);
    size_t shortest = others[0] != '\0' ? 2 : 1;
    char message[LABEL_MAX * 2];

    if (length >= shortest && length <= longest && text_only(value, length, others)) {
        return 1;
    }
    (void)snprintf(message, sizeof(message),
                   "1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: "
                   "Member must have length between %zu and %zu and satisfy regular expression "
                   "pattern: %s",
                   value, member, shortest, longest, pattern);
    return refuse(invoke, 400, VALIDATION, message);
}

static int check_labels(invoke_t *invoke)
{
    if (!check_label(invoke, "agentId", invoke->agent, ID_MAX, "", ID_PATTERN) ||
        !check_label(invoke, "agentAliasId", invoke->alias, ID_MAX, "", ID_PATTERN) ||
        !check_label(invoke, "sessionId", invoke->session, SESSION_MAX, "._:-", SESSION_PATTERN)) {
        return 0;
    }
    if (strncmp(invoke->agent, NO_SUCH_PREFIX, strlen(NO_SUCH_PREFIX)) == 0 ||
        strncmp(invoke->alias, NO_SUCH_PREFIX, strlen(NO_SUCH_PREFIX)) == 0) {
        return refuse(invoke, 404, "ResourceNotFoundException",
                      "Failed to retrieve resource because it doesn't exist. Retry your request "
                      "with a different resource identifier.");
    }
    return 1;
}

static int take_boolean(invoke_t *invoke, const json_t *object, const char *member, int *out)
{
    const json_t *value = json_member(object, member);
    char message[128];

    if (value == NULL || json_boolean(value, out)) {
        return 1;
    }
    (void)snprintf(message, sizeof(message), "The member '%s' must be true or false.", member);
    return refuse(invoke, 400, VALIDATION, message);
}

/* An object, or nothing at all. */
static int take_object(invoke_t *invoke, const char *member, const json_t **out)
{
    char message[128];

    *out = json_member(invoke->body, member);
    if (*out == NULL || json_kind(*out) == JSON_OBJECT) {
        return 1;
    }
    (void)snprintf(message, sizeof(message), "The member '%s' must be an object.", member);
    return refuse(invoke, 400, VALIDATION, message);
}

/* The text without its commands; those of the fault rules are in the script already. */
static int take_input(invoke_t *invoke)
{
    const json_t *value = json_member(invoke->body, "inputText");
    size_t length = 0;
    const char *text = json_text(value, &length);
    script_t *script = invoke->call->script;

    if (value != NULL && text == NULL) {
        return refuse(invoke, 400, VALIDATION, "The member 'inputText' must be a text.");
    }
    if (text == NULL && !invoke->ends && invoke->control_results == 0) {
        return refuse(invoke, 400, VALIDATION, "The member 'inputText' is missing.");
    }
    if (text != NULL && invoke->control_results == 0 &&
        !script_parse(script, text, length, &invoke->input)) {
        return refuse(invoke, 400, VALIDATION, script->problem);
    }
    return 1;
}

static int take_members(invoke_t *invoke)
{
    const json_t *streaming;
    const json_t *state;

    invoke->memory = json_member_text(invoke->body, "memoryId", &(size_t){0});
    if (!take_boolean(invoke, invoke->body, "enableTrace", &invoke->traced) ||
        !take_boolean(invoke, invoke->body, "endSession", &invoke->ends) ||
        !take_object(invoke, "streamingConfigurations", &streaming) ||
        !take_boolean(invoke, streaming, "streamFinalResponse", &invoke->streamed) ||
        !take_object(invoke, "sessionState", &state)) {
        return 0;
    }
    invoke->control_results = json_length(json_member(state, "returnControlInvocationResults"));
    return take_input(invoke);
}

static int read_body(invoke_t *invoke)
{
    const http_request_t *request = invoke->call->request;
    json_error_t error;
    char message[256];

    invoke->body = json_parse(request->body, request->body_length, JSON_DEPTH, &error);
    if (error.reason != NULL) {
        (void)snprintf(message, sizeof(message), "The body is not JSON: %s at byte %zu.",
                       error.reason, error.offset);
        return refuse(invoke, 400, VALIDATION, message);
    }
    if (json_kind(invoke->body) != JSON_OBJECT) {
        return refuse(invoke, 400, VALIDATION, "The body must be a JSON object.");
    }
    return take_members(invoke);
}

/* ---- the answer ---- */

static void put_words(buffer_t *out, size_t count)
{
    size_t i;

    for (i = 1; i <= count; i++) {
        (void)buffer_printf(out, "%sword%zu", i > 1 ? " " : "", i);
    }
}

static void put_bytes(buffer_t *out, size_t count)
{
    static const char pattern[] = "abcdefghijklmnopqrstuvwxyz01234 ";

    while (count > 0 && !out->failed) {
        size_t piece = count < sizeof(pattern) - 1 ? count : sizeof(pattern) - 1;
        (void)buffer_append(out, pattern, piece);
        count -= piece;
    }
}

/* What the commands make the agent say; 0 when they leave it to the agent. */
static int speak_as_told(invoke_t *invoke)
{
    const script_t *script = invoke->call->script;

    if (script_has(script, SCRIPT_WORDS)) {
        put_words(&invoke->output, script_number(script, SCRIPT_WORDS));
    } else if (script_has(script, SCRIPT_BYTES)) {
        put_bytes(&invoke->output, script_number(script, SCRIPT_BYTES));
    } else if (script_has(script, SCRIPT_ECHO)) {
        (void)buffer_append(&invoke->output, buffer_text(&invoke->input), invoke->input.length);
    } else if (script_has(script, SCRIPT_UNICODE)) {
        (void)buffer_puts(&invoke->output, "Gr\303\274\303\237e, \346\227\245\346\234\254\350\252"
                                           "\236, \360\237\230\200\360\237\232\200!");
    } else {
        return 0;
    }
    return 1;
}

/* The session of this call, NULL when memory is out or another call has it. */
static session_t *take_session(emulator_t *emulator, invoke_t *invoke)
{
    const switches_t *switches = &emulator->switches;
    session_t *session =
        sessions_get(emulator->sessions, invoke->agent, invoke->alias, invoke->session,
                     apr_time_from_msec(switches->numbers[SWITCHES_SESSION_IDLE_MS]));

    if (session != NULL && switches->numbers[SWITCHES_CONFLICTS] &&
        journal_is_open(emulator->journal, session->ticket)) {
        (void)refuse(invoke, 409, "ConflictException",
                     "There was a conflict performing an operation: another call of this session "
                     "is in progress. Resolve the conflict and retry your request.");
        return NULL;
    }
    if (session != NULL) {
        session->ticket = invoke->call->ticket;
    }
    return session;
}

static void converse(invoke_t *invoke, sessions_t *sessions, session_t *session)
{
    if (invoke->ends) {
        (void)buffer_puts(&invoke->output, "The session has ended.");
        sessions_forget(sessions, session);
        return;
    }
    if (invoke->control_results > 0) {
        (void)buffer_printf(&invoke->output, "I have the result of %zu actions.",
                            invoke->control_results);
    } else if (!speak_as_told(invoke)) {
        conversation_reply(session, buffer_text(&invoke->input), invoke->input.length,
                           &invoke->output);
    }
    sessions_add_turn(session, buffer_text(&invoke->input), invoke->input.length,
                      buffer_text(&invoke->output), invoke->output.length);
}

static answer_t *stream_answer(const invoke_t *invoke)
{
    answer_t *answer = rest_answer(200, "application/vnd.amazon.eventstream");
    agent_stream_t plan = {.agent = invoke->agent,
                           .alias = invoke->alias,
                           .session = invoke->session,
                           .input = buffer_text(&invoke->input),
                           .input_length = invoke->input.length,
                           .output = buffer_text(&invoke->output),
                           .output_length = invoke->output.length,
                           .streamed = invoke->streamed,
                           .traced = invoke->traced,
                           .script = invoke->call->script,
                           .modelled = modelled};

    if (answer == NULL) {
        return NULL;
    }
    answer->streamed = 1;
    answer->failed = invoke->output.failed;
    answer_header(answer, "x-amz-bedrock-agent-session-id", invoke->session);
    answer_header(answer, "x-amzn-bedrock-agent-content-type", "application/json");
    if (invoke->memory != NULL && text_is_session_id(invoke->memory, strlen(invoke->memory))) {
        answer_header(answer, "x-amz-bedrock-agent-memory-id", invoke->memory);
    }
    agent_stream_write(&plan, answer);
    return answer;
}

static answer_t *answer_invoke(emulator_t *emulator, invoke_t *invoke)
{
    const call_t *call = invoke->call;
    int good = check_labels(invoke) && read_body(invoke);
    session_t *session;
    answer_t *answer;

    journal_subject(emulator->journal, call->ticket, invoke->session, buffer_text(&invoke->input),
                    invoke->input.length, call->faults);
    if (!good) {
        return invoke->refusal;
    }
    answer = effects_replace(call->script, modelled, rest_error);
    if (answer != NULL) {
        return answer;
    }
    session = take_session(emulator, invoke);
    if (session == NULL) {
        return invoke->refusal;
    }
    converse(invoke, emulator->sessions, session);
    return stream_answer(invoke);
}

static answer_t *answer_call(emulator_t *emulator, call_t *call)
{
    invoke_t invoke = {.call = call};
    answer_t *answer;

    (void)match_path(call->request->path, &invoke);
    buffer_init(&invoke.input, HTTP_BODY_MAX);
    buffer_init(&invoke.output, OUTPUT_MAX);
    answer = answer_invoke(emulator, &invoke);
    json_release(invoke.body);
    buffer_free(&invoke.input);
    buffer_free(&invoke.output);
    return answer;
}

const service_t agents_service = {.rules = {.service = "bedrock"},
                                  .operation = find_operation,
                                  .answer = answer_call,
                                  .error = rest_error};
