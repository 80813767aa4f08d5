/*
 * The backend "agentcore": InvokeAgentRuntime of Bedrock AgentCore, the
 * successor of Bedrock Agents.
 *
 * What a runtime takes and gives is its author's choice. It is sent what
 * AgentCore's own samples take, {"prompt": message}, and remembers the
 * conversation by its session id (API reference of bedrock-agentcore,
 * InvokeAgentRuntime and StopRuntimeSession). A known user is named in a
 * header; the role then needs bedrock-agentcore:InvokeAgentRuntimeForUser too.
 */
#ifndef BACKEND_AGENTCORE_H
#define BACKEND_AGENTCORE_H

#include "backend/backend.h"

typedef struct {
    backend_t backend;     /* first: a backend_t of this kind is one of these */
    const char *arn;       /* of the runtime */
    const char *qualifier; /* of its endpoint; NULL: DEFAULT */
    call_client_t *client; /* of bedrock-agentcore; the I/O thread's */
    call_limits_t limits;
} agentcore_t;

/* Fills in `backend`; the rest is the caller's. */
void agentcore_init(agentcore_t *agentcore);

#endif
