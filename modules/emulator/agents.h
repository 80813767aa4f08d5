/*
 * Agents for Amazon Bedrock, runtime: InvokeAgent.
 *
 * Reads and checks the request as the service does, asks the scripted agent,
 * and has agent_stream.c write the answer. Source: Amazon Bedrock API
 * Reference, InvokeAgent. One thread.
 */
#ifndef EMULATOR_AGENTS_H
#define EMULATOR_AGENTS_H

#include "emulator/emulator.h"

extern const service_t agents_service;

#endif
