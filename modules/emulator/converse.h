/*
 * Amazon Bedrock, runtime: Converse and ConverseStream.
 *
 * The scripted speaker answers the last message of the user; what it knows is
 * what the request brings. Source: Amazon Bedrock API Reference, Converse and
 * ConverseStream. One thread.
 */
#ifndef EMULATOR_CONVERSE_H
#define EMULATOR_CONVERSE_H

#include "emulator/emulator.h"

extern const service_t converse_service;

#endif
