/*
 * The description of what this server offers: as an OpenAPI document, and as a
 * page that shows it and tries it out. Workers.
 */
#ifndef HTTP_HANDLER_DOCS_H
#define HTTP_HANDLER_DOCS_H

#include <httpd.h>

/* "chatbot-openapi": GET and HEAD of the document. */
int handler_openapi(request_rec *r);

/* "chatbot-docs": GET and HEAD of the page. */
int handler_docs(request_rec *r);

#endif
