/*
 * The body of an InvokeAgent request, checked as the service does. No state:
 * one thread.
 */
#ifndef EMULATOR_AGENT_REQUEST_H
#define EMULATOR_AGENT_REQUEST_H

#include "base/json.h"
#include "emulator/conversation.h"
#include "emulator/shape.h"

#include <stddef.h>

typedef struct {
    json_t *body;
    const json_t *text;     /* the message, NULL when there is none or it is ignored */
    const char *memory;     /* NULL: none */
    const json_t *history;  /* messages that the session is to begin with */
    size_t control_results; /* of actions that the client carried out itself */
    int traced;
    int ends;
    int streamed;
} agent_request_t;

/* Reads and checks the body; 0 and `shape->problem`. Freed by json_release() of its `body`, also
 * then. */
int agent_request_read(agent_request_t *request, const http_request_t *http, shape_t *shape);

/* Takes the history's messages in. */
void agent_request_hear(const agent_request_t *request, conversation_t *conversation);

#endif
