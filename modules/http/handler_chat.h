/*
 * SetHandler chatbot: POST /chat.
 */
#ifndef HTTP_HANDLER_CHAT_H
#define HTTP_HANDLER_CHAT_H

#include <httpd.h>

/* A content handler; its name was matched already. Worker. */
int handler_chat(request_rec *r);

#endif
