#include "chat/session_table.h"

#include "base/log.h"
#include "chat/session_item.h"
#include "chat/session_operation.h"

#include <apr_strings.h>
#include <string.h>

static void succeed(session_operation_t *operation, const json_t *item)
{
    (void)item;
    session_operation_finish(operation, SESSION_OK, "");
}

static void forbid(session_operation_t *operation)
{
    session_operation_finish(operation, SESSION_FORBIDDEN, "it belongs to somebody else");
}

static void tell_of_turn(session_operation_t *operation)
{
    session_operation_finish(operation, SESSION_BUSY, "another turn of the session is in flight");
}

static void fail_for_memory(session_operation_t *operation)
{
    session_operation_finish(operation, SESSION_FAILED, "out of memory");
}

/* ---- open ---- */

static void write_claim(const session_operation_t *operation, buffer_t *body)
{
    session_request_claim(body, operation->table->name, operation->id, &operation->asker,
                          operation->now);
}

/* The condition let it pass; that it is open to the asker is looked at once more. */
static void on_claimed(session_operation_t *operation, const json_t *item)
{
    if (!session_item_is_live(item, operation->now)) {
        session_operation_finish(operation, SESSION_OK, "");
    } else if (!session_item_is_open_to(item, operation->asker.user)) {
        forbid(operation);
    } else if (!session_item_read(operation->session, item)) {
        fail_for_memory(operation);
    } else {
        session_operation_finish(operation, SESSION_OK, "");
    }
}

static void on_not_claimed(session_operation_t *operation, const json_t *item)
{
    if (session_item_is_live(item, operation->now) &&
        !session_item_is_open_to(item, operation->asker.user)) {
        forbid(operation);
    } else if (session_item_is_claimed(item, NULL, operation->now)) {
        tell_of_turn(operation);
    } else {
        session_operation_again(operation);
    }
}

static const session_step_t claim_step = {
    "opening the session", "UpdateItem", write_claim, on_claimed, on_not_claimed, NULL};

static void open_session(const session_store_t *store, session_operation_t **operation,
                         session_t *session, const session_asker_t *asker,
                         const session_owner_t *owner)
{
    session_operation_t *made =
        session_operation_start(store, operation, session->id, asker, owner);

    if (made != NULL) {
        made->session = session;
        session_operation_send(made, &claim_step);
    }
}

/* ---- save ---- */

static void write_create(const session_operation_t *operation, buffer_t *body)
{
    session_request_create(body, operation->table->name, operation->session, operation->now);
}

static void write_update(const session_operation_t *operation, buffer_t *body)
{
    session_request_update(body, operation->table->name, operation->session, &operation->update,
                           operation->asker.request_id, operation->now);
}

static void on_saved(session_operation_t *operation, const json_t *item)
{
    (void)item;
    operation->session->version++;
    session_operation_finish(operation, SESSION_OK, "");
}

static void on_not_saved(session_operation_t *operation, const json_t *item);

/* An item may hold much that is not ours. */
static int save_less(session_operation_t *operation, const dynamodb_result_t *result)
{
    session_t *session = operation->session;

    if (session->history_count == 0 || strcmp(result->code, "ValidationException") != 0 ||
        strstr(result->message, "tem size") == NULL) {
        return 0;
    }
    log_warn("CHAT0501: request %s: saving the session: its item would pass the maximum of "
             "DynamoDB, so the history is dropped; what else is in the item?",
             operation->asker.request_id);
    session->history_count = 0;
    buffer_clear(&session->texts);
    session_operation_send(operation, operation->step);
    return 1;
}

static const session_step_t create_step = {"saving the session", "PutItem", write_create, on_saved,
                                           on_not_saved,         save_less};
static const session_step_t update_step = {
    "saving the session", "UpdateItem", write_update, on_saved, on_not_saved, save_less};

/* The turn on top of what is there now. */
static void merge(session_operation_t *operation, const json_t *item)
{
    session_t *session = operation->session;

    session_free(session);
    operation->is_new = 0;
    operation->update.has_user_data = session_item_has_user_data(item);
    operation->update.keep_claim =
        session_item_is_claimed(item, operation->asker.request_id, operation->now);
    if (!session_item_read(session, item) || !session_add_turn(session, operation->turn)) {
        fail_for_memory(operation);
        return;
    }
    log_debug(
        "CHAT0502: request %s: saving the session: it is not as the turn found it: the turn is "
        "added to what is there now",
        operation->asker.request_id);
    session_operation_send(operation, &update_step);
}

static void on_not_saved(session_operation_t *operation, const json_t *item)
{
    int is_live = session_item_is_live(item, operation->now);

    if (is_live && session_item_is_save_of(item, operation->session)) {
        on_saved(operation, item);
    } else if (is_live && !session_item_is_open_to(item, operation->asker.user)) {
        forbid(operation);
    } else if (!is_live && !operation->is_new) {
        session_operation_finish(operation, SESSION_FAILED,
                                 "the session was removed during the turn; it stays so");
    } else if (!is_live) {
        session_operation_again(operation);
    } else if (++operation->tries < SESSION_OPERATION_TRIES) {
        merge(operation, item);
    } else {
        session_operation_finish(operation, SESSION_FAILED,
                                 "other turns came first again and again; is its version a whole "
                                 "number?");
    }
}

