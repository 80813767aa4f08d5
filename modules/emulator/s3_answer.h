/*
 * The answers of the stand-in for S3: objects, documents and errors. No state:
 * one thread.
 */
#ifndef EMULATOR_S3_ANSWER_H
#define EMULATOR_S3_ANSWER_H

#include "emulator/answer.h"
#include "emulator/http_parse.h"
#include "emulator/s3_store.h"
#include "emulator/script.h"

#include <stddef.h>

/* An answer with its request ids; NULL when memory is out. */
answer_t *s3_answer_begin(int status);

/* The same with a document. */
answer_t *s3_answer_xml(const buffer_t *xml);

/* An error. The names of refused signatures, which are those of REST-JSON, become S3's own, with
 * its status. */
answer_t *s3_answer_error(int status, const char *code, const char *message);

/* What follows from an upload. */
answer_t *s3_answer_stored(const s3_object_t *object);

/* The object, or the range of it that is asked for, or 304. */
answer_t *s3_answer_object(const http_request_t *request, const script_t *script,
                           const s3_object_t *object);

#endif
