/*
 * What the scripted speaker says, be it called an agent or a model: always the
 * same to the same conversation, a few hundred bytes at most. One thread.
 */
#ifndef EMULATOR_CONVERSATION_H
#define EMULATOR_CONVERSATION_H

#include "base/buffer.h"

#include <stddef.h>

#define CONVERSATION_NAME_MAX 64

/* What it knows of a conversation. */
typedef struct {
    char name[CONVERSATION_NAME_MAX]; /* that the user told, or "" */
    size_t heard;                     /* messages of the user */
} conversation_t;

/* Takes a message of the user in that is not to be answered: one of the history, or of which a
 * command says the answer. */
void conversation_hear(conversation_t *conversation, const char *message, size_t length);

/* Takes the message in and appends the answer. */
void conversation_reply(conversation_t *conversation, const char *message, size_t length,
                        buffer_t *out);

#endif
