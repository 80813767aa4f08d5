/* aws/eventstream: what a stream of messages says, however its bytes arrive. */
#include "aws/eventstream.h"

#include "tap.h"

#include <stdarg.h>
#include <stdlib.h>
#include <zlib.h>

#define LIMIT 4096

/* ---- making messages ---- */

typedef struct {
    char bytes[2 * LIMIT];
    size_t length;
} wire_t;

static void put(wire_t *wire, const void *bytes, size_t length)
{
    memcpy(wire->bytes + wire->length, bytes, length);
    wire->length += length;
}

static void write_uint32(char *to, uint32_t number)
{
    to[0] = (char)(number >> 24);
    to[1] = (char)(number >> 16);
    to[2] = (char)(number >> 8);
    to[3] = (char)number;
}

static uint32_t checksum(const char *bytes, size_t length)
{
    return (uint32_t)crc32(0, (const Bytef *)bytes, (uInt)length);
}

/* A message whose prelude says what is given, with right checksums. */
static void put_message_saying(wire_t *wire, uint32_t total, uint32_t headers_length,
                               const void *content, size_t length)
{
    char *message = wire->bytes + wire->length;

    write_uint32(message, total);
    write_uint32(message + 4, headers_length);
    write_uint32(message + 8, checksum(message, 8));
    wire->length += 12;
    put(wire, content, length);
    write_uint32(message + 12 + length, checksum(message, 12 + length));
    wire->length += 4;
}

static void put_message(wire_t *wire, const char *headers, size_t headers_length,
                        const char *payload)
{
    wire_t content = {.length = 0};

    put(&content, headers, headers_length);
    put(&content, payload, strlen(payload));
    put_message_saying(wire, (uint32_t)(content.length + 16), (uint32_t)headers_length,
                       content.bytes, content.length);
}

static void put_text_header(wire_t *wire, const char *name, const char *value)
{
    char length[] = {(char)strlen(name), 7, (char)(strlen(value) >> 8), (char)strlen(value)};

    put(wire, length, 1);
    put(wire, name, strlen(name));
    put(wire, length + 1, 3);
    put(wire, value, strlen(value));
}

/* ---- reading them back ---- */

/* All that a stream said, as one text. */
typedef struct {
    char text[8 * LIMIT];
    int messages;
    int stop_after; /* 0: never */
} heard_t;

