/* base/json: what is parsed and written again is the same, and any UTF-8 survives as a string. */
#include "base/json.h"
#include "base/text.h"

#include "fuzz.h"

#include <string.h>

#define DEPTH 16

static void write_value(buffer_t *out, const json_t *value)
{
    json_writer_t writer;

    json_write_to(&writer, out);
    json_put_value(&writer, value);
    PROMISE(!out->failed);
}

/* Written, parsed and written again: the same text. */
static void round_trip(const json_t *value)
{
    json_error_t error;
    json_t *again;
    buffer_t first;
    buffer_t second;

    buffer_init(&first, SIZE_MAX / 2);
    buffer_init(&second, SIZE_MAX / 2);
    write_value(&first, value);
    again = json_parse(first.data, first.length, DEPTH, &error);
    PROMISE(error.reason == NULL);
    PROMISE(json_kind(again) == json_kind(value));
    write_value(&second, again);
    PROMISE(strcmp(first.data, second.data) == 0);
    json_release(again);
    buffer_free(&first);
    buffer_free(&second);
}

static void as_a_string(const char *bytes, size_t size)
{
    json_error_t error;
    json_writer_t writer;
    json_t *value;
    const char *text;
    buffer_t out;
    size_t length = 0;

    buffer_init(&out, SIZE_MAX / 2);
    json_write_to(&writer, &out);
    json_put_string(&writer, bytes, size);
    value = json_parse(out.data, out.length, DEPTH, &error);
    text = json_text(value, &length);
    PROMISE(error.reason == NULL && text != NULL && length == size);
    PROMISE(memcmp(text, bytes, size) == 0);
    json_release(value);
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    json_error_t error;
    json_t *value = json_parse(bytes, size, DEPTH, &error);

    if (error.reason == NULL) {
        PROMISE(text_utf8_length(bytes, size) != TEXT_NOT_UTF8);
        round_trip(value);
    } else {
        PROMISE(value == NULL && error.offset <= size);
    }
    json_release(value);
    if (size > 0 && text_utf8_length(bytes, size) != TEXT_NOT_UTF8) {
        as_a_string(bytes, size);
    }
    return 0;
}
