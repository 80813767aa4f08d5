#include "chat/completion_request.h"

#include "base/json.h"
#include "base/text.h"
#include "chat/completion_reply.h"

#include <apr_strings.h>
#include <limits.h>
#include <string.h>

#define DEPTH_MAX       32
#define USER_MAX        1024
#define TEMPERATURE_MAX 2

typedef struct {
    apr_pool_t *pool;
    completion_request_t *request;
    const completion_rules_t *rules;
    const json_t *body;
    buffer_t *problem;
    reply_e reply;
} parse_t;

/* Says what is wrong, once; 0. */
static int refuse(parse_t *parse, const char *param, const char *code, const char *text)
{
    parse->reply = REPLY_VALIDATION_ERROR;
    completion_reply_write_problem(parse->problem, text, param, code);
    return 0;
}

static int refuse_type(parse_t *parse, const char *param, const char *expected)
{
    return refuse(
        parse, param, "invalid_type",
        apr_psprintf(parse->pool, "Invalid type for '%s': expected %s.", param, expected));
}

static int refuse_missing(parse_t *parse, const char *param)
{
    return refuse(parse, param, "missing_required_parameter",
                  apr_psprintf(parse->pool, "Missing required parameter: '%s'.", param));
}

static int refuse_value(parse_t *parse, const char *param, const char *expected)
{
    return refuse(
        parse, param, "invalid_value",
        apr_psprintf(parse->pool, "Invalid value for '%s': expected %s.", param, expected));
}

/* ---- the text of a message ---- */

/* Where in the list of messages; `member` is what follows, or "". */
static const char *place(const parse_t *parse, size_t index, const char *member)
{
    return apr_psprintf(parse->pool, "messages[%" APR_SIZE_T_FMT "]%s", index, member);
}

static const char *place_of_part(const parse_t *parse, size_t index, size_t part,
                                 const char *member)
{
    return apr_psprintf(parse->pool, "messages[%" APR_SIZE_T_FMT "].content[%" APR_SIZE_T_FMT "]%s",
                        index, part, member);
}

static int check_parts(parse_t *parse, const json_t *parts, size_t index)
{
    size_t i;

    for (i = 0; i < json_length(parts); i++) {
        const json_t *part = json_item(parts, i);
        const char *type = json_member_text(part, "type", NULL);
        if (json_kind(part) != JSON_OBJECT) {
            return refuse_type(parse, place_of_part(parse, index, i, ""), "an object");
        }
        if (type == NULL || strcmp(type, "text") != 0) {
            return refuse_value(parse, place_of_part(parse, index, i, ".type"),
                                "'text': only text is taken here");
        }
        if (json_member_text(part, "text", NULL) == NULL) {
            return refuse_type(parse, place_of_part(parse, index, i, ".text"), "a string");
        }
    }
    return i > 0 || refuse_value(parse, place(parse, index, ".content"), "at least one part");
}

/* The parts' texts, a line break between two. */
static void join_parts(const parse_t *parse, const json_t *parts, backend_message_t *message)
{
    size_t count = json_length(parts);
    size_t length = 0;
    char *at;
    size_t i;

    message->length = count - 1;
    for (i = 0; i < count; i++) {
        (void)json_member_text(json_item(parts, i), "text", &length);
        message->length += length;
    }
    message->text = at = apr_palloc(parse->pool, message->length + 1);
    for (i = 0; i < count; i++) {
        const char *text = json_member_text(json_item(parts, i), "text", &length);
        if (i > 0) {
            *at++ = '\n';
        }
        memcpy(at, text, length);
        at += length;
    }
    *at = '\0';
}

/* What an assistant said with tools alone has no content. */
static int take_content(parse_t *parse, const json_t *said, size_t index,
                        backend_message_t *message)
{
    const json_t *content = json_member(said, "content");
    const char *text = json_text(content, &message->length);

    if (content == NULL && message->role == BACKEND_ASSISTANT) {
        message->text = "";
        message->length = 0;
        return 1;
    }
    if (json_kind(content) == JSON_ARRAY) {
        if (!check_parts(parse, content, index)) {
            return 0;
        }
        join_parts(parse, content, message);
        return 1;
    }
    if (text == NULL) {
        return refuse_type(parse, place(parse, index, ".content"),
                           "a string or an array of text parts");
    }
    message->text = apr_pstrmemdup(parse->pool, text, message->length);
    return 1;
}

