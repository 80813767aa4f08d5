/*
 * What may be asked through OpenAI's API: the body of POST /v1/chat/completions
 * (OpenAI API reference, "Create chat completion"), and every reason to refuse
 * it. Members that are not read here are ignored. Pure; any thread.
 */
#ifndef CHAT_COMPLETION_REQUEST_H
#define CHAT_COMPLETION_REQUEST_H

#include "backend/backend.h"
#include "base/buffer.h"
#include "chat/reply.h"

#include <apr_pools.h>
#include <stddef.h>

/* What the place where it is asked allows. */
typedef struct {
    const char *model;  /* the one that is there */
    size_t max_message; /* characters, that is code points, of a message of the user's */
    int streams;        /* answers may be streamed */
} completion_rules_t;

/* A checked request. Strings are NUL-terminated copies in the pool given. */
typedef struct {
    const char *model;
    const char *message; /* the last one, the user's; may hold NULs */
    size_t message_length;
    const backend_message_t *history; /* those before it, oldest first */
    size_t history_count;
    const char *user; /* NULL: none was given */
    int stream;
    int include_usage; /* in the stream */
    int max_tokens;    /* 0: none was given */
    int has_temperature;
    double temperature;
} completion_request_t;

/* Reads a body. REPLY_ANSWER and `*request`; or REPLY_VALIDATION_ERROR or REPLY_MODEL_NOT_FOUND and
 * in `problem` the error object that says why. The rules live as long as the request. */
reply_e completion_request_parse(completion_request_t *request, apr_pool_t *pool, const char *body,
                                 size_t length, const completion_rules_t *rules, buffer_t *problem);

#endif
