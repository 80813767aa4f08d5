/*
 * What the functions of directives share: numbers, and words on what is wrong.
 * While httpd reads its configuration.
 */
#ifndef HTTP_VALUES_H
#define HTTP_VALUES_H

#include <httpd.h>

#include <http_config.h>

/* What is wrong with a directive and what to write, its name in front; in the command's pool. */
const char *values_complain(cmd_parms *cmd, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A whole number, with k or m behind it when `units`; 0 when it is none or outside the bounds. */
int values_number(const char *text, int units, apr_off_t min, apr_off_t max, apr_off_t *number);

#endif
