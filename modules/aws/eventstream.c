#include "aws/eventstream.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define PRELUDE_LENGTH 12 /* total length, headers length, CRC of both */
#define CRC_LENGTH     4
#define FRAMING        (PRELUDE_LENGTH + CRC_LENGTH)
#define NAMES_AT_HAND  16

static uint32_t read_uint32(const char *bytes)
{
    const unsigned char *at = (const unsigned char *)bytes;

    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* ---- headers ---- */

/* Bytes of a value by its type; those of -1 have a length of their own. */
static const signed char widths[] = {
    [EVENTSTREAM_TRUE] = 0,   [EVENTSTREAM_FALSE] = 0,   [EVENTSTREAM_INT8] = 1,
    [EVENTSTREAM_INT16] = 2,  [EVENTSTREAM_INT32] = 4,   [EVENTSTREAM_INT64] = 8,
    [EVENTSTREAM_BYTES] = -1, [EVENTSTREAM_STRING] = -1, [EVENTSTREAM_TIMESTAMP] = 8,
    [EVENTSTREAM_UUID] = 16,
};

/* What is left of a block of headers. */
typedef struct {
    const char *at;
    size_t left;
} block_t;

/* The next `length` bytes, or NULL when the block ends before. */
static const char *take(block_t *block, size_t length)
{
    const char *taken = block->at;

    if (length > block->left) {
        return NULL;
    }
    block->at += length;
    block->left -= length;
    return taken;
}

static int read_value(block_t *block, eventstream_header_t *header)
{
    if (widths[header->type] >= 0) {
        header->value_length = (size_t)widths[header->type];
    } else {
        const unsigned char *length = (const unsigned char *)take(block, 2);
        if (length == NULL) {
            return 0;
        }
        header->value_length = (size_t)(length[0] << 8 | length[1]);
    }
    header->value = take(block, header->value_length);
    return header->value != NULL;
}

/* 0 when what comes next is no header. */
static int read_header(block_t *block, eventstream_header_t *header)
{
    const char *byte = take(block, 1);

    if (byte == NULL || *byte == 0) {
        return 0;
    }
    header->name_length = (unsigned char)*byte;
    header->name = take(block, header->name_length);
    byte = take(block, 1);
    if (header->name == NULL || byte == NULL || (unsigned char)*byte >= sizeof(widths)) {
        return 0;
    }
    header->type = (eventstream_type_e)*byte;
    return read_value(block, header);
}

/* A name in the block starts with its length, so that one pointer says all. */
static int compare_names(const void *left, const void *right)
{
    const unsigned char *a = *(const unsigned char *const *)left;
    const unsigned char *b = *(const unsigned char *const *)right;

    return *a != *b ? *a - *b : memcmp(a + 1, b + 1, *a);
}

static int has_twice(const char **names, size_t count)
{
    size_t i;

    qsort((void *)names, count, sizeof(*names), compare_names);
    for (i = 1; i < count; i++) {
        if (compare_names(&names[i - 1], &names[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

static eventstream_status_e check_names(const char *headers, size_t length, size_t count)
{
    const char *at_hand[NAMES_AT_HAND];
    const char **names = at_hand;
    block_t block = {headers, length};
    eventstream_header_t header;
    eventstream_status_e status;
    size_t i;

    if (count > NAMES_AT_HAND) {
        names = malloc(count * sizeof(*names));
        if (names == NULL) {
            return EVENTSTREAM_OUT_OF_MEMORY;
        }
    }
    for (i = 0; i < count && read_header(&block, &header); i++) {
        names[i] = header.name - 1;
    }
    status = has_twice(names, i) ? EVENTSTREAM_BAD_HEADER : EVENTSTREAM_OK;
    if (names != at_hand) {
        free((void *)names);
    }
    return status;
}

static eventstream_status_e check_headers(const char *headers, size_t length)
{
    block_t block = {headers, length};
    eventstream_header_t header;
    size_t count = 0;

    while (block.left > 0) {
        if (!read_header(&block, &header)) {
            return EVENTSTREAM_BAD_HEADER;
        }
        count++;
    }
    return count > 1 ? check_names(headers, length, count) : EVENTSTREAM_OK;
}

int eventstream_next_header(const eventstream_message_t *message, size_t *at,
                            eventstream_header_t *header)
{
    block_t block = {message->headers + *at, message->headers_length - *at};

    if (!read_header(&block, header)) {
        return 0;
    }
    *at = message->headers_length - block.left;
    return 1;
}

const char *eventstream_text_header(const eventstream_message_t *message, const char *name,
                                    size_t *length)
{
    size_t name_length = strlen(name);
    eventstream_header_t header;
    size_t at = 0;

    while (eventstream_next_header(message, &at, &header)) {
        if (header.name_length == name_length && memcmp(header.name, name, name_length) == 0) {
            *length = header.value_length;
            return header.type == EVENTSTREAM_STRING ? header.value : NULL;
        }
    }
    return NULL;
}

int64_t eventstream_integer(const eventstream_header_t *header)
{
    uint64_t number = 0;
    size_t i;

    if (header->type != EVENTSTREAM_TIMESTAMP &&
        (header->type < EVENTSTREAM_INT8 || header->type > EVENTSTREAM_INT64)) {
        return 0;
    }
    if ((header->value[0] & 0x80) != 0) {
        number = UINT64_MAX; /* the sign goes all the way up */
    }
    for (i = 0; i < header->value_length; i++) {
        number = number << 8 | (unsigned char)header->value[i];
    }
    return (int64_t)number;
}

/* ---- messages ---- */

void eventstream_init(eventstream_t *stream, size_t max_message, eventstream_visit_fn visit,
                      void *baton)
{
    memset(stream, 0, sizeof(*stream));
    buffer_init(&stream->bytes, max_message > FRAMING ? max_message : FRAMING);
    stream->wanted = PRELUDE_LENGTH;
    stream->max_message = max_message;
    stream->visit = visit;
    stream->baton = baton;
}

void eventstream_free(eventstream_t *stream)
{
    buffer_free(&stream->bytes);
}

static uint32_t checksum(const char *bytes, size_t length)
{
    return (uint32_t)crc32_z(0, (const Bytef *)bytes, length);
}

/* The lengths may be believed only once their CRC is right. */
static eventstream_status_e read_prelude(eventstream_t *stream, const char *bytes)
{
    size_t total = read_uint32(bytes);

    if (checksum(bytes, 8) != read_uint32(bytes + 8)) {
        return EVENTSTREAM_BAD_PRELUDE_CRC;
    }
    if (total < FRAMING || read_uint32(bytes + 4) > total - FRAMING) {
        return EVENTSTREAM_BAD_LENGTH;
    }
    if (total > stream->max_message) {
        return EVENTSTREAM_TOO_LONG;
    }
    stream->wanted = total;
    return EVENTSTREAM_OK;
}

static eventstream_status_e read_message(const eventstream_t *stream, const char *bytes)
{
    size_t length = stream->wanted;
    eventstream_message_t message;
    eventstream_status_e status;

    if (checksum(bytes, length - CRC_LENGTH) != read_uint32(bytes + length - CRC_LENGTH)) {
        return EVENTSTREAM_BAD_MESSAGE_CRC;
    }
    message.headers = bytes + PRELUDE_LENGTH;
    message.headers_length = read_uint32(bytes + 4);
    message.payload = message.headers + message.headers_length;
    message.payload_length = length - FRAMING - message.headers_length;
    status = check_headers(message.headers, message.headers_length);
    if (status != EVENTSTREAM_OK) {
        return status;
    }
    return stream->visit(stream->baton, &message) ? EVENTSTREAM_OK : EVENTSTREAM_STOPPED;
}

/* Adds to what was gathered until it is what is wanted; 0 when the input ends before. */
static int gather(eventstream_t *stream, block_t *input)
{
    size_t missing = stream->wanted - stream->bytes.length;
    size_t length = missing < input->left ? missing : input->left;

    if (!buffer_append(&stream->bytes, input->at, length)) {
        stream->status = EVENTSTREAM_OUT_OF_MEMORY;
        return 0;
    }
    (void)take(input, length);
    return stream->bytes.length == stream->wanted;
}

/* The bytes wanted next, in the input itself where they are all there; NULL when some are still to
 * come. */
static const char *next_wanted(eventstream_t *stream, block_t *input)
{
    if (stream->bytes.length == 0 && input->left >= stream->wanted) {
        return input->at;
    }
    return gather(stream, input) ? stream->bytes.data : NULL;
}

static void drop_message(eventstream_t *stream, block_t *input)
{
    if (stream->bytes.length == 0) {
        (void)take(input, stream->wanted);
    }
    buffer_clear(&stream->bytes);
    stream->wanted = PRELUDE_LENGTH;
}

eventstream_status_e eventstream_feed(eventstream_t *stream, const char *bytes, size_t length)
{
    block_t input = {bytes, length};
    const char *at;

    while (stream->status == EVENTSTREAM_OK && input.left > 0 &&
           (at = next_wanted(stream, &input)) != NULL) {
        if (stream->wanted == PRELUDE_LENGTH) {
            stream->status = read_prelude(stream, at);
        } else {
            stream->status = read_message(stream, at);
            drop_message(stream, &input);
        }
    }
    return stream->status;
}

eventstream_status_e eventstream_finish(eventstream_t *stream)
{
    if (stream->status == EVENTSTREAM_OK && stream->bytes.length > 0) {
        stream->status = EVENTSTREAM_TRUNCATED;
    }
    return stream->status;
}

const char *eventstream_reason(eventstream_status_e status)
{
    static const char *const reasons[] = {
        [EVENTSTREAM_OK] = "no error",
        [EVENTSTREAM_TRUNCATED] = "the body ended inside a message",
        [EVENTSTREAM_BAD_PRELUDE_CRC] = "the checksum of a message's lengths is wrong",
        [EVENTSTREAM_BAD_MESSAGE_CRC] = "the checksum of a message is wrong",
        [EVENTSTREAM_BAD_LENGTH] = "a message's lengths contradict each other",
        [EVENTSTREAM_TOO_LONG] = "a message is longer than the limit",
        [EVENTSTREAM_BAD_HEADER] = "a message has a malformed header, or one twice",
        [EVENTSTREAM_OUT_OF_MEMORY] = "out of memory for a message",
        [EVENTSTREAM_STOPPED] = "stopped by the receiver",
    };

    return reasons[status];
}
