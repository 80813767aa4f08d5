#include "base/json.h"

#include "base/text.h"

#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <string.h>

/* ---- the check that comes before json-c ---- */

typedef struct {
    const char *text;
    size_t length;
    size_t at;
    const char *reason;
    int has_nul; /* the string scanned last */
} scan_t;

static int fail(scan_t *scan, const char *reason)
{
    scan->reason = reason;
    return 0;
}

static int peek(const scan_t *scan)
{
    return scan->at < scan->length ? (unsigned char)scan->text[scan->at] : -1;
}

static int hex_digit(int c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads the four digits of a \u escape; -1 when they are not. */
static int scan_unit(scan_t *scan)
{
    int unit = 0;
    int i;

    for (i = 0; i < 4; i++) {
        int digit = hex_digit(peek(scan));
        if (digit < 0) {
            return -1;
        }
        unit = unit << 4 | digit;
        scan->at++;
    }
    return unit;
}

static int scan_unicode_escape(scan_t *scan)
{
    int unit = scan_unit(scan);

    if (unit < 0) {
        return fail(scan, "Invalid \\uXXXX escape");
    }
    scan->has_nul = scan->has_nul || unit == 0;
    if (unit < 0xd800 || unit > 0xdfff) {
        return 1;
    }
    if (unit <= 0xdbff && scan->length - scan->at >= 2 && scan->text[scan->at] == '\\' &&
        scan->text[scan->at + 1] == 'u') {
        scan->at += 2;
        unit = scan_unit(scan);
        if (unit >= 0xdc00 && unit <= 0xdfff) {
            return 1;
        }
    }
    return fail(scan, "Lone surrogate in \\uXXXX escape");
}

static int scan_escape(scan_t *scan)
{
    int c = peek(scan);

    if (c <= 0 || strchr("\"\\/bfnrtu", c) == NULL) {
        return fail(scan, "Invalid \\escape");
    }
    scan->at++;
    return c != 'u' || scan_unicode_escape(scan);
}

static int scan_string(scan_t *scan)
{
    scan->has_nul = 0;
    for (scan->at++; scan->at < scan->length;) {
        int c = peek(scan);
        scan->at++;
        if (c == '"') {
            return 1;
        }
        if (c < 0x20) {
            return fail(scan, "Invalid control character in a string");
        }
        if (c == '\\' && !scan_escape(scan)) {
            return 0;
        }
    }
    return fail(scan, "Unterminated string");
}

/* json-c cuts a member's name at a NUL: it would stand for another one. */
static int check_name(scan_t *scan)
{
    size_t at = scan->at;

    while (at < scan->length && scan->text[at] != '\0' &&
           strchr(" \t\r\n", scan->text[at]) != NULL) {
        at++;
    }
    return !scan->has_nul || at == scan->length || scan->text[at] != ':' ||
           fail(scan, "NUL in a member's name");
}

static size_t scan_digits(scan_t *scan)
{
    size_t from = scan->at;

    while (peek(scan) >= '0' && peek(scan) <= '9') {
        scan->at++;
    }
    return scan->at - from;
}

static int scan_number(scan_t *scan)
{
    size_t first;

    if (peek(scan) == '-') {
        scan->at++;
    }
    first = scan->at;
    if (scan_digits(scan) == 0 || (scan->text[first] == '0' && scan->at - first > 1)) {
        return fail(scan, "Invalid number");
    }
    if (peek(scan) == '.') {
        scan->at++;
        if (scan_digits(scan) == 0) {
            return fail(scan, "Invalid number");
        }
    }
    if (peek(scan) == 'e' || peek(scan) == 'E') {
        scan->at++;
        if (peek(scan) == '+' || peek(scan) == '-') {
            scan->at++;
        }
        if (scan_digits(scan) == 0) {
            return fail(scan, "Invalid number");
        }
    }
    return 1;
}

static int scan_literal(scan_t *scan)
{
    static const char *const literals[] = {"true", "false", "null"};
    size_t i;

    for (i = 0; i < sizeof(literals) / sizeof(literals[0]); i++) {
        size_t length = strlen(literals[i]);
        if (scan->length - scan->at >= length &&
            memcmp(scan->text + scan->at, literals[i], length) == 0) {
            scan->at += length;
            return 1;
        }
    }
    return fail(scan, "Expecting value");
}

static int scan_token(scan_t *scan)
{
    int c = peek(scan);

    if (c == '"') {
        return scan_string(scan) && check_name(scan);
    }
    if (c == '-' || (c >= '0' && c <= '9')) {
        return scan_number(scan);
    }
    if (c > 0 && strchr("{}[]:, \t\r\n", c) != NULL) {
        scan->at++;
        return 1;
    }
    return scan_literal(scan);
}

/* Checks what json-c would let pass; the grammar of the whole stays json-c's. */
static int check_tokens(scan_t *scan)
{
    if (text_utf8_length(scan->text, scan->length) == TEXT_NOT_UTF8) {
        return fail(scan, "The text is not UTF-8");
    }
    while (scan->at < scan->length) {
        if (!scan_token(scan)) {
            return 0;
        }
    }
    return 1;
}

/* ---- reading ---- */

static int is_blank(const char *text, size_t length)
{
    while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL && text[length - 1] != '\0') {
        length--;
    }
    return length == 0;
}

