/*
 * Encoder of application/vnd.amazon.eventstream messages, for answers.
 *
 * Written from the format's specification (Smithy, "Amazon Event Stream") on
 * its own: the product's decoder is checked against it. No state: one thread
 * at a time a buffer.
 */
#ifndef EMULATOR_FRAMES_H
#define EMULATOR_FRAMES_H

#include "base/buffer.h"

#include <stddef.h>

/* What is wrong with a message on purpose. */
typedef enum { FRAMES_INTACT, FRAMES_BAD_MESSAGE_CRC, FRAMES_BAD_PRELUDE_CRC } frames_defect_e;

/* A member of the stream's union: `:event-type`, `:content-type`, `:message-type` event. */
void frames_event(buffer_t *out, const char *event_type, const char *payload, size_t length);

/* A modelled exception; the payload is JSON. */
void frames_exception(buffer_t *out, const char *exception_type, const char *payload,
                      size_t length);

/* An unmodelled error; it has no payload. */
void frames_error(buffer_t *out, const char *code, const char *message);

/* Damages the one message that `message` holds. */
void frames_spoil(char *message, size_t length, frames_defect_e defect);

#endif
