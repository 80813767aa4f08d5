/*
 * What may be asked: the body of POST /chat, and every reason to refuse it.
 *
 * Refusals have the shape and the words of Pydantic, because client programs
 * of the FastAPI service read them. Pure; any thread.
 */
#ifndef CHAT_REQUEST_H
#define CHAT_REQUEST_H

#include "base/buffer.h"
#include "chat/request_files.h"

#include <apr_pools.h>
#include <stddef.h>

/* A checked request. Strings are NUL-terminated copies in the pool given. */
typedef struct {
    const char *message;
    size_t message_length;  /* bytes; a message may hold NULs */
    const char *session_id; /* NULL: none was given */
    const char *user_id;    /* NULL: none was given */
    int stream;             /* the answer is wanted as it is made */
    request_files_t files;
} request_t;

/* Reads a body. 1 and `*request`; or 0 and in `issues` a JSON array of what is wrong, each
 * {"type","loc","msg","input","ctx"}. `max_message` counts characters, that is code points. */
int request_parse(request_t *request, apr_pool_t *pool, const char *body, size_t length,
                  size_t max_message, buffer_t *issues);

/* Whether a Content-Type is JSON in UTF-8: application/json or …+json, with no other charset. */
int request_is_json_type(const char *content_type);

#endif
