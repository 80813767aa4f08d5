/*
 * The answer of Chat Completions: one JSON text, or Server-Sent Events that end
 * with "[DONE]". I/O thread only.
 *
 * Errors are read in OpenAI's shape, {"error": {"message", "type", "code"}},
 * and in those of the servers that speak its language.
 */
#ifndef BACKEND_OPENAI_ANSWER_H
#define BACKEND_OPENAI_ANSWER_H

#include "backend/sse.h"
#include "backend/turn_http.h"

typedef struct {
    turn_http_t base; /* first */
    int is_stream;
    buffer_t answer; /* of an answer that is not streamed */
    sse_t events;
    int is_done;     /* "[DONE]" */
    int has_stopped; /* the model said why it stopped */
} openai_turn_t;

extern const turn_reader_t openai_answer_reader;

/* turn_http_request_t's read_error. */
void openai_answer_error(const buffer_t *body, json_t **error, const char **code,
                         const char **message);

#endif