static int check_length(parse_t *parse, size_t index, const backend_message_t *message)
{
    size_t characters = text_utf8_length(message->text, message->length);
    const char *param = place(parse, index, ".content");

    if (characters <= parse->rules->max_message) {
        return 1;
    }
    return refuse(parse, param, "string_above_max_length",
                  apr_psprintf(parse->pool,
                               "Invalid '%s': string too long. Expected a string with maximum "
                               "length %" APR_SIZE_T_FMT
                               ", but got a string with length %" APR_SIZE_T_FMT " instead.",
                               param, parse->rules->max_message, characters));
}

/* ---- the messages ---- */

static int take_role(parse_t *parse, const json_t *said, size_t index, backend_message_t *message)
{
    /* What a tool found is told to the assistant, as the user's words are. */
    static const struct {
        const char *name;
        backend_role_e role;
    } roles[] = {{"system", BACKEND_SYSTEM},
                 {"developer", BACKEND_SYSTEM},
                 {"user", BACKEND_USER},
                 {"assistant", BACKEND_ASSISTANT},
                 {"tool", BACKEND_USER}};
    const char *name = json_member_text(said, "role", NULL);
    size_t i = 0;

    while (name != NULL && i < sizeof(roles) / sizeof(roles[0])) {
        if (strcmp(roles[i].name, name) == 0) {
            message->role = roles[i].role;
            return 1;
        }
        i++;
    }
    return refuse_value(parse, place(parse, index, ".role"),
                        "'system', 'developer', 'user', 'assistant' or 'tool'");
}

static int is_users(const json_t *said)
{
    return strcmp(json_member_text(said, "role", NULL), "user") == 0;
}

static int take_message(parse_t *parse, const json_t *said, size_t index,
                        backend_message_t *message)
{
    if (json_kind(said) != JSON_OBJECT) {
        return refuse_type(parse, place(parse, index, ""), "an object");
    }
    return take_role(parse, said, index, message) && take_content(parse, said, index, message) &&
           (!is_users(said) || check_length(parse, index, message));
}

static int take_last(parse_t *parse, const json_t *said, size_t index,
                     const backend_message_t *message)
{
    if (!is_users(said)) {
        return refuse_value(parse, place(parse, index, ".role"),
                            "'user': the last message is the one that is answered");
    }
    if (message->length == 0) {
        return refuse_value(parse, place(parse, index, ".content"), "some text");
    }
    parse->request->message = message->text;
    parse->request->message_length = message->length;
    return 1;
}

static int take_messages(parse_t *parse)
{
    const json_t *list = json_member(parse->body, "messages");
    size_t count = json_length(list);
    backend_message_t *messages;
    size_t i;

    if (list == NULL) {
        return refuse_missing(parse, "messages");
    }
    if (json_kind(list) != JSON_ARRAY) {
        return refuse_type(parse, "messages", "an array of messages");
    }
    if (count == 0) {
        return refuse_value(parse, "messages", "at least one message");
    }
    messages = apr_pcalloc(parse->pool, count * sizeof(*messages));
    for (i = 0; i < count; i++) {
        if (!take_message(parse, json_item(list, i), i, &messages[i])) {
            return 0;
        }
    }
    parse->request->history = messages;
    parse->request->history_count = count - 1;
    return take_last(parse, json_item(list, count - 1), count - 1, &messages[count - 1]);
}

/* ---- the other members ---- */

static int take_model(parse_t *parse)
{
    const json_t *value = json_member(parse->body, "model");
    size_t length = 0;
    const char *name = json_text(value, &length);

    if (value == NULL) {
        return refuse_missing(parse, "model");
    }
    if (name == NULL) {
        return refuse_type(parse, "model", "a string");
    }
    parse->request->model = parse->rules->model;
    if (length == strlen(parse->rules->model) && strcmp(name, parse->rules->model) == 0) {
        return 1;
    }
    parse->reply = REPLY_MODEL_NOT_FOUND;
    completion_reply_write_no_model(parse->problem, name);
    return 0;
}

static int take_boolean(parse_t *parse, const json_t *object, const char *name, const char *param,
                        int *truth)
{
    const json_t *value = json_member(object, name);

    return value == NULL || json_boolean(value, truth) || refuse_type(parse, param, "a boolean");
}

