#include "http/cors.h"

#include "http/config.h"

#include <stdatomic.h>

APLOG_USE_MODULE(chatbot);

/* What scripts may read of an answer beside the headers every script may. */
#define EXPOSED                                                                                    \
    "X-Request-ID, RateLimit, RateLimit-Policy, Retry-After, X-Chatbot-Session, X-Session-Id"

/* What a request may send when the browser does not ask for names that can be repeated. */
#define USUAL "Content-Type, Accept, Authorization, X-Request-ID, X-Session-Id, traceparent"

#define NAMES_MAX       1024
#define PREFLIGHT_VARY  "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
#define PREFLIGHT_VALID "600" /* seconds: as long as the FastAPI service's */

static void set(request_rec *r, const char *name, const char *value)
{
    apr_table_setn(r->err_headers_out, name, value);
}

/* The origin that the answer is opened to; NULL: to none. */
static const char *find_origin(const request_rec *r, const cors_location_t *cors)
{
    const char *origin = apr_table_get(r->headers_in, "Origin");
    int i;

    if (cors->origins == CORS_ANY) {
        return "*";
    }
    for (i = 0; origin != NULL && cors->origins == CORS_LISTED && i < cors->listed->nelts; i++) {
        const char *listed = APR_ARRAY_IDX(cors->listed, i, const char *);

        if (strcmp(listed, origin) == 0) {
            return listed;
        }
    }
    return NULL;
}

/* Found by a request only: see http/cors_check. */
static void tell_clash(request_rec *r, const cors_location_t *cors)
{
    static atomic_flag is_told = ATOMIC_FLAG_INIT;

    if (!atomic_flag_test_and_set(&is_told)) {
        ap_log_rerror(
            APLOG_MARK, APLOG_ERR, 0, r,
            "CHAT0591: answering %s: ChatbotCORS * on %s and ChatbotCORSCredentials On on "
            "%s both apply: the credentials are left out; write the origins that may, or "
            "ChatbotCORSCredentials Off",
            r->uri, cors->origins_place, cors->credentials_place);
    }
}

void cors_set_headers(request_rec *r)
{
    const cors_location_t *cors = &config_of_location(r)->cors;
    const char *origin = find_origin(r, cors);

    if (cors->origins == CORS_LISTED &&
        !ap_find_token(r->pool, apr_table_get(r->err_headers_out, "Vary"), "Origin")) {
        apr_table_mergen(r->err_headers_out, "Vary", "Origin");
    }
    if (origin == NULL) {
        return;
    }
    set(r, "Access-Control-Allow-Origin", origin);
    set(r, "Access-Control-Expose-Headers", EXPOSED);
    if (cors_directives_clash(cors)) {
        tell_clash(r, cors);
    } else if (cors->credentials == CORS_CREDENTIALS_ON) {
        set(r, "Access-Control-Allow-Credentials", "true");
    }
}

/* Names of headers and commas, nothing that could be anything else. */
static int are_names(const char *list)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "-_.!#$%&'*+^`|~, \t";
    size_t length = strlen(list);

    return length > 0 && length <= NAMES_MAX && strspn(list, allowed) == length;
}

void cors_set_preflight(request_rec *r, const char *methods)
{
    const cors_location_t *cors = &config_of_location(r)->cors;
    const char *names = apr_table_get(r->headers_in, "Access-Control-Request-Headers");

    if (cors->origins != CORS_ANY && cors->origins != CORS_LISTED) {
        return;
    }
    apr_table_mergen(r->err_headers_out, "Vary", PREFLIGHT_VARY);
    if (find_origin(r, cors) != NULL &&
        apr_table_get(r->headers_in, "Access-Control-Request-Method") != NULL) {
        set(r, "Access-Control-Allow-Methods", methods);
        set(r, "Access-Control-Allow-Headers", names != NULL && are_names(names) ? names : USUAL);
        set(r, "Access-Control-Max-Age", PREFLIGHT_VALID);
    }
}
