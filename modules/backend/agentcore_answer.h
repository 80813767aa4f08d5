/*
 * The answer of InvokeAgentRuntime, which is what the runtime's author chose.
 * I/O thread only.
 *
 * Text is passed on as it comes. Of a JSON text the answer is the string it is
 * or the one it has where agents have it ("response", "result", "output",
 * "message", …, also as Bedrock's {"content": [{"text": …}]}); any other JSON
 * is passed on as it is. Of Server-Sent Events each line of data that is a JSON
 * string, or no JSON, is a piece of the text, and of a JSON object the string
 * as above or in Bedrock's {"event": {"contentBlockDelta": …}}; where agents
 * tell their text in two forms, the first form counts. Other objects tell what
 * the agent does and are passed over. An object with "error" is a failure.
 */
#ifndef BACKEND_AGENTCORE_ANSWER_H
#define BACKEND_AGENTCORE_ANSWER_H

#include "backend/sse.h"
#include "backend/turn_call.h"

typedef enum { AGENTCORE_JSON, AGENTCORE_TEXT, AGENTCORE_EVENTS } agentcore_kind_e;

typedef struct {
    turn_call_t base; /* first */
    agentcore_kind_e kind;
    buffer_t answer; /* of AGENTCORE_JSON */
    sse_t events;
    const char *form;                        /* of the first text: where in an event it was */
    call_header_t headers[CALL_HEADERS_MAX]; /* of the request */
    buffer_t session;                        /* the values of two of them */
    buffer_t user;
} agentcore_turn_t;

extern const turn_reader_t agentcore_answer_reader;

#endif
