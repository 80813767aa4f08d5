#include "aws/s3.h"

#include "base/log.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define ADDRESS_MAX 4096 /* a key has up to 1024 bytes */
#define TYPE_MAX    256

/* Of a key that is taken; also what S3 says of a repeated put whose first answer was lost. */
#define TAKEN "PreconditionFailed"

struct s3_put_t {
    s3_owner_t owner;
    call_t *call;
    s3_address_t address;
    call_header_t headers[2];
    buffer_t checksum; /* base64 of the CRC-32 */
    buffer_t type;
};

/* ---- where ---- */

int s3_is_bucket(const char *name)
{
    size_t length = strlen(name);

    return length >= 3 && length <= 63 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == length &&
           strchr(".-", name[0]) == NULL && strchr(".-", name[length - 1]) == NULL &&
           strstr(name, "..") == NULL;
}

int s3_address_make(s3_address_t *address, const endpoint_t *service, const char *bucket,
                    const char *key)
{
    static const char scheme[] = "https://";
    int in_path = service->own || strchr(bucket, '.') != NULL;

    buffer_init(&address->origin, ADDRESS_MAX);
    buffer_init(&address->path, ADDRESS_MAX);
    address->endpoint = *service;
    (void)buffer_puts(&address->path, "/");
    if (in_path) {
        (void)buffer_puts(&address->path, bucket);
        (void)buffer_puts(&address->path, "/");
    } else {
        (void)buffer_printf(&address->origin, "%s%s.%s", scheme, bucket, service->host);
        address->endpoint.origin = buffer_text(&address->origin);
        address->endpoint.host = address->endpoint.origin + strlen(scheme);
    }
    (void)text_percent_encode(&address->path, key, strlen(key), "/");
    return !address->origin.failed && !address->path.failed;
}

void s3_address_free(s3_address_t *address)
{
    buffer_free(&address->origin);
    buffer_free(&address->path);
}

/* ---- one put ---- */

static void release(s3_put_t *put)
{
    s3_address_free(&put->address);
    buffer_free(&put->checksum);
    buffer_free(&put->type);
    free(put);
}

static int on_body(void *baton, const char *bytes, size_t length)
{
    (void)baton;
    (void)bytes;
    (void)length;
    return 1;
}

static void on_end(void *baton, const call_result_t *result)
{
    s3_put_t *put = baton;
    int stored =
        result->end == CALL_OK || (result->retries > 0 && strcmp(result->code, TAKEN) == 0);
    const s3_result_t told = {.stored = stored,
                              .end = stored ? CALL_OK : result->end,
                              .code = result->code,
                              .aws_request_id = result->aws_request_id,
                              .reason = result->reason};

    put->owner.on_end(put->owner.baton, &told);
    release(put);
}

static int write_checksum(buffer_t *out, const char *body, size_t length)
{
    unsigned long crc = crc32_z(0, (const Bytef *)body, length);
    const unsigned char bytes[] = {(unsigned char)(crc >> 24), (unsigned char)(crc >> 16),
                                   (unsigned char)(crc >> 8), (unsigned char)crc};

    return text_base64_encode(out, bytes, sizeof(bytes));
}

/* Nothing but a line of a header. */
static int is_printable(const char *text)
{
    while (*text >= ' ' && *text < 0x7f) {
        text++;
    }
    return *text == '\0';
}

static int prepare(s3_put_t *put, const endpoint_t *service, const s3_object_t *object)
{
    buffer_init(&put->checksum, 16);
    buffer_init(&put->type, TYPE_MAX);
    if (!s3_address_make(&put->address, service, object->bucket, object->key) ||
        !write_checksum(&put->checksum, object->body, object->body_length) ||
        !is_printable(object->content_type) || !buffer_puts(&put->type, object->content_type)) {
        return 0;
    }
    put->headers[0] = (call_header_t){"x-amz-checksum-crc32", put->checksum.data};
    put->headers[1] = (call_header_t){"If-None-Match", "*"};
    return 1;
}

static int start(s3_put_t *put, call_client_t *client, const s3_object_t *object)
{
    const call_owner_t owner = {NULL, on_body, NULL, on_end, put};
    const call_request_t request = {.operation = "PutObject",
                                    .method = "PUT",
                                    .path = put->address.path.data,
                                    .content_type = put->type.data,
                                    .accept = "*/*",
                                    .headers = put->headers,
                                    .header_count = 2,
                                    .endpoint = &put->address.endpoint,
                                    .body = object->body,
                                    .body_length = object->body_length,
                                    .limits = object->limits,
                                    .deadline = object->deadline};

    return call_start(&put->call, client, &request, &owner);
}

int s3_put_start(s3_put_t **started, call_client_t *client, const s3_object_t *object,
                 const s3_owner_t *owner)
{
    s3_put_t *put = calloc(1, sizeof(*put));

    if (put == NULL) {
        log_error("CHAT0220: putting a file into S3: out of memory");
        return 0;
    }
    *started = put;
    put->owner = *owner;
    if (!prepare(put, client->endpoint, object) || !start(put, client, object)) {
        log_error("CHAT0221: putting a file into S3: its key or type is too long or wrong, or "
                  "memory is out");
        release(put);
        return 0;
    }
    return 1;
}

void s3_put_cancel(s3_put_t *put)
{
    call_cancel(put->call);
    release(put);
}
