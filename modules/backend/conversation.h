/*
 * A conversation as Bedrock takes one: messages of several parts, whose roles
 * alternate and of which the first is the user's. Pure; any thread.
 *
 * Neighbours of one role become one message. Empty texts, system messages and
 * what an assistant says before the first user are left out.
 */
#ifndef BACKEND_CONVERSATION_H
#define BACKEND_CONVERSATION_H

#include "backend/backend.h"
#include "base/json.h"

/* Whether the history has a message that counts. */
int conversation_has_history(const backend_prompt_t *prompt);

/* Writes the array of the history's messages; with `put_parts` those of the prompt's own message
 * follow, the text and then what `put_parts` writes into the same message. */
void conversation_write(json_writer_t *writer, const backend_prompt_t *prompt,
                        void (*put_parts)(json_writer_t *writer, const backend_prompt_t *prompt));

/* {"text": …} */
void conversation_put_text(json_writer_t *writer, const char *text, size_t length);

#endif
