#include "chat/fleet_item.h"

#include "aws/attributes.h"
#include "base/text.h"
#include "shm/digest.h"

#include <apr_strings.h>
#include <string.h>

/* For machines whose clocks differ a little. */
#define TTL_EXTRA 60

#define PREFIX       "ratelimit#"
#define CELL_MAX     32 /* bytes: two numbers and their signs */
#define REQUESTS_MAX (SLIDING_LOG_CELLS * CELL_MAX)

void fleet_item_id(char *id, const char *scope, const char *key)
{
    /* Not secret: every machine must come to the same id. */
    static const digest_keys_t keys = {"mod_chatbot/rate", "limit of a fleet"};
    const digest_t digest = digest_make(&keys, scope, key);
    unsigned char bytes[16];
    unsigned i;

    for (i = 0; i < 8; i++) {
        bytes[i] = (unsigned char)(digest.first >> (56 - 8 * i));
        bytes[8 + i] = (unsigned char)(digest.second >> (56 - 8 * i));
    }
    memcpy(id, PREFIX, sizeof(PREFIX) - 1);
    text_hex(id + sizeof(PREFIX) - 1, bytes, sizeof(bytes));
}

/* ---- writing ---- */

static void write_requests(char *out, const sliding_log_t *log)
{
    size_t length = 0;
    unsigned i;

    for (i = 0; i < log->used; i++) {
        length += (size_t)apr_snprintf(
            out + length, REQUESTS_MAX - length, "%s%" APR_INT64_T_FMT ":%u", i > 0 ? " " : "",
            (apr_int64_t)sliding_log_time(log, i), (unsigned)log->cells[i].count);
    }
}

static void open_request(json_writer_t *writer, buffer_t *body, const char *table)
{
    json_write_to(writer, body);
    json_open(writer, '{');
    json_put_member(writer, "TableName", table);
}

static void put_item(json_writer_t *writer, const char *id, const fleet_item_t *item)
{
    const apr_time_t over = item->log.last + (apr_time_t)item->log.window * 1000;
    char requests[REQUESTS_MAX];

    write_requests(requests, &item->log);
    json_name(writer, "Item");
    json_open(writer, '{');
    attributes_put_text(writer, "session_id", id);
    attributes_put_text(writer, "requests", requests);
    attributes_put_integer(writer, "version", item->version);
    attributes_put_text(writer, "writer", item->writer);
    attributes_put_integer(writer, "ttl", apr_time_sec(over) + TTL_EXTRA);
    json_close(writer, '}');
}

static void put_condition(json_writer_t *writer, int64_t known)
{
    if (known == 0) {
        json_put_member(writer, "ConditionExpression", "attribute_not_exists(session_id)");
        return;
    }
    json_put_member(writer, "ConditionExpression", "#version = :known");
    json_name(writer, "ExpressionAttributeNames");
    json_open(writer, '{');
    json_put_member(writer, "#version", "version");
    json_close(writer, '}');
    json_name(writer, "ExpressionAttributeValues");
    json_open(writer, '{');
    attributes_put_integer(writer, ":known", known);
    json_close(writer, '}');
}

void fleet_item_write_put(buffer_t *body, const char *table, const char *id,
                          const fleet_item_t *item, int64_t known)
{
    json_writer_t writer;

    open_request(&writer, body, table);
    put_item(&writer, id, item);
    put_condition(&writer, known);
    json_put_member(&writer, "ReturnValuesOnConditionCheckFailure", "ALL_OLD");
    json_close(&writer, '}');
}

void fleet_item_write_get(buffer_t *body, const char *table, const char *id)
{
    json_writer_t writer;

    open_request(&writer, body, table);
    json_name(&writer, "Key");
    json_open(&writer, '{');
    attributes_put_text(&writer, "session_id", id);
    json_close(&writer, '}');
    json_name(&writer, "ConsistentRead");
    json_put_boolean(&writer, 1);
    json_close(&writer, '}');
}

/* ---- reading ---- */

/* A number and what must come after it; -1 when it is none. Moves on. */
static apr_int64_t read_number(const char **at, const char *after)
{
    char *end;
    apr_int64_t number = **at >= '0' && **at <= '9' ? apr_strtoi64(*at, &end, 10) : -1;

    if (number < 0 || number == APR_INT64_MAX || strchr(after, *end) == NULL) {
        return -1;
    }
    *at = *end != '\0' ? end + 1 : end;
    return number;
}

/* Oldest first, and no more than the log can hold. */
static int read_requests(sliding_log_t *log, const char *text)
{
    while (*text != '\0') {
        const apr_int64_t time = read_number(&text, ":");
        const apr_int64_t count = time > 0 ? read_number(&text, " ") : -1;
        if (count < 1 || !sliding_log_add(log, time, count)) {
            return 0;
        }
    }
    return 1;
}

int fleet_item_read(fleet_item_t *item, const json_t *attributes)
{
    size_t length;
    const char *requests;
    const char *writer;

    memset(item, 0, sizeof(*item));
    if (attributes == NULL) {
        return 1;
    }
    requests = attributes_string(attributes, "requests", &length);
    writer = attributes_string(attributes, "writer", &length);
    if (requests == NULL || writer == NULL || length > FLEET_ITEM_WRITER_LENGTH ||
        !attributes_integer(attributes, "version", &item->version) || item->version <= 0) {
        return 0;
    }
    memcpy(item->writer, writer, length);
    return read_requests(&item->log, requests);
}
