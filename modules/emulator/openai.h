/*
 * A server of OpenAI's API under /openai/v1: chat completions and models.
 *
 * The scripted model behind it is that of Converse. Requests are not signed
 * but carry a key. Source: OpenAI API Reference, "Chat Completions", "Models",
 * "Errors". One thread.
 */
#ifndef EMULATOR_OPENAI_H
#define EMULATOR_OPENAI_H

#include "emulator/emulator.h"

extern const service_t openai_service;

#endif
