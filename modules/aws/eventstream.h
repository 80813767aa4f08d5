/*
 * Decoder of application/vnd.amazon.eventstream.
 *
 * Bytes go in as they come, in any pieces; whole messages whose checksums are
 * right come out. What it gives does not depend on how the input was cut. The
 * first wrong byte ends the stream: there is no way to find the next message.
 * Format: Smithy specification, "Amazon Event Stream". One thread at a time.
 */
#ifndef AWS_EVENTSTREAM_H
#define AWS_EVENTSTREAM_H

#include "base/buffer.h"

#include <stddef.h>
#include <stdint.h>

typedef enum {
    EVENTSTREAM_OK,
    EVENTSTREAM_TRUNCATED, /* eventstream_finish() inside a message */
    EVENTSTREAM_BAD_PRELUDE_CRC,
    EVENTSTREAM_BAD_MESSAGE_CRC,
    EVENTSTREAM_BAD_LENGTH, /* lengths that contradict each other */
    EVENTSTREAM_TOO_LONG,   /* over the limit given */
    EVENTSTREAM_BAD_HEADER, /* a header that passes its block, has no name, an unknown type,
                               or a name twice */
    EVENTSTREAM_OUT_OF_MEMORY,
    EVENTSTREAM_STOPPED /* the visitor returned 0 */
} eventstream_status_e;

typedef enum {
    EVENTSTREAM_TRUE,
    EVENTSTREAM_FALSE,
    EVENTSTREAM_INT8,
    EVENTSTREAM_INT16,
    EVENTSTREAM_INT32,
    EVENTSTREAM_INT64,
    EVENTSTREAM_BYTES,
    EVENTSTREAM_STRING,
    EVENTSTREAM_TIMESTAMP, /* milliseconds since 1970 */
    EVENTSTREAM_UUID
} eventstream_type_e;

/* One header; pointers are into the message. */
typedef struct {
    const char *name;
    size_t name_length;
    eventstream_type_e type;
    const char *value; /* the raw bytes, big-endian for numbers */
    size_t value_length;
} eventstream_header_t;

/* One message; valid until the visitor returns. */
typedef struct {
    const char *headers; /* the raw block: eventstream_next_header() walks it */
    size_t headers_length;
    const char *payload;
    size_t payload_length;
} eventstream_message_t;

/* Called for each whole message; 0 ends decoding with EVENTSTREAM_STOPPED. */
typedef int (*eventstream_visit_fn)(void *baton, const eventstream_message_t *message);

typedef struct eventstream_t {
    buffer_t bytes;     /* the message being gathered */
    size_t wanted;      /* its length once the prelude is in, else 12 */
    size_t max_message; /* bytes */
    eventstream_status_e status;
    eventstream_visit_fn visit;
    void *baton;
} eventstream_t;

/* Largest message AWS allows: 24 MB of payload, 128 KB of headers and the framing. */
#define EVENTSTREAM_MAX_MESSAGE (25165824 + 131072 + 16)

/* Makes a decoder; it allocates as messages need, never more than `max_message`, and nothing from a
 * length whose checksum was not right. */
void eventstream_init(eventstream_t *stream, size_t max_message, eventstream_visit_fn visit,
                      void *baton);

/* Frees what it holds. */
void eventstream_free(eventstream_t *stream);

/* Decodes the next bytes. Once it returned anything but EVENTSTREAM_OK it stays there. */
eventstream_status_e eventstream_feed(eventstream_t *stream, const char *bytes, size_t length);

/* Says that the body has ended: EVENTSTREAM_TRUNCATED when that was inside a message. */
eventstream_status_e eventstream_finish(eventstream_t *stream);

/* For the log: what the status means. */
const char *eventstream_reason(eventstream_status_e status);

/* Walks the headers: `*at` starts at 0. 1 and the header, or 0 at the end. The block was checked
 * before the visitor saw it. */
int eventstream_next_header(const eventstream_message_t *message, size_t *at,
                            eventstream_header_t *header);

/* The value of a string header (type 7), or NULL. Not NUL-terminated. */
const char *eventstream_text_header(const eventstream_message_t *message, const char *name,
                                    size_t *length);

/* A signed integer, or a timestamp, of any width; 0 for other types. */
int64_t eventstream_integer(const eventstream_header_t *header);

#endif
