/*
 * aws/sigv4: a canonical request has the form that AWS reads, in one spelling.
 *
 * Input: a line for the path, one for the query, then header lines name:value.
 */
#include "aws/sigv4.h"

#include "fuzz.h"

#include <string.h>

#define HEADERS_MAX 32
#define HASH        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* Ends the line at the start of `*rest`, and moves it to the next. */
static char *next_line(char **rest)
{
    char *line = *rest;

    *rest = strchrnul(line, '\n');
    if (**rest == '\n') {
        *(*rest)++ = '\0';
    }
    return line;
}

static size_t read_headers(sigv4_header_t *headers, char *rest)
{
    size_t count = 0;

    while (*rest != '\0' && count < HEADERS_MAX) {
        char *line = next_line(&rest);
        char *colon = strchr(line, ':');
        if (colon != NULL && colon != line) {
            *colon = '\0';
            headers[count].name = line;
            headers[count++].value = colon + 1;
        }
    }
    return count;
}

static char *canonical(const sigv4_request_t *request)
{
    buffer_t out;

    buffer_init(&out, SIZE_MAX / 2);
    PROMISE(sigv4_canonical_request(&out, request));
    PROMISE(out.length == strlen(out.data));
    return out.data;
}

static void check_path(const char *path)
{
    PROMISE(path[0] == '/');
    PROMISE(strstr(path, "//") == NULL && strstr(path, "/./") == NULL);
    PROMISE(strstr(path, "/../") == NULL);
    PROMISE(strspn(path, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%/") ==
            strlen(path));
}

/* A canonical query is its own canonical form. */
static void check_query(const sigv4_request_t *request, const char *query)
{
    sigv4_request_t again = *request;
    char *text;
    char *rest;

    again.query = query;
    text = rest = canonical(&again);
    (void)next_line(&rest);
    (void)next_line(&rest);
    PROMISE(strcmp(next_line(&rest), query) == 0);
    free(text);
}

/* Lines up to the empty one are headers, sorted, each name once, without superfluous blanks. */
static void check_headers(char **rest)
{
    const char *before = "";
    char *line;

    while (*(line = next_line(rest)) != '\0') {
        char *colon = strchr(line, ':');
        PROMISE(colon != NULL);
        PROMISE(strstr(colon, "  ") == NULL && strpbrk(colon, "\t\r\v\f") == NULL);
        PROMISE(colon[1] != ' ' && colon[strlen(colon) - 1] != ' ');
        *colon = '\0';
        PROMISE(strcmp(before, line) < 0);
        before = line;
    }
}

static void check(const sigv4_request_t *request)
{
    char *text = canonical(request);
    char *rest = text;

    PROMISE(strcmp(next_line(&rest), request->method) == 0);
    check_path(next_line(&rest));
    check_query(request, next_line(&rest));
    check_headers(&rest);
    (void)next_line(&rest);
    PROMISE(strcmp(rest, request->payload_hash) == 0);
    free(text);
}

static void check_signature(const sigv4_request_t *request)
{
    static const sigv4_identity_t identity = {"AKID", "secret", "us-east-1", "bedrock", 0};
    buffer_t out;

    buffer_init(&out, SIZE_MAX / 2);
    PROMISE(sigv4_authorize(&out, request, &identity, NULL));
    PROMISE(out.length == strlen(out.data));
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    char *rest = text;
    sigv4_header_t headers[HEADERS_MAX];
    sigv4_request_t request = {.method = "GET", .headers = headers, .payload_hash = HASH};

    PROMISE(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    request.path = next_line(&rest);
    request.query = next_line(&rest);
    request.header_count = read_headers(headers, rest);
    check(&request);
    check_signature(&request);
    free(text);
    return 0;
}
