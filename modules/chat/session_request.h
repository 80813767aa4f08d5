/*
 * What is asked of a DynamoDB table of sessions: the JSON of each request, with
 * its conditions. Pure: any thread. chat/session_item.h shows the attributes.
 *
 * All are appended to an empty buffer; `now` is the wall clock. Attribute names
 * stand behind #placeholders, as many are reserved words.
 */
#ifndef CHAT_SESSION_REQUEST_H
#define CHAT_SESSION_REQUEST_H

#include "base/buffer.h"
#include "chat/session.h"

/* GetItem, consistent. */
void session_request_get(buffer_t *body, const char *table, const char *id);

/* UpdateItem: claims it for the asker, if nobody else has it, and it is open to the asker or has
 * expired. The same request sent twice succeeds twice. Returns the item. */
void session_request_claim(buffer_t *body, const char *table, const char *id,
                           const session_asker_t *asker, apr_time_t now);

/* PutItem: stores the record of a new session, if there is none, or one that has expired. */
void session_request_create(buffer_t *body, const char *table, const session_t *session,
                            apr_time_t now);

/* How session_request_update() finds the item. */
typedef struct {
    int has_user_data; /* its user_data is a map: others' members of it stay */
    int keep_claim;    /* the claim is another turn's */
} session_update_t;

/* UpdateItem: stores the record of a session that is there, if its version is still the record's
 * and `how` fits. Attributes of others stay. */
void session_request_update(buffer_t *body, const char *table, const session_t *session,
                            const session_update_t *how, const char *request_id, apr_time_t now);

/* DeleteItem: an item with nothing in it but that request's claim. */
void session_request_drop(buffer_t *body, const char *table, const char *id,
                          const char *request_id);

/* UpdateItem: gives that request's claim back. */
void session_request_unclaim(buffer_t *body, const char *table, const char *id,
                             const char *request_id);

/* DeleteItem: the session, if it is there, has not expired, is open to the asker and not claimed by
 * another request. */
void session_request_remove(buffer_t *body, const char *table, const char *id,
                            const session_asker_t *asker, apr_time_t now);

#endif
