/* chat/session_item and chat/session_request: items of all shapes, and requests that DynamoDB
 * takes. */
#include "aws/attributes.h"
#include "chat/session_item.h"
#include "chat/session_request.h"

#include "tap.h"

#include <apr_general.h>
#include <stdlib.h>

#define NOW apr_time_from_sec(1787392800) /* 2026-08-22T10:00:00Z */

static json_t *item_of(const char *text)
{
    json_error_t error;
    json_t *item = json_parse(text, strlen(text), ATTRIBUTES_JSON_DEPTH, &error);

    if (error.reason != NULL) {
        printf("Bail out! %s: %s\n", text, error.reason);
        exit(1);
    }
    return item;
}

static const char whole[] =
    "{\"session_id\":{\"S\":\"s\"},\"created_at\":{\"S\":\"2026-08-22T09:00:00.123456\"},"
    "\"updated_at\":{\"S\":\"2026-08-22T09:30:00.500Z\"},\"ttl\":{\"N\":\"1787396400\"},"
    "\"turns\":{\"N\":\"3\"},\"version\":{\"N\":\"2\"},\"busy_by\":{\"S\":\"r-1\"},"
    "\"busy_until\":{\"N\":\"1787392800001\"},"
    "\"user_data\":{\"M\":{\"user_id\":{\"S\":\"ada\"},\"last_message\":{\"S\":\"Hello\"}}},"
    "\"history\":{\"L\":[{\"M\":{\"role\":{\"S\":\"user\"},\"text\":{\"S\":\"Hello\"}}},"
    "{\"M\":{\"role\":{\"S\":\"assistant\"},\"text\":{\"S\":\"Hi\"}}}]}}";

static void reading(void)
{
    json_t *item = item_of(whole);
    session_t session;

    session_init(&session, "s");
    OK(session_item_read(&session, item), "an item of ours is read");
    IS(buffer_text(&session.user), "ada", "its user");
    IS(buffer_text(&session.last_message), "Hello", "its last message");
    IS_NUMBER(session.created_at, NOW - apr_time_from_sec(3600) + 123456,
              "a time without a zone is UTC");
    IS_NUMBER(session.updated_at, NOW - apr_time_from_sec(1800) + 500000, "with milliseconds");
    IS_NUMBER(session.expires_at, NOW + apr_time_from_sec(3600), "when it expires");
    IS_NUMBER(session.turns, 3, "its turns");
    IS_NUMBER(session.version, 2, "its version");
    IS_NUMBER(session.history_count, 2, "its history");
    OK(session_item_has_user_data(item), "it has user_data");
    session_free(&session);
    json_release(item);
}

static void looking(void)
{
    json_t *item = item_of(whole);
    apr_time_t expiry = NOW + apr_time_from_sec(3600);

    OK(session_item_is_live(item, NOW), "it is live");
    OK(session_item_is_live(item, expiry - 1), "up to its last second");
    OK(!session_item_is_live(item, expiry), "and then no more");
    OK(session_item_is_open_to(item, "ada") && !session_item_is_open_to(item, "adam") &&
           !session_item_is_open_to(item, NULL),
       "it is open to its user alone");
    OK(session_item_is_claimed(item, NULL, NOW) && session_item_is_claimed(item, "r-2", NOW),
       "it is claimed");
    OK(!session_item_is_claimed(item, "r-1", NOW), "but not for who has the claim");
    OK(!session_item_is_claimed(item, "r-2", NOW + 1000), "nor once that has run out");
    OK(session_item_is_held_by(item, "r-1") && !session_item_is_held_by(item, "r-"), "who has it");
    OK(!session_item_is_live(NULL, NOW) && !session_item_is_claimed(NULL, NULL, NOW) &&
           !session_item_is_held_by(NULL, "r") && !session_item_has_user_data(NULL) &&
           session_item_is_open_to(NULL, NULL),
       "an item that is not there says nothing");
    json_release(item);
    item = item_of("{\"session_id\":{\"S\":\"s\"},\"busy_by\":{\"S\":\"r\"},\"ttl\":{\"N\":\"9\"},"
                   "\"busy_until\":{\"N\":\"9999999999999\"}}");
    OK(!session_item_is_live(item, 0), "a claim alone is no session");
    OK(session_item_is_claimed(item, NULL, NOW), "but a claim");
    json_release(item);
}

static void opening(const char *data, const char *user, int open, const char *what)
{
    json_t *item = item_of(data);

    IS_NUMBER(session_item_is_open_to(item, user), open, what);
    json_release(item);
}

