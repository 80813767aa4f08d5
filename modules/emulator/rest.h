/*
 * What the services of the AWS REST-JSON protocol have in common: the request
 * id, and how an error is answered. No state: one thread.
 */
#ifndef EMULATOR_REST_H
#define EMULATOR_REST_H

#include "emulator/answer.h"

#define REST_LABEL_MAX 2304

/* Whether the path is that of the pattern, such as "/model/{}/converse"; each {} is one segment,
 * which comes percent-decoded into the next of the labels. An empty one, a dot segment or one that
 * is too long does not match. */
int rest_match(const char *path, const char *pattern, char labels[][REST_LABEL_MAX]);

/* An answer with `x-amzn-RequestId`; NULL when memory is out. */
answer_t *rest_answer(int status, const char *content_type);

/* An error: its name in X-Amzn-Errortype, its message in the body. */
answer_t *rest_error(int status, const char *type, const char *message);

/* The same with a printf() format. */
answer_t *rest_errorf(int status, const char *type, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The body of an error, as it also stands in an event stream: {"message": ...}. */
void rest_error_body(buffer_t *out, const char *message);

#endif
