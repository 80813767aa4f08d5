/* chat/fleet_item: what a client's count looks like in a table, and what is no count. */
#include "chat/fleet_item.h"

#include "aws/attributes.h"

#include "tap.h"

#include <stdlib.h>

#define NOW apr_time_from_sec(1767225600)

static const sliding_log_rule_t rule = {20, apr_time_from_sec(3600)};

static json_t *parse(const char *text, size_t length)
{
    json_error_t error;
    json_t *value = json_parse(text, length, ATTRIBUTES_JSON_DEPTH, &error);

    if (value == NULL) {
        printf("Bail out! %s\n", text);
        exit(1);
    }
    return value;
}

static int same(const sliding_log_t *one, const sliding_log_t *other)
{
    unsigned i;

    for (i = 0; i < one->used; i++) {
        if (sliding_log_time(one, i) != sliding_log_time(other, i) ||
            one->cells[i].count != other->cells[i].count) {
            return 0;
        }
    }
    return one->used == other->used && one->last == other->last;
}

static void ids_are_the_same_everywhere(void)
{
    char id[FLEET_ITEM_ID_LENGTH + 1];

    fleet_item_id(id, "\n\n", "198.51.100.1");
    IS_NUMBER(strlen(id), FLEET_ITEM_ID_LENGTH, "an id has its length");
    IS(id, "ratelimit#4ba03063e050b8c262beaf0d4bcf9973", "and is the same on every machine");
}

static void what_is_written_is_read(void)
{
    fleet_item_t item = {.version = NOW, .writer = "a-writer"};
    fleet_item_t found;
    sliding_log_verdict_t verdict;
    buffer_t body;
    json_t *request;
    int64_t ttl = 0;
    int i;

    for (i = 0; i < 20; i++) {
        sliding_log_take(&item.log, &rule, NOW + i * 7919333, &verdict);
    }
    buffer_init(&body, 10000);
    fleet_item_write_put(&body, "limits", "ratelimit#0", &item, 0);
    request = parse(body.data, body.length);
    OK(fleet_item_read(&found, json_member(request, "Item")), "an item is read again");
    OK(same(&found.log, &item.log) && found.version == NOW, "with all that was written");
    IS(found.writer, "a-writer", "its writer too");
    OK(attributes_integer(json_member(request, "Item"), "ttl", &ttl) &&
           ttl == apr_time_sec(item.log.last) + 3660,
       "its ttl is a minute behind the window");
    IS(json_member_text(request, "ConditionExpression", NULL), "attribute_not_exists(session_id)",
       "the first one must be the first");
    json_release(request);
    buffer_clear(&body);
    fleet_item_write_put(&body, "limits", "ratelimit#0", &item, 42);
    OK(strstr(body.data, "\"#version = :known\"") != NULL &&
           strstr(body.data, "\":known\":{\"N\":\"42\"}") != NULL,
       "a later one replaces the one it knows");
    buffer_free(&body);
}

static int reads(const char *text, fleet_item_t *item)
{
    json_t *attributes = parse(text, strlen(text));
    const int good = fleet_item_read(item, attributes);

    json_release(attributes);
    return good;
}

#define ITEM(requests)                                                                             \
    "{\"requests\":{\"S\":\"" requests "\"},\"version\":{\"N\":\"1\"},\"writer\":{\"S\":\"w\"}}"

static void others_items_are_told(void)
{
    static const char *const wrong[] = {
        "{}",
        "{\"requests\":{\"N\":\"1\"},\"version\":{\"N\":\"1\"},\"writer\":{\"S\":\"w\"}}",
        "{\"requests\":{\"S\":\"\"},\"version\":{\"N\":\"0\"},\"writer\":{\"S\":\"w\"}}",
        "{\"requests\":{\"S\":\"\"},\"version\":{\"S\":\"1\"},\"writer\":{\"S\":\"w\"}}",
        "{\"requests\":{\"S\":\"\"},\"version\":{\"N\":\"1\"}}",
        "{\"requests\":{\"S\":\"\"},\"version\":{\"N\":\"1\"},\"writer\":{\"S\":"
        "\"0123456789012345678901234567890123456\"}}",
        ITEM("x"),
        ITEM("1000"),
        ITEM("1000:"),
        ITEM("1000:0"),
        ITEM("1000:-1"),
        ITEM("0:1"),
        ITEM("1000:1,2000:1"),
        ITEM("2000:1 1000:1"),
        ITEM("1000:1 1000:1"),
        ITEM("1000:4000001"),
        ITEM("1000:99999999999999999999"),
        ITEM("99999999999999999999:1"),
        ITEM("1000:1 9000000000000:1"),
        ITEM("1:1 2:1 3:1 4:1 5:1 6:1 7:1 8:1 9:1 10:1 11:1 12:1 13:1 14:1 15:1 16:1 17:1"),
    };
    fleet_item_t item;
    size_t i;

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        OK(!reads(wrong[i], &item), wrong[i]);
    }
    OK(reads(ITEM(""), &item) && item.log.used == 0, "an empty one is good");
    OK(reads(ITEM("1000:4000000"), &item) && item.log.cells[0].count == 4000000, "a full one too");
    OK(fleet_item_read(&item, NULL) && item.version == 0, "and so is none at all");
}

int main(void)
{
    ids_are_the_same_everywhere();
    what_is_written_is_read();
    others_items_are_told();
    return tap_done();
}
