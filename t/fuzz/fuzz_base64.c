/* base/text: what is encoded is decoded to the same, and each text that decodes is the only one
 * that stands for its bytes. */
#include "base/text.h"

#include "fuzz.h"

#include <string.h>

static int same(const buffer_t *buffer, const uint8_t *data, size_t size)
{
    return buffer->length == size && (size == 0 || memcmp(buffer->data, data, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    buffer_t text;
    buffer_t bytes;

    buffer_init(&text, 2 * size + 4);
    buffer_init(&bytes, size);
    PROMISE(text_base64_encode(&text, data, size));
    PROMISE(text_base64_decode(&bytes, buffer_text(&text), text.length));
    PROMISE(same(&bytes, data, size));
    buffer_clear(&text);
    buffer_clear(&bytes);
    if (text_base64_decode(&bytes, (const char *)data, size)) {
        PROMISE(text_base64_encode(&text, buffer_text(&bytes), bytes.length));
        PROMISE(same(&text, data, size));
    }
    buffer_free(&text);
    buffer_free(&bytes);
    return 0;
}
