#include "emulator/refusal.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int refusal_set(refusal_t *refusal, const char *type, const char *format, ...)
{
    va_list args;
    size_t length;

    if (refusal->type != NULL) {
        return 0;
    }
    refusal->type = type;
    va_start(args, format);
    (void)vsnprintf(refusal->message, sizeof(refusal->message), format, args);
    va_end(args);
    length = strlen(refusal->message);
    refusal->message[length - text_utf8_pending(refusal->message, length)] = '\0';
    return 0;
}
