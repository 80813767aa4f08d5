/*
 * From replies to HTTP: status, headers and body of what our handlers answer.
 * On a worker, with the request's own pool.
 */
#ifndef HTTP_ANSWER_H
#define HTTP_ANSWER_H

#include "chat/flow.h"

#include <httpd.h>

/* The request's id: the client's X-Request-ID when it can be passed on, else a new one. The same
 * at every call for one request. */
const char *answer_request_id(request_rec *r);

/* Writes an error's answer; returns what the handler returns: OK, or the status when the operator
 * has an ErrorDocument for it. `issues` as for reply_write_error(). */
int answer_error(request_rec *r, reply_e reply, const char *issues);

/* Writes what came of a chat, answer or error; returns as answer_error(). Leaves the notes for
 * LogFormat. */
int answer_chat(request_rec *r, const flow_t *flow);

/* Writes a JSON body with the headers all answers have. */
void answer_json(request_rec *r, int status, buffer_t *body);

/* 405 with Allow unless the method is one of `methods` (bits 1 << M_GET …, HEAD with GET); OPTIONS
 * is answered. DECLINED: go on. */
int answer_other_methods(request_rec *r, apr_int64_t methods);

#endif
