/*
 * SetHandler chatbot-health: /health, /livez and /readyz.
 */
#ifndef HTTP_HANDLER_STATUS_H
#define HTTP_HANDLER_STATUS_H

#include <httpd.h>

/* A content handler; its name was matched already. Answers /readyz by the state of this server,
 * any other path by being alive. Worker. */
int handler_health(request_rec *r);

#endif
