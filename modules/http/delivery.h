/*
 * The one place that knows whether a chat waits suspended or holds its thread.
 */
#ifndef HTTP_DELIVERY_H
#define HTTP_DELIVERY_H

#include "chat/flow.h"

#include <httpd.h>

/* Starts the chat and sees that its answer reaches the client. Takes the flow over, and the place
 * that child_enter_chat() gave. Returns what the handler returns: SUSPENDED where the request can
 * be suspended; elsewhere (worker, prefork, an HTTP/2 stream) it returns when all is answered. */
int delivery_start(request_rec *r, flow_t *flow);

/* Ends every chat that is in flight: before the loop stops for good, so that nothing of them is
 * left behind. I/O thread. */
void delivery_abandon_all(void);

#endif
