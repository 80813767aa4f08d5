/*
 * From replies to HTTP: status, headers and body of what our handlers answer.
 * On a worker, with the request's own pool.
 */
#ifndef HTTP_ANSWER_H
#define HTTP_ANSWER_H

#include "chat/flow.h"
#include "http/answer_stream.h"

#include <httpd.h>

/* The request's id: the client's X-Request-ID when it can be passed on, else a new one. The same
 * at every call for one request. */
const char *answer_request_id(request_rec *r);

/* How an API writes its bodies. */
typedef struct answer_shape_t {
    void (*write_answer)(buffer_t *out, const flow_t *flow);
    /* As reply_write_error(). */
    void (*write_error)(buffer_t *out, reply_e reply, const char *request_id, const char *issues,
                        apr_time_t now);
    int not_valid; /* the status of REPLY_VALIDATION_ERROR */
} answer_shape_t;

/* The bodies of this request's answers are written so from now on; else as POST /chat's. The shape
 * lives as long as the request. */
void answer_set_shape(request_rec *r, const answer_shape_t *shape);

/* Writes an error's answer; returns what the handler returns: OK, or the status when the operator
 * has an ErrorDocument for it. `issues` as the shape takes it. */
int answer_error(request_rec *r, reply_e reply, const char *issues);

/* Sets Retry-After, in whole seconds, before an error is answered; else the error's own is set. */
void answer_retry_after(request_rec *r, apr_interval_time_t wait);

/* A body on its way out. */
typedef struct {
    buffer_t *body; /* the request's; NULL: there is none */
    size_t written;
    answer_stream_t *stream; /* instead of a body */
    int may_wait;            /* the thread is the request's own */
} answer_rest_t;

/* Prepares what came of a chat, answer or error, for answer_write(); returns as answer_error().
 * Leaves the notes for LogFormat. */
int answer_prepare(request_rec *r, const flow_t *flow, answer_rest_t *rest);

/* Begins to stream an answer, with the headers all answers have. */
void answer_begin_stream(request_rec *r, answer_rest_t *rest);

/* Leaves the notes for LogFormat; answer_prepare() does so too. */
void answer_note(request_rec *r, const flow_t *flow);

/* The same of one error, and of a JSON body, which is freed with the request. */
int answer_prepare_error(request_rec *r, reply_e reply, const char *issues, answer_rest_t *rest);
void answer_prepare_json(request_rec *r, int status, buffer_t *body, answer_rest_t *rest);

/* 204, with the headers all answers have; there is nothing to write. */
void answer_no_content(request_rec *r);

/* Writes the rest in pieces, as long as the client takes them: OK when all is written or the
 * client is gone, SUSPENDED when it has to read first. Never blocks when nothing was left to write
 * on the connection before. */
int answer_write(request_rec *r, answer_rest_t *rest);

/* Writes a body with the headers all answers have, whole; blocks like any handler of httpd. The
 * body is freed with the request. `type` lives as long as the request. */
void answer_body(request_rec *r, int status, const char *type, buffer_t *body);

/* The same for JSON. */
void answer_json(request_rec *r, int status, buffer_t *body);

/* 405 with Allow unless the method is one of `methods` (bits 1 << M_GET …, HEAD with GET); OPTIONS
 * is answered. DECLINED: go on. */
int answer_other_methods(request_rec *r, apr_int64_t methods);

#endif
