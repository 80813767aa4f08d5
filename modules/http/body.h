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

/* Reads the whole body, up to the buffer's maximum. REPLY_ANSWER, or what is wrong. */
reply_e body_read(request_rec *r, buffer_t *body);

#endif
