/*
 * SetHandler chatbot: POST /chat.
 */
#ifndef HTTP_HANDLER_CHAT_H
#define HTTP_HANDLER_CHAT_H

#include "shm/circuit.h"

#include <httpd.h>

/* A content handler; its name was matched already. Worker. */
int handler_chat(request_rec *r);

/* The circuit breaker of the agent that answers at this location; NULL when nobody does, or there
 * are too many agents. Worker. */
circuit_t *handler_chat_circuit(const request_rec *r);

#endif
