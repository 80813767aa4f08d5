/*
 * Concise Binary Object Representation (RFC 8949), as far as Smithy's RPC v2
 * needs it: to JSON and back. No state: one thread.
 */
#ifndef EMULATOR_CBOR_H
#define EMULATOR_CBOR_H

#include "base/buffer.h"
#include "base/json.h"

/* Appends the one value that the bytes are, as JSON; numbers that JSON has not become the texts
 * "NaN", "Infinity" and "-Infinity". 0 when it is malformed. */
int cbor_to_json(const char *bytes, size_t length, buffer_t *out);

/* Appends the value. A member named `instant` is a time, and gets its tag. */
void cbor_from_json(const json_t *value, const char *instant, buffer_t *out);

#endif
