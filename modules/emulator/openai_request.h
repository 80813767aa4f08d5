/*
 * The body of a chat completion's request, checked. No state: one thread.
 */
#ifndef EMULATOR_OPENAI_REQUEST_H
#define EMULATOR_OPENAI_REQUEST_H

#include "base/buffer.h"
#include "base/json.h"
#include "emulator/conversation.h"
#include "emulator/script.h"
#include "emulator/shape.h"

#include <stddef.h>
#include <stdint.h>

typedef struct {
    json_t *body;
    const char *model; /* "" when there is none */
    const json_t *messages;
    const json_t *stop; /* a text or an array of them */
    int64_t max_tokens; /* 0: no limit */
    int streamed;
    int usage;         /* is to be in the stream */
    size_t text_bytes; /* of all messages */
} openai_request_t;

/* Reads and checks the body; 0 and `shape->problem`. Freed by json_release() of its `body`, also
 * then. */
int openai_request_read(openai_request_t *request, const http_request_t *http, shape_t *shape);

/* Takes the user's messages in, and the text of the last one without its commands; 0 and
 * `script->problem`. */
int openai_request_hear(const openai_request_t *request, script_t *script,
                        conversation_t *conversation, buffer_t *input);

#endif
