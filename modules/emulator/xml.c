#include "emulator/xml.h"

#include <string.h>

void xml_escape(buffer_t *out, const char *text)
{
    while (*text != '\0') {
        size_t plain = strcspn(text, "<>&\"");
        (void)buffer_append(out, text, plain);
        text += plain;
        switch (*text) {
        case '<': (void)buffer_puts(out, "&lt;"); break;
        case '>': (void)buffer_puts(out, "&gt;"); break;
        case '&': (void)buffer_puts(out, "&amp;"); break;
        case '"': (void)buffer_puts(out, "&quot;"); break;
        default: return;
        }
        text++;
    }
}

void xml_open(buffer_t *out, const char *name)
{
    (void)buffer_printf(out, "<%s>", name);
}

void xml_close(buffer_t *out, const char *name)
{
    (void)buffer_printf(out, "</%s>\n", name);
}

void xml_put(buffer_t *out, const char *name, const char *text)
{
    xml_open(out, name);
    xml_escape(out, text);
    xml_close(out, name);
}
