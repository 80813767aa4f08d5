/* chat/session_table: what follows from answers that a table gives seldom, or never when all is
 * well: a server of the test's gives them. */
#include "chat/session_table.h"

#include "loop_server.h"

#include <zlib.h>

#define ANSWERS 8
#define TURN    apr_time_from_sec(1767323045)
#define ALWAYS  "9999999999999"

/* In the answers' JSON. */
#define LIVE          "\"created_at\":{\"S\":\"2026-01-02T03:04:05.000Z\"}"
#define OWNED_BY(who) "\"user_data\":{\"M\":{\"user_id\":{\"S\":\"" who "\"}}}"
#define HELD_BY(who)  "\"busy_until\":{\"N\":\"" ALWAYS "\"},\"busy_by\":{\"S\":\"" who "\"}"
#define CHANGED(item) "200 {\"Attributes\":{" item "}}"
#define FOUND(item)   "200 {\"Item\":{" item "}}"
#define DONE          "200 {}"
#define REFUSED       "400 {\"__type\":\"x#ConditionalCheckFailedException\"}"
#define REFUSED_ON(item)                                                                           \
    "400 {\"__type\":\"x#ConditionalCheckFailedException\",\"Item\":{" item "}}"
#define INVALID(why)                                                                               \
    "400 {\"__type\":\"com.amazon.coral.validate#ValidationException\",\"message\":\"" why "\"}"
#define BROKEN "500 {\"__type\":\"x#InternalServerError\"}"

static const char *answers[ANSWERS]; /* in turn: status and body */
static char asked[256];              /* the operations that came; the script's until it has ended */
static call_client_t client;
static const session_store_t *store;
static session_t session;
static session_asker_t asker;
static session_turn_t turn;
static session_operation_t *operation;
static sem_t ended;
static session_end_e end;
static char reason[2048];

/* ---- the table ---- */

static void note_operation(server_t *server)
{
    const char *target = strstr(server_request(server), "DynamoDB_20120810.");
    size_t used = strlen(asked);

    (void)snprintf(asked + used, sizeof(asked) - used, "%s%.*s", used > 0 ? " " : "",
                   (int)strcspn(target + 18, "\r"), target + 18);
}

static void serve(server_t *server)
{
    char head[256];
    int fd;

    while ((fd = server_accept(server)) >= 0) {
        while (server_read(server, fd)) {
            const char *answer = answers[server_requests(server) - 1];
            const char *body = answer + 4;
            note_operation(server);
            (void)snprintf(head, sizeof(head),
                           "HTTP/1.1 %.3s X\r\nx-amz-crc32: %lu\r\nContent-Length: %zu\r\n\r\n",
                           answer, crc32(0, (const Bytef *)body, (uInt)strlen(body)), strlen(body));
            server_write(fd, head);
            server_write(fd, body);
        }
        server_close(server, fd);
    }
}

static void set_up(int port)
{
    static credentials_settings_t settings;
    static endpoint_t endpoint;
    static char url[64];
    const endpoint_options_t options = {.url = url};

    settings.access_key_id = "AKIDEXAMPLE";
    settings.secret_access_key = "secret";
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d", port);
    (void)endpoint_resolve(&endpoint, fixture_pool, endpoint_service("dynamodb"), "us-east-1",
                           &options);
    memset(&client, 0, sizeof(client));
    client.loop = loop;
    client.service = "dynamodb";
    client.endpoint = &endpoint;
    client.credentials = credentials_create(loop, &settings, fixture_pool);
    client.keys = sigv4_keys_create(fixture_pool);
    client.skew.off = 1;
    retry_bucket_fill(&client.bucket, RETRY_BUCKET_TOKENS);
    store = session_table_create(fixture_pool, "t", &client);
}

/* ---- one operation ---- */

static void on_end(void *baton, session_end_e how, const char *why)
{
    (void)baton;
    end = how;
    (void)snprintf(reason, sizeof(reason), "%s", why);
    (void)sem_post(&ended);
}

static const session_owner_t owner = {on_end, NULL};

static void open_it(void *baton)
{
    (void)baton;
    store->open(store, &operation, &session, &asker, &owner);
}

static void save_it(void *baton)
{
    (void)baton;
    store->save(store, &operation, &session, &asker, &turn, &owner);
}

static void release_it(void *baton)
{
    (void)baton;
    store->release(store, &operation, &session, &asker, &owner);
}

static void read_it(void *baton)
{
    (void)baton;
    store->read(store, &operation, &session, &asker, &owner);
}

static void remove_it(void *baton)
{
    (void)baton;
    store->remove(store, &operation, "s-1", &asker, &owner);
}

