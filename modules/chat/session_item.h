/*
 * A session's record as an item of a DynamoDB table, and what else stands in
 * such an item. Pure: any thread. An item of NULL is one that is not there.
 *
 *     session_id  S   the key                   created_at  S   ISO 8601, UTC; kept
 *     user_data   M   user_id S or NULL,        updated_at  S   the same, milliseconds
 *                     last_message S            turns       N
 *     ttl         N   seconds since 1970        version     N   one more with each save
 *     history     L   of M: role S, text S; absent when none is kept
 *     busy_until  N   milliseconds since 1970: another turn of it is in flight until then,
 *     busy_by     S   that of this request
 *
 * Of other programs' items created_at may lack its zone (UTC then), and all of
 * the right column, history and busy_* may be missing. An attribute of another
 * type counts as missing, but for user_id: then the session belongs to nobody
 * who could ask for it. Where turns is missing one is counted.
 */
#ifndef CHAT_SESSION_ITEM_H
#define CHAT_SESSION_ITEM_H

#include "base/json.h"
#include "chat/session.h"

/* ---- what an item says ---- */

/* Whether there is a session in it that has not expired: it may hold a claim only. */
int session_item_is_live(const json_t *item, apr_time_t now);

/* Whether that user (NULL: nobody known) may use its session. */
int session_item_is_open_to(const json_t *item, const char *user);

/* Whether a turn other than that request's (NULL: any) has claimed it, and when now. */
int session_item_is_claimed(const json_t *item, const char *request_id, apr_time_t now);

/* Whether its claim, run out or not, is that request's. */
int session_item_is_held_by(const json_t *item, const char *request_id);

/* Whether user_data is a map, so that a member of it can be set. */
int session_item_has_user_data(const json_t *item);

/* Whether it is what saving this record, whose version is that before, made of it. */
int session_item_is_save_of(const json_t *item, const session_t *session);

/* Fills in a new record from an item that is live. 0 when memory is out. */
int session_item_read(session_t *session, const json_t *item);

/* ---- writing: as attributes_put_*() do ---- */

void session_item_put_time(json_writer_t *writer, const char *name, apr_time_t when);
void session_item_put_user(json_writer_t *writer, const char *name, const session_t *session);
void session_item_put_user_data(json_writer_t *writer, const char *name, const session_t *session);
void session_item_put_history(json_writer_t *writer, const char *name, const session_t *session);

#endif
