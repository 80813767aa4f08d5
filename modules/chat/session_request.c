#include "chat/session_request.h"

#include "aws/attributes.h"
#include "chat/session_item.h"

/* For how long the claim of a session that was never saved may lie about, at least. A session that
 * another program stored without a ttl gets this one at its first turn. */
#define CLAIM_TTL apr_time_from_sec(86400)

/* Whether there is a session in an item, and whether it has expired. */
#define IS_THERE   "(attribute_exists(#created) OR attribute_exists(#turns))"
#define IS_EXPIRED "#ttl <= :now"
#define IS_OPEN                                                                                    \
    "attribute_not_exists(#data.#user) OR attribute_type(#data.#user, :null) OR "                  \
    "#data.#user = :empty"
#define IS_UNCLAIMED "NOT attribute_type(#until, :number) OR #until <= :now_ms"

typedef struct {
    const char *placeholder;
    const char *name;
} name_t;

static void open_request(json_writer_t *writer, buffer_t *body, const char *table)
{
    json_write_to(writer, body);
    json_open(writer, '{');
    json_put_member(writer, "TableName", table);
}

static void put_key(json_writer_t *writer, const char *id)
{
    json_name(writer, "Key");
    json_open(writer, '{');
    attributes_put_text(writer, "session_id", id);
    json_close(writer, '}');
}

/* All that the expressions name, and no more: AWS refuses one that is not used. The list ends with
 * a NULL placeholder. */
static void put_names(json_writer_t *writer, const name_t *names)
{
    json_name(writer, "ExpressionAttributeNames");
    json_open(writer, '{');
    for (; names->placeholder != NULL; names++) {
        json_put_member(writer, names->placeholder, names->name);
    }
    json_close(writer, '}');
}

static void open_values(json_writer_t *writer)
{
    json_name(writer, "ExpressionAttributeValues");
    json_open(writer, '{');
}

/* The values are put between the two. */
static void close_request(json_writer_t *writer)
{
    json_close(writer, '}');
    json_put_member(writer, "ReturnValuesOnConditionCheckFailure", "ALL_OLD");
    json_close(writer, '}');
}

/* The values of IS_OPEN and of the comparison with the asker's user. */
static void put_asker(json_writer_t *writer, const session_asker_t *asker)
{
    attributes_put_text(writer, ":null", "NULL");
    attributes_put_text(writer, ":empty", "");
    if (asker->user != NULL) {
        attributes_put_text(writer, ":me", asker->user);
    }
}

static void put_seconds(json_writer_t *writer, const char *name, apr_time_t when)
{
    attributes_put_integer(writer, name, apr_time_sec(when));
}

static void put_milliseconds(json_writer_t *writer, const char *name, apr_time_t when)
{
    attributes_put_integer(writer, name, apr_time_as_msec(when));
}

void session_request_get(buffer_t *body, const char *table, const char *id)
{
    json_writer_t writer;

    open_request(&writer, body, table);
    put_key(&writer, id);
    json_name(&writer, "ConsistentRead");
    json_put_boolean(&writer, 1);
    json_close(&writer, '}');
}

void session_request_claim(buffer_t *body, const char *table, const char *id,
                           const session_asker_t *asker, apr_time_t now)
{
    static const name_t names[] = {{"#until", "busy_until"}, {"#by", "busy_by"},   {"#ttl", "ttl"},
                                   {"#data", "user_data"},   {"#user", "user_id"}, {NULL, NULL}};
    json_writer_t writer;

    open_request(&writer, body, table);
    put_key(&writer, id);
    json_put_member(&writer, "UpdateExpression",
                    "SET #until = :until, #by = :by, #ttl = if_not_exists(#ttl, :ttl)");
    json_put_member(&writer, "ConditionExpression",
                    asker->user != NULL
                        ? "(" IS_UNCLAIMED " OR (#by = :by AND #until = :until)) AND (" IS_OPEN
                          " OR #data.#user = :me OR " IS_EXPIRED ")"
                        : "(" IS_UNCLAIMED " OR (#by = :by AND #until = :until)) AND (" IS_OPEN
                          " OR " IS_EXPIRED ")");
    json_put_member(&writer, "ReturnValues", "ALL_NEW");
    put_names(&writer, names);
    open_values(&writer);
    put_asker(&writer, asker);
    attributes_put_text(&writer, ":number", "N");
    attributes_put_text(&writer, ":by", asker->request_id);
    put_milliseconds(&writer, ":until", asker->until);
    put_milliseconds(&writer, ":now_ms", now);
    put_seconds(&writer, ":now", now);
    put_seconds(&writer, ":ttl", asker->until + CLAIM_TTL);
    close_request(&writer);
}

