/*
 * Reading a request's JSON body, bounded. On a worker.
 */
#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include "base/buffer.h"
#include "chat/reply.h"

#include <httpd.h>

/* REPLY_ANSWER when the headers promise JSON in UTF-8 that is not compressed. */
reply_e body_check_type(const request_rec *r);

/* Registers the filter that body_read() needs; while the module's hooks are registered. */
void body_register_filter(void);

/* Reads the whole body, up to the buffer's maximum. REPLY_ANSWER, or what is wrong;
 * `*status` is then 0, or the status of httpd's own answer (408: the client is too slow). */
reply_e body_read(request_rec *r, buffer_t *body, int *status);

#endif
