/*
 * Writing XML: elements and text. No state: one thread at a time a buffer.
 */
#ifndef EMULATOR_XML_H
#define EMULATOR_XML_H

#include "base/buffer.h"

#define XML_DECLARATION "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

/* Text, or an attribute's value. */
void xml_escape(buffer_t *out, const char *text);

/* An element's tags, or all of it with its text. */
void xml_open(buffer_t *out, const char *name);
void xml_close(buffer_t *out, const char *name);
void xml_put(buffer_t *out, const char *name, const char *text);

#endif
