/*
 * One small HTTP exchange of a source of credentials, repeated when that may
 * help. The answer is a secret: it is kept in memory that is wiped. I/O thread.
 */
#ifndef AWS_CREDENTIALS_HTTP_H
#define AWS_CREDENTIALS_HTTP_H

#include "aws/credentials_source.h"
#include "loop/transfer.h"

/* All of it lives as long as the fetch's pool. */
typedef struct {
    int status; /* 0: no answer */
    const char *body;
    size_t length;
    transfer_end_e end;
    const char *error; /* why there is no whole answer, phase first; NULL when there is */
} credentials_answer_t;

typedef struct {
    transfer_request_t exchange; /* lives as long as the fetch's pool, with its texts */
    int tries;                   /* at most, the first included */
    apr_interval_time_t gap;     /* between two tries, microseconds */
    int gap_doubles;             /* with each try */
    int (*is_transient)(const credentials_answer_t *answer);
    void (*done)(void *baton, const credentials_answer_t *answer);
    void *baton;
} credentials_http_t;

/* No answer, or 429, or 5xx: another try may help. For `is_transient`. */
int credentials_http_is_transient(const credentials_answer_t *answer);

/* Calls `done` exactly once, perhaps from within. */
void credentials_http_start(const credentials_fetch_t *fetch, const credentials_http_t *request);

#endif
