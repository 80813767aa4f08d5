/*
 * Text in its forms: UTF-8, base64, percent-encoding, hexadecimal, ids and
 * time stamps. No state: any thread.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/buffer.h"

#include <apr_time.h>
#include <stddef.h>

#define TEXT_UUID_LENGTH    36
#define TEXT_RFC3339_LENGTH 24 /* 2026-01-31T12:34:56.789Z */
#define TEXT_NOT_UTF8       ((size_t)-1)

/* Number of code points, or TEXT_NOT_UTF8 when the bytes are not UTF-8 (RFC 3629: no overlong
 * forms, no surrogates, nothing over U+10FFFF). */
size_t text_utf8_length(const char *bytes, size_t length);

/* How many of the last bytes are the start of a character whose rest has not come yet: 0..3. */
size_t text_utf8_pending(const char *bytes, size_t length);

/* RFC 4648 base64 with padding. Decoding is strict: 0 on any other character, a wrong length or
 * padding. Both append to `out`; 0 as well when `out` is full. */
int text_base64_encode(buffer_t *out, const void *bytes, size_t length);
int text_base64_decode(buffer_t *out, const char *text, size_t length);

/* Appends with each byte outside A-Z a-z 0-9 - . _ ~ as %XX (upper case); bytes of `keep` stay. */
int text_percent_encode(buffer_t *out, const char *bytes, size_t length, const char *keep);

/* Lower-case hexadecimal into `out`, which has room for 2 * length + 1 characters. */
void text_hex(char *out, const unsigned char *bytes, size_t length);

/* A random UUID of version 4 (RFC 9562) from the system's cryptographic generator; `out` has room
 * for TEXT_UUID_LENGTH + 1. 0 when the generator fails. */
int text_uuid4(char *out);

/* UTC with milliseconds (RFC 3339); `out` has room for TEXT_RFC3339_LENGTH + 1. */
void text_rfc3339(char *out, apr_time_t when);

/* Whether each of the `length` bytes is a letter, a digit or one of `others`. */
int text_only(const char *bytes, size_t length, const char *others);

/* A session id that AWS and our paths take: 2..100 of [0-9A-Za-z._:-], not "..". */
int text_is_session_id(const char *bytes, size_t length);

/* A request id we pass on: 1..128 of [0-9A-Za-z._-]. */
int text_is_request_id(const char *bytes, size_t length);

#endif
