/*
 * The request of InvokeAgent. Pure; any thread.
 *
 * Streaming makes the agent ask its model by InvokeModelWithResponseStream:
 * the agent's own role must allow that (bedrock:InvokeModelWithResponseStream).
 */
#ifndef BACKEND_AGENT_REQUEST_H
#define BACKEND_AGENT_REQUEST_H

#include "backend/backend.h"

/* The path, percent-encoded; 0 when it does not fit. */
int agent_request_path(buffer_t *path, const char *agent_id, const char *alias_id,
                       const char *session_id);

/* The body of a turn. With `traces` the agent tells its steps, the counts of tokens among them. */
void agent_request_write(buffer_t *body, const backend_prompt_t *prompt, int traces);

/* The body of the call that ends a session. */
void agent_request_write_end(buffer_t *body);

#endif
