/*
 * SetHandler chatbot-openai: OpenAI's API in front of the same backends.
 * POST …/chat/completions, GET …/models and …/models/{name}.
 */
#ifndef HTTP_HANDLER_OPENAI_H
#define HTTP_HANDLER_OPENAI_H

#include <httpd.h>

/* A content handler; its name was matched already. Worker. */
int handler_openai(request_rec *r);

#endif
