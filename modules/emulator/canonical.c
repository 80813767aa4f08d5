#include "emulator/canonical.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define PARAMETERS_MAX 256
#define PARAMETER_MAX  (64 * 1024)

/* ---- path ---- */

static int is_segment(const char *segment, size_t length, const char *name)
{
    return strlen(name) == length && memcmp(segment, name, length) == 0;
}

/* Takes the last "/segment" off. */
static void drop_segment(buffer_t *path)
{
    while (path->length > 0 && path->data[path->length - 1] != '/') {
        path->length--;
    }
    path->length -= path->length > 0;
}

static void normalise(buffer_t *out, const char *path)
{
    int ends_in_slash = 1;

    while (*path != '\0') {
        size_t length = strcspn(path, "/");
        ends_in_slash = 1;
        if (is_segment(path, length, "..")) {
            drop_segment(out);
        } else if (length > 0 && !is_segment(path, length, ".")) {
            (void)buffer_puts(out, "/");
            (void)buffer_append(out, path, length);
            ends_in_slash = 0;
        }
        path += length;
        if (*path == '/') {
            path++;
            ends_in_slash = 1;
        }
    }
    if (ends_in_slash || out->length == 0) {
        (void)buffer_puts(out, "/");
    }
}

void canonical_path(buffer_t *out, const char *path, int plain)
{
    buffer_t normal;

    if (plain) {
        (void)buffer_puts(out, path);
        return;
    }
    buffer_init(&normal, HTTP_HEAD_MAX);
    normalise(&normal, path);
    (void)text_percent_encode(out, normal.data, normal.length, "/");
    buffer_free(&normal);
}

/* ---- query ---- */

/* One parameter, "name=value" in canonical encoding; `split` is where the value begins. */
typedef struct {
    buffer_t text;
    size_t split;
} parameter_t;

static int compare_parameters(const void *left, const void *right)
{
    const parameter_t *a = left;
    const parameter_t *b = right;
    size_t shorter = a->split < b->split ? a->split : b->split;
    int order = memcmp(a->text.data, b->text.data, shorter - 1);

    if (order == 0 && a->split != b->split) {
        order = a->split < b->split ? -1 : 1;
    }
    return order != 0 ? order : strcmp(a->text.data + a->split, b->text.data + b->split);
}

static int recode(buffer_t *out, const char *text, size_t length)
{
    buffer_t decoded;
    int good;

    buffer_init(&decoded, PARAMETER_MAX);
    good = http_percent_decode(&decoded, text, length) &&
           text_percent_encode(out, buffer_text(&decoded), decoded.length, "");
    buffer_free(&decoded);
    return good;
}

static int take_parameter(parameter_t *parameter, const char *pair, size_t length)
{
    const char *equals = memchr(pair, '=', length);
    size_t name = equals != NULL ? (size_t)(equals - pair) : length;

    buffer_init(&parameter->text, (size_t)3 * PARAMETER_MAX);
    if (!recode(&parameter->text, pair, name) || !buffer_puts(&parameter->text, "=")) {
        return 0;
    }
    parameter->split = parameter->text.length;
    return equals == NULL || recode(&parameter->text, equals + 1, length - name - 1);
}

int canonical_query(buffer_t *out, const char *query)
{
    parameter_t parameters[PARAMETERS_MAX];
    int count = 0;
    int good = 1;
    int i;

    while (good && query != NULL && *query != '\0') {
        size_t length = strcspn(query, "&");
        if (length > 0) {
            good = count < PARAMETERS_MAX && take_parameter(&parameters[count], query, length);
            count += count < PARAMETERS_MAX;
        }
        query += length + (query[length] == '&');
    }
    if (good && count > 1) {
        qsort(parameters, (size_t)count, sizeof(parameters[0]), compare_parameters);
    }
    for (i = 0; i < count; i++) {
        (void)(i > 0 && buffer_puts(out, "&"));
        (void)buffer_puts(out, buffer_text(&parameters[i].text));
        buffer_free(&parameters[i].text);
    }
    return good;
}

/* ---- headers ---- */

int canonical_is_signed(const char *signed_headers, const char *name)
{
    size_t length = strlen(name);
    const char *at = signed_headers;

    while (*at != '\0') {
        size_t word = strcspn(at, ";");
        if (word == length && memcmp(at, name, length) == 0) {
            return 1;
        }
        at += word + (at[word] == ';');
    }
    return 0;
}

/* A header's value with every run of blanks as one space. */
static void append_value(buffer_t *out, const char *value)
{
    while (*value != '\0') {
        size_t word = strcspn(value, " \t");
        size_t blank = strspn(value + word, " \t");
        (void)buffer_append(out, value, word);
        if (blank > 0 && value[word + blank] != '\0') {
            (void)buffer_puts(out, " ");
        }
        value += word + blank;
    }
}

static int append_header(buffer_t *out, const http_request_t *request, const char *name,
                         size_t length)
{
    int found = 0;
    int i;

    (void)buffer_append(out, name, length);
    for (i = 0; i < request->header_count; i++) {
        const char *other = request->headers[i].name;
        if (strlen(other) == length && memcmp(other, name, length) == 0) {
            (void)buffer_puts(out, found ? "," : ":");
            append_value(out, request->headers[i].value);
            found = 1;
        }
    }
    (void)buffer_puts(out, "\n");
    return found;
}

int canonical_headers(buffer_t *out, const http_request_t *request, const char *signed_headers)
{
    const char *at = signed_headers;
    int good = 1;

    while (good && *at != '\0') {
        size_t length = strcspn(at, ";");
        good = append_header(out, request, at, length);
        at += length + (at[length] == ';');
    }
    return good;
}
