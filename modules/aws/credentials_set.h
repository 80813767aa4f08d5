/*
 * Who we are to AWS: one set of credentials.
 *
 * A set never changes: it is used and replaced whole. It is counted, and wiped
 * when the last reference goes; the count is the I/O thread's.
 */
#ifndef AWS_CREDENTIALS_SET_H
#define AWS_CREDENTIALS_SET_H

#include <apr_pools.h>
#include <apr_time.h>

#define CREDENTIALS_SHORT_LENGTH 16 /* of a shortened key id */

typedef struct {
    const char *access_key_id;
    const char *secret_access_key;
    const char *session_token; /* NULL: long-lived keys */
    apr_time_t expires;        /* wall clock, microseconds since 1970; 0: never */
    const char *source;        /* for the log: "the environment", "the container", … */
    int static_stability;      /* good beyond `expires` while its source fails: the instance's */
} credentials_t;

/* A counted copy of `fields`, its one reference released when `pool` ends; an empty session token
 * counts as none. NULL when one of them is missing or cannot be part of a header, and why in
 * `*problem` (a constant text without a value). */
const credentials_t *credentials_set_make(apr_pool_t *pool, const credentials_t *fields,
                                          const char **problem);

/* One more reference, and one less. NULL is fine. */
const credentials_t *credentials_set_hold(const credentials_t *set);
void credentials_set_release(const credentials_t *set);

/* Whether both say the same, expiry included. Either may be NULL. */
int credentials_set_equal(const credentials_t *one, const credentials_t *other);

/* As much of an access key id as a log may show, "AKIA...MPLE"; `out` has room for
 * CREDENTIALS_SHORT_LENGTH + 1. */
void credentials_set_shorten(char *out, const char *access_key_id);

/* The instant that an RFC 3339 time stamp means ("2026-08-22T10:11:12Z", a fraction or an offset
 * allowed), or 0 when it is none. */
apr_time_t credentials_set_expiry(const char *text);

#endif
