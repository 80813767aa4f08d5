/*
 * The files of one message on their way into a bucket. I/O thread only.
 *
 * Each gets a key that the client cannot choose: the prefix, the session, a
 * random id. All of them are put at once; one that fails ends the others.
 */
#ifndef CHAT_FILES_H
#define CHAT_FILES_H

#include "aws/s3.h"
#include "backend/backend.h"
#include "chat/reply.h"
#include "chat/request_files.h"

/* Where files go. */
typedef struct {
    call_client_t *client; /* of S3 */
    const char *bucket;    /* NULL: nowhere, they go to the backend as bytes */
    const char *prefix;    /* of every key, "" or "uploads/" */
    call_limits_t limits;
} files_settings_t;

typedef struct files_t files_t;

typedef struct {
    /* Exactly once, unless cancelled first, perhaps from within files_start(); the files may be
     * freed then. REPLY_ANSWER: all are there; else what it means for the chat, and the `reason`
     * for the log, phase first. */
    void (*on_end)(void *baton, reply_e reply, const char *reason);
    void *baton;
} files_owner_t;

/* What the backend is told of the files: their bytes, until files_start() has put them into the
 * bucket. NULL when memory is out; freed by files_free(). Worker. */
files_t *files_create(const request_files_t *files);

/* The list for the backend; lives as long as the files. */
const backend_file_t *files_list(const files_t *files, size_t *count);

/* Puts them; the settings live until the end. `deadline` is monotonic. */
void files_start(files_t *files, const files_settings_t *settings, const char *session_id,
                 apr_time_t deadline, const files_owner_t *owner);

/* Ends what is in flight without a callback. */
void files_cancel(files_t *files);

/* Not while they are in flight; NULL is fine. */
void files_free(files_t *files);

#endif