static void owners(void)
{
    opening("{}", "ada", 1, "no user_data: anyone's");
    opening("{\"user_data\":{\"S\":\"x\"}}", "ada", 1, "user_data of another type");
    opening("{\"user_data\":{\"M\":{}}}", NULL, 1, "no user_id");
    opening("{\"user_data\":{\"M\":{\"user_id\":{\"NULL\":true}}}}", NULL, 1, "user_id NULL");
    opening("{\"user_data\":{\"M\":{\"user_id\":{\"S\":\"\"}}}}", "ada", 1, "user_id empty");
    opening("{\"user_data\":{\"M\":{\"user_id\":{\"N\":\"1\"}}}}", "1", 0, "user_id a number");
    opening("{\"user_data\":{\"M\":{\"user_id\":{\"S\":\"a\\u0000\"}}}}", "a", 0,
            "user_id with a NUL is not what stands before it");
}

static void created_is(const char *text, apr_time_t expected)
{
    char json[256];
    session_t session;
    json_t *item;

    (void)snprintf(json, sizeof(json), "{\"created_at\":{\"S\":\"%s\"}}", text);
    item = item_of(json);
    session_init(&session, "s");
    (void)session_item_read(&session, item);
    IS_NUMBER(session.created_at, expected, text);
    session_free(&session);
    json_release(item);
}

static void times(void)
{
    created_is("2026-08-22T10:00:00", NOW);
    created_is("2026-08-22 10:00:00Z", NOW);
    created_is("2026-08-22t10:00:00z", NOW);
    created_is("2026-08-22T10:00:00+00:00", NOW);
    created_is("2026-08-22T12:30:00+02:30", NOW);
    created_is("2026-08-22T05:00:00-05:00", NOW);
    created_is("2026-08-22T10:00:00.5", NOW + 500000);
    created_is("2026-08-22T10:00:00.123456789Z", NOW + 123456);
    created_is("2024-02-29T00:00:00Z", apr_time_from_sec(1709164800));
    created_is("1970-01-01T00:00:01Z", apr_time_from_sec(1));
    created_is("1969-12-31T23:59:59Z", 0);
    created_is("2026-08-22", 0);
    created_is("2026-08-22T10:00", 0);
    created_is("2026-13-22T10:00:00Z", 0);
    created_is("2026-00-22T10:00:00Z", 0);
    created_is("2026-08-00T10:00:00Z", 0);
    created_is("2026-08-22T24:00:00Z", 0);
    created_is("2026-08-22T10:00:00.Z", 0);
    created_is("2026-08-22T10:00:00Zz", 0);
    created_is("2026-08-22T10:00:00+2", 0);
    created_is("2026-08-22T10:00:00+02:0", 0);
    created_is("20260822T100000Z", 0);
    created_is("2026-08-22T10:00:00\\u0000", 0);
    created_is("", 0);
    created_is("yesterday", 0);
}

static void odd(const char *text, const char *what, int64_t turns, size_t messages)
{
    json_t *item = item_of(text);
    session_t session;

    session_init(&session, "s");
    OK(session_item_read(&session, item), what);
    IS_NUMBER(session.turns, turns, "  its turns");
    IS_NUMBER(session.history_count, messages, "  its history");
    IS_NUMBER(session.version, 0, "  its version");
    session_free(&session);
    json_release(item);
}

static void odd_items(void)
{
    odd("{}", "nothing", 1, 0);
    odd("[]", "no item", 1, 0);
    odd("{\"turns\":{\"N\":\"0\"},\"version\":{\"N\":\"-1\"}}", "numbers too small", 1, 0);
    odd("{\"turns\":{\"N\":\"1E+18\"},\"version\":{\"N\":\"1E+18\"}}", "numbers too large", 1, 0);
    odd("{\"turns\":{\"S\":\"2\"},\"version\":{\"S\":\"2\"}}", "numbers that are texts", 1, 0);
    odd("{\"turns\":{\"N\":\"2\"},\"ttl\":{\"N\":\"1E+30\"},\"history\":{\"M\":{}}}",
        "a ttl beyond all times", 2, 0);
    odd("{\"history\":{\"L\":[1,null,{},{\"S\":\"x\"},{\"M\":null},{\"M\":{\"role\":{\"S\":"
        "\"user\"}"
        "}},{\"M\":{\"role\":{\"S\":\"system\"},\"text\":{\"S\":\"x\"}}},"
        "{\"M\":{\"role\":{\"S\":\"assistant\"},\"text\":{\"S\":\"\"}}}]}}",
        "a history of which one element is a message", 1, 1);
}

/* ---- saves ---- */

static void fill(session_t *session, const char *user)
{
    const session_turn_t turn = {.user = user,
                                 .message = "a\"b",
                                 .message_length = 3,
                                 .answer = "c",
                                 .answer_length = 1,
                                 .when = NOW + 123456,
                                 .ttl = apr_time_from_sec(3600),
                                 .history_turns = 5};

    session_init(session, "s");
    (void)session_add_turn(session, &turn);
}

