/* chat/request and chat/reply: what may be asked, every refusal in Pydantic's words, the bodies. */
#include "chat/reply.h"
#include "chat/request.h"

#include "tap.h"

#include <apr_general.h>
#include <stdlib.h>

static apr_pool_t *pool;

/* NULL when the body is fine, else the issues. */
static const char *refusal_of(const char *body, size_t max_message)
{
    static char text[4096];
    request_t request;
    buffer_t issues;
    int fine;

    buffer_init(&issues, sizeof(text) - 1);
    fine = request_parse(&request, pool, body, strlen(body), max_message, &issues);
    strncpy(text, buffer_text(&issues), sizeof(text) - 1);
    buffer_free(&issues);
    return fine ? NULL : text;
}

static void a_request_is_read(void)
{
    static const char body[] =
        "{\"message\":\"a\\u0000b\",\"session_id\":\"s:1\",\"user_id\":\"u\",\"more\":[1]}";
    request_t request;
    buffer_t issues;

    buffer_init(&issues, 1000);
    OK(request_parse(&request, pool, body, sizeof(body) - 1, 10, &issues), "a request is read");
    IS_NUMBER(request.message_length, 3, "a message may hold a NUL");
    IS(request.session_id, "s:1", "the session");
    IS(request.user_id, "u", "the user");
    IS(buffer_text(&issues), "[]", "no issues");
    buffer_free(&issues);
    IS(refusal_of("{\"message\":\"a\",\"session_id\":null,\"user_id\":null}", 10), NULL,
       "null counts as absent");
    IS(refusal_of("{\"message\":\"\\ud83d\\ude00\\ud83d\\ude00\"}", 2), NULL,
       "characters are code points, not bytes");
}

static void refusals_are_pydantics(void)
{
    static const struct {
        const char *body;
        const char *issues;
    } cases[] = {
        {"",
         "[{\"type\":\"missing\",\"loc\":[\"body\"],\"msg\":\"Field required\",\"input\":null}]"},
        {"null",
         "[{\"type\":\"missing\",\"loc\":[\"body\"],\"msg\":\"Field required\",\"input\":null}]"},
        {"[1]",
         "[{\"type\":\"model_attributes_type\",\"loc\":[\"body\"],\"msg\":\"Input should be a "
         "valid dictionary or object to extract fields from\",\"input\":[1]}]"},
        {"{}", "[{\"type\":\"missing\",\"loc\":[\"body\",\"message\"],\"msg\":\"Field "
               "required\",\"input\":{}}]"},
        {"{\"message\":null}", "[{\"type\":\"string_type\",\"loc\":[\"body\",\"message\"],\"msg\":"
                               "\"Input should be a valid string\",\"input\":null}]"},
        {"{\"message\":7}",
         "[{\"type\":\"string_type\",\"loc\":[\"body\",\"message\"],\"msg\":\"Input "
         "should be a valid string\",\"input\":7}]"},
        {"{\"message\":\"\"}",
         "[{\"type\":\"string_too_short\",\"loc\":[\"body\",\"message\"],\"msg\":\"String should "
         "have "
         "at least 1 character\",\"input\":\"\",\"ctx\":{\"min_length\":1}}]"},
        {"{\"message\":\"123456\"}",
         "[{\"type\":\"string_too_long\",\"loc\":[\"body\",\"message\"],\"msg\":\"String should "
         "have at "
         "most 5 characters\",\"input\":\"123456\",\"ctx\":{\"max_length\":5}}]"},
        {"{\"message\":\"a\",\"session_id\":\"a b\"}",
         "[{\"type\":\"string_pattern_mismatch\",\"loc\":[\"body\",\"session_id\"],\"msg\":"
         "\"String "
         "should match pattern '^[0-9A-Za-z._:-]+$'\",\"input\":\"a "
         "b\",\"ctx\":{\"pattern\":\"^[0-9A-Za-z._:-]+$\"}}]"},
        {"{\"message\":\"a\",\"session_id\":\"x\",\"user_id\":5}",
         "[{\"type\":\"string_too_short\",\"loc\":[\"body\",\"session_id\"],\"msg\":\"String "
         "should "
         "have at least 2 "
         "characters\",\"input\":\"x\",\"ctx\":{\"min_length\":2}},{\"type\":\"string_"
         "type\",\"loc\":[\"body\",\"user_id\"],\"msg\":\"Input should be a valid "
         "string\",\"input\":5}]"},
        {"{\"message\":", "[{\"type\":\"json_invalid\",\"loc\":[\"body\",11],\"msg\":\"JSON decode "
                          "error\",\"input\":{},\"ctx\":{\"error\":\"The text ends too early\"}}]"},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        IS(refusal_of(cases[i].body, 5), cases[i].issues, cases[i].body);
    }
    OK(refusal_of("{\"message\":\"a\",\"session_id\":\"..\"}", 5) != NULL,
       "the session .. is refused");
}

static void json_types_are_known(void)
{
    static const char *const good[] = {
        "application/json", "Application/JSON; charset=UTF-8", "application/vnd.api+json",
        "application/json;charset=\"utf-8\"", "application/json; boundary=x"};
    static const char *const bad[] = {"",
                                      "text/json",
                                      "application/jsonx",
                                      "application/json-patch",
                                      "application/json; charset=latin1",
                                      "application/+",
                                      "application/x-www-form-urlencoded",
                                      "json"};
    size_t i;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        OK(request_is_json_type(good[i]), good[i]);
    }
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        OK(!request_is_json_type(bad[i]), bad[i]);
    }
    OK(!request_is_json_type(NULL), "no Content-Type");
}

static void bodies_are_as_documented(void)
{
    const reply_answer_t answer = {"Hi \"you\"", 8, "s1", -1, 12345, 0};
    buffer_t out;

    buffer_init(&out, 1000);
    reply_write_answer(&out, &answer, 1787396400123456);
    IS(buffer_text(&out),
       "{\"response\":\"Hi "
       "\\\"you\\\"\",\"session_id\":\"s1\",\"timestamp\":\"2026-08-22T11:00:00.123Z\","
       "\"tokens_used\":null,\"processing_time_ms\":12.35}",
       "an answer");
    buffer_clear(&out);
    reply_write_error(&out, REPLY_SESSION_BUSY, "r1", NULL, 1787396400123456);
    IS(buffer_text(&out),
       "{\"error\":\"Another message of this session is still being "
       "answered\",\"error_code\":\"session_busy\",\"timestamp\":\"2026-08-22T11:00:00.123Z\","
       "\"request_"
       "id\":\"r1\",\"detail\":\"Another message of this session is still being answered\"}",
       "an error");
    IS_NUMBER(reply_error(REPLY_UPSTREAM_TIMEOUT)->status, 408, "a status of the table");
    IS_NUMBER(reply_error(REPLY_CLIENT_GONE)->status, 499, "a client that left");
    buffer_free(&out);
}

int main(void)
{
    (void)apr_initialize();
    atexit(apr_terminate);
    (void)apr_pool_create(&pool, NULL);
    a_request_is_read();
    refusals_are_pydantics();
    json_types_are_known();
    bodies_are_as_documented();
    return tap_done();
}
