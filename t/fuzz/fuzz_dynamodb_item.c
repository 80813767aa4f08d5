/* aws/attributes and chat/session_item: whatever JSON an item is, it is read within bounds, and
 * what is read of it can be added to and written again, and is then read as the same. */
#include "aws/attributes.h"
#include "base/text.h"
#include "chat/session_item.h"
#include "chat/session_request.h"

#include "fuzz.h"

#include <apr_general.h>
#include <string.h>

#define NOW      apr_time_from_sec(1787392800)
#define BODY_MAX (16 * 1024 * 1024)

static void ask(const json_t *item)
{
    (void)session_item_is_live(item, NOW);
    (void)session_item_is_open_to(item, "ada");
    (void)session_item_is_open_to(item, NULL);
    PROMISE(!session_item_is_claimed(item, NULL, NOW) ||
            session_item_is_held_by(item, "r") == !session_item_is_claimed(item, "r", NOW));
    (void)session_item_has_user_data(item);
}

/* Numbers that are read can be told from those that are not. */
static void check_number(const json_t *item)
{
    int64_t number = 77;
    int is_one = attributes_integer(item, "ttl", &number);

    PROMISE(is_one || number == 77);
}

static void check_record(const session_t *session)
{
    size_t i;

    PROMISE(session->turns >= 1 && session->version >= 0);
    PROMISE(session->created_at >= 0 && session->updated_at >= 0 && session->expires_at >= 0);
    PROMISE(session->turns < INT64_MAX / 2 && session->version < INT64_MAX / 2);
    for (i = 0; i < session->history_count; i++) {
        const session_message_t *message = &session->history[i];
        PROMISE(message->at + message->length <= session->texts.length);
        PROMISE(text_utf8_length(buffer_text(&session->texts) + message->at, message->length) !=
                TEXT_NOT_UTF8);
    }
}

static void check_same(const session_t *one, const session_t *other)
{
    PROMISE(one->turns == other->turns && other->version == one->version + 1);
    PROMISE(one->history_count == other->history_count);
    PROMISE(one->texts.length == other->texts.length);
    PROMISE(one->texts.length == 0 ||
            memcmp(one->texts.data, other->texts.data, one->texts.length) == 0);
    PROMISE(one->created_at / 1000 == other->created_at / 1000);
}

/* As the store does: a turn on top, and saved. */
static void save(session_t *session)
{
    const session_turn_t turn = {.message = "m",
                                 .message_length = 1,
                                 .answer = "\xc3\xa4",
                                 .answer_length = 2,
                                 .when = NOW,
                                 .ttl = apr_time_from_sec(60),
                                 .history_turns = 3};
    json_error_t error;
    session_t again;
    json_t *request;
    buffer_t body;

    PROMISE(session_add_turn(session, &turn));
    check_record(session);
    buffer_init(&body, BODY_MAX);
    session_request_create(&body, "t", session, NOW);
    PROMISE(!body.failed);
    request = json_parse(buffer_text(&body), body.length, ATTRIBUTES_JSON_DEPTH, &error);
    PROMISE(error.reason == NULL);
    PROMISE(session_item_is_live(json_member(request, "Item"), NOW));
    PROMISE(session_item_is_save_of(json_member(request, "Item"), session));
    session_init(&again, "s");
    PROMISE(session_item_read(&again, json_member(request, "Item")));
    check_same(session, &again);
    session_free(&again);
    json_release(request);
    buffer_free(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_error_t error;
    session_t session;
    json_t *item;

    (void)apr_initialize();
    if (size > SESSION_BYTES_MAX) {
        return 0;
    }
    item = json_parse((const char *)data, size, ATTRIBUTES_JSON_DEPTH, &error);
    ask(item);
    check_number(item);
    session_init(&session, "s");
    PROMISE(session_item_read(&session, item));
    check_record(&session);
    save(&session);
    session_free(&session);
    json_release(item);
    return 0;
}
