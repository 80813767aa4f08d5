#include "emulator/http_parse.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CHUNK_LINE_MAX 256

void http_parser_init(http_parser_t *parser)
{
    memset(parser, 0, sizeof(*parser));
    buffer_init(&parser->head, HTTP_HEAD_MAX);
    buffer_init(&parser->body, HTTP_BODY_MAX);
}

void http_parser_reset(http_parser_t *parser)
{
    buffer_free(&parser->head);
    buffer_free(&parser->body);
    http_parser_init(parser);
}

int http_parser_began(const http_parser_t *parser, const buffer_t *in)
{
    return parser->state != HTTP_STATE_HEAD || in->length > 0;
}

const char *http_header(const http_request_t *request, const char *name)
{
    int i;

    for (i = 0; i < request->header_count; i++) {
        if (strcmp(request->headers[i].name, name) == 0) {
            return request->headers[i].value;
        }
    }
    return NULL;
}

const char *http_query(const http_request_t *request, const char *name, size_t *length)
{
    size_t name_length = strlen(name);
    const char *at = request->query;

    while (at != NULL && *at != '\0') {
        size_t pair = strcspn(at, "&");
        if (pair > name_length && strncmp(at, name, name_length) == 0 && at[name_length] == '=') {
            *length = pair - name_length - 1;
            return at + name_length + 1;
        }
        at += pair;
        at += *at == '&';
    }
    return NULL;
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = c != '\0' ? strchr(digits, c >= 'A' && c <= 'F' ? c | 0x20 : c) : NULL;

    return found != NULL ? (int)(found - digits) : -1;
}

int http_percent_decode(buffer_t *out, const char *text, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++) {
        char byte = text[i];
        if (byte == '%') {
            int high = i + 2 < length ? hex_digit(text[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
            if (low < 0) {
                return 0;
            }
            byte = (char)(high << 4 | low);
            i += 2;
        }
        if (!buffer_append(out, &byte, 1)) {
            return 0;
        }
    }
    return 1;
}

static http_progress_e refuse(http_parser_t *parser, int status, const char *reason)
{
    parser->bad_status = status;
    parser->reason = reason;
    return HTTP_BAD;
}

/* ---- the head ---- */

static int is_token(const char *text)
{
    return *text != '\0' && text[strspn(text, "!#$%&'*+-.^_`|~0123456789"
                                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                              "abcdefghijklmnopqrstuvwxyz")] == '\0';
}

/* Cuts "METHOD target HTTP/1.x" into its parts. */
static const char *parse_request_line(http_request_t *request, char *line)
{
    char *target = strchr(line, ' ');
    char *version = target != NULL ? strchr(target + 1, ' ') : NULL;
    char *query;

    if (version == NULL) {
        return "the request line is not: method, target, version";
    }
    *target++ = '\0';
    *version++ = '\0';
    if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0) {
        return "the version is neither HTTP/1.1 nor HTTP/1.0";
    }
    if (!is_token(line) || *target != '/') {
        return "the method or the target is malformed";
    }
    query = strchr(target, '?');
    if (query != NULL) {
        *query++ = '\0';
    }
    request->method = line;
    request->path = target;
    request->query = query;
    request->minor_version = version[7] - '0';
    return NULL;
}

static char *trim(char *text)
{
    size_t length;

    text += strspn(text, " \t");
    length = strlen(text);
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t')) {
        text[--length] = '\0';
    }
    return text;
}

static int has_control(const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return 1;
        }
    }
    return 0;
}

static const char *parse_header(http_request_t *request, char *line)
{
    char *colon = strchr(line, ':');
    char *at;

    if (*line == ' ' || *line == '\t') {
        return "a header line is folded";
    }
    if (colon == NULL || request->header_count == HTTP_HEADERS_MAX) {
        return colon == NULL ? "a header line has no colon" : "there are too many headers";
    }
    *colon = '\0';
    if (!is_token(line) || has_control(colon + 1)) {
        return "a header name or value holds a character that it must not";
    }
    for (at = line; *at != '\0'; at++) {
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at | 0x20) : *at;
    }
    request->headers[request->header_count].name = line;
    request->headers[request->header_count].value = trim(colon + 1);
    request->header_count++;
    return NULL;
}