/* Does it with those answers; then it must have sent those requests, and ended so. */
static void run(void (*start)(void *baton), const char *const *given, const char *requests,
                session_end_e expected, const char *why, const char *what)
{
    server_t *server;

    memcpy(answers, given, sizeof(answers));
    asked[0] = '\0';
    server = server_start(serve);
    (void)sem_init(&ended, 0, 0);
    start_loop();
    set_up(server->port);
    on_loop(start, NULL);
    wait_for(&ended);
    stop_loop();
    server_stop(server);
    IS_NUMBER(end, expected, what);
    IS(asked, requests, "  its requests");
    IS(reason, why, "  its reason");
}

#define RUN(start, requests, expected, why, what, ...)                                             \
    run(start, (const char *const[ANSWERS]){__VA_ARGS__}, requests, expected, why, what)

/* A new session of ada's. */
static void begin(void)
{
    session_init(&session, "s-1");
    asker = (session_asker_t){.user = "ada", .request_id = "r-1", .until = TURN + MS(30000)};
    turn = (session_turn_t){.user = "ada",
                            .message = "Hello",
                            .message_length = 5,
                            .answer = "Hi",
                            .answer_length = 2,
                            .when = TURN,
                            .ttl = apr_time_from_sec(3600),
                            .history_turns = 20};
}

/* One that was loaded, with so many turns. */
static void begin_with(int turns)
{
    begin();
    session.turns = turns;
    session.version = turns;
}

/* ---- opening ---- */

static void opens(void)
{
    begin();
    RUN(open_it, "UpdateItem", SESSION_FORBIDDEN,
        "opening the session: it belongs to somebody else",
        "a server that does not look at the condition opens nobody's session to another",
        CHANGED(LIVE "," OWNED_BY("bob")));
    RUN(open_it, "UpdateItem GetItem", SESSION_BUSY,
        "opening the session: another turn of the session is in flight",
        "a server that does not return the item is asked for it", REFUSED,
        FOUND(LIVE "," HELD_BY("r-2")));
    RUN(open_it, "UpdateItem GetItem UpdateItem", SESSION_OK, "",
        "one that is gone by then is opened anew", REFUSED, DONE, CHANGED(HELD_BY("r-1")));
    RUN(open_it, "UpdateItem GetItem", SESSION_FAILED,
        "opening the session: reading the answer of GetItem: HTTP 400 ValidationException: no",
        "a look that fails", REFUSED, INVALID("no"));
    RUN(open_it, "UpdateItem UpdateItem UpdateItem UpdateItem UpdateItem", SESSION_FAILED,
        "opening the session: the condition failed again and again, and the item does not say why; "
        "are its attributes of the types that they should be?",
        "a refusal without a reason is not asked about for ever", REFUSED_ON(LIVE),
        REFUSED_ON(LIVE), REFUSED_ON(LIVE), REFUSED_ON(LIVE), REFUSED_ON(LIVE));
    session_free(&session);
}

/* ---- saving ---- */

#define SAVED(version)                                                                             \
    LIVE ",\"updated_at\":{\"S\":\"2026-01-02T03:04:05.000Z\"},\"turns\":{\"N\":\"" version        \
         "\"},\"version\":{\"N\":\"" version                                                       \
         "\"},\"user_data\":{\"M\":{\"last_message\":{\"S\":\"Hello\"}}}"
#define OTHER(version)                                                                             \
    LIVE "," OWNED_BY("ada") ",\"turns\":{\"N\":\"" version "\"},\"version\":{\"N\":\"" version    \
                             "\"}"

static void saves_what_it_has_saved(void)
{
    begin();
    RUN(save_it, "PutItem PutItem", SESSION_OK, "",
        "a save whose answer was lost is not made twice", BROKEN, REFUSED_ON(SAVED("1")));
    IS_NUMBER(session.version, 1, "  its version");
    session_free(&session);
    begin_with(1);
    RUN(save_it, "UpdateItem GetItem", SESSION_OK, "", "nor on a server that returns no item",
        REFUSED, FOUND(SAVED("2")));
    IS_NUMBER(session.version, 2, "  its version");
    session_free(&session);
}

static void saves_on_top(void)
{
    begin();
    RUN(save_it, "PutItem UpdateItem", SESSION_OK, "",
        "a session that was not new goes on from what is there", REFUSED_ON(OTHER("3")), DONE);
    IS_NUMBER(session.turns, 4, "  its turns");
    IS_NUMBER(session.version, 4, "  its version");
    session_free(&session);
    begin_with(1);
    RUN(save_it, "UpdateItem UpdateItem UpdateItem UpdateItem UpdateItem", SESSION_FAILED,
        "saving the session: other turns came first again and again; is its version a whole "
        "number?",
        "but not for ever", REFUSED_ON(OTHER("2")), REFUSED_ON(OTHER("3")), REFUSED_ON(OTHER("4")),
        REFUSED_ON(OTHER("5")), REFUSED_ON(OTHER("6")));
    session_free(&session);
}

