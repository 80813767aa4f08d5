/*
 * The backend "agent": InvokeAgent of Bedrock Agents.
 *
 * The agent remembers the conversation by its session id; the answer is an
 * event stream of text chunks and, when asked for, of traces that hold the
 * token counts (aws-wire: InvokeAgent; API reference agent-runtime_InvokeAgent).
 */
#ifndef BACKEND_AGENT_H
#define BACKEND_AGENT_H

#include "backend/backend.h"

/* What a location says of its agent. */
typedef struct {
    backend_t backend; /* first: a backend_t of this kind is one of these */
    const char *agent_id;
    const char *alias_id;
    int token_usage;       /* ask for traces, and count */
    call_client_t *client; /* of bedrock-agent-runtime; the I/O thread's */
    call_limits_t limits;
} agent_t;

/* Fills in `backend`; the rest is the caller's. */
void agent_init(agent_t *agent);

/* Whether AWS takes it as an agent's or an alias's id: 1..10 letters and digits. */
int agent_is_id(const char *id);

#endif