/* Runs json-c over the whole text; `*ended` is whether the text stopped short. */
static json_t *run_tokener(struct json_tokener *tokener, const char *text, size_t length,
                           int *ended)
{
    json_t *value = json_tokener_parse_ex(tokener, text, (int)length);

    *ended = json_tokener_get_error(tokener) == json_tokener_continue;
    /* A bare number ends only with the text: the NUL says that it has ended. */
    return *ended ? json_tokener_parse_ex(tokener, "", 1) : value;
}

static const char *refusal(enum json_tokener_error status, int ended)
{
    if (status == json_tokener_error_depth) {
        return "Nested too deeply";
    }
    return ended ? "The text ends too early" : "Unexpected text";
}

static json_t *parse_checked(const char *text, size_t length, int max_depth, json_error_t *error)
{
    struct json_tokener *tokener = json_tokener_new_ex(max_depth);
    json_t *value;
    int ended;

    if (tokener == NULL) {
        error->reason = "Out of memory";
        return NULL;
    }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    value = run_tokener(tokener, text, length, &ended);
    if (json_tokener_get_error(tokener) != json_tokener_success) {
        error->offset = ended ? length : json_tokener_get_parse_end(tokener);
        error->reason = refusal(json_tokener_get_error(tokener), ended);
        json_object_put(value);
        value = NULL;
    }
    json_tokener_free(tokener);
    return value;
}

json_t *json_parse(const char *text, size_t length, int max_depth, json_error_t *error)
{
    scan_t scan = {text, length, 0, NULL, 0};

    error->offset = 0;
    error->reason = NULL;
    if (length >= INT_MAX) {
        error->reason = "Too long";
        return NULL;
    }
    if (is_blank(text, length)) {
        error->reason = "Expecting value";
        return NULL;
    }
    if (!check_tokens(&scan)) {
        error->offset = scan.at;
        error->reason = scan.reason;
        return NULL;
    }
    return parse_checked(text, length, max_depth, error);
}

void json_release(json_t *value)
{
    json_object_put(value);
}

json_kind_e json_kind(const json_t *value)
{
    switch (json_object_get_type(value)) {
    case json_type_boolean: return JSON_BOOL;
    case json_type_double:
    case json_type_int: return JSON_NUMBER;
    case json_type_string: return JSON_STRING;
    case json_type_array: return JSON_ARRAY;
    case json_type_object: return JSON_OBJECT;
    default: return JSON_NULL;
    }
}

int json_has(const json_t *object, const char *name)
{
    return json_kind(object) == JSON_OBJECT && json_object_object_get_ex(object, name, NULL);
}

const json_t *json_member(const json_t *object, const char *name)
{
    json_t *value = NULL;

    if (json_kind(object) == JSON_OBJECT) {
        (void)json_object_object_get_ex(object, name, &value);
    }
    return value;
}

const char *json_text(const json_t *value, size_t *length)
{
    /* json-c's getters are not const-correct but do not change a string. */
    json_t *string = (json_t *)(uintptr_t)value;

    if (json_kind(value) != JSON_STRING) {
        return NULL;
    }
    if (length != NULL) {
        *length = (size_t)json_object_get_string_len(value);
    }
    return json_object_get_string(string);
}

const char *json_member_text(const json_t *object, const char *name, size_t *length)
{
    return json_text(json_member(object, name), length);
}

int json_integer(const json_t *value, int64_t *out)
{
    if (json_object_get_type(value) != json_type_int) {
        return 0;
    }
    errno = 0;
    *out = json_object_get_int64(value);
    return errno == 0;
}

int json_decimal(const json_t *value, double *out)
{
    if (json_kind(value) != JSON_NUMBER) {
        return 0;
    }
    *out = json_object_get_double(value);
    return 1;
}

int json_boolean(const json_t *value, int *out)
{
    if (json_object_get_type(value) != json_type_boolean) {
        return 0;
    }
    *out = json_object_get_boolean(value) != 0;
    return 1;
}

size_t json_length(const json_t *array)
{
    return json_kind(array) == JSON_ARRAY ? json_object_array_length(array) : 0;
}

const json_t *json_item(const json_t *array, size_t index)
{
    return index < json_length(array) ? json_object_array_get_idx(array, index) : NULL;
}

void json_each(const json_t *object, int (*visit)(void *, const char *, const json_t *),
               void *baton)
{
    struct json_object_iterator at;
    struct json_object_iterator end;
    json_t *walked = (json_t *)(uintptr_t)object;

    if (json_kind(object) != JSON_OBJECT) {
        return;
    }
    at = json_object_iter_begin(walked);
    end = json_object_iter_end(walked);
    while (!json_object_iter_equal(&at, &end)) {
        if (!visit(baton, json_object_iter_peek_name(&at), json_object_iter_peek_value(&at))) {
            return;
        }
        json_object_iter_next(&at);
    }
}

void json_put_value(json_writer_t *writer, const json_t *value)
{
    json_t *shown = (json_t *)(uintptr_t)value;
    const char *text = json_object_to_json_string_ext(shown, JSON_C_TO_STRING_PLAIN |
                                                                 JSON_C_TO_STRING_NOSLASHESCAPE);

    json_put_raw(writer, text, strlen(text));
}
