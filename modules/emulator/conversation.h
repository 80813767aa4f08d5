/*
 * What the scripted agent says: always the same to the same conversation, a
 * few hundred bytes at most. One thread.
 */
#ifndef EMULATOR_CONVERSATION_H
#define EMULATOR_CONVERSATION_H

#include "base/buffer.h"
#include "emulator/sessions.h"

/* Appends the answer to `message`, and remembers in the session what it was told. */
void conversation_reply(session_t *session, const char *message, size_t length, buffer_t *out);

#endif
