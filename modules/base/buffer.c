#include "base/buffer.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 256

void buffer_init(buffer_t *buffer, size_t maximum)
{
    memset(buffer, 0, sizeof(*buffer));
    buffer->maximum = maximum;
}

void buffer_free(buffer_t *buffer)
{
    free(buffer->data);
    buffer_init(buffer, buffer->maximum);
}

void buffer_clear(buffer_t *buffer)
{
    buffer->length = 0;
    buffer->failed = 0;
    if (buffer->data != NULL) {
        buffer->data[0] = '\0';
    }
}

static size_t next_capacity(const buffer_t *buffer, size_t needed)
{
    size_t capacity = buffer->capacity > 0 ? buffer->capacity : FIRST_CAPACITY;

    while (capacity < needed) {
        capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
    }
    return capacity;
}

char *buffer_reserve(buffer_t *buffer, size_t length)
{
    char *grown;
    size_t capacity;

    if (buffer->failed || length > buffer->maximum || buffer->length > buffer->maximum - length) {
        buffer->failed = 1;
        return NULL;
    }
    if (buffer->data != NULL && buffer->capacity > buffer->length + length) {
        return buffer->data + buffer->length;
    }
    capacity = next_capacity(buffer, buffer->length + length + 1);
    grown = realloc(buffer->data, capacity);
    if (grown == NULL) {
        buffer->failed = 1;
        return NULL;
    }
    buffer->data = grown;
    buffer->capacity = capacity;
    return grown + buffer->length;
}

int buffer_append(buffer_t *buffer, const void *bytes, size_t length)
{
    char *to = buffer_reserve(buffer, length);

    if (to == NULL) {
        return 0;
    }
    if (length > 0) {
        memcpy(to, bytes, length);
    }
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
    return 1;
}

int buffer_puts(buffer_t *buffer, const char *text)
{
    return buffer_append(buffer, text, strlen(text));
}

int buffer_printf(buffer_t *buffer, const char *format, ...)
{
    va_list args;
    char *to;
    int length;

    va_start(args, format);
    length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0 || (to = buffer_reserve(buffer, (size_t)length)) == NULL) {
        buffer->failed = 1;
        return 0;
    }
    va_start(args, format);
    (void)vsnprintf(to, (size_t)length + 1, format, args);
    va_end(args);
    buffer->length += (size_t)length;
    return 1;
}

void buffer_consume(buffer_t *buffer, size_t length)
{
    if (length >= buffer->length) {
        length = buffer->length;
    }
    if (length == 0) {
        return;
    }
    memmove(buffer->data, buffer->data + length, buffer->length - length);
    buffer->length -= length;
    buffer->data[buffer->length] = '\0';
}

void buffer_wipe(buffer_t *buffer)
{
    if (buffer->data != NULL) {
        explicit_bzero(buffer->data, buffer->capacity);
    }
    buffer_clear(buffer);
}

const char *buffer_text(const buffer_t *buffer)
{
    return buffer->data != NULL ? buffer->data : "";
}
