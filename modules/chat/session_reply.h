/*
 * The answer to GET /sessions/{id}. Pure; any thread.
 */
#ifndef CHAT_SESSION_REPLY_H
#define CHAT_SESSION_REPLY_H

#include "chat/session.h"

/* Most bytes of the body: each of the record's may become an escape of six. */
#define SESSION_REPLY_MAX (6 * SESSION_BYTES_MAX + 64 * (size_t)1024)

/* Appends {"session_id","user_id","created_at","updated_at","expires_at","turns","last_message",
 * "history":[{"role","text"}]}; user_id and last_message are null when there is none. */
void session_reply_write(buffer_t *out, const session_t *session);

#endif
