/*
 * The <Location> sections of a server and which of them a path is in, as httpd's
 * own walk over them (server/request.c) decides it. For what must be known
 * without a request for that path.
 */
#ifndef HTTP_SECTIONS_H
#define HTTP_SECTIONS_H

#include <httpd.h>

#include <http_core.h>

/* In the order in which httpd merges them. Any thread, once the configuration was read. */
const apr_array_header_t *sections_of(const server_rec *server);
ap_conf_vector_t *sections_at(const apr_array_header_t *sections, int index);

/* What httpd itself keeps of one. */
const core_dir_config *sections_core(const ap_conf_vector_t *section);

/* Whether it is one path and all below it: neither an expression nor a wildcard. */
int sections_is_plain(const ap_conf_vector_t *section);

int sections_applies(const ap_conf_vector_t *section, const char *path);

#endif
