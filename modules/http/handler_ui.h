/*
 * The chat page. Workers.
 */
#ifndef HTTP_HANDLER_UI_H
#define HTTP_HANDLER_UI_H

#include <httpd.h>

/* "chatbot-ui": GET and HEAD of the page. */
int handler_ui(request_rec *r);

#endif
