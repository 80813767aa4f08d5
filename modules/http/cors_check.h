/*
 * Looks for a ChatbotCORS * and a ChatbotCORSCredentials On that only come
 * together by merging sections. While httpd checks its configuration.
 */
#ifndef HTTP_CORS_CHECK_H
#define HTTP_CORS_CHECK_H

#include <httpd.h>

/* OK, or HTTP_INTERNAL_SERVER_ERROR with both lines in the log. A path that only some request
 * would show (a LocationMatch with an expression that is not plain) is not found here:
 * http/cors then leaves the credentials out. */
int cors_check(apr_pool_t *pool, server_rec *main_server);

#endif
