#include "http/cors_directives.h"

#include "http/config.h"
#include "http/values.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <arpa/inet.h>

#define EXAMPLE "as in https://www.example.com or http://localhost:3000"

void cors_directives_merge(cors_location_t *merged, const cors_location_t *base,
                           const cors_location_t *over)
{
    const cors_location_t *origins = over->origins != CORS_UNSET ? over : base;
    const cors_location_t *pass = over->credentials != CORS_CREDENTIALS_UNSET ? over : base;

    merged->origins = origins->origins;
    merged->listed = origins->listed;
    merged->origins_place = origins->origins_place;
    merged->credentials = pass->credentials;
    merged->credentials_place = pass->credentials_place;
}

int cors_directives_clash(const cors_location_t *cors)
{
    return cors->origins == CORS_ANY && cors->credentials == CORS_CREDENTIALS_ON;
}

static const char *place_of(const cmd_parms *cmd)
{
    return apr_psprintf(cmd->pool, "line %d of %s", cmd->directive->line_num,
                        cmd->directive->filename);
}

/* In one section, in either order. */
static const char *find_clash(cmd_parms *cmd, const cors_location_t *cors)
{
    return cors_directives_clash(cors)
               ? values_complain(cmd, "any site could act with the visitor's credentials, so * and "
                                      "ChatbotCORSCredentials On exclude each other: write the "
                                      "origins that may, " EXAMPLE)
               : NULL;
}

/* ---- origins: RFC 6454, section 6.2; scheme "://" host [ ":" port ] ---- */

/* The length of the scheme, 0 when it is none. */
static size_t scan_scheme(const char *text)
{
    size_t length = 0;

    while (apr_isalnum(text[length]) ||
           (length > 0 && strchr("+-.", text[length]) != NULL && text[length] != '\0')) {
        length++;
    }
    return apr_isalpha(text[0]) && strncmp(text + length, "://", 3) == 0 ? length : 0;
}

/* The host as browsers write it, or NULL; `*end` is what comes behind it. */
static const char *read_host(apr_pool_t *pool, const char *text, const char **end)
{
    size_t length = 0;
    struct in6_addr address;
    char canonical[INET6_ADDRSTRLEN];

    if (*text == '[') {
        length = strcspn(text, "]");
        if (text[length] == '\0' ||
            inet_pton(AF_INET6, apr_pstrmemdup(pool, text + 1, length - 1), &address) != 1) {
            return NULL;
        }
        *end = text + length + 1;
        return apr_pstrcat(pool, "[", inet_ntop(AF_INET6, &address, canonical, sizeof(canonical)),
                           "]", NULL);
    }
    while (apr_isalnum(text[length]) || text[length] == '-' || text[length] == '_' ||
           (text[length] == '.' && length > 0)) {
        length++;
    }
    *end = text + length;
    return length > 0 ? apr_pstrmemdup(pool, text, length) : NULL;
}

/* ":" and the port, "" for the scheme's own; NULL when it is none. */
static const char *read_port(apr_pool_t *pool, const char *scheme, const char *text)
{
    apr_off_t port;

    if (*text == '\0') {
        return "";
    }
    if (*text != ':' || !values_number(text + 1, 0, 1, 65535, &port)) {
        return NULL;
    }
    if ((port == 80 && strcmp(scheme, "http") == 0) ||
        (port == 443 && strcmp(scheme, "https") == 0)) {
        return "";
    }
    return apr_psprintf(pool, ":%d", (int)port);
}

/* The origin as browsers write it: lower case, without the scheme's own port. NULL: it is none. */
static const char *read_origin(apr_pool_t *pool, const char *text)
{
    size_t length = scan_scheme(text);
    char *scheme = apr_pstrmemdup(pool, text, length);
    const char *host;
    const char *port;
    const char *end;
    char *origin;

    ap_str_tolower(scheme);
    host = length > 0 ? read_host(pool, text + length + 3, &end) : NULL;
    port = host != NULL ? read_port(pool, scheme, end) : NULL;
    if (port == NULL) {
        return NULL;
    }
    origin = apr_pstrcat(pool, scheme, "://", host, port, NULL);
    ap_str_tolower(origin);
    return origin;
}

static const char *refuse_origin(cmd_parms *cmd, const char *text)
{
    size_t scheme = scan_scheme(text);

    if (strcasecmp(text, "null") == 0) {
        return values_complain(cmd, "\"null\" is the origin of every sandboxed frame and local "
                                    "file, so of anybody; write the origins that may, " EXAMPLE);
    }
    if (strcmp(text, "*") == 0 || strcasecmp(text, "Off") == 0) {
        return values_complain(
            cmd, "\"%s\" stands alone; write it, or the origins that may, " EXAMPLE, text);
    }
    if (scheme > 0 && strchr(text + scheme + 3, '/') != NULL) {
        return values_complain(cmd,
                               "\"%s\": an origin has no path, and no slash at its end; write "
                               "scheme://host or scheme://host:port, " EXAMPLE,
                               text);
    }
    return values_complain(cmd,
                           "\"%s\" is no origin; write scheme://host or scheme://host:port, each "
                           "host by itself, " EXAMPLE,
                           text);
}

static const char *take_list(cmd_parms *cmd, cors_location_t *cors, int argc, char *const argv[])
{
    apr_array_header_t *listed = apr_array_make(cmd->pool, argc, sizeof(const char *));
    int i;

    for (i = 0; i < argc; i++) {
        const char *origin = read_origin(cmd->pool, argv[i]);

        if (origin == NULL) {
            return refuse_origin(cmd, argv[i]);
        }
        APR_ARRAY_PUSH(listed, const char *) = origin;
    }
    cors->origins = CORS_LISTED;
    cors->listed = listed;
    return NULL;
}

const char *cors_directives_set_origins(cmd_parms *cmd, void *location, int argc,
                                        char *const argv[])
{
    cors_location_t *cors = &((config_location_t *)location)->cors;
    const char *problem = NULL;

    if (argc == 0) {
        return values_complain(cmd, "write Off, *, or the origins that may, " EXAMPLE);
    }
    cors->origins_place = place_of(cmd);
    if (argc == 1 && strcasecmp(argv[0], "Off") == 0) {
        cors->origins = CORS_OFF;
    } else if (argc == 1 && strcmp(argv[0], "*") == 0) {
        cors->origins = CORS_ANY;
    } else {
        problem = take_list(cmd, cors, argc, argv);
    }
    return problem != NULL ? problem : find_clash(cmd, cors);
}

const char *cors_directives_set_credentials(cmd_parms *cmd, void *location, int on)
{
    cors_location_t *cors = &((config_location_t *)location)->cors;

    cors->credentials = on ? CORS_CREDENTIALS_ON : CORS_CREDENTIALS_OFF;
    cors->credentials_place = place_of(cmd);
    return find_clash(cmd, cors);
}
