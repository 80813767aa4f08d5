/*
 * The body of a Converse or ConverseStream request, checked as the service
 * does. No state: one thread.
 */
#ifndef EMULATOR_CONVERSE_REQUEST_H
#define EMULATOR_CONVERSE_REQUEST_H

#include "base/buffer.h"
#include "base/json.h"
#include "emulator/conversation.h"
#include "emulator/script.h"
#include "emulator/shape.h"

#include <stddef.h>
#include <stdint.h>

typedef struct {
    json_t *body;
    const json_t *messages;
    const json_t *stop_sequences;
    const json_t *guardrail;
    int64_t max_tokens; /* 0: no limit */
    size_t text_bytes;  /* of all messages and of the system prompt */
} converse_request_t;

/* Reads and checks the body; 0 and `shape->problem`. Freed by json_release() of its `body`, also
 * then. */
int converse_request_read(converse_request_t *request, const http_request_t *http, int streamed,
                          shape_t *shape);

/* Takes the messages before the last one in, and the text of the last one without its commands; 0
 * and `script->problem`. */
int converse_request_hear(const converse_request_t *request, script_t *script,
                          conversation_t *conversation, buffer_t *input);

#endif