static int take_stream(parse_t *parse)
{
    completion_request_t *request = parse->request;
    const json_t *options = json_member(parse->body, "stream_options");

    if (!take_boolean(parse, parse->body, "stream", "stream", &request->stream)) {
        return 0;
    }
    if (request->stream && !parse->rules->streams) {
        return refuse(parse, "stream", "unsupported_value",
                      "Unsupported value: 'stream' does not support true here; answers are not "
                      "streamed.");
    }
    if (options == NULL) {
        return 1;
    }
    if (json_kind(options) != JSON_OBJECT) {
        return refuse_type(parse, "stream_options", "an object");
    }
    if (!request->stream) {
        return refuse(parse, "stream_options", "invalid_value",
                      "The 'stream_options' parameter is only allowed when 'stream' is enabled.");
    }
    return take_boolean(parse, options, "include_usage", "stream_options.include_usage",
                        &request->include_usage);
}

static int take_user(parse_t *parse)
{
    const json_t *value = json_member(parse->body, "user");
    size_t length = 0;
    const char *text = json_text(value, &length);

    if (value == NULL) {
        return 1;
    }
    if (text == NULL) {
        return refuse_type(parse, "user", "a string");
    }
    if (text_utf8_length(text, length) > USER_MAX || memchr(text, '\0', length) != NULL) {
        return refuse_value(
            parse, "user",
            apr_psprintf(parse->pool, "at most %d characters, none of them NUL", USER_MAX));
    }
    parse->request->user = apr_pstrmemdup(parse->pool, text, length);
    return 1;
}

static int take_temperature(parse_t *parse)
{
    const json_t *value = json_member(parse->body, "temperature");
    double number = 0;

    if (value == NULL) {
        return 1;
    }
    if (!json_decimal(value, &number)) {
        return refuse_type(parse, "temperature", "a number");
    }
    if (!(number >= 0 && number <= TEMPERATURE_MAX)) {
        return refuse_value(parse, "temperature", "a number from 0 to 2");
    }
    parse->request->has_temperature = 1;
    parse->request->temperature = number;
    return 1;
}

/* A member that is a positive integer; `*number` stays when it is absent. */
static int take_count(parse_t *parse, const char *name, int64_t most, const char *expected,
                      int *number)
{
    const json_t *value = json_member(parse->body, name);
    int64_t given = 0;

    if (value == NULL) {
        return 1;
    }
    if (!json_integer(value, &given) || given < 1 || given > most) {
        return refuse_value(parse, name, expected);
    }
    *number = (int)given;
    return 1;
}

/* The older name of the two gives way. */
static int take_max_tokens(parse_t *parse)
{
    static const char expected[] = "an integer of 1 or more";
    int *max_tokens = &parse->request->max_tokens;

    return take_count(parse, "max_tokens", INT_MAX, expected, max_tokens) &&
           take_count(parse, "max_completion_tokens", INT_MAX, expected, max_tokens);
}

static int take_members(parse_t *parse)
{
    int choices = 1;

    return take_model(parse) && take_messages(parse) && take_stream(parse) && take_user(parse) &&
           take_temperature(parse) && take_max_tokens(parse) &&
           take_count(parse, "n", 1, "1: one answer is given", &choices);
}

reply_e completion_request_parse(completion_request_t *request, apr_pool_t *pool, const char *body,
                                 size_t length, const completion_rules_t *rules, buffer_t *problem)
{
    parse_t parse = {.pool = pool,
                     .request = request,
                     .rules = rules,
                     .problem = problem,
                     .reply = REPLY_ANSWER};
    json_error_t error = {0, NULL};
    json_t *value = json_parse(body, length, DEPTH_MAX, &error);

    memset(request, 0, sizeof(*request));
    parse.body = value;
    if (error.reason != NULL) {
        (void)refuse(&parse, NULL, "invalid_json",
                     apr_psprintf(pool, "The body is not JSON: %s, at byte %" APR_SIZE_T_FMT ".",
                                  error.reason, error.offset));
    } else if (json_kind(value) != JSON_OBJECT) {
        (void)refuse(&parse, NULL, "invalid_type", "The body is no JSON object.");
    } else {
        (void)take_members(&parse);
    }
    json_release(value);
    return parse.reply;
}
