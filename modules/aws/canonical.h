/*
 * The canonical request: the one spelling of a request that both AWS and we
 * hash, whatever a header's case or a query's order was on the wire.
 *
 * No state, no crypto: any thread. Rules: IAM User Guide,
 * reference_sigv-create-signed-request, "Create a canonical request"; where
 * that leaves a case open, the signers of AWS's own SDKs.
 */
#ifndef AWS_CANONICAL_H
#define AWS_CANONICAL_H

#include "aws/sigv4.h"

#include <stddef.h>

/* Where the list of signed headers is, counted from the request's first byte. */
typedef struct {
    size_t at;
    size_t length;
} canonical_names_t;

/* Appends it. `out` then has room for `more` bytes, so that a security token in it is not left
 * behind by a move. 0 when memory is out, or `out` may not hold the longest it could have been. */
int canonical_request(buffer_t *out, const sigv4_request_t *request, size_t more,
                      canonical_names_t *names);

#endif
