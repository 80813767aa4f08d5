#include "http/page.h"

#include "base/text.h"

#include <apr_md5.h>
#include <apr_strings.h>
#include <http_protocol.h>
#include <string.h>

/* Pages run what they bring along, and talk to where they are from. */
static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static const char *tag_of(apr_pool_t *pool, const char *bytes, apr_size_t length)
{
    unsigned char digest[APR_MD5_DIGESTSIZE];
    char text[2 * APR_MD5_DIGESTSIZE + 1];

    (void)apr_md5(digest, bytes, length);
    text_hex(text, digest, sizeof(digest));
    return apr_pstrcat(pool, "\"", text, "\"", NULL);
}

int page_send(request_rec *r, const char *type, const char *bytes, apr_size_t length)
{
    int status;

    apr_table_setn(r->headers_out, "ETag", tag_of(r->pool, bytes, length));
    apr_table_setn(r->headers_out, "Cache-Control", "no-cache");
    apr_table_setn(r->headers_out, "Content-Security-Policy", policy);
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    apr_table_setn(r->headers_out, "Referrer-Policy", "no-referrer");
    status = ap_meets_conditions(r);
    if (status != OK) {
        return status;
    }
    ap_set_content_type(r, type);
    ap_set_content_length(r, (apr_off_t)length);
    if (!r->header_only) {
        (void)ap_rwrite(bytes, (int)length, r);
    }
    return OK;
}
