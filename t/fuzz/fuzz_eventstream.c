/*
 * aws/eventstream: the outcome is the same however the input is cut.
 *
 * The first byte is the size of the pieces; its top bit asks for right
 * checksums, without which no made-up bytes would get past them.
 */
#include "aws/eventstream.h"

#include "fuzz.h"

#include <string.h>
#include <zlib.h>

#define LIMIT 65536

static size_t read_uint32(const uint8_t *at)
{
    return (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
}

static void write_checksum(uint8_t *from, size_t length)
{
    uint32_t sum = (uint32_t)crc32_z(0, from, length);
    size_t i;

    for (i = 0; i < 4; i++) {
        from[length + i] = (uint8_t)(sum >> (24 - 8 * i));
    }
}

static void correct_checksums(uint8_t *bytes, size_t size)
{
    while (size >= 12) {
        size_t total = read_uint32(bytes);
        write_checksum(bytes, 8);
        if (total < 16 || total > size) {
            return;
        }
        write_checksum(bytes, total - 4);
        bytes += total;
        size -= total;
    }
}

static int on_message(void *outcome, const eventstream_message_t *message)
{
    eventstream_header_t header;
    size_t at = 0;
    size_t length = 0;
    size_t seen = 0;

    while (eventstream_next_header(message, &at, &header)) {
        int64_t number = eventstream_integer(&header);
        seen += header.name_length;
        (void)buffer_append(outcome, header.name, header.name_length);
        (void)buffer_append(outcome, header.value, header.value_length);
        (void)buffer_append(outcome, &number, sizeof(number));
    }
    PROMISE(at == message->headers_length && seen <= at);
    (void)eventstream_text_header(message, ":event-type", &length);
    (void)buffer_append(outcome, message->payload, message->payload_length);
    return message->payload_length != 13;
}

static eventstream_status_e decode(buffer_t *outcome, const uint8_t *bytes, size_t size,
                                   size_t step)
{
    eventstream_t stream;
    eventstream_status_e status;

    eventstream_init(&stream, LIMIT, on_message, outcome);
    while (size > 0) {
        size_t length = size < step ? size : step;
        /* Memory of just this size: a read past a piece's end is found. */
        char *piece = malloc(length);
        PROMISE(piece != NULL);
        memcpy(piece, bytes, length);
        (void)eventstream_feed(&stream, piece, length);
        free(piece);
        bytes += length;
        size -= length;
    }
    status = eventstream_finish(&stream);
    PROMISE(eventstream_reason(status) != NULL);
    eventstream_free(&stream);
    return status;
}

static void compare(const uint8_t *bytes, size_t size, size_t step)
{
    buffer_t whole;
    buffer_t pieces;

    buffer_init(&whole, SIZE_MAX / 2);
    buffer_init(&pieces, SIZE_MAX / 2);
    PROMISE(decode(&whole, bytes, size, size) == decode(&pieces, bytes, size, step));
    PROMISE(whole.length == pieces.length);
    PROMISE(memcmp(buffer_text(&whole), buffer_text(&pieces), whole.length) == 0);
    buffer_free(&whole);
    buffer_free(&pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *bytes;

    if (size == 0) {
        return 0;
    }
    bytes = malloc(size);
    PROMISE(bytes != NULL);
    memcpy(bytes, data, size);
    if ((data[0] & 0x80) != 0) {
        correct_checksums(bytes + 1, size - 1);
    }
    compare(bytes + 1, size - 1, (data[0] & 0x7fU) + 1);
    free(bytes);
    return 0;
}
