/* aws/attributes and aws/dynamodb: typed values, and one operation on a server of the test's. */
#include "aws/attributes.h"
#include "aws/call_checksum.h"
#include "aws/call_error.h"
#include "aws/dynamodb.h"
#include "base/clock.h"

#include "loop_server.h"

#include <apr_strings.h>
#include <zlib.h>

/* ---- typed values ---- */

static json_t *parse(const char *text)
{
    json_error_t error;
    json_t *value = json_parse(text, strlen(text), ATTRIBUTES_JSON_DEPTH, &error);

    if (error.reason != NULL) {
        printf("Bail out! %s: %s\n", text, error.reason);
        exit(1);
    }
    return value;
}

static void writing(void)
{
    buffer_t out;
    json_writer_t writer;

    buffer_init(&out, 4096);
    json_write_to(&writer, &out);
    json_open(&writer, '{');
    attributes_put_string(&writer, "s", "a\"b\0c", 5);
    attributes_put_text(&writer, "t", "");
    attributes_put_integer(&writer, "n", INT64_MIN);
    attributes_put_bytes(&writer, "b", "\xff\0", 2);
    attributes_put_null(&writer, "x");
    attributes_open_list(&writer, "l");
    attributes_open_map(&writer, NULL);
    attributes_put_integer(&writer, "i", 1);
    attributes_close_map(&writer);
    attributes_put_text(&writer, NULL, "e");
    attributes_close_list(&writer);
    attributes_open_map(&writer, "m");
    attributes_close_map(&writer);
    json_close(&writer, '}');
    IS(buffer_text(&out),
       "{\"s\":{\"S\":\"a\\\"b\\u0000c\"},\"t\":{\"S\":\"\"},"
       "\"n\":{\"N\":\"-9223372036854775808\"},\"b\":{\"B\":\"/wA=\"},\"x\":{\"NULL\":true},"
       "\"l\":{\"L\":[{\"M\":{\"i\":{\"N\":\"1\"}}},{\"S\":\"e\"}]},\"m\":{\"M\":{}}}",
       "values of every type are written");
    buffer_free(&out);
}

static void reading(void)
{
    json_t *item =
        parse("{\"s\":{\"S\":\"a\\u0000b\"},\"b\":{\"B\":\"/wA=\"},\"x\":{\"NULL\":true},"
              "\"y\":{\"NULL\":false},\"m\":{\"M\":{\"i\":{\"N\":\"1\"}}},"
              "\"l\":{\"L\":[{\"M\":{}},{\"S\":\"e\"}]},\"o\":\"S\",\"p\":{},\"q\":null,"
              "\"bad\":{\"B\":\"/wA\"}}");
    size_t length = 0;
    int64_t number = 7;
    buffer_t bytes;

    OK(attributes_string(item, "s", &length) != NULL && length == 3, "a string, with its NUL");
    OK(attributes_string(item, "b", NULL) == NULL && attributes_string(item, "o", NULL) == NULL &&
           attributes_string(item, "p", NULL) == NULL &&
           attributes_string(item, "none", NULL) == NULL &&
           attributes_string(NULL, "s", NULL) == NULL,
       "what is none");
    OK(attributes_has(item, "x") && !attributes_has(item, "none") && !attributes_has(NULL, "x"),
       "an attribute is there, or not");
    OK(attributes_is_null(item, "x") && !attributes_is_null(item, "y") &&
           !attributes_is_null(item, "s"),
       "NULL is so only when it is true");
    OK(attributes_integer(attributes_map(item, "m"), "i", &number) && number == 1,
       "a number within a map");
    OK(attributes_map(item, "l") == NULL && attributes_list(item, "m") == NULL,
       "a list is no map, nor the other way");
    OK(json_length(attributes_list(item, "l")) == 2 &&
           attributes_map_element(attributes_list(item, "l"), 0) != NULL &&
           attributes_map_element(attributes_list(item, "l"), 1) == NULL &&
           attributes_map_element(attributes_list(item, "l"), 2) == NULL &&
           attributes_map_element(NULL, 0) == NULL,
       "elements of a list that are maps");
    buffer_init(&bytes, 16);
    OK(attributes_bytes(item, "b", &bytes) && bytes.length == 2 && bytes.data[0] == '\xff',
       "a binary");
    OK(!attributes_bytes(item, "bad", &bytes) && !attributes_bytes(item, "s", &bytes),
       "and what is none");
    buffer_free(&bytes);
    json_release(item);
}

