/*
 * The directives of the rate limit: what each value must be, and how scopes
 * merge. While httpd reads its configuration.
 */
#ifndef HTTP_LIMIT_DIRECTIVES_H
#define HTTP_LIMIT_DIRECTIVES_H

#include "shm/sliding_log.h"

#include <httpd.h>

#include <ap_expr.h>
#include <http_config.h>

typedef enum { LIMIT_UNSET, LIMIT_OFF, LIMIT_ON } limit_switch_e;

/* What the directives of context D say. Everybody who is under one ChatbotRateLimit line shares its
 * counts, so the line's place is kept. */
typedef struct {
    limit_switch_e on;
    sliding_log_rule_t rule;
    const server_rec *server;  /* where it was set */
    const char *path;          /* of its section, "" outside of any */
    const ap_expr_info_t *key; /* NULL: unset */
    const char *key_text;
} limit_location_t;

/* The merge of two; an unset record is all zero. */
void limit_directives_merge(limit_location_t *merged, const limit_location_t *base,
                            const limit_location_t *over);

/* httpd's functions of the directives: NULL, or what is wrong and what to write. */
const char *limit_directives_set_limit(cmd_parms *cmd, void *location, const char *count,
                                       const char *window);
const char *limit_directives_set_key(cmd_parms *cmd, void *location, const char *text);
const char *limit_directives_set_shared(cmd_parms *cmd, void *location, const char *value);
const char *limit_directives_set_clients(cmd_parms *cmd, void *location, const char *value);

#endif
