/*
 * The events of a streamed chat, as text/event-stream (WHATWG HTML, 9.2):
 * session, delta, done or error, and comments as signs of life. Pure; any
 * thread.
 */
#ifndef CHAT_STREAM_H
#define CHAT_STREAM_H

#include "chat/flow.h"

/* The first event: which session and request this is. */
void stream_write_session(buffer_t *out, const flow_t *flow);

/* Text, whole characters; nothing when there is none. */
void stream_write_delta(buffer_t *out, const char *text, size_t length);

/* A comment. */
void stream_write_beat(buffer_t *out);

/* The last event, by what came of the chat: the ChatResponse, or the error's body. */
void stream_write_end(buffer_t *out, const flow_t *flow, apr_time_t now);

#endif