static void put_item(json_writer_t *writer, const session_t *session)
{
    json_name(writer, "Item");
    json_open(writer, '{');
    attributes_put_text(writer, "session_id", session->id);
    session_item_put_user_data(writer, "user_data", session);
    session_item_put_time(writer, "created_at", session->created_at);
    session_item_put_time(writer, "updated_at", session->updated_at);
    put_seconds(writer, "ttl", session->expires_at);
    attributes_put_integer(writer, "turns", session->turns);
    attributes_put_integer(writer, "version", session->version + 1);
    if (session->history_count > 0) {
        session_item_put_history(writer, "history", session);
    }
    json_close(writer, '}');
}

void session_request_create(buffer_t *body, const char *table, const session_t *session,
                            apr_time_t now)
{
    static const name_t names[] = {
        {"#created", "created_at"}, {"#turns", "turns"}, {"#ttl", "ttl"}, {NULL, NULL}};
    json_writer_t writer;

    open_request(&writer, body, table);
    put_item(&writer, session);
    json_put_member(&writer, "ConditionExpression", "NOT " IS_THERE " OR " IS_EXPIRED);
    put_names(&writer, names);
    open_values(&writer);
    put_seconds(&writer, ":now", now);
    close_request(&writer);
}

/* ---- the update of a session that is there ---- */

static void put_update_expression(json_writer_t *writer, const session_t *session,
                                  const session_update_t *how)
{
    buffer_t text;

    buffer_init(&text, 1024);
    (void)buffer_puts(&text, "SET #created = if_not_exists(#created, :created), "
                             "#updated = :updated, #ttl = :ttl, #turns = :turns, #version = :next");
    (void)buffer_puts(&text, how->has_user_data ? ", #data.#last = :last" : ", #data = :data");
    if (how->has_user_data && session->user.length > 0) {
        (void)buffer_puts(&text, ", #data.#user = :user");
    }
    if (session->history_count > 0) {
        (void)buffer_puts(&text, ", #history = :history");
    }
    if (session->history_count == 0 || !how->keep_claim) {
        (void)buffer_printf(&text, " REMOVE %s%s%s", session->history_count == 0 ? "#history" : "",
                            session->history_count == 0 && !how->keep_claim ? ", " : "",
                            how->keep_claim ? "" : "#until, #by");
    }
    writer->out->failed |= text.failed;
    json_put_member(writer, "UpdateExpression", buffer_text(&text));
    buffer_free(&text);
}

static void put_update_condition(json_writer_t *writer, const session_t *session,
                                 const session_update_t *how)
{
    buffer_t text;

    buffer_init(&text, 1024);
    (void)buffer_puts(&text, session->version > 0
                                 ? "#version = :version"
                                 : "NOT attribute_type(#version, :number) AND " IS_THERE);
    (void)buffer_puts(&text, how->has_user_data ? " AND attribute_type(#data, :map)"
                                                : " AND NOT attribute_type(#data, :map)");
    if (!how->keep_claim) {
        (void)buffer_puts(&text, " AND (" IS_UNCLAIMED " OR #by = :by)");
    }
    writer->out->failed |= text.failed;
    json_put_member(writer, "ConditionExpression", buffer_text(&text));
    buffer_free(&text);
}

static void put_update_names(json_writer_t *writer, const session_t *session,
                             const session_update_t *how)
{
    name_t names[14] = {
        {"#created", "created_at"}, {"#updated", "updated_at"}, {"#ttl", "ttl"},
        {"#turns", "turns"},        {"#version", "version"},    {"#data", "user_data"},
        {"#history", "history"}};
    size_t count = 7;

    if (how->has_user_data) {
        names[count++] = (name_t){"#last", "last_message"};
    }
    if (how->has_user_data && session->user.length > 0) {
        names[count++] = (name_t){"#user", "user_id"};
    }
    if (!how->keep_claim) {
        names[count++] = (name_t){"#until", "busy_until"};
        names[count++] = (name_t){"#by", "busy_by"};
    }
    put_names(writer, names);
}

static void put_update_data(json_writer_t *writer, const session_t *session,
                            const session_update_t *how)
{
    if (!how->has_user_data) {
        session_item_put_user_data(writer, ":data", session);
        return;
    }
    attributes_put_string(writer, ":last", buffer_text(&session->last_message),
                          session->last_message.length);
    if (session->user.length > 0) {
        session_item_put_user(writer, ":user", session);
    }
}

