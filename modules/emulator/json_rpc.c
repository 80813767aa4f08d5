#include "emulator/json_rpc.h"

#include "base/json.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#define CONTENT_TYPE "application/x-amz-json-1.0"
#define CHECKSUM     "x-amz-crc32"
#define CORAL        "com.amazon.coral.service#"
#define CLIENT_ERROR 400
#define FORBIDDEN    403

const char *json_rpc_operation(const http_request_t *request, const char *prefix)
{
    const char *target = http_header(request, "x-amz-target");
    size_t length = strlen(prefix);

    if (strcmp(request->method, "POST") != 0 || strcmp(request->path, "/") != 0 || target == NULL ||
        strncmp(target, prefix, length) != 0) {
        return NULL;
    }
    return target + length;
}

answer_t *json_rpc_answer(int status, const char *body, size_t length)
{
    answer_t *answer = answer_create(status, CONTENT_TYPE);
    char id[TEXT_UUID_LENGTH + 1];

    if (answer == NULL) {
        return NULL;
    }
    if (text_uuid4(id)) {
        answer_header(answer, "x-amzn-RequestId", id);
    }
    answer_send(answer, body, length);
    return answer;
}

void json_rpc_put_checksum(answer_t *answer, int wrong)
{
    uint32_t checksum = (uint32_t)crc32(0, (const unsigned char *)buffer_text(&answer->body),
                                        (uInt)answer->body.length);
    char decimal[16];

    (void)snprintf(decimal, sizeof(decimal), "%u", wrong ? checksum ^ 1U : checksum);
    answer_header(answer, CHECKSUM, decimal);
}

void json_rpc_open_error(buffer_t *out, const char *name_space, const char *type,
                         const char *message)
{
    json_writer_t writer;

    json_write_to(&writer, out);
    json_open(&writer, '{');
    json_name(&writer, "__type");
    (void)buffer_printf(out, "\"%s%s\"", name_space, type);
    (void)buffer_puts(out, ",\"message\":");
    json_write_to(&writer, out);
    json_put_text(&writer, text_utf8_length(message, strlen(message)) != TEXT_NOT_UTF8
                               ? message
                               : "The request is not UTF-8.");
}

static int is_signature_error(const char *type)
{
    static const char *const types[] = {
        "MissingAuthenticationTokenException", "IncompleteSignatureException",
        "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException"};
    size_t i;

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(types[i], type) == 0) {
            return 1;
        }
    }
    return 0;
}

int json_rpc_status(int status, const char *type)
{
    return status == FORBIDDEN && is_signature_error(type) ? CLIENT_ERROR : status;
}

const char *json_rpc_common_space(const char *type)
{
    if (is_signature_error(type) || strcmp(type, "SerializationException") == 0 ||
        strcmp(type, "UnknownOperationException") == 0) {
        return CORAL;
    }
    return strcmp(type, "ValidationException") == 0 ? "com.amazon.coral.validate#" : NULL;
}
