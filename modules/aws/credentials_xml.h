/*
 * As much XML as the answers of STS need: elements with text in them.
 *
 * Bounded and strict: no document type, no entities but the five of XML and
 * character references, nesting and names of limited size. Attributes, comments
 * and processing instructions are passed over, name space prefixes are dropped.
 * Pure; any thread.
 */
#ifndef AWS_CREDENTIALS_XML_H
#define AWS_CREDENTIALS_XML_H

#include "base/buffer.h"

#define CREDENTIALS_XML_DEPTH_MAX 8
#define CREDENTIALS_XML_NAME_MAX  63

/* Calls `visit` for each element that holds nothing but text, with the name of the element around
 * it ("" for the root); `value` lives during the call. `scratch` is for the values: its maximum
 * bounds them, its content is lost. Returns NULL, or what is wrong (a constant text): what was
 * visited until then does not count. */
const char *credentials_xml_each(const char *text, size_t length, buffer_t *scratch,
                                 void (*visit)(void *baton, const char *around, const char *name,
                                               const char *value),
                                 void *baton);

#endif
