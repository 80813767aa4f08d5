/*
 * ChatbotCircuitBreaker: what its value must be. While httpd reads its
 * configuration.
 */
#ifndef HTTP_CIRCUIT_DIRECTIVES_H
#define HTTP_CIRCUIT_DIRECTIVES_H

#include <httpd.h>

#include <http_config.h>

/* httpd's function of the directive: NULL, or what is wrong and what to write. */
const char *circuit_directives_set(cmd_parms *cmd, void *location, int argc, char *const argv[]);

#endif
