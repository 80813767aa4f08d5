/*
 * The request of Converse and ConverseStream. Pure; any thread.
 */
#ifndef BACKEND_CONVERSE_REQUEST_H
#define BACKEND_CONVERSE_REQUEST_H

#include "backend/backend.h"
#include "backend/converse.h"

/* The path for a model's id, an inference profile's or an ARN, percent-encoded; 0 when it does not
 * fit. */
int converse_request_path(buffer_t *path, const char *model_id, int stream);

/* The body. NULL, or the media type of a file that no model takes: there is no request then. */
const char *converse_request_write(buffer_t *body, const converse_t *converse,
                                   const backend_prompt_t *prompt);

#endif
