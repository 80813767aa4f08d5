/*
 * What is answered to browsers: documents made for one request. Workers.
 */
#ifndef HTTP_PAGE_H
#define HTTP_PAGE_H

#include <httpd.h>

/* Answers GET and HEAD with bytes, which the client asks for each time: an ETag, 304. */
int page_send(request_rec *r, const char *type, const char *bytes, apr_size_t length);

#endif
