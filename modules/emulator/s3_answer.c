#include "emulator/s3_answer.h"

#include "base/text.h"
#include "emulator/speech.h"
#include "emulator/xml.h"

#include <apr_time.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XML_TYPE   "application/xml"
#define ERROR_MAX  (128 * 1024)
#define CHUNK_SIZE (16 * 1024) /* of an object whose sending is to be disturbed */
#define HOST_ID    "ZW11bGF0b3I="
#define RANGE_MAX  64
#define CRC32_SIZE 4

/* ---- any answer ---- */

static answer_t *begin(int status, const char *type, char *id)
{
    answer_t *answer = answer_create(status, type);

    if (answer != NULL) {
        if (!text_uuid4(id)) {
            id[0] = '\0';
        }
        answer_header(answer, "x-amz-request-id", id);
        answer_header(answer, "x-amz-id-2", HOST_ID);
    }
    return answer;
}

answer_t *s3_answer_begin(int status)
{
    char id[TEXT_UUID_LENGTH + 1];

    return begin(status, NULL, id);
}

answer_t *s3_answer_xml(const buffer_t *xml)
{
    char id[TEXT_UUID_LENGTH + 1];
    answer_t *answer = begin(200, XML_TYPE, id);

    if (answer != NULL) {
        answer->failed |= xml->failed;
        answer_send(answer, buffer_text(xml), xml->length);
    }
    return answer;
}

/* Source: API Reference, "Error responses". */
static const struct {
    const char *code;
    const char *own; /* S3's name, NULL: the same */
    int status;
} codes[] = {{"IncompleteSignatureException", "AuthorizationHeaderMalformed", 400},
             {"UnrecognizedClientException", "InvalidAccessKeyId", 403},
             {"InvalidSignatureException", "SignatureDoesNotMatch", 403},
             {"MissingAuthenticationTokenException", "AccessDenied", 403},
             {"ExpiredTokenException", "ExpiredToken", 400},
             {"XAmzContentSHA256Mismatch", NULL, 400},
             {"MissingContentLength", NULL, 411},
             {"InvalidRequest", NULL, 400}};

/* What the check of signatures says of a clock that is off has a name of its own. */
static int is_skew(const char *code, const char *message)
{
    return strcmp(code, "InvalidSignatureException") == 0 &&
           (strncmp(message, "Signature expired", 17) == 0 ||
            strncmp(message, "Signature not yet", 17) == 0);
}

answer_t *s3_answer_error(int status, const char *code, const char *message)
{
    char id[TEXT_UUID_LENGTH + 1];
    answer_t *answer;
    buffer_t body;
    size_t i;

    code = is_skew(code, message) ? "RequestTimeTooSkewed" : code;
    for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (strcmp(codes[i].code, code) == 0) {
            status = codes[i].status;
            code = codes[i].own != NULL ? codes[i].own : code;
            break;
        }
    }
    answer = begin(status, XML_TYPE, id);
    if (answer == NULL) {
        return NULL;
    }
    buffer_init(&body, ERROR_MAX);
    (void)buffer_puts(&body, XML_DECLARATION);
    xml_open(&body, "Error");
    xml_put(&body, "Code", code);
    xml_put(&body, "Message", message);
    xml_put(&body, "RequestId", id);
    xml_put(&body, "HostId", HOST_ID);
    xml_close(&body, "Error");
    answer_send(answer, buffer_text(&body), body.length);
    buffer_free(&body);
    return answer;
}

/* ---- objects ---- */

static void put_checksum(answer_t *answer, const s3_object_t *object)
{
    const unsigned char digest[CRC32_SIZE] = {
        (unsigned char)(object->crc32 >> 24), (unsigned char)(object->crc32 >> 16),
        (unsigned char)(object->crc32 >> 8), (unsigned char)object->crc32};
    buffer_t encoded;

    buffer_init(&encoded, RANGE_MAX);
    (void)text_base64_encode(&encoded, digest, sizeof(digest));
    answer_header(answer, "x-amz-checksum-crc32", buffer_text(&encoded));
    answer_header(answer, "x-amz-checksum-type", "FULL_OBJECT");
    buffer_free(&encoded);
}

