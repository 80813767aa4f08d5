/*
 * JSON in httpd's own logs. httpd escapes what clients send as \xHH, which no
 * JSON reader takes; these format strings give JSON values instead.
 *
 * LogFormat "%{arg}^Jx": what %x or %{arg}x gives, as a JSON string with its quotes, at most 600
 * bytes of it, or null.
 *
 * ErrorLogFormat "…%{begin}J%M%{end}J…": the message as a JSON string.
 */
#ifndef HTTP_LOG_JSON_H
#define HTTP_LOG_JSON_H

#include <httpd.h>

/* httpd's hook pre_config: registers them; those of LogFormat when mod_log_config is there. */
void log_json_register(apr_pool_t *pconf);

#endif
