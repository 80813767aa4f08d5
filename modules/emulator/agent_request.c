#include "emulator/agent_request.h"

#include "base/text.h"

#include <string.h>

#define TEXT_MAX        25000000
#define ID_LENGTH       100
#define ATTRIBUTES_MAX  1000
#define ATTRIBUTE_MAX   (1024 * 1024)
#define RESULTS_MAX     5
#define FILES_MAX       5
#define FILE_BYTES_MAX  10485760 /* of one file, and of all together */
#define FILE_BASE64_MAX ((FILE_BYTES_MAX + 2) / 3 * 4)
#define URI_MAX         1024
#define BUCKET_MIN      3
#define BUCKET_MAX      63
#define ID_PATTERN      "^[0-9a-zA-Z._:-]+$"

/* ---- files ---- */

/* s3://bucket/key */
static int is_s3_uri(const char *uri)
{
    static const char small[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    size_t length;

    if (strncmp(uri, "s3://", 5) != 0 || strlen(uri) > URI_MAX) {
        return 0;
    }
    uri += 5;
    length = strcspn(uri, "/");
    return length >= BUCKET_MIN && length <= BUCKET_MAX && strchr(small, uri[0]) != NULL &&
           strchr(small, uri[length - 1]) != NULL &&
           strspn(uri, "abcdefghijklmnopqrstuvwxyz0123456789.-") == length && uri[length] == '/' &&
           uri[length + 1] != '\0';
}

/* Bytes of a file that comes along, 0 when they are no base64 or none at all. */
static size_t byte_count(const json_t *content)
{
    size_t length = 0;
    const char *data = json_member_text(content, "data", &length);
    buffer_t decoded;
    size_t count = 0;

    if (data != NULL && length <= FILE_BASE64_MAX) {
        buffer_init(&decoded, FILE_BYTES_MAX + 2);
        count = text_base64_decode(&decoded, data, length) ? decoded.length : 0;
        buffer_free(&decoded);
    }
    return count;
}

static int check_source(const json_t *source, size_t number, size_t *total, shape_t *shape)
{
    const json_t *content = json_member(source, "byteContent");
    const char *kind = json_member_text(source, "sourceType", &(size_t){0});
    const char *uri = json_member_text(json_member(source, "s3Location"), "uri", &(size_t){0});
    size_t count;

    if (kind == NULL) {
        return shape_wrong(shape, "sessionState.files.%zu.source has no sourceType.", number);
    }
    if (!shape_word(shape, source, "sourceType", "S3 BYTE_CONTENT")) {
        return 0;
    }
    if (strcmp(kind, "S3") == 0) {
        return (uri != NULL && is_s3_uri(uri)) ||
               shape_wrong(shape, "sessionState.files.%zu: s3Location.uri must be s3://bucket/key.",
                           number);
    }
    count = byte_count(content);
    *total += count;
    if (json_member_text(content, "mediaType", &(size_t){0}) == NULL || count == 0 ||
        count > FILE_BYTES_MAX) {
        return shape_wrong(shape,
                           "sessionState.files.%zu: byteContent must have a mediaType, and as its "
                           "data 1 to %d bytes in base64.",
                           number, FILE_BYTES_MAX);
    }
    return *total <= FILE_BYTES_MAX ||
           shape_wrong(shape, "sessionState.files: together they have over %d bytes.",
                       FILE_BYTES_MAX);
}

static int check_files(const json_t *state, shape_t *shape)
{
    const json_t *files = json_member(state, "files");
    size_t total = 0;
    size_t i;

    if (!shape_count(shape, state, "files", JSON_ARRAY, 0, FILES_MAX)) {
        return 0;
    }
    for (i = 0; i < json_length(files); i++) {
        const json_t *file = json_item(files, i);
        const json_t *source = json_member(file, "source");
        if (json_member_text(file, "name", &(size_t){0}) == NULL ||
            json_member_text(file, "useCase", &(size_t){0}) == NULL || source == NULL) {
            return shape_wrong(shape, "sessionState.files.%zu must have name, source and useCase.",
                               i);
        }
        if (!shape_word(shape, file, "useCase", "CODE_INTERPRETER CHAT") ||
            !check_source(source, i, &total, shape)) {
            return 0;
        }
    }
    return 1;
}

/* ---- history ---- */

static int check_message(const json_t *message, size_t number, shape_t *shape)
{
    const json_t *content = json_member(message, "content");
    size_t i;

    if (json_member(message, "role") == NULL || json_length(content) == 0) {
        return shape_wrong(shape,
                           "sessionState.conversationHistory.messages.%zu must have role and "
                           "content.",
                           number);
    }
    for (i = 0; i < json_length(content); i++) {
        if (json_member_text(json_item(content, i), "text", &(size_t){0}) == NULL) {
            return shape_wrong(shape,
                               "sessionState.conversationHistory.messages.%zu.content.%zu must "
                               "have a text.",
                               number, i);
        }
    }
    return shape_word(shape, message, "role", "user assistant");
}

static int check_history(agent_request_t *request, const json_t *state, shape_t *shape)
{
    const json_t *history;
    size_t i;

    if (!shape_member(shape, state, "conversationHistory", JSON_OBJECT, &history) ||
        !shape_member(shape, history, "messages", JSON_ARRAY, &request->history)) {
        return 0;
    }
    for (i = 0; i < json_length(request->history); i++) {
        if (!check_message(json_item(request->history, i), i, shape)) {
            return 0;
        }
    }
    return 1;
}

void agent_request_hear(const agent_request_t *request, conversation_t *conversation)
{
    size_t i;

    for (i = 0; i < json_length(request->history); i++) {
        const json_t *message = json_item(request->history, i);
        const char *role = json_member_text(message, "role", &(size_t){0});
        size_t length = 0;
        const char *text =
            json_member_text(json_item(json_member(message, "content"), 0), "text", &length);
        if (strcmp(role, "user") == 0) {
            conversation_hear(conversation, text, length);
        }
    }
}

/* ---- all of it ---- */

static int check_state(agent_request_t *request, shape_t *shape)
{
    const json_t *state;

    if (!shape_member(shape, request->body, "sessionState", JSON_OBJECT, &state) ||
        !shape_texts(shape, state, "sessionAttributes", ATTRIBUTES_MAX, ATTRIBUTE_MAX) ||
        !shape_texts(shape, state, "promptSessionAttributes", ATTRIBUTES_MAX, ATTRIBUTE_MAX) ||
        !shape_text(shape, state, "invocationId", 1, ATTRIBUTE_MAX) ||
        !shape_count(shape, state, "returnControlInvocationResults", JSON_ARRAY, 1, RESULTS_MAX) ||
        !shape_count(shape, state, "knowledgeBaseConfigurations", JSON_ARRAY, 1, SHAPE_ANY)) {
        return 0;
    }
    request->control_results = json_length(json_member(state, "returnControlInvocationResults"));
    return check_files(state, shape) && check_history(request, state, shape);
}

static int check_configurations(agent_request_t *request, shape_t *shape)
{
    const json_t *body = request->body;
    const json_t *streaming;
    const json_t *model;
    const json_t *prompt;
    int64_t number;
    int flag;

    return shape_member(shape, body, "streamingConfigurations", JSON_OBJECT, &streaming) &&
           shape_boolean(shape, streaming, "streamFinalResponse", &request->streamed) &&
           shape_integer(shape, streaming, "applyGuardrailInterval", 1, INT32_MAX, &number) &&
           shape_member(shape, body, "bedrockModelConfigurations", JSON_OBJECT, &model) &&
           shape_member(shape, model, "performanceConfig", JSON_OBJECT, &model) &&
           shape_word(shape, model, "latency", "standard optimized") &&
           shape_member(shape, body, "promptCreationConfigurations", JSON_OBJECT, &prompt) &&
           shape_boolean(shape, prompt, "excludePreviousThinkingSteps", &flag) &&
           shape_integer(shape, prompt, "previousConversationTurnsToInclude", 0, INT32_MAX,
                         &number);
}

static int check_text(agent_request_t *request, shape_t *shape)
{
    const json_t *text;

    if (!shape_member(shape, request->body, "inputText", JSON_STRING, &text) ||
        !shape_text(shape, request->body, "inputText", 0, TEXT_MAX)) {
        return 0;
    }
    if (text == NULL && !request->ends && request->control_results == 0) {
        return shape_wrong(shape, "The member 'inputText' is missing.");
    }
    request->text = request->control_results == 0 ? text : NULL;
    return 1;
}

static int check_memory(agent_request_t *request, shape_t *shape)
{
    const json_t *memory;

    if (!shape_member(shape, request->body, "memoryId", JSON_STRING, &memory)) {
        return 0;
    }
    request->memory = json_text(memory, &(size_t){0});
    return request->memory == NULL ||
           shape_id(shape, "memoryId", request->memory, 2, ID_LENGTH, "._:-", ID_PATTERN);
}

int agent_request_read(agent_request_t *request, const http_request_t *http, shape_t *shape)
{
    memset(request, 0, sizeof(*request));
    request->body = shape_parse(shape, http);
    return request->body != NULL &&
           shape_boolean(shape, request->body, "enableTrace", &request->traced) &&
           shape_boolean(shape, request->body, "endSession", &request->ends) &&
           check_memory(request, shape) && check_configurations(request, shape) &&
           check_state(request, shape) && check_text(request, shape);
}