static void own_saves(void)
{
    buffer_t body;
    session_t session;
    json_t *request;
    const json_t *item;

    fill(&session, NULL);
    buffer_init(&body, 10000);
    session_request_create(&body, "t", &session, NOW);
    request = item_of(buffer_text(&body));
    item = json_member(request, "Item");
    OK(session_item_is_save_of(item, &session), "what was saved is known again");
    session.updated_at += 1000;
    OK(!session_item_is_save_of(item, &session), "another time is another save");
    session.updated_at -= 1456;
    OK(session_item_is_save_of(item, &session), "but for what is less than a millisecond");
    session.version = 1;
    OK(!session_item_is_save_of(item, &session), "another version");
    session.version = 0;
    session.turns = 2;
    OK(!session_item_is_save_of(item, &session), "another number of turns");
    session.turns = 1;
    (void)buffer_puts(&session.last_message, "x");
    OK(!session_item_is_save_of(item, &session), "another message");
    json_release(request);
    buffer_free(&body);
    session_free(&session);
}

/* ---- requests ---- */

static const char *expressions;

static int is_used(void *baton, const char *name, const json_t *value)
{
    size_t length = strlen(name);
    const char *at = expressions;

    (void)value;
    while ((at = strstr(at, name)) != NULL) {
        at += length;
        if (strspn(at, "abcdefghijklmnopqrstuvwxyz_") == 0) {
            ++*(int *)baton;
            return 1;
        }
    }
    printf("#   %s is not used\n", name);
    *(int *)baton = -1000;
    return 1;
}

/* DynamoDB refuses names and values that no expression has, and those that are not defined. */
static void request_is_fine(buffer_t *body, const char *what)
{
    static char both[8192];
    json_t *request = item_of(buffer_text(body));
    const char *update = json_member_text(request, "UpdateExpression", NULL);
    const char *condition = json_member_text(request, "ConditionExpression", NULL);
    const json_t *names = json_member(request, "ExpressionAttributeNames");
    const json_t *values = json_member(request, "ExpressionAttributeValues");
    int used = 0;
    int defined = 1;
    char *at;

    OK(!body->failed, what);
    (void)snprintf(both, sizeof(both), "%s %s", update != NULL ? update : "",
                   condition != NULL ? condition : "");
    expressions = both;
    json_each(names, is_used, &used);
    json_each(values, is_used, &used);
    OK(used > 0, "  each of its names and values is used");
    for (at = strpbrk(both, "#:"); at != NULL; at = strpbrk(at, "#:")) {
        char name[64];
        (void)snprintf(name, sizeof(name), "%.*s",
                       (int)(1 + strspn(at + 1, "abcdefghijklmnopqrstuvwxyz_")), at);
        if (!json_has(*at == '#' ? names : values, name)) {
            printf("#   %s is not defined\n", name);
            defined = 0;
        }
        at++;
    }
    OK(defined, "  and each that is used is defined");
    OK(strlen(both) < 4096, "  its expressions are short enough");
    json_release(request);
    buffer_clear(body);
}

static void updates(buffer_t *body, const char *user)
{
    session_t session;
    session_update_t how;
    int i;

    for (i = 0; i < 16; i++) {
        fill(&session, user);
        session.version = i & 1 ? 7 : 0;
        session.history_count = i & 2 ? session.history_count : 0;
        how.has_user_data = (i & 4) != 0;
        how.keep_claim = (i & 8) != 0;
        session_request_update(body, "t", &session, &how, "r", NOW);
        request_is_fine(body, "an update");
        session_free(&session);
    }
}

static void requests(void)
{
    session_asker_t asker = {.request_id = "r\"1", .until = NOW};
    session_t session;
    buffer_t body;

    buffer_init(&body, 100000);
    session_request_get(&body, "t", "s:1");
    IS(buffer_text(&body),
       "{\"TableName\":\"t\",\"Key\":{\"session_id\":{\"S\":\"s:1\"}},\"ConsistentRead\":true}",
       "a consistent read");
    buffer_clear(&body);
    session_request_claim(&body, "t", "s", &asker, NOW);
    request_is_fine(&body, "a claim by nobody known");
    session_request_remove(&body, "t", "s", &asker, NOW);
    request_is_fine(&body, "a removal by nobody known");
    asker.user = "ada";
    session_request_claim(&body, "t", "s", &asker, NOW);
    request_is_fine(&body, "a claim");
    session_request_remove(&body, "t", "s", &asker, NOW);
    request_is_fine(&body, "a removal");
    asker.is_anyone = 1;
    session_request_remove(&body, "t", "s", &asker, NOW);
    request_is_fine(&body, "a removal by anyone");
    session_request_drop(&body, "t", "s", "r");
    request_is_fine(&body, "a claim dropped with its item");
    session_request_unclaim(&body, "t", "s", "r");
    request_is_fine(&body, "a claim given back");
    fill(&session, "ada");
    session_request_create(&body, "t", &session, NOW);
    request_is_fine(&body, "a new session");
    session_free(&session);
    updates(&body, "ada");
    updates(&body, NULL);
    buffer_free(&body);
}

int main(void)
{
    (void)apr_initialize();
    reading();
    looking();
    owners();
    times();
    odd_items();
    own_saves();
    requests();
    return tap_done();
}
