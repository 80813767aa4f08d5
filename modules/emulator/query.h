/*
 * What the services of the AWS Query protocol have in common: parameters of a
 * form, answers and errors in XML. No state: one thread.
 */
#ifndef EMULATOR_QUERY_H
#define EMULATOR_QUERY_H

#include "base/text.h"
#include "emulator/answer.h"
#include "emulator/http_parse.h"

/* Whether it is a POST to "/" of a form for this version of an API. */
int query_is_for(const http_request_t *request, const char *version);

/* Appends a parameter of the form; 0 when it is absent, or broken. */
int query_parameter(const http_request_t *request, const char *name, buffer_t *out);

/* Appends what a name or a value of a form stands for, where a plus sign is a blank; 0 on a broken
 * escape. */
int query_decode(buffer_t *out, const char *text, size_t length);

/* An answer that is being written. */
typedef struct {
    const char *operation;
    buffer_t body;
    char request_id[TEXT_UUID_LENGTH + 1];
} query_answer_t;

/* Opens it up to the inside of its result. */
void query_begin(query_answer_t *query, const char *name_space, const char *operation);

/* Opens, closes an element, or writes one whole with its text. */
void query_open(query_answer_t *query, const char *name);
void query_close(query_answer_t *query, const char *name);
void query_put(query_answer_t *query, const char *name, const char *text);

/* Closes it; NULL when memory is out. */
answer_t *query_end(query_answer_t *query);

/* An error. The names of refused signatures, which are those of REST-JSON, become the protocol's
 * own. */
answer_t *query_error(const char *name_space, int status, const char *code, const char *message);

#endif
