/*
 * Amazon Bedrock AgentCore: InvokeAgentRuntime and StopRuntimeSession.
 *
 * The scripted agent in a runtime of its own: it takes {"prompt": ...} and
 * answers with a document, plain text or server-sent events. Source: Amazon
 * Bedrock AgentCore API Reference, both operations. One thread.
 */
#ifndef EMULATOR_AGENTCORE_H
#define EMULATOR_AGENTCORE_H

#include "emulator/emulator.h"

extern const service_t agentcore_service;

#endif
