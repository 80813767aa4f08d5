#include "chat/request.h"

#include "base/text.h"
#include "chat/issues.h"

#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#define DEPTH_MAX   32
#define USER_ID_MAX 1024

#define SESSION_ID_PATTERN "^[0-9A-Za-z._:-]+$"

typedef struct {
    apr_pool_t *pool;
    request_t *request;
    const json_t *body;
    size_t max_message;
    issues_t issues;
} parse_t;

static issue_place_t at_member(const char *member)
{
    return (issue_place_t){.member = member};
}

static void add_issue(parse_t *parse, const char *type, const char *member, const char *text,
                      const json_t *input)
{
    const issue_place_t place = at_member(member);

    issues_add(&parse->issues, type, &place, text, input);
}

static void add_length_issue(parse_t *parse, const char *member, const json_t *input, int too_long,
                             size_t limit)
{
    const issue_place_t place = at_member(member);
    const char *text =
        apr_psprintf(parse->pool, "String should have at %s %" APR_SIZE_T_FMT " character%s",
                     too_long ? "most" : "least", limit, limit == 1 ? "" : "s");

    issues_add_limit(&parse->issues, too_long ? "string_too_long" : "string_too_short", &place,
                     text, input, too_long ? "max_length" : "min_length", limit);
}

static void add_pattern_issue(parse_t *parse, const char *member, const json_t *input)
{
    const issue_place_t place = at_member(member);

    issues_add_context(&parse->issues, "string_pattern_mismatch", &place,
                       "String should match pattern '" SESSION_ID_PATTERN "'", input, "pattern",
                       SESSION_ID_PATTERN);
}

/* ---- the members ---- */

/* The text of a member within its limits, or NULL and an issue. */
static const char *take_text(parse_t *parse, const char *member, size_t min, size_t max,
                             size_t *length)
{
    const json_t *value = json_member(parse->body, member);
    const char *text = json_text(value, length);
    size_t characters;

    if (text == NULL) {
        add_issue(parse, "string_type", member, "Input should be a valid string", value);
        return NULL;
    }
    characters = text_utf8_length(text, *length);
    if (characters < min || characters > max) {
        add_length_issue(parse, member, value, characters > max, characters > max ? max : min);
        return NULL;
    }
    return apr_pstrmemdup(parse->pool, text, *length);
}

static void take_message(parse_t *parse)
{
    request_t *request = parse->request;

    if (!json_has(parse->body, "message")) {
        add_issue(parse, "missing", "message", "Field required", parse->body);
        return;
    }
    request->message = take_text(parse, "message", 1, parse->max_message, &request->message_length);
}

static void take_session_id(parse_t *parse)
{
    size_t length = 0;
    const char *text;

    if (json_member(parse->body, "session_id") == NULL) {
        return;
    }
    text = take_text(parse, "session_id", 2, 100, &length);
    if (text != NULL && !text_is_session_id(text, length)) {
        add_pattern_issue(parse, "session_id", json_member(parse->body, "session_id"));
        return;
    }
    parse->request->session_id = text;
}

static void take_user_id(parse_t *parse)
{
    size_t length = 0;

    if (json_member(parse->body, "user_id") != NULL) {
        parse->request->user_id = take_text(parse, "user_id", 0, USER_ID_MAX, &length);
    }
}

/* The words that Pydantic takes for a truth value: -1 for none of them. */
static int truth_of(const char *word)
{
    static const char *const words[] = {"0", "off", "f", "false", "n", "no",
                                        "1", "on",  "t", "true",  "y", "yes"};
    size_t i = 0;

    while (i < 12 && strcasecmp(word, words[i]) != 0) {
        i++;
    }
    return i < 12 ? i >= 6 : -1;
}

static int read_truth(const json_t *value, int *truth)
{
    int64_t number;

    if (json_boolean(value, truth)) {
        return 1;
    }
    if (json_kind(value) == JSON_STRING) {
        *truth = truth_of(json_text(value, NULL));
    } else {
        *truth = json_integer(value, &number) && (number == 0 || number == 1) ? (int)number : -1;
    }
    return *truth != -1;
}

static void take_stream(parse_t *parse)
{
    const json_t *value = json_member(parse->body, "stream");
    json_kind_e kind = json_kind(value);

    if (value == NULL || read_truth(value, &parse->request->stream)) {
        return;
    }
    if (kind == JSON_STRING || kind == JSON_NUMBER) {
        add_issue(parse, "bool_parsing", "stream",
                  "Input should be a valid boolean, unable to interpret input", value);
    } else {
        add_issue(parse, "bool_type", "stream", "Input should be a valid boolean", value);
    }
}

static void take_members(parse_t *parse)
{
    if (parse->body == NULL) {
        add_issue(parse, "missing", NULL, "Field required", NULL);
    } else if (json_kind(parse->body) != JSON_OBJECT) {
        add_issue(parse, "model_attributes_type", NULL,
                  "Input should be a valid dictionary or object to extract fields from",
                  parse->body);
    } else {
        take_message(parse);
        take_session_id(parse);
        take_user_id(parse);
        take_stream(parse);
        request_files_take(&parse->request->files, parse->pool, parse->body, &parse->issues);
    }
}

int request_parse(request_t *request, apr_pool_t *pool, const char *body, size_t length,
                  size_t max_message, buffer_t *issues)
{
    parse_t parse = {.pool = pool, .request = request, .max_message = max_message};
    json_error_t error = {0, NULL};
    json_t *value = length > 0 ? json_parse(body, length, DEPTH_MAX, &error) : NULL;

    memset(request, 0, sizeof(*request));
    parse.body = value;
    issues_begin(&parse.issues, issues);
    if (error.reason != NULL) {
        issues_add_json(&parse.issues, &error);
    } else {
        take_members(&parse);
    }
    issues_end(&parse.issues);
    json_release(value);
    return parse.issues.count == 0;
}

/* ---- Content-Type ---- */

static int is_utf8_charset(const char *value)
{
    size_t length;

    if (*value == '"') {
        value++;
    }
    length = strcspn(value, "\"; \t");
    return (length == 5 && strncasecmp(value, "utf-8", 5) == 0) ||
           (length == 4 && strncasecmp(value, "utf8", 4) == 0);
}

/* Looks at the parameters behind the media type. */
static int has_fitting_charset(const char *parameters)
{
    const char *at = parameters;

    while ((at = strchr(at, ';')) != NULL) {
        at += 1 + strspn(at + 1, " \t");
        if (strncasecmp(at, "charset=", 8) == 0) {
            return is_utf8_charset(at + 8);
        }
    }
    return 1;
}

int request_is_json_type(const char *content_type)
{
    size_t length = content_type != NULL ? strcspn(content_type, "; \t") : 0;
    int is_json;

    if (length == 0) {
        return 0;
    }
    is_json = (length == 16 && strncasecmp(content_type, "application/json", 16) == 0) ||
              (length > 12 && strncasecmp(content_type, "application/", 12) == 0 &&
               strncasecmp(content_type + length - 5, "+json", 5) == 0);
    return is_json && has_fitting_charset(content_type + length);
}
