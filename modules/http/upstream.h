/*
 * The clients of one child, for AWS and for other servers: for each virtual
 * host its own, made when the child starts and used by the I/O thread.
 */
#ifndef HTTP_UPSTREAM_H
#define HTTP_UPSTREAM_H

#include "aws/call.h"
#include "backend/turn_http.h"
#include "http/aws_config.h"

#include <httpd.h>

/* Makes them all and begins to fetch credentials, and the region where no one has named it. Their
 * memory lives until `pool` ends, which is after the loop has stopped. Child, once. */
void upstream_start(apr_pool_t *pool, server_rec *main_server, loop_t *loop);

/* A service's client for a server, or NULL as long as its region is not known. Any thread; the
 * client itself is the I/O thread's. */
call_client_t *upstream_client(const server_rec *server, aws_service_e service);

/* The same while its region is not known yet: to be kept until upstream_client() gives it. NULL
 * when the child has none. */
call_client_t *upstream_coming_client(const server_rec *server, aws_service_e service);

/* What exchanges of a server with servers that are not AWS's share; NULL when the child has none.
 * Any thread; what is in it is the I/O thread's. */
turn_http_client_t *upstream_http(const server_rec *server);

/* Whether there are credentials to sign with. Any thread. */
int upstream_has_credentials(const server_rec *server);

#endif
