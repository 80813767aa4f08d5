/*
 * Credentials that the stand-in hands out: random sets of key, secret and
 * session token with an expiry, by which requests may then be signed. Times are
 * of the services' clock. One thread.
 */
#ifndef EMULATOR_ISSUER_H
#define EMULATOR_ISSUER_H

#include "base/json.h"

#include <apr_time.h>
#include <stddef.h>

#define ISSUER_ID_LENGTH      20
#define ISSUER_SECRET_LENGTH  40
#define ISSUER_TOKEN_MAX      1400
#define ISSUER_NAME_MAX       64 /* of a role, and of a session */
#define ISSUER_INSTANT_LENGTH 20 /* 2026-01-31T12:34:56Z */
#define ISSUER_ACCOUNT        "123456789012"

/* Where a set was given out. */
typedef enum { ISSUER_CONTAINER, ISSUER_IMDS, ISSUER_STS, ISSUER_SOURCES } issuer_source_e;

typedef struct {
    char id[ISSUER_ID_LENGTH + 1];
    char secret[ISSUER_SECRET_LENGTH + 1];
    char token[ISSUER_TOKEN_MAX + 1];
    apr_time_t expires; /* whole seconds */
    char role_id[ISSUER_ID_LENGTH + 1];
    char role[ISSUER_NAME_MAX + 1];
    char session[ISSUER_NAME_MAX + 1];
} issuer_set_t;

typedef struct issuer_t issuer_t;

/* What became of the sets, for the books. */
typedef struct {
    uint64_t issued[ISSUER_SOURCES];
    uint64_t refused_expired; /* requests */
} issuer_counters_t;

/* NULL when memory is out. */
issuer_t *issuer_create(void);
void issuer_destroy(issuer_t *issuer);

issuer_counters_t *issuer_counters(issuer_t *issuer);

/* A new set, valid until `now` and `lifetime` seconds (negative: it has expired already). NULL when
 * the system's generator fails. The last 1024 sets are remembered; valid until then. */
const issuer_set_t *issuer_issue(issuer_t *issuer, issuer_source_e source, const char *role,
                                 const char *session, apr_time_t now, int64_t lifetime);

/* The set of that access key, expired or not, or NULL. */
const issuer_set_t *issuer_find(const issuer_t *issuer, const char *id);

/* Base64 of `count` random bytes, at most 555; `out` has `room` characters, its NUL included. 0
 * when that is too few, or the system's generator fails. */
int issuer_random_text(char *out, size_t room, size_t count);

/* UTC in whole seconds, as AWS writes an expiry; `out` has room for ISSUER_INSTANT_LENGTH + 1. */
void issuer_instant(char *out, apr_time_t when);

void issuer_write(const issuer_t *issuer, json_writer_t *writer);

#endif
