/*
 * A session's record as JSON: the value that a cache keeps under the session's
 * id. Pure; any thread.
 *
 * {"format":1,"version":n,"updated_at":µs,"session_id":…,"user":…|null,
 *  "last_message":…|null,"created_at":µs,"expires_at":µs,"turns":n,
 *  "history":[{"role":"user"|"assistant","text":…}]}
 */
#ifndef CHAT_SESSION_JSON_H
#define CHAT_SESSION_JSON_H

#include "chat/session.h"

/* Appends the record, its history from message `first` on; whether it fitted is `out->failed`. */
void session_json_write(buffer_t *out, const session_t *session, size_t first);

/* How the text of exactly this version of the record begins, so that nobody has to parse it to know
 * that it is. The length; `out` has room for SESSION_JSON_START. */
#define SESSION_JSON_START 80
size_t session_json_start(char *out, const session_t *session);

/* Fills a new record in from such a text, which anybody may have written. 0 when it is none of
 * this format, is of another session, or memory is out: the record is new again. */
int session_json_read(session_t *session, const char *text, size_t length);

#endif
