/*
 * The answers of the OpenAI server: a chat completion, whole or in chunks, the
 * models, and errors. No state: one thread.
 */
#ifndef EMULATOR_OPENAI_ANSWER_H
#define EMULATOR_OPENAI_ANSWER_H

#include "emulator/answer.h"
#include "emulator/script.h"

#include <stddef.h>
#include <stdint.h>

typedef struct {
    const script_t *script;
    const char *model;
    const char *text;
    size_t length;
    const char *reasoning; /* or NULL */
    size_t reasoning_length;
    const char *finish_reason;
    size_t prompt_tokens;
    int64_t created; /* seconds since 1970 */
    int usage;       /* is in the stream */
    char id[64];
} openai_answer_t;

/* An answer with its request id; NULL when memory is out. */
answer_t *openai_answer_begin(int status, const char *content_type);

/* Writes the completion into `out`. */
void openai_answer_whole(const openai_answer_t *answer, answer_t *out);
void openai_answer_stream(const openai_answer_t *answer, answer_t *out);

/* One model, or with NULL the list of them. */
answer_t *openai_answer_models(const char *model, int64_t created);

/* An error with its code; NULL when memory is out. */
answer_t *openai_answer_error(int status, const char *code, const char *message);

#endif
