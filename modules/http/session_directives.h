/*
 * The directives of sessions: what each value must be, and how scopes merge.
 * While httpd reads its configuration.
 */
#ifndef HTTP_SESSION_DIRECTIVES_H
#define HTTP_SESSION_DIRECTIVES_H

#include <httpd.h>

#include <http_config.h>

typedef enum {
    SESSION_STORE_UNSET,
    SESSION_STORE_DYNAMODB,
    SESSION_STORE_CACHE, /* one of httpd's socache providers */
    SESSION_STORE_NONE
} session_store_e;

/* What the directives of context V say; NULL, -1 and SESSION_STORE_UNSET are unset. */
typedef struct {
    session_store_e store;
    const char *provider;  /* of SESSION_STORE_CACHE */
    const char *arguments; /* the provider's; NULL: none were given */
    const char *table;
    apr_interval_time_t ttl;
    int history; /* turns */
} session_directives_t;

/* An unset record, and the merge of two. */
void session_directives_init(session_directives_t *directives);
void session_directives_merge(session_directives_t *merged, const session_directives_t *base,
                              const session_directives_t *over);

/* Whether it can be the name of a DynamoDB table, or its ARN (API reference,
 * API_TableDescription). */
int session_directives_is_table(const char *name);

/* httpd's functions of the directives: NULL, or what is wrong and what to write. */
const char *session_directives_set_store(cmd_parms *cmd, void *location, const char *value);
const char *session_directives_set_table(cmd_parms *cmd, void *location, const char *value);
const char *session_directives_set_ttl(cmd_parms *cmd, void *location, const char *value);
const char *session_directives_set_history(cmd_parms *cmd, void *location, const char *value);
const char *session_directives_set_user(cmd_parms *cmd, void *location, const char *value);

#endif
