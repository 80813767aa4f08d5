/*
 * A request's body that came with Content-Encoding: gzip. No state: one thread.
 */
#ifndef EMULATOR_GUNZIP_H
#define EMULATOR_GUNZIP_H

#include "base/buffer.h"

/* Appends what the one gzip member holds; 0 when it is broken, or larger than the buffer's maximum.
 */
int gunzip_bytes(const char *bytes, size_t length, buffer_t *out);

#endif
