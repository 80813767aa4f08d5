/* backend/sse: any bytes are read within bounds; what is said does not depend on how they were cut
 * (the first byte says where), and is never longer than what came. */
#include "backend/sse.h"

#include "fuzz.h"

#include <string.h>

#define LIMIT 256

typedef struct {
    buffer_t said;
    size_t bytes;
} seen_t;

static int on_event(void *baton, const char *type, const char *data, size_t length)
{
    seen_t *seen = baton;

    PROMISE(strlen(type) <= SSE_TYPE_MAX && length <= LIMIT && data[length] == '\0');
    seen->bytes += length;
    PROMISE(buffer_puts(&seen->said, type) && buffer_append(&seen->said, "\0[", 2) &&
            buffer_append(&seen->said, data, length));
    return memchr(data, '!', length) == NULL;
}

static sse_status_e read_all(seen_t *seen, const char *bytes, size_t size, size_t step)
{
    sse_status_e status;
    size_t at;
    sse_t sse;

    seen->bytes = 0;
    buffer_init(&seen->said, (size_t)1 << 24);
    sse_init(&sse, LIMIT, on_event, seen);
    for (at = 0; at < size; at += step) {
        (void)sse_feed(&sse, bytes + at, size - at < step ? size - at : step);
    }
    status = sse_finish(&sse);
    PROMISE(sse_reason(status)[0] != '\0');
    sse_free(&sse);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data + 1;
    seen_t whole;
    seen_t cut;

    if (size < 2) {
        return 0;
    }
    size--;
    PROMISE(read_all(&whole, bytes, size, size) ==
            read_all(&cut, bytes, size, (size_t)data[0] % 32 + 1));
    PROMISE(whole.bytes <= size && whole.said.length == cut.said.length);
    PROMISE(whole.said.length == 0 ||
            memcmp(whole.said.data, cut.said.data, whole.said.length) == 0);
    buffer_free(&whole.said);
    buffer_free(&cut.said);
    return 0;
}
