#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 4096

static log_sink_t current;

void log_set_sink(const log_sink_t *sink)
{
    if (sink != NULL) {
        current = *sink;
    } else {
        memset(&current, 0, sizeof(current));
    }
}

int log_enabled(log_level_e level)
{
    return current.write != NULL &&
           (current.enabled == NULL || current.enabled(current.baton, level));
}

/* A line break or an escape sequence from outside must not forge a log line. */
static void mask_controls(char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == 0x7f) {
            *text = '?';
        }
    }
}

void log_line(log_level_e level, const char *file, int line, const char *format, ...)
{
    char text[LINE_MAX_BYTES];
    va_list args;

    if (!log_enabled(level)) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    mask_controls(text);
    current.write(current.baton, level, file, line, text);
}
