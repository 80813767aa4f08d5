/*
 * Nested parameters of the AWS Query protocol, to JSON: A.member.1.B=c becomes
 * {"A": [{"B": "c"}]}. Every value is a text. No state: one thread.
 * Source: Smithy, "AWS query protocol".
 */
#ifndef EMULATOR_FORM_H
#define EMULATOR_FORM_H

#include "base/buffer.h"

/* Appends the form as JSON. 0 when it is malformed: a broken escape, or a name that is a value and
 * has parts. */
int form_to_json(const char *form, buffer_t *out);

#endif
