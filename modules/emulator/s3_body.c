#include "emulator/s3_body.h"

#include "base/text.h"

#include <apr_md5.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#define CRC32_HEADER "x-amz-checksum-crc32"
#define CRC32_BYTES  4
#define LINE_ROOM    256

static int refuse(s3_body_t *body, const char *code, const char *message)
{
    body->code = code;
    body->message = message;
    return 0;
}

/* ---- checksums ---- */

/* Compares `digest` with its base64 in a header or trailer. */
static int agrees(const char *text, const unsigned char *digest, size_t length, int *is_one)
{
    buffer_t decoded;
    int same;

    buffer_init(&decoded, LINE_ROOM);
    *is_one = text_base64_decode(&decoded, text, strlen(text)) && decoded.length == length;
    same = *is_one && memcmp(decoded.data, digest, length) == 0;
    buffer_free(&decoded);
    return same;
}

static int check_crc32(s3_body_t *body, const char *text)
{
    uint32_t crc = (uint32_t)crc32(0, (const unsigned char *)body->bytes, (uInt)body->length);
    const unsigned char digest[CRC32_BYTES] = {(unsigned char)(crc >> 24),
                                               (unsigned char)(crc >> 16),
                                               (unsigned char)(crc >> 8), (unsigned char)crc};
    int is_one;

    if (text == NULL || agrees(text, digest, sizeof(digest), &is_one)) {
        return 1;
    }
    return is_one ? refuse(body, "BadDigest",
                           "The CRC32 you specified did not match the calculated checksum.")
                  : refuse(body, "InvalidRequest", "Value for " CRC32_HEADER " header is invalid.");
}

static int check_md5(s3_body_t *body, const char *text)
{
    unsigned char digest[APR_MD5_DIGESTSIZE];
    int is_one;

    (void)apr_md5(digest, body->bytes, body->length);
    if (text == NULL || agrees(text, digest, sizeof(digest), &is_one)) {
        return 1;
    }
    return is_one ? refuse(body, "BadDigest",
                           "The Content-MD5 you specified did not match what we received.")
                  : refuse(body, "InvalidDigest", "The Content-MD5 you specified is not valid.");
}

/* ---- the aws-chunked coding ---- */

/* A line up to its CR LF into `line`; what follows it, or NULL. */
static const char *take_line(const char *at, const char *end, char *line)
{
    const char *close = memmem(at, (size_t)(end - at), "\r\n", 2);
    size_t length = close != NULL ? (size_t)(close - at) : LINE_ROOM;

    if (length >= LINE_ROOM) {
        return NULL;
    }
    memcpy(line, at, length);
    line[length] = '\0';
    return close + 2;
}

/* The chunks up to the one of length 0; what follows it, or NULL. */
static const char *take_chunks(s3_body_t *body, const char *at, const char *end)
{
    char line[LINE_ROOM];

    while ((at = take_line(at, end, line)) != NULL) {
        char *rest;
        size_t length = strtoul(line, &rest, 16);
        if (rest == line || (*rest != '\0' && *rest != ';')) {
            return NULL;
        }
        if (length == 0) {
            return at;
        }
        if (length > (size_t)(end - at) || (size_t)(end - at) - length < 2 ||
            memcmp(at + length, "\r\n", 2) != 0 || !buffer_append(&body->decoded, at, length)) {
            return NULL;
        }
        at += length + 2;
    }
    return NULL;
}

/* The trailer that x-amz-trailer announces; only that of CRC-32 is looked at. */
static int take_trailer(s3_body_t *body, const http_request_t *request, const char *at,
                        const char *end)
{
    const char *announced = http_header(request, "x-amz-trailer");
    char line[LINE_ROOM];
    int found = announced == NULL;

    while (at != NULL && at < end && (at = take_line(at, end, line)) != NULL && *line != '\0') {
        char *colon = strchr(line, ':');
        if (colon == NULL) {
            break;
        }
        *colon++ = '\0';
        found |= announced != NULL && strcasecmp(line, announced) == 0;
        if (strcasecmp(line, CRC32_HEADER) == 0 && !check_crc32(body, colon + strspn(colon, " "))) {
            return 0;
        }
    }
    return found || refuse(body, "MalformedTrailerError",
                           "The request contained trailing data that was not well-formed.");
}

static int decode(s3_body_t *body, const http_request_t *request)
{
    const char *end = request->body + request->body_length;
    const char *announced = http_header(request, "x-amz-decoded-content-length");
    const char *behind = take_chunks(body, request->body, end);

    body->bytes = buffer_text(&body->decoded);
    body->length = body->decoded.length;
    if (announced == NULL) {
        return refuse(body, "MissingContentLength",
                      "You must provide the Content-Length HTTP header.");
    }
    if (behind == NULL || strtoull(announced, NULL, 10) != body->length) {
        return refuse(body, "IncompleteBody",
                      "The request body terminated unexpectedly, or is not the length that "
                      "x-amz-decoded-content-length says.");
    }
    return take_trailer(body, request, behind, end);
}

int s3_body_take(s3_body_t *body, const http_request_t *request)
{
    const char *hash = http_header(request, "x-amz-content-sha256");

    memset(body, 0, sizeof(*body));
    buffer_init(&body->decoded, HTTP_BODY_MAX);
    body->bytes = request->body;
    body->length = request->body_length;
    if (hash != NULL && strcmp(hash, S3_BODY_TRAILER) == 0) {
        if (!decode(body, request)) {
            return 0;
        }
    } else if (http_header(request, "content-length") == NULL) {
        return refuse(body, "MissingContentLength",
                      "You must provide the Content-Length HTTP header.");
    }
    return check_crc32(body, http_header(request, CRC32_HEADER)) &&
           check_md5(body, http_header(request, "content-md5"));
}

void s3_body_free(s3_body_t *body)
{
    buffer_free(&body->decoded);
}
