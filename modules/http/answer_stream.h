/*
 * An answer that is sent while it is made: an event stream. On a worker.
 */
#ifndef HTTP_ANSWER_STREAM_H
#define HTTP_ANSWER_STREAM_H

#include "base/buffer.h"

#include <httpd.h>

typedef struct answer_stream_t answer_stream_t;

/* Begins one with status 200: text/event-stream, not to be held back by a proxy. In the request's
 * pool. */
answer_stream_t *answer_stream_begin(request_rec *r);

/* What is to be written next: filled by the caller, emptied when it was written. */
buffer_t *answer_stream_events(answer_stream_t *stream);

/* Writes the events and flushes them: OK when all are written or the client is gone. Unless it
 * `may_wait`, SUSPENDED as soon as the client's socket takes no more: come again when it does. */
int answer_stream_write(request_rec *r, answer_stream_t *stream, int may_wait);

#endif