static void save_session(const session_store_t *store, session_operation_t **operation,
                         session_t *session, const session_asker_t *asker,
                         const session_turn_t *turn, const session_owner_t *owner)
{
    session_operation_t *made =
        session_operation_start(store, operation, session->id, asker, owner);

    if (made == NULL) {
        return;
    }
    made->session = session;
    made->turn = turn;
    made->is_new = session->turns == 0;
    made->update.has_user_data = 1;
    made->step = made->is_new ? &create_step : &update_step;
    if (session_add_turn(session, turn)) {
        session_operation_send(made, made->step);
    } else {
        fail_for_memory(made);
    }
}

/* ---- release ---- */

static void write_drop(const session_operation_t *operation, buffer_t *body)
{
    session_request_drop(body, operation->table->name, operation->id, operation->asker.request_id);
}

static void write_unclaim(const session_operation_t *operation, buffer_t *body)
{
    session_request_unclaim(body, operation->table->name, operation->id,
                            operation->asker.request_id);
}

static const session_step_t unclaim_step = {
    "releasing the session", "UpdateItem", write_unclaim, succeed, succeed, NULL};

/* There is more in it than the claim, if that is still there. */
static void on_not_dropped(session_operation_t *operation, const json_t *item)
{
    if (session_item_is_held_by(item, operation->asker.request_id)) {
        session_operation_send(operation, &unclaim_step);
    } else {
        session_operation_finish(operation, SESSION_OK, "");
    }
}

static const session_step_t drop_step = {"releasing the session", "DeleteItem", write_drop, succeed,
                                         on_not_dropped,          NULL};

static void release_session(const session_store_t *store, session_operation_t **operation,
                            const session_t *session, const session_asker_t *asker,
                            const session_owner_t *owner)
{
    session_operation_t *made =
        session_operation_start(store, operation, session->id, asker, owner);

    if (made == NULL) {
        return;
    }
    made->step = session->version > 0 ? &unclaim_step : &drop_step;
    if (session_operation_own_asker(made)) {
        session_operation_send(made, made->step);
    } else {
        fail_for_memory(made);
    }
}

/* ---- read ---- */

static void write_get(const session_operation_t *operation, buffer_t *body)
{
    session_request_get(body, operation->table->name, operation->id);
}

static void on_read(session_operation_t *operation, const json_t *item)
{
    const session_asker_t *asker = &operation->asker;

    if (!session_item_is_live(item, operation->now)) {
        session_operation_finish(operation, SESSION_ABSENT, "");
    } else if (!asker->is_anyone && !session_item_is_open_to(item, asker->user)) {
        forbid(operation);
    } else if (asker->will_remove &&
               session_item_is_claimed(item, asker->request_id, operation->now)) {
        tell_of_turn(operation);
    } else if (!session_item_read(operation->session, item)) {
        fail_for_memory(operation);
    } else {
        session_operation_finish(operation, SESSION_OK, "");
    }
}

/* Nothing is conditional about it, and so nothing refused. */
static const session_step_t read_step = {
    "reading the session", "GetItem", write_get, on_read, on_read, NULL};

static void read_session(const session_store_t *store, session_operation_t **operation,
                         session_t *session, const session_asker_t *asker,
                         const session_owner_t *owner)
{
    session_operation_t *made =
        session_operation_start(store, operation, session->id, asker, owner);

    if (made != NULL) {
        made->session = session;
        session_operation_send(made, &read_step);
    }
}

/* ---- remove ---- */

static void write_remove(const session_operation_t *operation, buffer_t *body)
{
    session_request_remove(body, operation->table->name, operation->id, &operation->asker,
                           operation->now);
}

static void on_not_removed(session_operation_t *operation, const json_t *item)
{
    const session_asker_t *asker = &operation->asker;

    if (item == NULL && operation->retries > 0) {
        session_operation_finish(operation, SESSION_OK,
                                 ""); /* by an attempt whose answer was lost */
    } else if (!session_item_is_live(item, operation->now)) {
        session_operation_finish(operation, SESSION_ABSENT, "");
    } else if (!asker->is_anyone && !session_item_is_open_to(item, asker->user)) {
        forbid(operation);
    } else if (session_item_is_claimed(item, asker->request_id, operation->now)) {
        tell_of_turn(operation);
    } else {
        session_operation_again(operation);
    }
}

static const session_step_t remove_step = {
    "removing the session", "DeleteItem", write_remove, succeed, on_not_removed, NULL};

static void remove_session(const session_store_t *store, session_operation_t **operation,
                           const char *session_id, const session_asker_t *asker,
                           const session_owner_t *owner)
{
    session_operation_t *made = session_operation_start(store, operation, session_id, asker, owner);

    if (made != NULL) {
        session_operation_send(made, &remove_step);
    }
}

/* ---- the store ---- */

const session_store_t *session_table_create(apr_pool_t *pool, const char *table,
                                            call_client_t *client)
{
    session_table_t *made = apr_pcalloc(pool, sizeof(*made));

    made->store = (session_store_t){.name = apr_pstrcat(pool, "the DynamoDB table ", table, NULL),
                                    .open = open_session,
                                    .save = save_session,
                                    .release = release_session,
                                    .read = read_session,
                                    .remove = remove_session,
                                    .cancel = session_operation_cancel};
    made->name = apr_pstrdup(pool, table);
    made->client = client;
    return &made->store;
}
