#include "emulator/cbor.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 32
#define INFINITE  UINT64_MAX /* a length that a break ends */
#define BREAK     0xff

enum { UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE };
enum { FALSE_VALUE = 20, TRUE_VALUE, NULL_VALUE, UNDEFINED_VALUE, HALF = 25, SINGLE, DOUBLE };

/* ---- to JSON ---- */

typedef struct {
    const unsigned char *at;
    const unsigned char *end;
    json_writer_t writer;
    int depth;
} reader_t;

static int read_value(reader_t *reader);

/* The head of an item: its major type, its low five bits, and its argument. */
static int read_head(reader_t *reader, int *major, int *low, uint64_t *argument)
{
    size_t width;
    size_t i;

    if (reader->at == reader->end) {
        return 0;
    }
    *major = *reader->at >> 5;
    *low = *reader->at++ & 0x1f;
    *argument = (uint64_t)*low;
    if (*low < 24) {
        return 1;
    }
    if (*low == 31) {
        *argument = INFINITE;
        return *major == ARRAY || *major == MAP;
    }
    width = (size_t)1 << (*low - 24);
    if (*low > 27 || (size_t)(reader->end - reader->at) < width) {
        return 0;
    }
    *argument = 0;
    for (i = 0; i < width; i++) {
        *argument = *argument << 8 | *reader->at++;
    }
    return 1;
}

static double half_to_double(uint64_t bits)
{
    int exponent = (int)(bits >> 10 & 0x1f);
    double mantissa = (double)(bits & 0x3ff);
    double value;

    if (exponent == 0) {
        value = mantissa * 0x1p-24;
    } else if (exponent != 31) {
        value = (mantissa + 1024) * 0x1p-25 * (double)(1U << exponent);
    } else {
        value = mantissa == 0 ? (double)INFINITY : (double)NAN;
    }
    return bits & 0x8000 ? -value : value;
}

