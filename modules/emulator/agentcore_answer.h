/*
 * The forms that a runtime's answer may have: what is in it is the runtime's
 * own business, and these are the common ones. No state: one thread.
 */
#ifndef EMULATOR_AGENTCORE_ANSWER_H
#define EMULATOR_AGENTCORE_ANSWER_H

#include "emulator/answer.h"
#include "emulator/script.h"

#include <stddef.h>

typedef enum {
    AGENTCORE_RESPONSE, /* {"response": text} */
    AGENTCORE_RESULT,   /* {"result": text} */
    AGENTCORE_MESSAGE,  /* {"result": {"role": "assistant", "content": [{"text": text}]}} */
    AGENTCORE_STRING,   /* a JSON string */
    AGENTCORE_TEXT,     /* plain text */
    AGENTCORE_SSE,      /* events whose data are JSON strings */
    AGENTCORE_FORMS
} agentcore_form_e;

/* The form of that name (response, result, message, string, text, sse), or AGENTCORE_FORMS. */
agentcore_form_e agentcore_form(const char *name);

const char *agentcore_type(agentcore_form_e form);

/* Writes the text in that form into `answer`. */
void agentcore_answer_write(agentcore_form_e form, const script_t *script, const char *text,
                            size_t length, answer_t *answer);

#endif
