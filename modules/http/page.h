/*
 * What is answered to browsers: the files of modules/http/pages, which the
 * build puts into the module, and documents made for one request. Workers.
 */
#ifndef HTTP_PAGE_H
#define HTTP_PAGE_H

#include <httpd.h>

/* One file. */
typedef struct {
    const char *name;
    const char *bytes; /* NUL-terminated */
    apr_size_t length;
} page_file_t;

/* All files, made by embed-pages; the last one has no name. */
extern const page_file_t page_files[];

/* A blank of a page's HTML, and what goes there: text that needs no escape in an attribute. */
typedef struct {
    const char *name; /* as in {{name}} */
    const char *value;
} page_blank_t;

/* Answers GET and HEAD, by the request's query: "asset=NAME.css" and "asset=NAME.js" with that
 * file, anything else with NAME.html, its blanks filled in (the last blank has no name). The client
 * asks each time whether its copy is current: an ETag, 304. Nothing of the request is in the
 * answer. */
int page_answer(request_rec *r, const char *name, const page_blank_t *blanks);

/* Answers with any bytes in the same manner, which are the request's. */
int page_send(request_rec *r, const char *type, const char *bytes, apr_size_t length);

#endif
