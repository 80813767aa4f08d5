#include "emulator/converse_request.h"

#include "emulator/speech.h"

#include <stdint.h>
#include <string.h>

#define STOP_SEQUENCES_MAX 2500
#define METADATA_PAIRS     16
#define METADATA_LENGTH    256
#define GUARDRAIL_LENGTH   2048
#define INPUT_MAX          HTTP_BODY_MAX

/* ---- content blocks ---- */

/* The one member of a block, when the service knows it. */
static int on_block_member(void *found, const char *name, const json_t *value)
{
    static const char *const known[] = {"text",
                                        "image",
                                        "document",
                                        "video",
                                        "audio",
                                        "toolUse",
                                        "toolResult",
                                        "guardContent",
                                        "cachePoint",
                                        "citationsContent",
                                        "reasoningContent",
                                        "searchResult"};
    size_t i;

    (void)value;
    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        *(int *)found += strcmp(known[i], name) == 0;
    }
    return 1;
}

static int is_blank(const char *text, size_t length)
{
    return strspn(text, " \t\r\n") == length;
}

static int check_block(converse_request_t *request, const json_t *block, size_t message,
                       size_t number, shape_t *shape)
{
    const json_t *value;
    size_t length = 0;
    const char *text;
    int found = 0;

    if (json_kind(block) == JSON_OBJECT) {
        json_each(block, on_block_member, &found);
    }
    if (found != 1) {
        return shape_wrong(shape,
                           "The ContentBlock object at messages.%zu.content.%zu must set one of "
                           "the following keys: text, image, toolUse, toolResult, document, "
                           "video.",
                           message, number);
    }
    if (!shape_member(shape, block, "text", JSON_STRING, &value) || value == NULL) {
        return value == NULL;
    }
    text = json_text(value, &length);
    request->text_bytes += length;
    return !is_blank(text, length) ||
           shape_wrong(shape,
                       "The text field in the ContentBlock object at messages.%zu.content.%zu is "
                       "blank. Add text to the text field, and try again.",
                       message, number);
}

/* ---- messages ---- */

static int is_user(const json_t *message)
{
    const char *role = json_member_text(message, "role", &(size_t){0});

    return role != NULL && strcmp(role, "user") == 0;
}

static int check_message(converse_request_t *request, size_t number, shape_t *shape)
{
    const json_t *message = json_item(request->messages, number);
    const json_t *content;
    size_t i;

    if (json_kind(message) != JSON_OBJECT || json_member(message, "role") == NULL) {
        return shape_wrong(shape, "The Message object at messages.%zu has no role.", number);
    }
    if (!shape_word(shape, message, "role", "user assistant") ||
        !shape_member(shape, message, "content", JSON_ARRAY, &content)) {
        return 0;
    }
    if (json_length(content) == 0) {
        return shape_wrong(shape,
                           "The content field in the Message object at messages.%zu is empty. Add "
                           "a ContentBlock object to the content field and try again.",
                           number);
    }
    for (i = 0; i < json_length(content); i++) {
        if (!check_block(request, json_item(content, i), number, i, shape)) {
            return 0;
        }
    }
    return 1;
}

static int check_messages(converse_request_t *request, shape_t *shape)
{
    size_t count;
    size_t i;

    if (!shape_member(shape, request->body, "messages", JSON_ARRAY, &request->messages)) {
        return 0;
    }
    count = json_length(request->messages);
    if (count == 0 || !is_user(json_item(request->messages, 0))) {
        return shape_wrong(shape, "A conversation must start with a user message. Try again with a "
                                  "conversation that starts with a user message.");
    }
    for (i = 0; i < count; i++) {
        if (!check_message(request, i, shape)) {
            return 0;
        }
        if (is_user(json_item(request->messages, i)) != (i % 2 == 0)) {
            return shape_wrong(shape,
                               "A conversation must alternate between user and assistant roles. "
                               "Make sure the conversation alternates between user and assistant "
                               "roles and try again.");
        }
    }
    return count % 2 == 1 || shape_wrong(shape, "The conversation must end with a user message.");
}

/* ---- the rest ---- */

static int check_system(converse_request_t *request, shape_t *shape)
{
    const json_t *system;
    size_t i;

    if (!shape_member(shape, request->body, "system", JSON_ARRAY, &system)) {
        return 0;
    }
    for (i = 0; i < json_length(system); i++) {
        size_t length = 0;
        if (!shape_text(shape, json_item(system, i), "text", 1, INPUT_MAX)) {
            return 0;
        }
        (void)json_member_text(json_item(system, i), "text", &length);
        request->text_bytes += length;
    }
    return 1;
}

