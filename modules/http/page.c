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

static const page_file_t *find_file(const char *name)
{
    const page_file_t *file = page_files;

    while (file->name != NULL && strcmp(file->name, name) != 0) {
        file++;
    }
    return file->name != NULL ? file : NULL;
}

static const char *value_of(const page_blank_t *blanks, const char *name, size_t length)
{
    for (; blanks->name != NULL; blanks++) {
        if (strlen(blanks->name) == length && memcmp(blanks->name, name, length) == 0) {
            return blanks->value;
        }
    }
    return "";
}

static const char *fill(apr_pool_t *pool, const char *html, const page_blank_t *blanks)
{
    const char *filled = "";
    const char *open;

    while ((open = strstr(html, "{{")) != NULL) {
        const char *name = open + 2;
        const char *close = strstr(name, "}}");
        if (close == NULL) {
            break;
        }
        filled = apr_pstrcat(pool, filled, apr_pstrmemdup(pool, html, (apr_size_t)(open - html)),
                             value_of(blanks, name, (size_t)(close - name)), NULL);
        html = close + 2;
    }
    return apr_pstrcat(pool, filled, html, NULL);
}

int page_answer(request_rec *r, const char *name, const page_blank_t *blanks)
{
    static const struct {
        const char *end;
        const char *type;
    } assets[] = {{".css", "text/css; charset=utf-8"}, {".js", "text/javascript; charset=utf-8"}};
    const page_file_t *file;
    const char *html;
    size_t i;

    for (i = 0; r->args != NULL && i < sizeof(assets) / sizeof(assets[0]); i++) {
        const char *asset = apr_pstrcat(r->pool, name, assets[i].end, NULL);
        file = find_file(asset);
        if (file != NULL && strcmp(r->args, apr_pstrcat(r->pool, "asset=", asset, NULL)) == 0) {
            return page_send(r, assets[i].type, file->bytes, file->length);
        }
    }
    file = find_file(apr_pstrcat(r->pool, name, ".html", NULL));
    if (file == NULL || (r->args != NULL && strncmp(r->args, "asset=", 6) == 0)) {
        return HTTP_NOT_FOUND;
    }
    html = fill(r->pool, file->bytes, blanks);
    return page_send(r, "text/html; charset=utf-8", html, strlen(html));
}
