/*
 * The backend "openai": any server that speaks OpenAI's Chat Completions
 * (Ollama, vLLM, llama.cpp, OpenAI's own).
 *
 * The server remembers nothing: each turn carries the history (API reference
 * of OpenAI, "Chat Completions").
 */
#ifndef BACKEND_OPENAI_H
#define BACKEND_OPENAI_H

#include "backend/backend.h"
#include "backend/model.h"
#include "backend/turn_http.h"

typedef struct {
    backend_t backend;    /* first: a backend_t of this kind is one of these */
    const char *base_url; /* "http://127.0.0.1:11434/v1", without a slash at its end */
    const char *key;      /* sent as a bearer token, never logged; NULL: none */
    model_t model;
    turn_http_client_t *client; /* the I/O thread's */
    call_limits_t limits;
} openai_t;

/* Fills in `backend`; the rest is the caller's. */
void openai_init(openai_t *openai);

#endif
