/*
 * The handler of sessions: shows one, or ends it at the agent and deletes it.
 */
#ifndef HTTP_HANDLER_SESSIONS_H
#define HTTP_HANDLER_SESSIONS_H

#include <httpd.h>

/* "chatbot-sessions": GET, HEAD and DELETE of a path whose last segment is a session's id. */
int handler_sessions(request_rec *r);

#endif
