/*
 * What AWS's error answers say. Pure; any thread.
 */
#ifndef AWS_CALL_ERROR_H
#define AWS_CALL_ERROR_H

#include <stddef.h>

#define CALL_ERROR_CODE_MAX 80

/* "aws.protocols#ThrottlingException:http://…" -> "ThrottlingException", cut at the size of `code`,
 * CALL_ERROR_CODE_MAX (restJson1, awsJson1_0). */
void call_error_code(char *code, const char *text, size_t length);

/* Reads an error's body, JSON or S3's XML: its message into `message`, its code into `code` unless
 * a header gave one already. The body may as well be empty, cut, or a proxy's page: then neither is
 * told. */
void call_error_read(char *code, char *message, size_t message_size, const char *body,
                     size_t length);

/* What an error answer said as one line for the log; code and message may be "". */
void call_error_describe(char *reason, size_t size, const char *operation, int status,
                         const char *code, const char *message);

#endif