static void saves_nothing(void)
{
    begin();
    RUN(save_it, "PutItem", SESSION_FORBIDDEN, "saving the session: it belongs to somebody else",
        "a session of somebody else's is not saved to", REFUSED_ON(LIVE "," OWNED_BY("bob")));
    session_free(&session);
    begin_with(1);
    RUN(save_it, "UpdateItem GetItem", SESSION_FAILED,
        "saving the session: the session was removed during the turn; it stays so",
        "nor is one that was removed", REFUSED, DONE);
    session_free(&session);
    begin();
    RUN(save_it, "PutItem PutItem", SESSION_OK, "", "a new one is, once what was there has expired",
        REFUSED_ON(LIVE ",\"ttl\":{\"N\":\"1\"}"), DONE);
    session_free(&session);
}

static void saves_less(void)
{
    begin();
    RUN(save_it, "PutItem PutItem", SESSION_OK, "", "an item that is too large has no history",
        INVALID("Item size has exceeded the maximum allowed size"), DONE);
    IS_NUMBER(session.history_count, 0, "  none is left");
    session_free(&session);
    begin();
    RUN(save_it, "PutItem PutItem", SESSION_FAILED,
        "saving the session: reading the answer of PutItem: HTTP 400 ValidationException: Item "
        "size",
        "without one it is too large for good", INVALID("Item size"), INVALID("Item size"));
    session_free(&session);
    begin();
    RUN(save_it, "PutItem", SESSION_FAILED,
        "saving the session: reading the answer of PutItem: HTTP 400 ValidationException: no",
        "what else is invalid is not sent again", INVALID("no"));
    session_free(&session);
}

/* ---- releasing ---- */

static void releases(void)
{
    begin();
    RUN(release_it, "DeleteItem UpdateItem", SESSION_OK, "",
        "a claim that is not all of its item is taken out of it",
        REFUSED_ON(LIVE "," HELD_BY("r-1")), DONE);
    RUN(release_it, "DeleteItem", SESSION_OK, "", "one that another turn has by now is left",
        REFUSED_ON(LIVE "," HELD_BY("r-2")));
    RUN(release_it, "DeleteItem GetItem", SESSION_OK, "", "so is one that is gone", REFUSED, DONE);
    session_free(&session);
}

/* ---- reading and removing ---- */

static void reads(void)
{
    begin();
    RUN(read_it, "GetItem", SESSION_OK, "", "a look does not mind a turn in flight",
        FOUND(OTHER("2") "," HELD_BY("r-2")));
    session_free(&session);
    asker.will_remove = 1;
    RUN(read_it, "GetItem", SESSION_BUSY,
        "reading the session: another turn of the session is in flight", "a removal does",
        FOUND(OTHER("2") "," HELD_BY("r-2")));
    session_free(&session);
}

static void removes(void)
{
    begin();
    RUN(remove_it, "DeleteItem DeleteItem GetItem", SESSION_OK, "",
        "a removal whose answer was lost was one", BROKEN, REFUSED, DONE);
    RUN(remove_it, "DeleteItem GetItem", SESSION_ABSENT, "", "what is not there is absent", REFUSED,
        DONE);
    RUN(remove_it, "DeleteItem", SESSION_FORBIDDEN,
        "removing the session: it belongs to somebody else", "somebody else's stays",
        REFUSED_ON(LIVE "," OWNED_BY("bob")));
    RUN(remove_it, "DeleteItem", SESSION_BUSY,
        "removing the session: another turn of the session is in flight",
        "so does one with a turn that has just begun", REFUSED_ON(LIVE "," HELD_BY("r-2")));
    RUN(remove_it, "DeleteItem DeleteItem", SESSION_OK, "", "one whose turn has just ended goes",
        REFUSED_ON(LIVE), DONE);
    session_free(&session);
}

/* ---- cancelling ---- */

static void save_and_cancel(void *baton)
{
    save_it(baton);
    store->cancel(operation);
}

static void cancels(void)
{
    begin();
    (void)sem_init(&ended, 0, 0);
    start_loop();
    set_up(1);
    on_loop(save_and_cancel, NULL);
    stop_loop();
    OK(sem_trywait(&ended) != 0, "cancelled, it tells nobody");
    session_free(&session);
}

int main(void)
{
    fixture_begin();
    opens();
    saves_what_it_has_saved();
    saves_on_top();
    saves_nothing();
    saves_less();
    releases();
    reads();
    removes();
    cancels();
    return tap_done();
}
