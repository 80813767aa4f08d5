/*
 * What this server's sections give to our handlers: the paths, as far as they
 * can be told, each with the configuration that is in force there. Workers.
 */
#ifndef HTTP_SERVED_H
#define HTTP_SERVED_H

#include <httpd.h>

#include <http_config.h>

/* One path, or a section whose paths cannot be told. In the request's pool. */
typedef struct {
    const char *handler;      /* as SetHandler has it */
    const char *path;         /* NULL: it cannot be told */
    const char *pattern;      /* of the section */
    const char *why;          /* it cannot be told */
    ap_conf_vector_t *config; /* all sections that apply to the path, merged */
} served_t;

/* The sections of the request's server with a SetHandler that `is_ours`, in their order; each path
 * once. */
apr_array_header_t *served_list(request_rec *r, int (*is_ours)(const char *handler));

/* The first path of a handler; NULL: there is none. */
const char *served_path(const apr_array_header_t *list, const char *handler);

/* Whether the path asked for is the very one of a section with that handler, not one below it. */
int served_is_place(request_rec *r, const char *handler);

/* The path of a location as a reference that a page at r->uri can use, percent-encoded. */
const char *served_reference(request_rec *r, const char *path);

/* The same from the root, without a slash at its end: "" for "/". */
const char *served_encode(apr_pool_t *pool, const char *path);

#endif
