#include "emulator/openai_request.h"

#include "emulator/speech.h"

#include <stdint.h>
#include <string.h>

#define MODEL_MAX       256
#define USER_MAX        512
#define STOPS_MAX       4
#define TEMPERATURE_MAX 2
#define ROLES           "system developer user assistant tool function"
#define PARTS           "text image_url input_audio file refusal"

static int check_part(openai_request_t *request, const json_t *part, shape_t *shape)
{
    const json_t *text;
    size_t length = 0;

    if (json_member(part, "type") == NULL) {
        return shape_wrong(shape, "A part of a message's content must be an object with a type.");
    }
    if (!shape_word(shape, part, "type", PARTS) ||
        !shape_member(shape, part, "text", JSON_STRING, &text)) {
        return 0;
    }
    (void)json_text(text, &length);
    request->text_bytes += length;
    return 1;
}

/* A text, an array of parts, or (of an assistant that called a tool) nothing. */
static int check_content(openai_request_t *request, const json_t *message, size_t number,
                         shape_t *shape)
{
    const json_t *content = json_member(message, "content");
    const char *role = json_member_text(message, "role", &(size_t){0});
    size_t length = 0;
    size_t i;

    if (content == NULL && strcmp(role, "assistant") == 0) {
        return 1;
    }
    if (json_text(content, &length) != NULL) {
        request->text_bytes += length;
        return 1;
    }
    if (json_length(content) == 0) {
        return shape_wrong(shape,
                           "Invalid value for 'messages[%zu].content': expected a string or an "
                           "array of parts.",
                           number);
    }
    for (i = 0; i < json_length(content); i++) {
        if (!check_part(request, json_item(content, i), shape)) {
            return 0;
        }
    }
    return 1;
}

static int check_messages(openai_request_t *request, shape_t *shape)
{
    size_t i;

    if (!shape_member(shape, request->body, "messages", JSON_ARRAY, &request->messages)) {
        return 0;
    }
    if (json_length(request->messages) == 0) {
        return shape_wrong(shape, "Missing required parameter: 'messages', with at least one.");
    }
    for (i = 0; i < json_length(request->messages); i++) {
        const json_t *message = json_item(request->messages, i);
        if (json_member(message, "role") == NULL) {
            return shape_wrong(shape, "Missing required parameter: 'messages[%zu].role'.", i);
        }
        if (!shape_word(shape, message, "role", ROLES) ||
            !check_content(request, message, i, shape)) {
            return 0;
        }
    }
    return 1;
}

static int check_stop(openai_request_t *request, shape_t *shape)
{
    size_t i;

    request->stop = json_member(request->body, "stop");
    if (request->stop == NULL || json_kind(request->stop) == JSON_STRING) {
        return 1;
    }
    for (i = 0; i < json_length(request->stop); i++) {
        if (json_kind(json_item(request->stop, i)) != JSON_STRING) {
            return shape_wrong(shape, "Invalid type for 'stop[%zu]': expected a string.", i);
        }
    }
    return shape_count(shape, request->body, "stop", JSON_ARRAY, 1, STOPS_MAX);
}

static int check_stream(openai_request_t *request, shape_t *shape)
{
    const json_t *options;

    if (!shape_boolean(shape, request->body, "stream", &request->streamed) ||
        !shape_member(shape, request->body, "stream_options", JSON_OBJECT, &options) ||
        !shape_boolean(shape, options, "include_usage", &request->usage)) {
        return 0;
    }
    return options == NULL || request->streamed ||
           shape_wrong(shape, "The 'stream_options' parameter is only allowed when 'stream' is "
                              "enabled.");
}

static int check_sampling(openai_request_t *request, shape_t *shape)
{
    const json_t *body = request->body;
    int64_t choices;

    return shape_decimal(shape, body, "temperature", TEMPERATURE_MAX) &&
           shape_decimal(shape, body, "top_p", 1) &&
           shape_integer(shape, body, "max_tokens", 1, INT32_MAX, &request->max_tokens) &&
           shape_integer(shape, body, "max_completion_tokens", 1, INT32_MAX,
                         &request->max_tokens) &&
           shape_integer(shape, body, "n", 1, 1, &choices) &&
           shape_text(shape, body, "user", 0, USER_MAX);
}

int openai_request_read(openai_request_t *request, const http_request_t *http, shape_t *shape)
{
    const char *model;

    memset(request, 0, sizeof(*request));
    request->body = shape_parse(shape, http);
    request->model = "";
    if (request->body == NULL || !shape_text(shape, request->body, "model", 1, MODEL_MAX)) {
        return 0;
    }
    model = json_member_text(request->body, "model", &(size_t){0});
    if (model == NULL) {
        return shape_wrong(shape, "you must provide a model parameter");
    }
    request->model = model;
    return check_messages(request, shape) && check_stream(request, shape) &&
           check_stop(request, shape) && check_sampling(request, shape);
}

/* ---- what was said ---- */

static int is_user(const json_t *message)
{
    const char *role = json_member_text(message, "role", &(size_t){0});

    return role != NULL && strcmp(role, "user") == 0;
}

static void hear(const json_t *message, conversation_t *conversation)
{
    const json_t *content = json_member(message, "content");
    size_t length = 0;
    const char *text = json_text(content, &length);

    if (text == NULL) {
        text = json_member_text(json_item(content, 0), "text", &length);
    }
    conversation_hear(conversation, text != NULL ? text : "", text != NULL ? length : 0);
}

static int take_input(const json_t *message, script_t *script, buffer_t *input)
{
    const json_t *content = json_member(message, "content");
    size_t i;

    if (!speech_take(script, content, input)) {
        return 0;
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

int openai_request_hear(const openai_request_t *request, script_t *script,
                        conversation_t *conversation, buffer_t *input)
{
    const json_t *last = NULL;
    size_t i;

    for (i = 0; i < json_length(request->messages); i++) {
        const json_t *message = json_item(request->messages, i);
        if (is_user(message)) {
            if (last != NULL) {
                hear(last, conversation);
            }
            last = message;
        }
    }
    return take_input(last, script, input);
}
