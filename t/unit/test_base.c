/* base/: buffers with a maximum, strict JSON, the forms of text. */
#include "base/buffer.h"
#include "base/json.h"
#include "base/text.h"

#include "tap.h"

#include <apr_general.h>
#include <stdlib.h>

static void buffers_know_their_maximum(void)
{
    buffer_t buffer;

    buffer_init(&buffer, 10);
    IS(buffer_text(&buffer), "", "an empty buffer is an empty text");
    OK(buffer_puts(&buffer, "0123456789"), "ten bytes fit into ten");
    OK(!buffer_puts(&buffer, "x"), "the eleventh does not");
    OK(buffer.failed, "the failure sticks");
    IS(buffer_text(&buffer), "0123456789", "the content is as before");
    buffer_consume(&buffer, 4);
    IS(buffer_text(&buffer), "456789", "the first bytes can be dropped");
    buffer_clear(&buffer);
    OK(buffer_printf(&buffer, "%d-%s", 7, "a"), "formatted text fits");
    IS(buffer_text(&buffer), "7-a", "formatted text is there");
    buffer_free(&buffer);
}

static const char *parse(const char *text)
{
    json_error_t error;
    json_t *value = json_parse(text, strlen(text), 8, &error);

    json_release(value);
    return error.reason;
}

static void json_is_strict(void)
{
    static const char *const good[] = {"{}",
                                       "[]",
                                       "1",
                                       "-0.5e+3",
                                       "\"a\"",
                                       "null",
                                       "true",
                                       " {\"a\" : [1, 2, {\"b\":null}]} \r\n",
                                       "\"\\ud83d\\ude00\"",
                                       "\"\xf0\x9f\x98\x80\"",
                                       "\"\\u0000\"",
                                       "[[[[[[[1]]]]]]]",
                                       "1E400",
                                       "123456789012345678901234567890"};
    static const char *const bad[] = {"",
                                      " ",
                                      "{",
                                      "[1,]",
                                      "{\"a\":1,}",
                                      "{'a':1}",
                                      "{a:1}",
                                      "NaN",
                                      "Infinity",
                                      "-Infinity",
                                      "nan",
                                      "TRUE",
                                      "True",
                                      "nul",
                                      "01",
                                      "1.",
                                      ".5",
                                      "+1",
                                      "1 2",
                                      "{} x",
                                      "[1}",
                                      "\"a",
                                      "\"\t\"",
                                      "\"\\x\"",
                                      "\"\\u12\"",
                                      "\"\\ud83d\"",
                                      "\"\\ud83dx\"",
                                      "\"\\ude00\"",
                                      "\"\\ud83d\\u0041\"",
                                      "\"\xff\"",
                                      "\"\xc0\x80\"",
                                      "\"\xed\xa0\x80\"",
                                      "// c\n1",
                                      "/* c */1",
                                      "{\"a\" 1}",
                                      "{\"a\":}",
                                      "[1 2]",
                                      "[[[[[[[[[1]]]]]]]]]",
                                      "\x01",
                                      "tru",
                                      "-",
                                      "1e",
                                      "{1:2}",
                                      "[1],",
                                      "{}{}"};
    size_t i;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        IS(parse(good[i]), NULL, good[i]);
    }
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char what[128];
        (void)snprintf(what, sizeof(what), "refused: case %zu", i);
        OK(parse(bad[i]) != NULL, what);
        if (parse(bad[i]) == NULL) {
            printf("#   %s\n", bad[i]);
        }
    }
}

static void json_round_trip(void)
{
    json_error_t error;
    const char *text =
        "{\"a\":\"x\",\"a\":\"\\u0000\\n\",\"n\":12,\"big\":99999999999999999999,\"b\":true,"
        "\"d\":-0.25e1,\"l\":[1,\"z\"],\"z\":null}";
    json_t *value = json_parse(text, strlen(text), 8, &error);
    buffer_t out;
    json_writer_t writer;
    size_t length = 0;
    int64_t number = 0;
    double decimal = 0;
    int truth = 0;

    OK(value != NULL, "an object is parsed");
    OK(memcmp(json_member_text(value, "a", &length), "\0\n", 2) == 0 && length == 2,
       "the last of equal members counts; NULs are kept");
    OK(json_integer(json_member(value, "n"), &number) && number == 12, "an integer");
    OK(!json_integer(json_member(value, "b"), &number), "a boolean is no integer");
    OK(json_decimal(json_member(value, "n"), &decimal) && decimal == 12.0, "a whole number");
    OK(json_decimal(json_member(value, "d"), &decimal) && decimal == -2.5, "and one that is not");
    OK(!json_decimal(json_member(value, "b"), &decimal), "a boolean is none");
    OK(json_boolean(json_member(value, "b"), &truth) && truth, "a boolean");
    OK(json_has(value, "z") && json_member(value, "z") == NULL, "null is there and NULL");
    OK(!json_has(value, "y"), "an absent member is not there");
    IS(json_text(json_item(json_member(value, "l"), 1), NULL), "z", "an item");
    OK(json_item(json_member(value, "l"), 2) == NULL, "no item past the end");
    OK(json_member(NULL, "a") == NULL && json_member(json_member(value, "a"), "a") == NULL,
       "only objects have members");

    buffer_init(&out, 200);
    json_write_to(&writer, &out);
    json_open(&writer, '{');
    json_put_member(&writer, "s", "a\"b\\c\x01\x7f\n/\xc3\xa9");
    json_name(&writer, "l");
    json_open(&writer, '[');
    json_put_integer(&writer, -5);
    json_put_decimal(&writer, 1.25, 1);
    json_put_boolean(&writer, 1);
    json_put_null(&writer);
    json_close(&writer, ']');
    json_name(&writer, "v");
    json_put_value(&writer, json_member(value, "l"));
    json_close(&writer, '}');
    IS(buffer_text(&out),
       "{\"s\":\"a\\\"b\\\\c\\u0001\\u007f\\n/\xc3\xa9\",\"l\":[-5,1.2,true,null],\"v\":[1,\"z\"]}",
       "written with commas and escapes");
    IS(parse(buffer_text(&out)), NULL, "what is written can be read");
    buffer_free(&out);
    json_release(value);
}

