/*
 * The backend "converse": a Bedrock model asked by Converse, or by
 * ConverseStream when the answer is wanted as it is made.
 *
 * The model remembers nothing: each turn carries the history (API references
 * runtime_Converse and runtime_ConverseStream).
 */
#ifndef BACKEND_CONVERSE_H
#define BACKEND_CONVERSE_H

#include "backend/backend.h"
#include "backend/model.h"

typedef struct {
    backend_t backend; /* first: a backend_t of this kind is one of these */
    model_t model;
    const char *guardrail_id; /* or its ARN; NULL: none */
    const char *guardrail_version;
    call_client_t *client; /* of bedrock-runtime; the I/O thread's */
    call_limits_t limits;
} converse_t;

/* Fills in `backend`; the rest is the caller's. */
void converse_init(converse_t *converse);

/* Whether a file of that media type can go with a message. */
int converse_takes(const char *media_type);

#endif
