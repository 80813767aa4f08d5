/*
 * Signature Version 4: what makes an HTTP request one that AWS believes.
 *
 * Pure computation over strings the caller owns; any thread, as long as each
 * has its own key cache. The rules are those of AWS's "Create a signed AWS API
 * request" (IAM User Guide, reference_sigv-create-signed-request).
 */
#ifndef AWS_SIGV4_H
#define AWS_SIGV4_H

#include "base/buffer.h"

#include <apr_time.h>
#include <stddef.h>

#define SIGV4_HEX_LENGTH  64 /* hexadecimal SHA-256 */
#define SIGV4_DATE_LENGTH 16 /* 20260131T123456Z */

/* The payload hash of an S3 body that is not signed; over https only. */
#define SIGV4_UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"

typedef struct {
    const char *name; /* any case */
    const char *value;
} sigv4_header_t;

/* The request as it will be on the wire. */
typedef struct {
    const char *method;
    const char *path;              /* percent-encoded once, without the query; "" counts as "/" */
    const char *query;             /* as on the wire, without "?"; NULL or "" when there is none */
    const sigv4_header_t *headers; /* Host and X-Amz-Date among them; those that a hop may change,
                                      Authorization, User-Agent and the trace id are left out of
                                      the signature */
    size_t header_count;
    const char *payload_hash; /* sigv4_hash() of the body, or SIGV4_UNSIGNED_PAYLOAD; the same as
                                 in X-Amz-Content-Sha256 where that is sent */
    int s3; /* S3's rule: the path as it stands, neither normalised nor encoded again */
} sigv4_request_t;

/* Who signs, for where and when. The strings must outlive the call only. */
typedef struct {
    const char *access_key_id;
    const char *secret_access_key;
    const char *region;
    const char *service; /* the signing name: "bedrock", "dynamodb", … */
    apr_time_t when;     /* microseconds since 1970; the same instant as in X-Amz-Date */
} sigv4_identity_t;

/* The derived signing keys of the last few identities and days; not shared between threads. A key
 * is found again only when secret, region, service and UTC date are the same. */
typedef struct sigv4_keys_t sigv4_keys_t;

/* An empty cache; its keys are wiped when `pool` goes. */
sigv4_keys_t *sigv4_keys_create(apr_pool_t *pool);

/* Wipes every key: call it when the credentials change. */
void sigv4_keys_forget(sigv4_keys_t *keys);

/* X-Amz-Date of an instant; `out` has room for SIGV4_DATE_LENGTH + 1. */
void sigv4_date(char *out, apr_time_t when);

/* Lower-case hexadecimal SHA-256; `out` has room for SIGV4_HEX_LENGTH + 1. 0 when the crypto
 * library fails. */
int sigv4_hash(char *out, const void *bytes, size_t length);

/* The two texts the signature is made of; both append to `out`. For tests and for the log of a
 * refused signature; they hold no secret but the security token, when that is a signed header. 0
 * when memory is out or the crypto library fails. */
int sigv4_canonical_request(buffer_t *out, const sigv4_request_t *request);
int sigv4_string_to_sign(buffer_t *out, const sigv4_request_t *request,
                         const sigv4_identity_t *identity);

/* Appends the value of the Authorization header. `keys` may be NULL. 0, and `out` as it was, when
 * memory is out or the crypto library fails: the request must not be sent. */
int sigv4_authorize(buffer_t *out, const sigv4_request_t *request, const sigv4_identity_t *identity,
                    sigv4_keys_t *keys);

#endif
