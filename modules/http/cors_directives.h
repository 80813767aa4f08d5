/*
 * The directives of cross-origin requests (the Fetch standard's CORS protocol):
 * what each value must be, and how scopes merge. While httpd reads its
 * configuration.
 */
#ifndef HTTP_CORS_DIRECTIVES_H
#define HTTP_CORS_DIRECTIVES_H

#include <httpd.h>

#include <apr_tables.h>
#include <http_config.h>

typedef enum { CORS_UNSET, CORS_OFF, CORS_ANY, CORS_LISTED } cors_origins_e;

typedef enum { CORS_CREDENTIALS_UNSET, CORS_CREDENTIALS_OFF, CORS_CREDENTIALS_ON } cors_pass_e;

/* What the directives of context D say; an unset record is all zero. */
typedef struct {
    cors_origins_e origins;
    const apr_array_header_t *listed; /* of CORS_LISTED: const char *, as browsers write them */
    const char *origins_place;        /* the line, for messages */
    cors_pass_e credentials;
    const char *credentials_place;
} cors_location_t;

/* The merge of two. */
void cors_directives_merge(cors_location_t *merged, const cors_location_t *base,
                           const cors_location_t *over);

/* Whether any origin would be let in with the user's credentials: browsers refuse that, and so do
 * we. */
int cors_directives_clash(const cors_location_t *cors);

/* httpd's functions of the directives: NULL, or what is wrong and what to write. */
const char *cors_directives_set_origins(cmd_parms *cmd, void *location, int argc,
                                        char *const argv[]);
const char *cors_directives_set_credentials(cmd_parms *cmd, void *location, int on);

#endif