answer_t *s3_answer_stored(const s3_object_t *object)
{
    answer_t *answer = s3_answer_begin(200);

    if (answer != NULL) {
        answer_header(answer, "ETag", object->etag);
        put_checksum(answer, object);
    }
    return answer;
}

/* "bytes=first-last", either of which may be missing; 0 when it is something else or not there,
 * -1 when it lies outside. */
static int take_range(const char *header, size_t length, size_t *first, size_t *last)
{
    char *end;

    if (header == NULL || strncmp(header, "bytes=", 6) != 0 || strchr(header, ',') != NULL) {
        return 0;
    }
    header += 6;
    *last = length - 1;
    if (*header == '-') {
        size_t count = strtoul(header + 1, &end, 10);
        *first = count < length ? length - count : 0;
        return length > 0 && count > 0 ? 1 : -1;
    }
    *first = strtoul(header, &end, 10);
    if (end == header || *end != '-') {
        return 0;
    }
    if (end[1] != '\0') {
        size_t wanted = strtoul(end + 1, NULL, 10);
        *last = wanted < *last ? wanted : *last;
    }
    return *first < length && *first <= *last ? 1 : -1;
}

static void put_head(answer_t *answer, const s3_object_t *object)
{
    char when[APR_RFC822_DATE_LEN];

    (void)apr_rfc822_date(when, object->modified);
    answer_header(answer, "Last-Modified", when);
    answer_header(answer, "ETag", object->etag);
    answer_header(answer, "Accept-Ranges", "bytes");
    (void)buffer_puts(&answer->headers, object->headers);
}

/* In pieces, when a command wants something between them. */
static void send_bytes(const script_t *script, const char *bytes, size_t length, answer_t *answer)
{
    int disturbed = script_has(script, SCRIPT_CHUNK_DELAY) || script_has(script, SCRIPT_HANG_AFTER);
    size_t most = disturbed ? CHUNK_SIZE : length;
    size_t chunks;

    for (chunks = 0; length > 0; chunks++) {
        size_t piece = length < most ? length : most;
        speech_pause(script, chunks, answer);
        answer_send(answer, bytes, piece);
        bytes += piece;
        length -= piece;
        if (script_has(script, SCRIPT_HANG_AFTER) &&
            chunks + 1 == script_number(script, SCRIPT_HANG_AFTER)) {
            answer_step(answer, ANSWER_HANG, 0);
        }
    }
}

answer_t *s3_answer_object(const http_request_t *request, const script_t *script,
                           const s3_object_t *object)
{
    const char *unless = http_header(request, "if-none-match");
    const char *mode = http_header(request, "x-amz-checksum-mode");
    char content_range[RANGE_MAX * 2];
    size_t first = 0;
    size_t last = 0;
    int ranged = take_range(http_header(request, "range"), object->length, &first, &last);
    int unchanged = unless != NULL && strcmp(unless, object->etag) == 0;
    answer_t *answer;

    if (ranged < 0 && !unchanged) {
        return s3_answer_error(416, "InvalidRange", "The requested range is not satisfiable");
    }
    answer = s3_answer_begin(unchanged ? 304 : ranged ? 206 : 200);
    if (answer == NULL) {
        return NULL;
    }
    put_head(answer, object);
    if (unchanged) {
        return answer;
    }
    if (ranged) {
        (void)snprintf(content_range, sizeof(content_range), "bytes %zu-%zu/%zu", first, last,
                       object->length);
        answer_header(answer, "Content-Range", content_range);
        send_bytes(script, object->bytes + first, last - first + 1, answer);
    } else {
        if (mode != NULL && strcmp(mode, "ENABLED") == 0) {
            put_checksum(answer, object);
        }
        send_bytes(script, object->bytes, object->length, answer);
    }
    return answer;
}
