/*
 * The files that come with a message. Pure; any thread.
 *
 * Agents take five, and 10 MB of them together (API reference of Agents for
 * Amazon Bedrock, InputFile and ByteContentFile).
 */
#ifndef CHAT_REQUEST_FILES_H
#define CHAT_REQUEST_FILES_H

#include "chat/issues.h"

#include <apr_pools.h>

#define REQUEST_FILES_MAX       5
#define REQUEST_FILES_BYTES_MAX ((size_t)10 * 1024 * 1024)

/* Strings are copies in the pool. */
typedef struct {
    const char *name;       /* 1 to 255 characters, no control character and no slash */
    const char *media_type; /* type/subtype */
    const char *data;       /* base64 */
    size_t data_length;
    const char *bytes; /* decoded */
    size_t length;
} request_file_t;

typedef struct {
    request_file_t list[REQUEST_FILES_MAX];
    size_t count;
} request_files_t;

/* Reads the member "files" of a request's body, and adds what is wrong with it to the issues. */
void request_files_take(request_files_t *files, apr_pool_t *pool, const json_t *body,
                        issues_t *issues);

#endif