/* The head's lines, each ended by CR LF, are cut apart in place. */
static const char *parse_head(http_request_t *request, char *head, size_t length)
{
    const char *reason = NULL;
    char *line = head;

    if (memchr(head, '\0', length) != NULL) {
        return "the head holds a NUL";
    }
    while (reason == NULL && line < head + length) {
        char *end = strstr(line, "\r\n");
        *end = '\0';
        if (strpbrk(line, "\r\n") != NULL) {
            return "a line of the head ends in a bare CR or LF";
        }
        reason = line == head ? parse_request_line(request, line) : parse_header(request, line);
        line = end + 2;
    }
    return reason;
}

static int count_headers(const http_request_t *request, const char *name)
{
    int count = 0;
    int i;

    for (i = 0; i < request->header_count; i++) {
        count += strcmp(request->headers[i].name, name) == 0;
    }
    return count;
}

static void decide_keep_alive(http_request_t *request)
{
    const char *connection = http_header(request, "connection");

    request->keep_alive = request->minor_version == 1;
    if (connection != NULL && strcasestr(connection, "close") != NULL) {
        request->keep_alive = 0;
    } else if (connection != NULL && strcasestr(connection, "keep-alive") != NULL) {
        request->keep_alive = 1;
    }
}

/* How the body is delimited (RFC 9112, section 6.3); both ways at once smells of smuggling. */
static http_progress_e expect_body(http_parser_t *parser)
{
    const http_request_t *request = &parser->request;
    const char *length = http_header(request, "content-length");
    const char *coding = http_header(request, "transfer-encoding");

    if (count_headers(request, "content-length") + count_headers(request, "transfer-encoding") >
        1) {
        return refuse(parser, 400, "the length of the body is said more than once");
    }
    if (coding != NULL) {
        if (strcasecmp(coding, "chunked") != 0 || request->minor_version == 0) {
            return refuse(parser, 501, "the only transfer coding known is chunked, in HTTP/1.1");
        }
        parser->state = HTTP_STATE_CHUNK_SIZE;
        return HTTP_NEEDS_MORE;
    }
    if (length != NULL) {
        if (*length == '\0' || strlen(length) > 18 || length[strspn(length, "0123456789")] != 0) {
            return refuse(parser, 400, "Content-Length is not a number");
        }
        parser->wanted = strtoull(length, NULL, 10);
    }
    if (parser->wanted > HTTP_BODY_MAX) {
        return refuse(parser, 413, "the body is over 32 MB");
    }
    parser->state = HTTP_STATE_BODY;
    return HTTP_NEEDS_MORE;
}

static http_progress_e feed_head(http_parser_t *parser, buffer_t *in)
{
    http_request_t *request = &parser->request;
    const char *end;
    size_t length;

    while (in->length >= 2 && memcmp(in->data, "\r\n", 2) == 0) {
        buffer_consume(in,
                       2); /* RFC 9112, section 2.2: an empty line before a request is skipped */
    }
    end = in->length > 0 ? memmem(in->data, in->length, "\r\n\r\n", 4) : NULL;
    length = end != NULL ? (size_t)(end - in->data) + 2 : in->length;
    if (length + 2 > HTTP_HEAD_MAX) {
        return refuse(parser, 431, "the head is over 64 KB");
    }
    if (end == NULL) {
        return HTTP_NEEDS_MORE;
    }
    if (!buffer_append(&parser->head, in->data, length)) {
        return refuse(parser, 500, "out of memory");
    }
    buffer_consume(in, length + 2);
    parser->reason = parse_head(request, parser->head.data, length);
    if (parser->reason != NULL) {
        return refuse(parser, 400, parser->reason);
    }
    if (count_headers(request, "host") != 1 && request->minor_version == 1) {
        return refuse(parser, 400, "there must be one Host header");
    }
    decide_keep_alive(request);
    return expect_body(parser);
}

/* ---- the body ---- */

/* Moves up to `wanted` bytes; 0 when memory is out. */
static int take_body(http_parser_t *parser, buffer_t *in)
{
    size_t usable = in->length < parser->wanted ? in->length : (size_t)parser->wanted;

    if (usable > 0 && !buffer_append(&parser->body, in->data, usable)) {
        return 0;
    }
    buffer_consume(in, usable);
    parser->wanted -= usable;
    return 1;
}

static http_progress_e feed_body(http_parser_t *parser, buffer_t *in)
{
    if (!take_body(parser, in)) {
        return refuse(parser, 500, "out of memory");
    }
    if (parser->wanted == 0) {
        parser->state = HTTP_STATE_DONE;
    }
    return HTTP_NEEDS_MORE;
}

