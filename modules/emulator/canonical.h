/*
 * The canonical form of a request, that is what a signature covers. Part of
 * the check in verify.c; it knows texts and order, no key. One thread.
 */
#ifndef EMULATOR_CANONICAL_H
#define EMULATOR_CANONICAL_H

#include "base/buffer.h"
#include "emulator/http_parse.h"

/* The wire path without dot segments and doubled slashes, percent-encoded once more; as it is when
 * `plain`. */
void canonical_path(buffer_t *out, const char *path, int plain);

/* The query decoded, encoded anew and sorted; 0 on a broken percent-escape. */
int canonical_query(buffer_t *out, const char *query);

/* "name:value" lines of the signed headers, whose names stand in `signed_headers` with ";" between;
 * 0 when one of them is not in the request. */
int canonical_headers(buffer_t *out, const http_request_t *request, const char *signed_headers);

/* Whether `name` is one of the ";"-separated names. */
int canonical_is_signed(const char *signed_headers, const char *name);

#endif
