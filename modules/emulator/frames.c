#include "emulator/frames.h"

#include <stdint.h>
#include <string.h>
#include <zlib.h>

#define HEADER_BLOCK_MAX   4096
#define HEADER_TYPE_STRING 7
#define PRELUDE_BYTES      8
#define CRC_BYTES          4

static void put_uint32(unsigned char *to, uint32_t number)
{
    to[0] = (unsigned char)(number >> 24);
    to[1] = (unsigned char)(number >> 16);
    to[2] = (unsigned char)(number >> 8);
    to[3] = (unsigned char)number;
}

static void append_uint32(buffer_t *out, uint32_t number)
{
    unsigned char bytes[4];

    put_uint32(bytes, number);
    (void)buffer_append(out, bytes, sizeof(bytes));
}

static void append_header(buffer_t *block, const char *name, const char *value)
{
    size_t length = strlen(value);
    unsigned char name_length = (unsigned char)strlen(name);
    unsigned char lead[3] = {HEADER_TYPE_STRING, (unsigned char)(length >> 8),
                             (unsigned char)length};

    (void)buffer_append(block, &name_length, 1);
    (void)buffer_append(block, name, name_length);
    (void)buffer_append(block, lead, sizeof(lead));
    (void)buffer_append(block, value, length);
}

static uint32_t checksum(const char *bytes, size_t length)
{
    return (uint32_t)crc32(0, (const unsigned char *)bytes, (uInt)length);
}

static void append_message(buffer_t *out, const buffer_t *headers, const char *payload,
                           size_t length)
{
    size_t start = out->length;
    size_t total = PRELUDE_BYTES + CRC_BYTES + headers->length + length + CRC_BYTES;

    if (headers->failed || buffer_reserve(out, total) == NULL) {
        out->failed = 1;
        return;
    }
    append_uint32(out, (uint32_t)total);
    append_uint32(out, (uint32_t)headers->length);
    append_uint32(out, checksum(out->data + start, PRELUDE_BYTES));
    (void)buffer_append(out, headers->data, headers->length);
    (void)buffer_append(out, payload, length);
    append_uint32(out, checksum(out->data + start, out->length - start));
}

void frames_event(buffer_t *out, const char *event_type, const char *payload, size_t length)
{
    buffer_t headers;

    buffer_init(&headers, HEADER_BLOCK_MAX);
    append_header(&headers, ":event-type", event_type);
    append_header(&headers, ":content-type", "application/json");
    append_header(&headers, ":message-type", "event");
    append_message(out, &headers, payload, length);
    buffer_free(&headers);
}

void frames_exception(buffer_t *out, const char *exception_type, const char *payload, size_t length)
{
    buffer_t headers;

    buffer_init(&headers, HEADER_BLOCK_MAX);
    append_header(&headers, ":exception-type", exception_type);
    append_header(&headers, ":content-type", "application/json");
    append_header(&headers, ":message-type", "exception");
    append_message(out, &headers, payload, length);
    buffer_free(&headers);
}

void frames_error(buffer_t *out, const char *code, const char *message)
{
    buffer_t headers;

    buffer_init(&headers, HEADER_BLOCK_MAX);
    append_header(&headers, ":error-code", code);
    append_header(&headers, ":error-message", message);
    append_header(&headers, ":message-type", "error");
    append_message(out, &headers, "", 0);
    buffer_free(&headers);
}

void frames_spoil(char *message, size_t length, frames_defect_e defect)
{
    if (defect == FRAMES_BAD_PRELUDE_CRC) {
        message[PRELUDE_BYTES] ^= 0x01;
    } else if (defect == FRAMES_BAD_MESSAGE_CRC) {
        message[length - 1] ^= 0x01;
    }
}
