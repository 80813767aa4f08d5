#include "aws/canonical.h"

#include <apr_cstr.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\r\n\v\f"

/* Everything is written into room reserved for the longest it can be: see longest(). */

static const char unreserved[256] = {
    ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1, ['0' ... '9'] = 1, ['-'] = 1,
    ['.'] = 1,         ['_'] = 1,         ['~'] = 1,
};

static char *put(char *to, const char *bytes, size_t length)
{
    memcpy(to, bytes, length);
    return to + length;
}

static char *put_text(char *to, const char *text)
{
    return put(to, text, strlen(text));
}

static char *put_encoded(char *to, unsigned char c)
{
    static const char digits[] = "0123456789ABCDEF";

    if (unreserved[c]) {
        *to++ = (char)c;
        return to;
    }
    *to++ = '%';
    *to++ = digits[c >> 4];
    *to++ = digits[c & 15];
    return to;
}

/* Appends one segment, or takes the last one back: `start` is where the path starts. */
static char *put_segment(const char *start, char *to, const char *segment, size_t length)
{
    size_t i;

    if (length == 0 || (length == 1 && segment[0] == '.')) {
        return to;
    }
    if (length == 2 && segment[0] == '.' && segment[1] == '.') {
        while (to > start && *--to != '/') {
        }
        return to;
    }
    *to++ = '/';
    for (i = 0; i < length; i++) {
        to = put_encoded(to, (unsigned char)segment[i]);
    }
    return to;
}

static char *put_path(char *to, const sigv4_request_t *request)
{
    const char *segment = request->path;
    const char *end = strchrnul(segment, '/');
    const char *start = to;

    if (request->s3 && request->path[0] != '\0') {
        return put_text(to, request->path);
    }
    for (; *end != '\0'; end = strchrnul(segment, '/')) {
        to = put_segment(start, to, segment, (size_t)(end - segment));
        segment = end + 1;
    }
    to = put_segment(start, to, segment, (size_t)(end - segment));
    if (to == start || segment == end) {
        *to++ = '/';
    }
    return to;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes what is percent-encoded and encodes it again, so that every spelling becomes one. */
static char *put_recoded(char *to, const char *text, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++) {
        int c = (unsigned char)text[i];
        if (c == '%' && length - i > 2 && hex_digit(text[i + 1]) >= 0 &&
            hex_digit(text[i + 2]) >= 0) {
            c = hex_digit(text[i + 1]) << 4 | hex_digit(text[i + 2]);
            i += 2;
        }
        to = put_encoded(to, (unsigned char)c);
    }
    return to;
}

/* A parameter of the query, both halves encoded. */
typedef struct {
    const char *name;
    size_t name_length;
    const char *value;
    size_t value_length;
} parameter_t;

static int compare_bytes(const char *a, size_t a_length, const char *b, size_t b_length)
{
    int order = memcmp(a, b, a_length < b_length ? a_length : b_length);

    return order != 0 ? order : (a_length > b_length) - (a_length < b_length);
}

static int compare_parameters(const void *left, const void *right)
{
    const parameter_t *a = left;
    const parameter_t *b = right;
    int order = compare_bytes(a->name, a->name_length, b->name, b->name_length);

    return order != 0 ? order : compare_bytes(a->value, a->value_length, b->value, b->value_length);
}

/* Takes the query apart; the encoded halves are written to `room`. */
static size_t split_query(parameter_t *parameters, char *room, const char *query)
{
    size_t count = 0;

    for (;;) {
        const char *end = strchrnul(query, '&');
        const char *equals = memchr(query, '=', (size_t)(end - query));
        const char *value = equals != NULL ? equals + 1 : end;
        parameter_t *parameter = &parameters[count++];

        parameter->name = room;
        room = put_recoded(room, query, (size_t)((equals != NULL ? equals : end) - query));
        parameter->name_length = (size_t)(room - parameter->name);
        parameter->value = room;
        room = put_recoded(room, value, (size_t)(end - value));
        parameter->value_length = (size_t)(room - parameter->value);
        if (*end == '\0') {
            return count;
        }
        query = end + 1;
    }
}

static size_t count_parameters(const char *query)
{
    size_t count = 1;

    for (; *query != '\0'; query++) {
        count += *query == '&';
    }
    return count;
}

/* NULL when memory is out. */
static char *put_query(char *to, const char *query)
{
    size_t most = count_parameters(query);
    parameter_t *parameters = malloc(most * sizeof(*parameters) + 3 * strlen(query));
    size_t i;

    if (parameters == NULL) {
        return NULL;
    }
    most = split_query(parameters, (char *)(parameters + most), query);
    qsort(parameters, most, sizeof(*parameters), compare_parameters);
    for (i = 0; i < most; i++) {
        if (i > 0) {
            *to++ = '&';
        }
        to = put(to, parameters[i].name, parameters[i].name_length);
        *to++ = '=';
        to = put(to, parameters[i].value, parameters[i].value_length);
    }
    free(parameters);
    return to;
}

