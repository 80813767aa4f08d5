/*
 * A growing run of bytes that knows its maximum.
 *
 * The bytes are on the C heap, so that a finished chat gives them back at
 * once. One thread at a time may use a buffer. After a failed append the
 * buffer is unchanged but for `failed`, which sticks until buffer_clear():
 * write a whole text, then look once.
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stddef.h>

typedef struct {
    char *data; /* NUL-terminated once anything was appended; else NULL */
    size_t length;
    size_t capacity;
    size_t maximum; /* bytes of content it will ever hold */
    int failed;     /* an append was refused: over the maximum, or no memory */
} buffer_t;

/* An empty buffer of at most `maximum` bytes. Allocates nothing. */
void buffer_init(buffer_t *buffer, size_t maximum);

/* Frees the bytes; the buffer is empty and usable again. */
void buffer_free(buffer_t *buffer);

/* Forgets the content and the failure, keeps the memory. */
void buffer_clear(buffer_t *buffer);

/* Appends; 0 when it would pass the maximum or memory is out, else 1. */
int buffer_append(buffer_t *buffer, const void *bytes, size_t length);
int buffer_puts(buffer_t *buffer, const char *text);
int buffer_printf(buffer_t *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Makes room for `length` more bytes; NULL when that passes the maximum. Add to `length` after
 * writing there. */
char *buffer_reserve(buffer_t *buffer, size_t length);

/* Drops the first `length` bytes. */
void buffer_consume(buffer_t *buffer, size_t length);

/* Overwrites the content with zeros and empties the buffer: for secrets. */
void buffer_wipe(buffer_t *buffer);

/* The content as a string, never NULL. */
const char *buffer_text(const buffer_t *buffer);

#endif
