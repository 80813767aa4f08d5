/*
 * Reads files beside the I/O thread: tokens and the shared files. I/O thread.
 */
#ifndef AWS_CREDENTIALS_FILE_H
#define AWS_CREDENTIALS_FILE_H

#include "aws/credentials_source.h"

/* One file. Its content is a secret, and wiped with the fetch's pool. */
typedef struct {
    const char *path;
    size_t maximum;      /* bytes */
    buffer_t *content;   /* whole, or empty */
    apr_status_t status; /* APR_SUCCESS, or why it could not be read */
} credentials_file_t;

/* Reads `count` files, which live until then, and calls `done` exactly once, perhaps from within. A
 * path of NULL is APR_ENOENT. Only regular files are read: anything else might never end. */
void credentials_file_read(const credentials_fetch_t *fetch, credentials_file_t *files,
                           size_t count, void (*done)(void *baton), void *baton);

/* Why a file could not be read, for the log; in the fetch's pool. */
const char *credentials_file_problem(const credentials_fetch_t *fetch,
                                     const credentials_file_t *file);

#endif
