/*
 * A chat on its way through httpd, whatever face it was asked through: what
 * must be so before it starts, and how it goes from there to delivery.
 */
#ifndef HTTP_CONVERSATION_H
#define HTTP_CONVERSATION_H

#include "chat/flow.h"
#include "http/answer.h"

#include <httpd.h>

/* How an API writes what came of a chat. */
typedef struct {
    /* The whole answer, or the error: prepares it, and returns as answer_error(). Worker. */
    int (*prepare)(request_rec *r, const flow_t *flow, answer_rest_t *rest);
    /* The parts of a stream: how it begins, text, a sign of life, how it ends. */
    void (*write_begin)(buffer_t *out, const flow_t *flow);
    void (*write_text)(buffer_t *out, const flow_t *flow, const char *text, size_t length);
    void (*write_beat)(buffer_t *out);
    void (*write_end)(buffer_t *out, const flow_t *flow);
} conversation_face_t;

/* Why a request that needs its backend, or does not, cannot be answered here at all; REPLY_ANSWER:
 * it can. The log is told of a backend that is missing. Worker. */
reply_e conversation_obstacle(request_rec *r, int needs_backend);

/* Fills in what the location says: who answers, limits, attributes. After the request is filled in,
 * and `settings.stream`. Worker. */
void conversation_fill(request_rec *r, flow_t *flow);

/* Starts a chat that is filled in: REPLY_ANSWER, then `*status` is what the handler
 * returns; or the error to answer, and the flow is gone. Worker. */
reply_e conversation_start(request_rec *r, flow_t *flow, const conversation_face_t *face,
                           int *status);

/* The circuit breaker of the agent that answers at this location; NULL when nobody does, or there
 * are too many agents. Worker. */
circuit_t *conversation_circuit(const request_rec *r);

#endif
