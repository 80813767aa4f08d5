/*
 * Cross-origin requests, as browsers ask for them and as ChatbotCORS answers:
 * the Fetch standard's CORS protocol. On a worker.
 */
#ifndef HTTP_CORS_H
#define HTTP_CORS_H

#include <httpd.h>

/* Sets the headers that every answer of the location has, httpd's own errors included; before
 * anything is sent. Does nothing the second time. */
void cors_set_headers(request_rec *r);

/* Sets what the answer to OPTIONS has beside them when a browser asks before a request:
 * `methods` are those of the handler, as in Allow. */
void cors_set_preflight(request_rec *r, const char *methods);

#endif