static int check_inference(converse_request_t *request, shape_t *shape)
{
    const json_t *inference;
    size_t i;

    if (!shape_member(shape, request->body, "inferenceConfig", JSON_OBJECT, &inference) ||
        !shape_integer(shape, inference, "maxTokens", 1, INT32_MAX, &request->max_tokens) ||
        !shape_decimal(shape, inference, "temperature", 1) ||
        !shape_decimal(shape, inference, "topP", 1) ||
        !shape_count(shape, inference, "stopSequences", JSON_ARRAY, 0, STOP_SEQUENCES_MAX)) {
        return 0;
    }
    request->stop_sequences = json_member(inference, "stopSequences");
    for (i = 0; i < json_length(request->stop_sequences); i++) {
        size_t length = 0;
        if (json_text(json_item(request->stop_sequences, i), &length) == NULL || length == 0) {
            return shape_wrong(shape, "Each member of 'stopSequences' must be a text that is not "
                                      "empty.");
        }
    }
    return 1;
}

/* "DRAFT" or a number from 1 to 99999999. */
static int is_version(const char *text)
{
    size_t length = strspn(text, "0123456789");

    return strcmp(text, "DRAFT") == 0 ||
           (length > 0 && length <= 8 && text[length] == '\0' && text[0] != '0');
}

/* An id of small letters and digits, or an ARN. */
static int is_guardrail(const char *text)
{
    size_t small = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789");

    return text[0] != '\0' && (text[small] == '\0' || (strncmp(text, "arn:aws", 7) == 0 &&
                                                       strstr(text, ":guardrail/") != NULL));
}

static int check_guardrail(converse_request_t *request, int streamed, shape_t *shape)
{
    const json_t *config;
    const char *id;
    const char *version;

    if (!shape_member(shape, request->body, "guardrailConfig", JSON_OBJECT, &config) ||
        config == NULL) {
        return config == NULL;
    }
    request->guardrail = config;
    id = json_member_text(config, "guardrailIdentifier", &(size_t){0});
    version = json_member_text(config, "guardrailVersion", &(size_t){0});
    if (id == NULL || version == NULL) {
        return shape_wrong(shape, "guardrailConfig must have guardrailIdentifier and "
                                  "guardrailVersion.");
    }
    if (!is_guardrail(id) || strlen(id) > GUARDRAIL_LENGTH || !is_version(version)) {
        return shape_wrong(shape, "The guardrail identifier or version provided in the request is "
                                  "not valid.");
    }
    return shape_word(shape, config, "trace", "enabled disabled enabled_full") &&
           (!streamed || shape_word(shape, config, "streamProcessingMode", "sync async"));
}

static int check_others(const converse_request_t *request, shape_t *shape)
{
    const json_t *body = request->body;
    const json_t *object;

    return shape_member(shape, body, "additionalModelRequestFields", JSON_OBJECT, &object) &&
           shape_texts(shape, body, "requestMetadata", METADATA_PAIRS, METADATA_LENGTH) &&
           shape_member(shape, body, "toolConfig", JSON_OBJECT, &object) &&
           shape_count(shape, object, "tools", JSON_ARRAY, 1, SHAPE_ANY) &&
           shape_member(shape, body, "performanceConfig", JSON_OBJECT, &object) &&
           shape_word(shape, object, "latency", "standard optimized") &&
           shape_member(shape, body, "serviceTier", JSON_OBJECT, &object) &&
           shape_word(shape, object, "type", "priority default flex reserved");
}

int converse_request_read(converse_request_t *request, const http_request_t *http, int streamed,
                          shape_t *shape)
{
    memset(request, 0, sizeof(*request));
    request->body = shape_parse(shape, http);
    return request->body != NULL && check_messages(request, shape) &&
           check_system(request, shape) && check_inference(request, shape) &&
           check_guardrail(request, streamed, shape) && check_others(request, shape);
}

/* ---- what was said ---- */

static void hear(const json_t *message, conversation_t *conversation)
{
    const json_t *content = json_member(message, "content");
    size_t i;
    size_t length = 0;
    const char *text = "";

    for (i = 0; i < json_length(content); i++) {
        const char *part = json_member_text(json_item(content, i), "text", &length);
        text = part != NULL ? part : text;
    }
    conversation_hear(conversation, text, strlen(text));
}

int converse_request_hear(const converse_request_t *request, script_t *script,
                          conversation_t *conversation, buffer_t *input)
{
    size_t last = json_length(request->messages) - 1;
    const json_t *content = json_member(json_item(request->messages, last), "content");
    size_t i;

    for (i = 0; i < last; i += 2) {
        hear(json_item(request->messages, i), conversation);
    }
    for (i = 0; i < json_length(content); i++) {
        const json_t *text = json_member(json_item(content, i), "text");
        (void)(text != NULL && input->length > 0 && buffer_puts(input, "\n"));
        if (!speech_take(script, text, input)) {
            return 0;
        }
    }
    return 1;
}