static void put_update_values(json_writer_t *writer, const session_t *session,
                              const session_update_t *how, const char *request_id, apr_time_t now)
{
    session_item_put_time(writer, ":created", session->created_at);
    session_item_put_time(writer, ":updated", session->updated_at);
    put_seconds(writer, ":ttl", session->expires_at);
    attributes_put_integer(writer, ":turns", session->turns);
    attributes_put_integer(writer, ":next", session->version + 1);
    attributes_put_text(writer, ":map", "M");
    put_update_data(writer, session, how);
    if (session->history_count > 0) {
        session_item_put_history(writer, ":history", session);
    }
    if (session->version > 0) {
        attributes_put_integer(writer, ":version", session->version);
    }
    if (session->version == 0 || !how->keep_claim) {
        attributes_put_text(writer, ":number", "N");
    }
    if (!how->keep_claim) {
        attributes_put_text(writer, ":by", request_id);
        put_milliseconds(writer, ":now_ms", now);
    }
}

void session_request_update(buffer_t *body, const char *table, const session_t *session,
                            const session_update_t *how, const char *request_id, apr_time_t now)
{
    json_writer_t writer;

    open_request(&writer, body, table);
    put_key(&writer, session->id);
    put_update_expression(&writer, session, how);
    put_update_condition(&writer, session, how);
    put_update_names(&writer, session, how);
    open_values(&writer);
    put_update_values(&writer, session, how, request_id, now);
    close_request(&writer);
}

/* ---- the end of a claim, and of a session ---- */

void session_request_drop(buffer_t *body, const char *table, const char *id, const char *request_id)
{
    static const name_t names[] = {
        {"#by", "busy_by"}, {"#created", "created_at"}, {"#turns", "turns"}, {NULL, NULL}};
    json_writer_t writer;

    open_request(&writer, body, table);
    put_key(&writer, id);
    json_put_member(&writer, "ConditionExpression", "#by = :by AND NOT " IS_THERE);
    put_names(&writer, names);
    open_values(&writer);
    attributes_put_text(&writer, ":by", request_id);
    close_request(&writer);
}

void session_request_unclaim(buffer_t *body, const char *table, const char *id,
                             const char *request_id)
{
    static const name_t names[] = {{"#until", "busy_until"}, {"#by", "busy_by"}, {NULL, NULL}};
    json_writer_t writer;

    open_request(&writer, body, table);
    put_key(&writer, id);
    json_put_member(&writer, "UpdateExpression", "REMOVE #until, #by");
    json_put_member(&writer, "ConditionExpression", "#by = :by");
    put_names(&writer, names);
    open_values(&writer);
    attributes_put_text(&writer, ":by", request_id);
    close_request(&writer);
}

static const char *removal_condition(const session_asker_t *asker)
{
#define REMOVABLE IS_THERE " AND NOT " IS_EXPIRED " AND (" IS_UNCLAIMED " OR #by = :by)"
    if (asker->is_anyone) {
        return REMOVABLE;
    }
    return asker->user != NULL ? REMOVABLE " AND (" IS_OPEN " OR #data.#user = :me)"
                               : REMOVABLE " AND (" IS_OPEN ")";
}

void session_request_remove(buffer_t *body, const char *table, const char *id,
                            const session_asker_t *asker, apr_time_t now)
{
    static const name_t names[] = {{"#created", "created_at"}, {"#turns", "turns"}, {"#ttl", "ttl"},
                                   {"#until", "busy_until"},   {"#by", "busy_by"},  {NULL, NULL}};
    static const name_t all_names[] = {
        {"#created", "created_at"}, {"#turns", "turns"}, {"#ttl", "ttl"},
        {"#until", "busy_until"},   {"#by", "busy_by"},  {"#data", "user_data"},
        {"#user", "user_id"},       {NULL, NULL}};
    json_writer_t writer;

    open_request(&writer, body, table);
    put_key(&writer, id);
    json_put_member(&writer, "ConditionExpression", removal_condition(asker));
    put_names(&writer, asker->is_anyone ? names : all_names);
    open_values(&writer);
    if (!asker->is_anyone) {
        put_asker(&writer, asker);
    }
    attributes_put_text(&writer, ":number", "N");
    attributes_put_text(&writer, ":by", asker->request_id);
    put_seconds(&writer, ":now", now);
    put_milliseconds(&writer, ":now_ms", now);
    close_request(&writer);
}
