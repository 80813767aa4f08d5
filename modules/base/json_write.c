#include "base/json.h"

#include <string.h>

void json_write_to(json_writer_t *writer, buffer_t *out)
{
    writer->out = out;
    writer->pending_comma = 0;
}

/* Every value but the first in its bracket has a comma before it. */
static void separate(json_writer_t *writer)
{
    if (writer->pending_comma) {
        (void)buffer_append(writer->out, ",", 1);
    }
    writer->pending_comma = 1;
}

void json_open(json_writer_t *writer, char bracket)
{
    separate(writer);
    (void)buffer_append(writer->out, &bracket, 1);
    writer->pending_comma = 0;
}

void json_close(json_writer_t *writer, char bracket)
{
    (void)buffer_append(writer->out, &bracket, 1);
    writer->pending_comma = 1;
}

static void put_escaped(buffer_t *out, unsigned char c)
{
    static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    size_t i;

    for (i = 0; i < sizeof(shorts) - 1; i += 2) {
        if ((unsigned char)shorts[i] == c) {
            const char pair[2] = {'\\', shorts[i + 1]};
            (void)buffer_append(out, pair, 2);
            return;
        }
    }
    (void)buffer_printf(out, "\\u%04x", c);
}

static void put_quoted(buffer_t *out, const char *bytes, size_t length)
{
    size_t from = 0;
    size_t i;

    (void)buffer_append(out, "\"", 1);
    for (i = 0; i < length; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f) {
            continue;
        }
        (void)buffer_append(out, bytes + from, i - from);
        put_escaped(out, c);
        from = i + 1;
    }
    (void)buffer_append(out, bytes + from, length - from);
    (void)buffer_append(out, "\"", 1);
}

void json_name(json_writer_t *writer, const char *name)
{
    separate(writer);
    put_quoted(writer->out, name, strlen(name));
    (void)buffer_append(writer->out, ":", 1);
    writer->pending_comma = 0;
}

void json_put_string(json_writer_t *writer, const char *bytes, size_t length)
{
    separate(writer);
    put_quoted(writer->out, bytes, length);
}

void json_put_text(json_writer_t *writer, const char *text)
{
    if (text == NULL) {
        json_put_null(writer);
        return;
    }
    json_put_string(writer, text, strlen(text));
}

void json_put_integer(json_writer_t *writer, int64_t number)
{
    separate(writer);
    (void)buffer_printf(writer->out, "%lld", (long long)number);
}

void json_put_decimal(json_writer_t *writer, double number, int decimals)
{
    separate(writer);
    (void)buffer_printf(writer->out, "%.*f", decimals, number);
}

void json_put_boolean(json_writer_t *writer, int truth)
{
    separate(writer);
    (void)buffer_puts(writer->out, truth ? "true" : "false");
}

void json_put_null(json_writer_t *writer)
{
    separate(writer);
    (void)buffer_puts(writer->out, "null");
}

void json_put_raw(json_writer_t *writer, const char *text, size_t length)
{
    separate(writer);
    (void)buffer_append(writer->out, text, length);
}

void json_put_member(json_writer_t *writer, const char *name, const char *text)
{
    json_name(writer, name);
    json_put_text(writer, text);
}