static void utf8_is_counted(void)
{
    IS_NUMBER(text_utf8_length("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 10), 4, "four characters");
    OK(text_utf8_length("\xf4\x90\x80\x80", 4) == TEXT_NOT_UTF8, "over U+10FFFF is refused");
    OK(text_utf8_length("\xe2\x82", 2) == TEXT_NOT_UTF8, "a cut character is refused");
    OK(text_utf8_length("\xe0\x80\x80", 3) == TEXT_NOT_UTF8, "an overlong form is refused");
    IS_NUMBER(text_utf8_pending("a\xe2\x82", 3), 2, "two bytes wait for a third");
    IS_NUMBER(text_utf8_pending("a\xf0\x9f\x98", 4), 3, "three bytes wait for a fourth");
    IS_NUMBER(text_utf8_pending("\xe2\x82\xac", 3), 0, "a whole character waits for nothing");
    IS_NUMBER(text_utf8_pending("\x80\x80", 2), 0, "bytes that start nothing wait for nothing");
    IS_NUMBER(text_utf8_pending("\xed\xa0", 2), 0, "a surrogate's start waits for nothing");
}

static void base64_is_strict(void)
{
    static const char *const bad[] = {
        "A", "AA", "AAA", "A===", "AA=A", "AB==", "AAB=", "AA==AAAA", "AA A", "AA-_", "===="};
    buffer_t out;
    size_t i;

    buffer_init(&out, 100);
    OK(text_base64_encode(&out, "Hell", 4), "encodes");
    IS(buffer_text(&out), "SGVsbA==", "with padding");
    buffer_clear(&out);
    OK(text_base64_decode(&out, "SGVsbG8=", 8), "decodes");
    IS(buffer_text(&out), "Hello", "the bytes");
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        buffer_clear(&out);
        OK(!text_base64_decode(&out, bad[i], strlen(bad[i])), bad[i]);
    }
    buffer_free(&out);
}

static void ids_and_times(void)
{
    char uuid[TEXT_UUID_LENGTH + 1];
    char other[TEXT_UUID_LENGTH + 1];
    char time[TEXT_RFC3339_LENGTH + 1];
    char hex[7];
    buffer_t out;

    OK(text_uuid4(uuid) && text_uuid4(other), "UUIDs are made");
    OK(strlen(uuid) == 36 && uuid[8] == '-' && uuid[13] == '-' && uuid[14] == '4' &&
           uuid[18] == '-' && strchr("89ab", uuid[19]) != NULL && uuid[23] == '-',
       "of version 4");
    OK(strcmp(uuid, other) != 0, "and differ");
    text_rfc3339(time, 1787396400123456);
    IS(time, "2026-08-22T11:00:00.123Z", "UTC with milliseconds");
    text_hex(hex, (const unsigned char *)"\x00\xab\xff", 3);
    IS(hex, "00abff", "hexadecimal");
    buffer_init(&out, 100);
    OK(text_percent_encode(&out, "a:/ ~\xc3\xa9", 7, "/"), "percent-encodes");
    IS(buffer_text(&out), "a%3A/%20~%C3%A9", "all but the unreserved and what is kept");
    buffer_free(&out);
    OK(text_is_session_id("a.", 2) && text_is_session_id("user:42", 7), "session ids");
    OK(!text_is_session_id("..", 2) && !text_is_session_id("a", 1) &&
           !text_is_session_id("a b", 3) && !text_is_session_id("a\0b", 3),
       "no session ids");
    OK(text_is_request_id("a", 1) && !text_is_request_id("a:b", 3) && !text_is_request_id("", 0),
       "request ids");
}

int main(void)
{
    (void)apr_initialize();
    atexit(apr_terminate);
    buffers_know_their_maximum();
    json_is_strict();
    json_round_trip();
    utf8_is_counted();
    base64_is_strict();
    ids_and_times();
    return tap_done();
}
