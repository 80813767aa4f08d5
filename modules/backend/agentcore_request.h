/*
 * The requests of InvokeAgentRuntime and StopRuntimeSession. Pure; any thread.
 */
#ifndef BACKEND_AGENTCORE_REQUEST_H
#define BACKEND_AGENTCORE_REQUEST_H

#include "backend/agentcore.h"
#include "base/buffer.h"

/* The path and query, percent-encoded; `action` is its last part. 0 when it does not fit. */
int agentcore_request_path(buffer_t *path, const agentcore_t *agentcore, const char *action);

/* The runtime's session id for one of ours. AWS wants 33 to 256 characters, of which it shows
 * letters, digits, "-" and "_" alone: an id like that stays as it is, any other becomes "sha256-"
 * and its hash. No two of ours become one. 0 when memory is out. */
int agentcore_request_session(buffer_t *out, const char *session_id);

/* The user as the value of a header of at most 1024 printable characters: percent-encoded, or
 * "%sha256-" and its hash when that is too long. 0 when memory is out. */
int agentcore_request_user(buffer_t *out, const char *user);

/* {"prompt": message} */
void agentcore_request_write(buffer_t *body, const backend_prompt_t *prompt);

/* The body of StopRuntimeSession: a token by which AWS knows a repeated request. */
void agentcore_request_write_stop(buffer_t *body);

#endif