static double to_double(int low, uint64_t bits)
{
    uint32_t half = (uint32_t)bits;
    float single;
    double value;

    if (low == HALF) {
        return half_to_double(bits);
    }
    if (low == SINGLE) {
        memcpy(&single, &half, sizeof(single));
        return (double)single;
    }
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static void put_double(reader_t *reader, double value)
{
    buffer_t text;

    if (isnan(value)) {
        json_put_text(&reader->writer, "NaN");
    } else if (isinf(value)) {
        json_put_text(&reader->writer, value > 0 ? "Infinity" : "-Infinity");
    } else {
        buffer_init(&text, 64);
        (void)buffer_printf(&text, "%.17g", value);
        json_put_raw(&reader->writer, buffer_text(&text), text.length);
        buffer_free(&text);
    }
}

static int read_simple(reader_t *reader, int low, uint64_t argument)
{
    switch (low) {
    case FALSE_VALUE:
    case TRUE_VALUE: json_put_boolean(&reader->writer, low == TRUE_VALUE); return 1;
    case NULL_VALUE:
    case UNDEFINED_VALUE: json_put_null(&reader->writer); return 1;
    case HALF:
    case SINGLE:
    case DOUBLE: put_double(reader, to_double(low, argument)); return 1;
    default: return 0;
    }
}

static int read_text(reader_t *reader, uint64_t length, int is_name)
{
    const char *text = (const char *)reader->at;
    char *copy;

    if (length > (uint64_t)(reader->end - reader->at)) {
        return 0;
    }
    reader->at += length;
    if (!is_name) {
        json_put_string(&reader->writer, text, (size_t)length);
        return 1;
    }
    copy = strndup(text, (size_t)length);
    json_name(&reader->writer, copy != NULL ? copy : "");
    free(copy);
    return 1;
}

/* Whether the collection has ended. */
static int is_over(reader_t *reader, uint64_t length, uint64_t count)
{
    if (length != INFINITE) {
        return count == length;
    }
    if (reader->at < reader->end && *reader->at == BREAK) {
        reader->at++;
        return 1;
    }
    return 0;
}

static int read_name(reader_t *reader)
{
    uint64_t length;
    int major;
    int low;

    return read_head(reader, &major, &low, &length) && major == TEXT &&
           read_text(reader, length, 1);
}

static int read_members(reader_t *reader, int is_map, uint64_t length)
{
    uint64_t count;

    json_open(&reader->writer, is_map ? '{' : '[');
    for (count = 0; !is_over(reader, length, count); count++) {
        if ((is_map && !read_name(reader)) || !read_value(reader)) {
            return 0;
        }
    }
    json_close(&reader->writer, is_map ? '}' : ']');
    return 1;
}

static int read_item(reader_t *reader)
{
    uint64_t argument;
    int major;
    int low;

    if (!read_head(reader, &major, &low, &argument)) {
        return 0;
    }
    switch (major) {
    case UNSIGNED: put_double(reader, (double)argument); return 1;
    case NEGATIVE: put_double(reader, -1.0 - (double)argument); return 1;
    case TEXT: return read_text(reader, argument, 0);
    case ARRAY:
    case MAP: return read_members(reader, major == MAP, argument);
    case TAG: return read_value(reader);
    case SIMPLE: return read_simple(reader, low, argument);
    default: return 0;
    }
}

static int read_value(reader_t *reader)
{
    int good = ++reader->depth <= DEPTH_MAX && read_item(reader);

    reader->depth--;
    return good;
}

int cbor_to_json(const char *bytes, size_t length, buffer_t *out)
{
    reader_t reader = {.at = (const unsigned char *)bytes,
                       .end = (const unsigned char *)bytes + length};

    json_write_to(&reader.writer, out);
    return read_value(&reader) && reader.at == reader.end;
}

/* ---- from JSON ---- */

typedef struct {
    buffer_t *out;
    const char *instant;
} writing_t;

static void put_head(buffer_t *out, int major, uint64_t argument)
{
    unsigned char head[5] = {0};
    size_t length = 1;

    head[0] = (unsigned char)(major << 5);
    if (argument < 24) {
        head[0] |= (unsigned char)argument;
    } else {
        head[0] |= 26;
        head[1] = (unsigned char)(argument >> 24);
        head[2] = (unsigned char)(argument >> 16);
        head[3] = (unsigned char)(argument >> 8);
        head[4] = (unsigned char)argument;
        length = sizeof(head);
    }
    (void)buffer_append(out, head, length);
}

static void put_text(buffer_t *out, const char *text, size_t length)
{
    put_head(out, TEXT, length);
    (void)buffer_append(out, text, length);
}

static void put_number(buffer_t *out, const json_t *value)
{
    unsigned char bytes[9] = {SIMPLE << 5 | DOUBLE};
    json_writer_t writer;
    buffer_t text;
    double number;
    uint64_t bits;
    int i;

    buffer_init(&text, 512);
    json_write_to(&writer, &text);
    json_put_value(&writer, value);
    number = strtod(buffer_text(&text), NULL);
    buffer_free(&text);
    memcpy(&bits, &number, sizeof(bits));
    for (i = 0; i < 8; i++) {
        bytes[i + 1] = (unsigned char)(bits >> (56 - 8 * i));
    }
    (void)buffer_append(out, bytes, sizeof(bytes));
}

static void put_value(const writing_t *writing, const json_t *value);

static int on_member(void *baton, const char *name, const json_t *value)
{
    const writing_t *writing = baton;

    put_text(writing->out, name, strlen(name));
    if (strcmp(name, writing->instant) == 0) {
        put_head(writing->out, TAG, 1);
    }
    put_value(writing, value);
    return 1;
}

static void put_value(const writing_t *writing, const json_t *value)
{
    static const unsigned char open_map = MAP << 5 | 31;
    static const unsigned char end = BREAK;
    size_t length = 0;
    const char *text;
    size_t i;

    switch (json_kind(value)) {
    case JSON_OBJECT:
        (void)buffer_append(writing->out, &open_map, 1);
        json_each(value, on_member, (void *)(uintptr_t)writing);
        (void)buffer_append(writing->out, &end, 1);
        break;
    case JSON_ARRAY:
        put_head(writing->out, ARRAY, json_length(value));
        for (i = 0; i < json_length(value); i++) {
            put_value(writing, json_item(value, i));
        }
        break;
    case JSON_STRING:
        text = json_text(value, &length);
        put_text(writing->out, text, length);
        break;
    case JSON_NUMBER: put_number(writing->out, value); break;
    default: put_head(writing->out, SIMPLE, NULL_VALUE); break;
    }
}

void cbor_from_json(const json_t *value, const char *instant, buffer_t *out)
{
    const writing_t writing = {out, instant};

    put_value(&writing, value);
}