static void number_is(const char *text, int fine, int64_t expected)
{
    char json[128];
    int64_t number = 77;
    json_t *item;

    (void)snprintf(json, sizeof(json), "{\"n\":{\"N\":\"%s\"}}", text);
    item = parse(json);
    IS_NUMBER(attributes_integer(item, "n", &number), fine, text);
    IS_NUMBER(number, fine ? expected : 77, fine ? "  its value" : "  and nothing is changed");
    json_release(item);
}

static void numbers(void)
{
    number_is("0", 1, 0);
    number_is("-0", 1, 0);
    number_is("000123", 1, 123);
    number_is("1787400000", 1, 1787400000);
    number_is("-42", 1, -42);
    number_is("+42", 1, 42);
    number_is("12.00", 1, 12);
    number_is("1E+3", 1, 1000);
    number_is("1.5e1", 1, 15);
    number_is("1500E-2", 1, 15);
    number_is("0E9999", 1, 0);
    number_is("0.000E-30", 1, 0);
    number_is("9223372036854775807", 1, INT64_MAX);
    number_is("-9223372036854775808", 1, INT64_MIN);
    number_is("9223372036854775808", 0, 0);
    number_is("-9223372036854775809", 0, 0);
    number_is("1E+19", 0, 0);
    number_is("1E+126", 0, 0);
    number_is("1E-1", 0, 0);
    number_is("12.5", 0, 0);
    number_is("1E99999", 0, 0);
    number_is("1.2.3", 0, 0);
    number_is("", 0, 0);
    number_is(".", 0, 0);
    number_is("-", 0, 0);
    number_is("--1", 0, 0);
    number_is("1E", 0, 0);
    number_is("1E+", 0, 0);
    number_is("1 ", 0, 0);
    number_is(" 1", 0, 0);
    number_is("0x10", 0, 0);
    number_is("NaN", 0, 0);
    number_is("1\\u00002", 0, 0);
    number_is("123456789012345678901234567890123456789", 0, 0);
}

static void checksums(void)
{
    call_checksum_t checksum;

    call_checksum_start(&checksum, NULL);
    call_checksum_add(&checksum, "abc", 3);
    OK(!call_checksum_differs(&checksum), "no header, no checksum");
    call_checksum_start(&checksum, "891568578");
    call_checksum_add(&checksum, "a", 1);
    OK(call_checksum_differs(&checksum), "a part of a body has another");
    call_checksum_add(&checksum, "", 0);
    call_checksum_add(&checksum, "bc", 2);
    OK(!call_checksum_differs(&checksum), "the whole has the right one");
    call_checksum_start(&checksum, "891568578000");
    call_checksum_add(&checksum, "abc", 3);
    OK(call_checksum_differs(&checksum), "one that is too long is wrong");
    call_checksum_start(&checksum, "abc");
    OK(call_checksum_differs(&checksum), "so is one that is no number");
}

/* ---- one operation ---- */

static const char *answers[8]; /* "status|header line|body", in turn */
static call_client_t client;
static dynamodb_t *running;
static sem_t ended;
static int times_ended;
static dynamodb_end_e end;
static char seen[4096]; /* the item's attribute "a", its code, its reason */
static int retries;