static http_progress_e feed_chunk_size(http_parser_t *parser, buffer_t *in)
{
    const char *end = in->length > 0 ? memmem(in->data, in->length, "\r\n", 2) : NULL;
    uint64_t size = 0;
    const char *at;

    if (end == NULL || end - in->data > CHUNK_LINE_MAX) {
        return in->length > CHUNK_LINE_MAX ? refuse(parser, 400, "a chunk size line is too long")
                                           : HTTP_NEEDS_MORE;
    }
    for (at = in->data; at < end && hex_digit(*at) >= 0 && size <= HTTP_BODY_MAX; at++) {
        size = size << 4 | (uint64_t)hex_digit(*at);
    }
    if (at == in->data || (at < end && hex_digit(*at) < 0 && *at != ';')) {
        return refuse(parser, 400, "a chunk size is not a hexadecimal number");
    }
    if (size > HTTP_BODY_MAX - parser->body.length) {
        return refuse(parser, 413, "the body is over 32 MB");
    }
    buffer_consume(in, (size_t)(end - in->data) + 2);
    parser->wanted = size;
    parser->state = size > 0 ? HTTP_STATE_CHUNK_DATA : HTTP_STATE_TRAILER;
    return HTTP_NEEDS_MORE;
}

static http_progress_e feed_chunk_data(http_parser_t *parser, buffer_t *in)
{
    if (!take_body(parser, in)) {
        return refuse(parser, 500, "out of memory");
    }
    if (parser->wanted == 0) {
        parser->state = HTTP_STATE_CHUNK_END;
    }
    return HTTP_NEEDS_MORE;
}

static http_progress_e feed_chunk_end(http_parser_t *parser, buffer_t *in)
{
    if (in->length < 2) {
        return HTTP_NEEDS_MORE;
    }
    if (memcmp(in->data, "\r\n", 2) != 0) {
        return refuse(parser, 400, "a chunk is longer than it says");
    }
    buffer_consume(in, 2);
    parser->state = HTTP_STATE_CHUNK_SIZE;
    return HTTP_NEEDS_MORE;
}

/* Trailer fields are read over: no service here has any. */
static http_progress_e feed_trailer(http_parser_t *parser, buffer_t *in)
{
    const char *end = in->length > 0 ? memmem(in->data, in->length, "\r\n", 2) : NULL;

    if (end == NULL) {
        return in->length > HTTP_HEAD_MAX ? refuse(parser, 431, "the trailer is over 64 KB")
                                          : HTTP_NEEDS_MORE;
    }
    if (end == in->data) {
        parser->state = HTTP_STATE_DONE;
    }
    buffer_consume(in, (size_t)(end - in->data) + 2);
    return HTTP_NEEDS_MORE;
}

static http_progress_e feed_one(http_parser_t *parser, buffer_t *in)
{
    switch (parser->state) {
    case HTTP_STATE_HEAD: return feed_head(parser, in);
    case HTTP_STATE_BODY: return feed_body(parser, in);
    case HTTP_STATE_CHUNK_SIZE: return feed_chunk_size(parser, in);
    case HTTP_STATE_CHUNK_DATA: return feed_chunk_data(parser, in);
    case HTTP_STATE_CHUNK_END: return feed_chunk_end(parser, in);
    case HTTP_STATE_TRAILER: return feed_trailer(parser, in);
    case HTTP_STATE_DONE: break;
    }
    return HTTP_COMPLETE;
}

static int wants_continue(http_parser_t *parser)
{
    const char *expect = http_header(&parser->request, "expect");

    if (parser->told_to_continue || parser->state == HTTP_STATE_HEAD || parser->body.length > 0 ||
        expect == NULL || strcasecmp(expect, "100-continue") != 0) {
        return 0;
    }
    parser->told_to_continue = 1;
    return 1;
}

http_progress_e http_parser_feed(http_parser_t *parser, buffer_t *in)
{
    http_progress_e progress = HTTP_NEEDS_MORE;

    while (progress == HTTP_NEEDS_MORE) {
        http_state_e state = parser->state;
        size_t length = in->length;
        progress = feed_one(parser, in);
        if (progress == HTTP_NEEDS_MORE && parser->state == state && in->length == length) {
            return wants_continue(parser) ? HTTP_WANTS_CONTINUE : HTTP_NEEDS_MORE;
        }
    }
    if (progress == HTTP_COMPLETE) {
        parser->request.body = buffer_text(&parser->body);
        parser->request.body_length = parser->body.length;
    }
    return progress;
}
