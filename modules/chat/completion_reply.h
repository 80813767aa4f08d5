/*
 * What is answered through OpenAI's API: completions, chunks of a stream, models
 * and errors (OpenAI API reference: "The chat completion object", "The chat
 * completion chunk object", "The model object").
 *
 * An error in mid-stream is an event `{"error": …}` without "[DONE]" behind it:
 * OpenAI's own clients throw at it. Pure; any thread.
 */
#ifndef CHAT_COMPLETION_REPLY_H
#define CHAT_COMPLETION_REPLY_H

#include "base/buffer.h"
#include "chat/flow.h"
#include "chat/reply.h"

#include <apr_time.h>

/* Bytes that a completion has at most beside its text, in which each byte may be an escape of six;
 * the model's name comes on top. */
#define COMPLETION_REPLY_HEAD 2048

/* What all parts of one answer say. */
typedef struct {
    const char *model;
    apr_time_t created;
    int include_usage; /* in a stream */
} completion_t;

/* The whole answer. */
void completion_reply_write(buffer_t *out, const flow_t *flow, const completion_t *completion);

/* The events of a stream: the role; text, whole characters; the reason why it ended, the usage and
 * "[DONE]", or the error. */
void completion_reply_write_begin(buffer_t *out, const flow_t *flow,
                                  const completion_t *completion);
void completion_reply_write_text(buffer_t *out, const flow_t *flow, const completion_t *completion,
                                 const char *text, size_t length);
void completion_reply_write_end(buffer_t *out, const flow_t *flow, const completion_t *completion);

/* The one model there is, and the list of it. */
void completion_reply_write_model(buffer_t *out, const char *name, apr_time_t since);
void completion_reply_write_models(buffer_t *out, const char *name, apr_time_t since);

/* An error's body; as reply_write_error(), with `issues` one error object. */
void completion_reply_write_error(buffer_t *out, reply_e reply, const char *request_id,
                                  const char *issues, apr_time_t now);

/* The error object of a request that is not valid; `param` NULL: the body as such. */
void completion_reply_write_problem(buffer_t *out, const char *text, const char *param,
                                    const char *code);

/* The same of a model that is not there. */
void completion_reply_write_no_model(buffer_t *out, const char *name);

/* Whether a client may ask again by itself: the backend has not been asked, or has refused. Else it
 * may have acted, and would hear the message twice. */
int completion_reply_may_retry(reply_e reply);

#endif