static void hear(heard_t *heard, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void hear(heard_t *heard, const char *format, ...)
{
    size_t length = strlen(heard->text);
    va_list args;

    va_start(args, format);
    (void)vsnprintf(heard->text + length, sizeof(heard->text) - length, format, args);
    va_end(args);
}

static int on_message(void *baton, const eventstream_message_t *message)
{
    heard_t *heard = baton;
    eventstream_header_t header;
    size_t at = 0;

    while (eventstream_next_header(message, &at, &header)) {
        hear(heard, "%.*s/%d=", (int)header.name_length, header.name, (int)header.type);
        if (header.type == EVENTSTREAM_STRING || header.type == EVENTSTREAM_BYTES ||
            header.type == EVENTSTREAM_UUID) {
            hear(heard, "%.*s;", (int)header.value_length, header.value);
        } else {
            hear(heard, "%lld;", (long long)eventstream_integer(&header));
        }
    }
    hear(heard, "[%.*s]", (int)message->payload_length, message->payload);
    heard->messages++;
    return heard->messages != heard->stop_after;
}

/* Feeds `step` bytes at a time up to `cut`, then the same way from there. */
static eventstream_status_e decode(heard_t *heard, const wire_t *wire, size_t cut, size_t step)
{
    int stop_after = heard->stop_after;
    eventstream_t stream;
    eventstream_status_e status;
    size_t at = 0;

    memset(heard, 0, sizeof(*heard));
    heard->stop_after = stop_after;
    eventstream_init(&stream, LIMIT, on_message, heard);
    while (at < wire->length) {
        size_t end = at < cut ? cut : wire->length;
        size_t length = end - at < step ? end - at : step;
        /* A copy of its own size, so that valgrind sees any read past its end. */
        char *piece = malloc(length);
        memcpy(piece, wire->bytes + at, length);
        (void)eventstream_feed(&stream, piece, length);
        free(piece);
        at += length;
    }
    status = eventstream_finish(&stream);
    eventstream_free(&stream);
    return status;
}

/* One outcome whole, byte by byte, in threes and cut at every offset. */
static int one_outcome(const wire_t *wire, const heard_t *whole, eventstream_status_e status)
{
    heard_t other = {.stop_after = whole->stop_after};
    size_t cut;

    for (cut = 0; cut <= wire->length; cut++) {
        if (decode(&other, wire, cut, wire->length) != status ||
            strcmp(other.text, whole->text) != 0) {
            printf("#   cut at %zu: status %d, heard %s\n", cut, (int)status, other.text);
            return 0;
        }
    }
    return decode(&other, wire, 0, 1) == status && strcmp(other.text, whole->text) == 0 &&
           decode(&other, wire, 0, 3) == status && strcmp(other.text, whole->text) == 0;
}

/* What a stream says, and how it ends. */
static void says(const wire_t *wire, const char *text, eventstream_status_e status,
                 const char *what)
{
    heard_t heard = {.stop_after = 0};

    IS_NUMBER(decode(&heard, wire, wire->length, wire->length), status, what);
    IS(heard.text, text, what);
    OK(one_outcome(wire, &heard, status), "the same however it is cut");
}

/* ---- the contract ---- */

static void messages_of_every_shape(void)
{
    static const char smallest[] =
        "\x00\x00\x00\x10\x00\x00\x00\x00\x05\xc2\x48\xeb\x7d\x98\xc8\xff";
    wire_t wire = {.length = 0};

    says(&wire, "", EVENTSTREAM_OK, "an empty body is a clean end");
    put(&wire, smallest, 16);
    says(&wire, "[]", EVENTSTREAM_OK, "the smallest message, as the specification prints it");
    put_message(&wire, "", 0, "payload");
    says(&wire, "[][payload]", EVENTSTREAM_OK, "a payload without headers");
    put_message(&wire, "\x01n\x00", 3, "");
    says(&wire, "[][payload]n/0=0;[]", EVENTSTREAM_OK, "headers without a payload");
}

static void headers_of_every_type(void)
{
    static const char headers[] = "\x01t\x00"
                                  "\x01"
                                  "f\x01"
                                  "\x04"
                                  "int8\x02\xff"
                                  "\x05"
                                  "int16\x03\x80\x00"
                                  "\x05"
                                  "int32\x04\x7f\xff\xff\xff"
                                  "\x05"
                                  "int64\x05\x80\x00\x00\x00\x00\x00\x00\x00"
                                  "\x05"
                                  "bytes\x06\x00\x03xyz"
                                  "\x04"
                                  "text\x07\x00\x02\xc3\xa9"
                                  "\x04"
                                  "time\x08\x00\x00\x00\x00\x00\x84\x5f\xed"
                                  "\x04"
                                  "uuid\x09"
                                  "0123456789abcdef";
    wire_t wire = {.length = 0};

    put_message(&wire, headers, sizeof(headers) - 1, "p");
    says(&wire,
         "t/0=0;f/1=0;int8/2=-1;int16/3=-32768;int32/4=2147483647;int64/5=-9223372036854775808;"
         "bytes/6=xyz;text/7=\xc3\xa9;time/8=8675309;uuid/9=0123456789abcdef;[p]",
         EVENTSTREAM_OK, "all ten types");
}

static int on_event(void *baton, const eventstream_message_t *message)
{
    int *asked = baton;
    size_t length = 0;
    const char *type = eventstream_text_header(message, ":event-type", &length);

    OK(type != NULL && length == 5 && memcmp(type, "chunk", 5) == 0, "a text header by its name");
    OK(eventstream_text_header(message, ":event-typ", &length) == NULL, "not by a part of it");
    OK(eventstream_text_header(message, ":EVENT-TYPE", &length) == NULL, "nor in another case");
    OK(eventstream_text_header(message, "n", &length) == NULL, "a number is no text");
    OK(eventstream_text_header(message, "b", &length) == NULL, "bytes are no text");
    *asked = 1;
    return 1;
}

static void text_headers_are_found_by_name(void)
{
    wire_t headers = {.length = 0};
    wire_t wire = {.length = 0};
    eventstream_t stream;
    int asked = 0;

    put(&headers,
        "\x01n\x02\x05\x01"
        "b\x06\x00\x01x",
        10);
    put_text_header(&headers, ":content-type", "application/json");
    put_text_header(&headers, ":event-type", "chunk");
    put_message(&wire, headers.bytes, headers.length, "{}");
    eventstream_init(&stream, LIMIT, on_event, &asked);
    IS_NUMBER(eventstream_feed(&stream, wire.bytes, wire.length), EVENTSTREAM_OK, "an event");
    OK(asked, "was seen");
    eventstream_free(&stream);
}

static void malformed(const char *headers, size_t length, const char *what)
{
    wire_t wire = {.length = 0};

    put_message(&wire, "", 0, "before");
    put_message(&wire, headers, length, "never seen");
    put_message(&wire, "", 0, "after");
    says(&wire, "[before]", EVENTSTREAM_BAD_HEADER, what);
}

static void malformed_headers_end_the_stream(void)
{
    malformed("\x00\x00", 2, "a header without a name");
    malformed("\x01", 1, "a block that ends before the name");
    malformed("\x05name", 5, "a block that ends in the name");
    malformed("\x04name", 5, "a block that ends before the type");
    malformed("\x01n\x0a", 3, "an unknown type");
    malformed("\x01n\xff", 3, "an unknown type that would be negative");
    malformed("\x01n\x02", 3, "a block that ends before an int8");
    malformed("\x01n\x05\x00\x00\x00\x00\x00\x00\x00", 10, "a block that ends in an int64");
    malformed("\x01n\x09zzzzzzzzzzzzzzz", 18, "a block that ends in a UUID");
    malformed("\x01n\x07\x00", 4, "a block that ends in a text's length");
    malformed("\x01n\x07\x00\x02x", 6, "a block that ends in a text");
    malformed("\x01n\x06\xff\xffx", 6, "a block that ends long before bytes do");
    malformed("\x01n\x00\x01", 4, "a block that ends after another header's first byte");
}

static void put_numbered_header(wire_t *headers, int number)
{
    char header[8];

    (void)snprintf(header, sizeof(header), "\x03%03d", number);
    header[4] = EVENTSTREAM_TRUE;
    put(headers, header, 5);
}

static void names_are_given_once(void)
{
    wire_t headers = {.length = 0};
    wire_t wire = {.length = 0};
    int i;

    malformed("\x01n\x00\x01n\x00", 6, "a name twice in a row");
    malformed("\x01n\x00\x01m\x00\x01n\x01", 9, "a name twice, another between, another type");
    put_message(&wire, "\x01n\x00\x02nn\x00\x01N\x00", 10, "");
    says(&wire, "n/0=0;nn/0=0;N/0=0;[]", EVENTSTREAM_OK, "names that only look alike");
    for (i = 0; i < 300; i++) {
        put_numbered_header(&headers, i);
    }
    wire.length = 0;
    put_message(&wire, headers.bytes, headers.length, "");
    OK(decode(&(heard_t){.stop_after = 0}, &wire, 0, 1000) == EVENTSTREAM_OK, "300 headers");
    put_numbered_header(&headers, 7);
    wire.length = 0;
    put_message(&wire, headers.bytes, headers.length, "");
    OK(decode(&(heard_t){.stop_after = 0}, &wire, 0, 1000) == EVENTSTREAM_BAD_HEADER,
       "300 headers, and one of them again");
}

static void a_wrong_bit_is_found_wherever_it_is(void)
{
    wire_t right = {.length = 0};
    size_t at;

    put_message(&right, "\x01n\x00", 3, "payload");
    for (at = 0; at < right.length; at++) {
        eventstream_status_e expected =
            at < 12 ? EVENTSTREAM_BAD_PRELUDE_CRC : EVENTSTREAM_BAD_MESSAGE_CRC;
        heard_t heard = {.stop_after = 0};
        wire_t wrong = right;
        char what[64];
        wrong.bytes[at] = (char)(wrong.bytes[at] ^ 0x10);
        (void)snprintf(what, sizeof(what), "a wrong bit in byte %zu", at);
        IS_NUMBER(decode(&heard, &wrong, 0, wrong.length), expected, what);
        OK(heard.messages == 0 && one_outcome(&wrong, &heard, expected),
           "nothing is seen, however it is cut");
    }
}

static void lengths_contradict_each_other(void)
{
    wire_t wire = {.length = 0};

    put_message_saying(&wire, 0, 0, "", 0);
    says(&wire, "", EVENTSTREAM_BAD_LENGTH, "a message of no bytes");
    wire.length = 0;
    put_message_saying(&wire, 15, 0, "", 0);
    says(&wire, "", EVENTSTREAM_BAD_LENGTH, "a message shorter than its framing");
    wire.length = 0;
    put_message_saying(&wire, 20, 5, "\x01n\x00\x00", 4);
    says(&wire, "", EVENTSTREAM_BAD_LENGTH, "headers longer than their message");
    wire.length = 0;
    put_message_saying(&wire, 16, UINT32_MAX, "", 0);
    says(&wire, "", EVENTSTREAM_BAD_LENGTH, "headers of 4 GB in a message of 16 bytes");
}

static void a_message_over_the_limit_is_refused_at_its_prelude(void)
{
    char payload[LIMIT];
    wire_t wire = {.length = 0};
    heard_t heard = {.stop_after = 0};

    memset(payload, 'x', sizeof(payload));
    put_message_saying(&wire, LIMIT, 0, payload, LIMIT - 16);
    IS_NUMBER(decode(&heard, &wire, 0, 100), EVENTSTREAM_OK, "a message of just the limit");
    IS_NUMBER(heard.messages, 1, "is seen");
    wire.length = 0;
    put_message_saying(&wire, LIMIT + 1, 0, "", 0);
    wire.length = 12;
    says(&wire, "", EVENTSTREAM_TOO_LONG, "one byte over the limit");
    wire.length = 0;
    put_message_saying(&wire, UINT32_MAX, 0, "", 0);
    says(&wire, "", EVENTSTREAM_TOO_LONG, "a message of 4 GB");
}

static void a_small_limit_holds_too(void)
{
    wire_t wire = {.length = 0};
    eventstream_t stream;
    heard_t heard = {.stop_after = 0};

    put_message(&wire, "", 0, "");
    eventstream_init(&stream, 0, on_message, &heard);
    (void)eventstream_feed(&stream, wire.bytes, 5);
    IS_NUMBER(eventstream_feed(&stream, wire.bytes + 5, 11), EVENTSTREAM_TOO_LONG,
              "under a limit of nothing, nothing is let in");
    eventstream_free(&stream);
}

static void memory_follows_what_has_come(void)
{
    wire_t wire = {.length = 0};
    eventstream_t stream;
    heard_t heard = {.stop_after = 0};

    put_message_saying(&wire, EVENTSTREAM_MAX_MESSAGE, 0, "", 0);
    eventstream_init(&stream, EVENTSTREAM_MAX_MESSAGE, on_message, &heard);
    IS_NUMBER(eventstream_feed(&stream, wire.bytes, 16), EVENTSTREAM_OK, "24 MB are announced");
    OK(stream.bytes.capacity < LIMIT, "a few bytes are held for the few that came");
    eventstream_free(&stream);
}

static void an_end_inside_a_message_is_a_truncation(void)
{
    wire_t wire = {.length = 0};
    heard_t heard = {.stop_after = 0};
    size_t whole;
    size_t length;
    int truncated = 1;

    put_message(&wire, "", 0, "first");
    whole = wire.length;
    put_message(&wire, "\x01n\x00", 3, "second");
    length = wire.length;
    for (wire.length = whole + 1; wire.length < length; wire.length++) {
        truncated = truncated && decode(&heard, &wire, 0, wire.length) == EVENTSTREAM_TRUNCATED &&
                    one_outcome(&wire, &heard, EVENTSTREAM_TRUNCATED) &&
                    strcmp(heard.text, "[first]") == 0;
    }
    OK(truncated, "cut anywhere inside the second message");
    wire.length = whole;
    says(&wire, "[first]", EVENTSTREAM_OK, "cut between the two is a clean end");
}

static void the_receiver_may_stop(void)
{
    wire_t wire = {.length = 0};
    heard_t heard = {.stop_after = 2};

    put_message(&wire, "", 0, "1");
    put_message(&wire, "", 0, "2");
    put_message(&wire, "", 0, "3");
    IS_NUMBER(decode(&heard, &wire, 0, wire.length), EVENTSTREAM_STOPPED, "stopped");
    IS(heard.text, "[1][2]", "after the second of three");
    OK(one_outcome(&wire, &heard, EVENTSTREAM_STOPPED), "the same however it is cut");
}

static void an_error_is_the_end(void)
{
    wire_t wire = {.length = 0};
    eventstream_t stream;
    heard_t heard = {.stop_after = 0};

    put_message(&wire, "", 0, "right");
    eventstream_init(&stream, LIMIT, on_message, &heard);
    IS_NUMBER(eventstream_feed(&stream, "HTTP/1.1 200", 12), EVENTSTREAM_BAD_PRELUDE_CRC,
              "what is no event stream");
    IS_NUMBER(eventstream_feed(&stream, wire.bytes, wire.length), EVENTSTREAM_BAD_PRELUDE_CRC,
              "nothing after it is read");
    IS_NUMBER(eventstream_finish(&stream), EVENTSTREAM_BAD_PRELUDE_CRC, "the end changes nothing");
    IS_NUMBER(heard.messages, 0, "no message was seen");
    eventstream_free(&stream);
}

static void nothing_is_copied_when_all_is_there(void)
{
    wire_t wire = {.length = 0};
    eventstream_t stream;
    heard_t heard = {.stop_after = 0};

    put_message(&wire, "", 0, "1");
    put_message(&wire, "", 0, "2");
    eventstream_init(&stream, LIMIT, on_message, &heard);
    (void)eventstream_feed(&stream, NULL, 0);
    IS_NUMBER(eventstream_feed(&stream, wire.bytes, wire.length), EVENTSTREAM_OK, "two at once");
    IS(heard.text, "[1][2]", "both are seen");
    OK(stream.bytes.data == NULL, "the decoder has allocated nothing");
    eventstream_free(&stream);
}

static void every_status_has_a_reason(void)
{
    int status;

    for (status = EVENTSTREAM_OK; status <= EVENTSTREAM_STOPPED; status++) {
        const char *reason = eventstream_reason((eventstream_status_e)status);
        OK(reason != NULL && reason[0] != '\0', "a reason");
    }
}

static void other_types_are_no_integers(void)
{
    eventstream_header_t header = {"n", 1, EVENTSTREAM_STRING, "12", 2};

    IS_NUMBER(eventstream_integer(&header), 0, "a text is no integer");
    header.type = EVENTSTREAM_UUID;
    IS_NUMBER(eventstream_integer(&header), 0, "nor is a UUID");
    header.type = EVENTSTREAM_INT16;
    IS_NUMBER(eventstream_integer(&header), 0x3132, "an int16 is");
}

int main(void)
{
    messages_of_every_shape();
    headers_of_every_type();
    text_headers_are_found_by_name();
    malformed_headers_end_the_stream();
    names_are_given_once();
    a_wrong_bit_is_found_wherever_it_is();
    lengths_contradict_each_other();
    a_message_over_the_limit_is_refused_at_its_prelude();
    a_small_limit_holds_too();
    memory_follows_what_has_come();
    an_end_inside_a_message_is_a_truncation();
    the_receiver_may_stop();
    an_error_is_the_end();
    nothing_is_copied_when_all_is_there();
    every_status_has_a_reason();
    other_types_are_no_integers();
    return tap_done();
}
