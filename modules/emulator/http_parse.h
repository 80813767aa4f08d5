/*
 * Reader of HTTP/1.x requests (RFC 9112), as strict as a service front: what
 * is not exactly right is refused, so that a client's mistake shows here.
 *
 * Bytes go in as they come, in any pieces. One parser a connection, one
 * thread.
 */
#ifndef EMULATOR_HTTP_PARSE_H
#define EMULATOR_HTTP_PARSE_H

#include "base/buffer.h"

#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX    (64 * 1024)
#define HTTP_BODY_MAX    (32 * 1024 * 1024)
#define HTTP_HEADERS_MAX 128

typedef struct {
    const char *name;  /* lower case */
    const char *value; /* blanks at both ends removed */
} http_header_t;

/* One request. The texts live in the parser until http_parser_reset(). */
typedef struct {
    const char *method;
    const char *path;  /* as on the wire, percent-encoding and all */
    const char *query; /* behind the "?", or NULL */
    int minor_version; /* 0 or 1 */
    int keep_alive;
    http_header_t headers[HTTP_HEADERS_MAX];
    int header_count;
    const char *body; /* decoded of its chunks, NUL-terminated */
    size_t body_length;
    uint64_t connection;   /* its number, from 1: filled in by connection.c */
    uint64_t calls_before; /* AWS calls that came on it before */
} http_request_t;

typedef enum {
    HTTP_NEEDS_MORE,
    HTTP_WANTS_CONTINUE, /* the client waits for "100 Continue"; said once a request */
    HTTP_COMPLETE,
    HTTP_BAD /* see http_parser_t.reason; the connection is of no more use */
} http_progress_e;

typedef enum {
    HTTP_STATE_HEAD,
    HTTP_STATE_BODY,
    HTTP_STATE_CHUNK_SIZE,
    HTTP_STATE_CHUNK_DATA,
    HTTP_STATE_CHUNK_END,
    HTTP_STATE_TRAILER,
    HTTP_STATE_DONE
} http_state_e;

typedef struct {
    http_state_e state;
    http_request_t request;
    buffer_t head;
    buffer_t body;
    uint64_t wanted; /* bytes of the body, or of the chunk, still to come */
    int told_to_continue;
    int bad_status;
    const char *reason; /* why the request was refused: a constant text */
} http_parser_t;

void http_parser_init(http_parser_t *parser);

/* Frees what the last request took and expects a new one. */
void http_parser_reset(http_parser_t *parser);

/* Takes what it can use from the front of `in`. */
http_progress_e http_parser_feed(http_parser_t *parser, buffer_t *in);

/* Whether the head or part of it has come, so that a client that is gone now left in the middle. */
int http_parser_began(const http_parser_t *parser, const buffer_t *in);

/* The first header of that (lower-case) name, or NULL. */
const char *http_header(const http_request_t *request, const char *name);

/* Value of a parameter of the query as it is on the wire, its length in `*length`; NULL when
 * absent. */
const char *http_query(const http_request_t *request, const char *name, size_t *length);

/* Appends the bytes that a percent-encoded text stands for; 0 on a broken escape. */
int http_percent_decode(buffer_t *out, const char *text, size_t length);

#endif
