/*
 * The request of Chat Completions. Pure; any thread.
 *
 * One system message in front, then messages whose roles alternate and of
 * which the first is the user's: the templates of many models take nothing
 * else. Neighbours of one role become one message, with a blank line between
 * their texts.
 */
#ifndef BACKEND_OPENAI_REQUEST_H
#define BACKEND_OPENAI_REQUEST_H

#include "backend/backend.h"
#include "backend/model.h"

void openai_request_write(buffer_t *body, const model_t *model, const backend_prompt_t *prompt);

#endif
