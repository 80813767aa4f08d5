/*
 * Files as the parts of a message of Converse: images and documents. Pure; any
 * thread.
 */
#ifndef BACKEND_CONVERSE_FILES_H
#define BACKEND_CONVERSE_FILES_H

#include "backend/backend.h"
#include "base/json.h"

/* Writes the parts, each an element of the message's content. */
void converse_files_write(json_writer_t *writer, const backend_prompt_t *prompt);

/* The first media type among the files that no model takes, or NULL. */
const char *converse_files_refused(const backend_prompt_t *prompt);

#endif
