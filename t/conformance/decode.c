/*
 * Decodes event streams read from stdin, each in hexadecimal on a line, and
 * answers with one JSON object a line: {"reason", "messages", "same"}.
 *
 * Each is decoded whole, byte by byte and cut in two at every offset; "same"
 * says whether all outcomes were one. A message is {"headers": [{"name",
 * "type", "value"}], "payload"}; bytes are in base64, integers are integers.
 */
#include "aws/eventstream.h"
#include "base/json.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUTCOME_MAX (64U << 20)

static void put_bytes(json_writer_t *writer, const char *name, const char *bytes, size_t length)
{
    buffer_t text;

    buffer_init(&text, OUTCOME_MAX);
    (void)text_base64_encode(&text, bytes, length);
    json_put_member(writer, name, buffer_text(&text));
    buffer_free(&text);
}

static void put_header(json_writer_t *writer, const eventstream_header_t *header)
{
    json_open(writer, '{');
    json_name(writer, "name");
    json_put_string(writer, header->name, header->name_length);
    json_name(writer, "type");
    json_put_integer(writer, header->type);
    switch (header->type) {
    case EVENTSTREAM_TRUE:
    case EVENTSTREAM_FALSE:
        json_name(writer, "value");
        json_put_boolean(writer, header->type == EVENTSTREAM_TRUE);
        break;
    case EVENTSTREAM_BYTES:
    case EVENTSTREAM_STRING:
    case EVENTSTREAM_UUID: put_bytes(writer, "value", header->value, header->value_length); break;
    default: json_name(writer, "value"); json_put_integer(writer, eventstream_integer(header));
    }
    json_close(writer, '}');
}

static int on_message(void *writer, const eventstream_message_t *message)
{
    eventstream_header_t header;
    size_t at = 0;

    json_open(writer, '{');
    json_name(writer, "headers");
    json_open(writer, '[');
    while (eventstream_next_header(message, &at, &header)) {
        put_header(writer, &header);
    }
    json_close(writer, ']');
    put_bytes(writer, "payload", message->payload, message->payload_length);
    json_close(writer, '}');
    return 1;
}

/* Feeds the first `cut` bytes and the rest; `step` bytes at a time. */
static void decode(buffer_t *outcome, const char *bytes, size_t length, size_t cut, size_t step)
{
    eventstream_t stream;
    json_writer_t writer;
    size_t at = 0;

    buffer_clear(outcome);
    json_write_to(&writer, outcome);
    json_open(&writer, '{');
    json_name(&writer, "messages");
    json_open(&writer, '[');
    eventstream_init(&stream, EVENTSTREAM_MAX_MESSAGE, on_message, &writer);
    while (at < length) {
        size_t end = at < cut ? cut : length;
        size_t piece = end - at < step ? end - at : step;
        (void)eventstream_feed(&stream, bytes + at, piece);
        at += piece;
    }
    json_close(&writer, ']');
    json_put_member(&writer, "reason", eventstream_reason(eventstream_finish(&stream)));
    eventstream_free(&stream);
}

static void answer(const char *bytes, size_t length)
{
    buffer_t whole;
    buffer_t other;
    size_t cut;
    int same;

    buffer_init(&whole, OUTCOME_MAX);
    buffer_init(&other, OUTCOME_MAX);
    decode(&whole, bytes, length, length, length);
    decode(&other, bytes, length, length, 1);
    same = strcmp(whole.data, other.data) == 0;
    for (cut = 0; cut < length && same; cut++) {
        decode(&other, bytes, length, cut, length);
        same = strcmp(whole.data, other.data) == 0;
    }
    printf("%s,\"same\":%s}\n", whole.data, same ? "true" : "false");
    buffer_free(&whole);
    buffer_free(&other);
}

static size_t read_hex(char *bytes, const char *line)
{
    size_t length = 0;
    char pair[3] = "";
    char *end;

    for (; line[0] != '\0' && line[1] != '\0'; line += 2) {
        memcpy(pair, line, 2);
        bytes[length] = (char)strtoul(pair, &end, 16);
        if (end != pair + 2) {
            break;
        }
        length++;
    }
    return length;
}

int main(void)
{
    char *line = NULL;
    size_t capacity = 0;

    (void)setvbuf(stdout, NULL, _IOLBF, 0); /* an answer for each question, also to a pipe */
    while (getline(&line, &capacity, stdin) > 0) {
        char *bytes = malloc(strlen(line) / 2 + 1);
        if (bytes == NULL) {
            return 1;
        }
        answer(bytes, read_hex(bytes, line));
        free(bytes);
    }
    free(line);
    return 0;
}
