/*
 * What AWS's errors mean for a chat. Pure; any thread.
 *
 * The names are those that the models of Bedrock's services give their errors
 * (API references of InvokeAgent, Converse and InvokeAgentRuntime). In an
 * event stream the first letter is lower case.
 */
#ifndef BACKEND_MODELLED_H
#define BACKEND_MODELLED_H

#include "backend/backend.h"

/* By the code when it is a known one, else by the HTTP status; 0 when there was none. */
backend_end_e modelled_end(const char *code, size_t length, int status);

/* Of a whole call; BACKEND_ANSWERED when it was a success. */
backend_end_e modelled_end_of_call(const call_result_t *result);

#endif