static void serve(server_t *server)
{
    char head[512];
    int fd;

    while ((fd = server_accept(server)) >= 0) {
        while (server_read(server, fd)) {
            const char *answer = answers[server_requests(server) - 1];
            const char *line = strchr(answer, '|') + 1;
            const char *body = strchr(line, '|') + 1;
            (void)snprintf(head, sizeof(head), "HTTP/1.1 %.3s X\r\n%.*sContent-Length: %zu\r\n\r\n",
                           answer, (int)(body - line - 1), line, strlen(body));
            server_write(fd, head);
            server_write(fd, body);
        }
        server_close(server, fd);
    }
}

static void on_end(void *baton, const dynamodb_result_t *result)
{
    const char *text = attributes_string(result->item, "a", NULL);

    (void)baton;
    times_ended++;
    end = result->end;
    retries = result->retries;
    (void)snprintf(seen, sizeof(seen), "%s/%s/%s", text != NULL ? text : "-", result->code,
                   result->reason);
    (void)sem_post(&ended);
}

static const char *operation_name;
static size_t body_maximum;

static void start(void *baton)
{
    const dynamodb_owner_t owner = {.on_end = on_end};
    buffer_t body;
    const dynamodb_request_t request = {.operation = operation_name,
                                        .body = &body,
                                        .limits = {.first = apr_time_from_sec(10)},
                                        .deadline = clock_monotonic() + apr_time_from_sec(60)};

    (void)baton;
    buffer_init(&body, body_maximum);
    (void)buffer_puts(&body, "{\"TableName\":\"t\"}");
    dynamodb_start(&running, &client, &request, &owner);
    OK(body.data == NULL, "the body's memory went over");
}

static void set_up(server_t *server)
{
    static credentials_settings_t settings;
    static endpoint_t endpoint;
    static char url[64];
    const endpoint_options_t options = {.url = url};

    settings.access_key_id = "AKIDEXAMPLE";
    settings.secret_access_key = "secret";
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d", server->port);
    (void)endpoint_resolve(&endpoint, fixture_pool, endpoint_service("dynamodb"), "us-east-1",
                           &options);
    client.loop = loop;
    client.service = "dynamodb";
    client.endpoint = &endpoint;
    client.credentials = credentials_create(loop, &settings, fixture_pool);
    client.keys = sigv4_keys_create(fixture_pool);
    client.skew.off = 1;
    retry_bucket_fill(&client.bucket, RETRY_BUCKET_TOKENS);
    (void)sem_init(&ended, 0, 0);
    times_ended = 0;
    operation_name = "GetItem";
    body_maximum = 1024;
}

static const char *with_checksum(const char *body, const char *status)
{
    static char texts[8][1024];
    static int next;
    char *text = texts[next++ % 8];

    (void)snprintf(text, sizeof(texts[0]), "%s|x-amz-crc32: %lu\r\n|%s", status,
                   crc32(0, (const Bytef *)body, (uInt)strlen(body)), body);
    return text;
}

static server_t *begin(void)
{
    server_t *server = server_start(serve);

    start_loop();
    set_up(server);
    return server;
}

static void do_it(void)
{
    on_loop(start, NULL);
    wait_for(&ended);
}

static void finish(server_t *server)
{
    stop_loop();
    server_stop(server);
    IS_NUMBER(times_ended, 1, "the owner was told once");
}

static void succeeds(void)
{
    server_t *server = begin();

    answers[0] = with_checksum("{\"Item\":{\"a\":{\"S\":\"b\"}}}", "200");
    do_it();
    IS_NUMBER(end, DYNAMODB_OK, "an item");
    IS(seen, "b//", "is handed up");
    OK(strstr(server_request(server), "POST / HTTP/1.1\r\n") != NULL &&
           strstr(server_request(server), "X-Amz-Target: DynamoDB_20120810.GetItem\r\n") != NULL &&
           strstr(server_request(server), "Content-Type: application/x-amz-json-1.0\r\n") != NULL,
       "the request's head");
    OK(strstr(server_request(server), "x-amz-target") != NULL, "its target is signed");
    finish(server);
}