/* Not what a hop on the way may change (RFC 9110, 7.6.1), nor what is added after signing. */
static int is_signed(const char *name)
{
    static const char *const never[] = {
        "authorization", "connection",        "expect",  "keep-alive", "te",
        "trailer",       "transfer-encoding", "upgrade", "user-agent", "x-amzn-trace-id"};
    size_t i;

    for (i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
        if ((name[0] | 0x20) == never[i][0] && apr_cstr_casecmp(name, never[i]) == 0) {
            return 0;
        }
    }
    return apr_cstr_casecmpn(name, "proxy-", 6) != 0;
}

typedef struct {
    const char *name;
    const char *value;
    size_t position; /* among all headers */
} signed_t;

/* Headers of one name stay in the order sent. */
static int compare_headers(const void *left, const void *right)
{
    const signed_t *a = left;
    const signed_t *b = right;
    int order = apr_cstr_casecmp(a->name, b->name);

    return order != 0 ? order : (a->position > b->position) - (a->position < b->position);
}

static size_t sort_headers(signed_t *sorted, const sigv4_request_t *request)
{
    size_t count = 0;
    size_t i;

    for (i = 0; i < request->header_count; i++) {
        const sigv4_header_t *header = &request->headers[i];
        if (is_signed(header->name)) {
            sorted[count++] = (signed_t){header->name, header->value, i};
        }
    }
    qsort(sorted, count, sizeof(*sorted), compare_headers);
    return count;
}

static char *put_lower(char *to, const char *name)
{
    for (; *name != '\0'; name++) {
        *to++ = (char)(*name >= 'A' && *name <= 'Z' ? *name | 0x20 : *name);
    }
    return to;
}

/* Without the blanks around it, and with one space for each run of them inside. */
static char *put_trimmed(char *to, const char *value)
{
    char *start = to;

    for (value += strspn(value, BLANKS); *value != '\0'; value += strspn(value, BLANKS)) {
        size_t length = strcspn(value, BLANKS);
        if (to > start) {
            *to++ = ' ';
        }
        to = put(to, value, length);
        value += length;
    }
    return to;
}

static int same_name(const signed_t *sorted, size_t i)
{
    return i > 0 && apr_cstr_casecmp(sorted[i - 1].name, sorted[i].name) == 0;
}

static char *put_headers(char *to, const signed_t *sorted, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (same_name(sorted, i)) {
            to[-1] = ','; /* instead of the line's end */
        } else {
            to = put_lower(to, sorted[i].name);
            *to++ = ':';
        }
        to = put_trimmed(to, sorted[i].value);
        *to++ = '\n';
    }
    return to;
}

static char *put_names(char *to, const signed_t *sorted, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (!same_name(sorted, i)) {
            if (i > 0) {
                *to++ = ';';
            }
            to = put_lower(to, sorted[i].name);
        }
    }
    return to;
}

/* No canonical request of these parts is longer. */
static size_t longest(const sigv4_request_t *request)
{
    size_t length = strlen(request->method) + 3 * strlen(request->path) +
                    strlen(request->payload_hash) + sizeof("\n/\n\n\n\n");
    size_t i;

    if (request->query != NULL) {
        length += 3 * strlen(request->query) + count_parameters(request->query);
    }
    for (i = 0; i < request->header_count; i++) {
        length += 2 * strlen(request->headers[i].name) + strlen(request->headers[i].value) +
                  sizeof(":\n;");
    }
    return length;
}

static char *put_request(char *to, const sigv4_request_t *request, signed_t *sorted,
                         canonical_names_t *names)
{
    const char *start = to;
    size_t count = sort_headers(sorted, request);

    to = put_text(to, request->method);
    *to++ = '\n';
    to = put_path(to, request);
    *to++ = '\n';
    if (request->query != NULL && request->query[0] != '\0') {
        to = put_query(to, request->query);
        if (to == NULL) {
            return NULL;
        }
    }
    *to++ = '\n';
    to = put_headers(to, sorted, count);
    *to++ = '\n';
    names->at = (size_t)(to - start);
    to = put_names(to, sorted, count);
    names->length = (size_t)(to - start) - names->at;
    *to++ = '\n';
    return put_text(to, request->payload_hash);
}

int canonical_request(buffer_t *out, const sigv4_request_t *request, size_t more,
                      canonical_names_t *names)
{
    signed_t *sorted = malloc((request->header_count + 1) * sizeof(*sorted));
    char *start = buffer_reserve(out, longest(request) + more);
    char *end = NULL;

    if (sorted != NULL && start != NULL) {
        end = put_request(start, request, sorted, names);
    }
    free(sorted);
    if (end == NULL) {
        return 0;
    }
    *end = '\0';
    out->length += (size_t)(end - start);
    return 1;
}
