/*
 * What every source of credentials is given, and what it gives back.
 *
 * One fetch asks the sources anew. All its memory is the fetch's pool, which
 * lives until after `done` was called: sets, reasons and secrets made on the
 * way go with it. A fetch is never cancelled; when the loop stops its pool is
 * destroyed with whatever was under way. I/O thread only.
 */
#ifndef AWS_CREDENTIALS_SOURCE_H
#define AWS_CREDENTIALS_SOURCE_H

#include "aws/credentials_set.h"
#include "aws/credentials_settings.h"
#include "aws/profile.h"
#include "base/buffer.h"
#include "loop/loop.h"
#include "loop/offload.h"

/* What the sources of one fetch share. */
typedef struct {
    loop_t *loop;
    offload_t *offload;
    const credentials_settings_t *settings;
    apr_pool_t *pool;
    const profile_set_t *profiles; /* of the shared files; NULL until they were read */
} credentials_fetch_t;

typedef enum {
    CREDENTIALS_FOUND,
    CREDENTIALS_ABSENT, /* nobody set it up: the next source is asked */
    CREDENTIALS_FAILED  /* it was set up, but gives nothing: an error */
} credentials_end_e;

/* What a source gives; all of it lives as long as the fetch's pool. */
typedef struct {
    credentials_end_e end;
    const credentials_t *set; /* CREDENTIALS_FOUND */
    const char *reason;       /* else: one line for the operator, phase first, without a secret */
} credentials_result_t;

/* Called exactly once, perhaps from within the function that starts the source. */
typedef struct {
    void (*fn)(void *baton, const credentials_result_t *result);
    void *baton;
} credentials_done_t;

/* The three ways to end. `format` says the reason. */
void credentials_source_found(const credentials_done_t *done, const credentials_t *set);
void credentials_source_absent(const credentials_done_t *done, const char *reason);
void credentials_source_failed(const credentials_fetch_t *fetch, const credentials_done_t *done,
                               const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Ends with the set that `fields` make, or fails with what is wrong with it; `what` is where they
 * were read: "the environment". */
void credentials_source_made(const credentials_fetch_t *fetch, const credentials_done_t *done,
                             const credentials_t *fields, const char *what);

/* An empty buffer for a secret of at most `maximum` bytes, wiped and freed with the pool. It never
 * moves, so that no copy stays behind; `failed` when memory is out. */
buffer_t *credentials_source_buffer(const credentials_fetch_t *fetch, size_t maximum);

#endif