static void is_repeated_for_its_checksum(void)
{
    server_t *server = begin();

    operation_name = "UpdateItem";
    answers[0] = "200|x-amz-crc32: 1\r\n|{\"Attributes\":{\"a\":{\"S\":\"wrong\"}}}";
    answers[1] = "400|x-amz-crc32: 1\r\n|{\"__type\":\"x#ConditionalCheckFailedException\"}";
    answers[2] = with_checksum("{\"Attributes\":{\"a\":{\"S\":\"right\"}}}", "200");
    do_it();
    IS_NUMBER(end, DYNAMODB_OK, "answers that are not what was sent are fetched again");
    IS(seen, "right//", "the right one counts");
    IS_NUMBER(retries, 2, "how often it was repeated");
    finish(server);
}

static void never_gets_right(void)
{
    server_t *server = begin();

    answers[0] = answers[1] = answers[2] = answers[3] = "200|x-amz-crc32: 1\r\n|{}";
    do_it();
    IS_NUMBER(end, DYNAMODB_FAILED, "four wrong answers are a failure");
    IS(seen, "-//GetItem: reading the answer: its x-amz-crc32 is not the body's", "the reason");
    finish(server);
}

static void condition_fails(void)
{
    server_t *server = begin();

    operation_name = "PutItem";
    answers[0] = with_checksum("{\"__type\":\"com.amazonaws.dynamodb.v20120810#"
                               "ConditionalCheckFailedException\",\"message\":\"no\","
                               "\"Item\":{\"a\":{\"S\":\"old\"}}}",
                               "400");
    do_it();
    IS_NUMBER(end, DYNAMODB_CONDITION_FAILED, "a condition that failed");
    OK(strncmp(seen, "old/ConditionalCheckFailedException/", 36) == 0, "comes with its item");
    finish(server);
}

static void is_nonsense(const char *answer, const char *reason)
{
    server_t *server = begin();

    answers[0] = answer;
    do_it();
    IS_NUMBER(end, DYNAMODB_FAILED, "nonsense is a failure");
    IS(seen, reason, "the reason");
    finish(server);
}

static void does_not_start(void)
{
    server_t *server = begin();

    body_maximum = 3;
    do_it();
    IS_NUMBER(end, DYNAMODB_FAILED, "a request that is too long");
    IS(seen, "-//starting GetItem: out of memory, or the request is too long", "the reason");
    IS_NUMBER(server_requests(server), 0, "nothing is sent");
    finish(server);
}

static void start_and_cancel(void *baton)
{
    start(baton);
    dynamodb_cancel(running);
}

static void is_cancelled(void)
{
    server_t *server = begin();

    on_loop(start_and_cancel, NULL);
    stop_loop();
    server_stop(server);
    IS_NUMBER(times_ended, 0, "cancelled, it tells nobody");
}

static void deep_errors(void)
{
    char code[CALL_ERROR_CODE_MAX] = "";
    char message[64];
    char body[8192] = "{\"__type\":\"a#Deep\",\"Item\":{\"a\":";
    int i;

    for (i = 0; i < 32; i++) {
        (void)strcat(body, "{\"M\":{\"a\":");
    }
    (void)strcat(body, "{\"S\":\"\"}");
    for (i = 0; i < 32; i++) {
        (void)strcat(body, "}}");
    }
    (void)strcat(body, "}}");
    call_error_read(code, message, sizeof(message), body, strlen(body));
    IS(code, "Deep", "an error with an item as deep as they are is read");
}

int main(void)
{
    fixture_begin();
    writing();
    reading();
    numbers();
    checksums();
    deep_errors();
    succeeds();
    is_repeated_for_its_checksum();
    never_gets_right();
    condition_fails();
    is_nonsense("200|Server: x\r\n|<html>",
                "-//reading the answer of GetItem: it is no JSON object: Expecting value; is the "
                "endpoint DynamoDB's?");
    is_nonsense("200|Server: x\r\n|[]",
                "-//reading the answer of GetItem: it is no JSON object; is the endpoint "
                "DynamoDB's?");
    does_not_start();
    is_cancelled();
    return tap_done();
}
