/* chat/trace: what is passed on has no byte that could end a header line or start another. */
#include "chat/trace.h"

#include "fuzz.h"

#include <string.h>

static int is_harmless(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text <= ' ' && *text != ' ') {
            return 0;
        }
        if (*text > '~') {
            return 0;
        }
    }
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    if (text == NULL) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    if (trace_is_parent(text)) {
        PROMISE(strlen(text) == 55 && is_harmless(text));
    }
    if (trace_is_amazon(text)) {
        PROMISE(strlen(text) <= TRACE_MAX && is_harmless(text) && strstr(text, "Root=1-") != NULL);
    }
    free(text);
    return 0;
}
