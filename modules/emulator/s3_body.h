/*
 * The body of an S3 upload: taken out of its aws-chunked coding, and compared
 * with the checksums that came along. Source: S3 API Reference, "Checking
 * object integrity", "Signature calculations: using trailing headers". No
 * state: one thread.
 */
#ifndef EMULATOR_S3_BODY_H
#define EMULATOR_S3_BODY_H

#include "base/buffer.h"
#include "emulator/http_parse.h"

#include <stddef.h>

/* What x-amz-content-sha256 says of a body whose checksum comes behind it. */
#define S3_BODY_TRAILER "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

typedef struct {
    const char *bytes;
    size_t length;
    buffer_t decoded; /* owns them when they were coded */
    const char *code; /* why the body was refused; all are status 400 but one */
    const char *message;
} s3_body_t;

/* 0 and `code` when it is refused. s3_body_free() is due either way. */
int s3_body_take(s3_body_t *body, const http_request_t *request);
void s3_body_free(s3_body_t *body);

#endif
