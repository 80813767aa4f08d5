#include "http/body.h"

#include "chat/request.h"
#include "http/config.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <util_filter.h>

APLOG_USE_MODULE(chatbot);

reply_e body_check_type(const request_rec *r)
{
    const char *encoding = apr_table_get(r->headers_in, "Content-Encoding");

    if ((encoding != NULL && strcasecmp(encoding, "identity") != 0) ||
        !request_is_json_type(apr_table_get(r->headers_in, "Content-Type"))) {
        return REPLY_UNSUPPORTED_MEDIA_TYPE;
    }
    return REPLY_ANSWER;
}

/* Whether Content-Length already says that it is too much. */
static int promises_too_much(const request_rec *r, const buffer_t *body)
{
    const char *text = apr_table_get(r->headers_in, "Content-Length");
    apr_off_t length;
    char *end;

    return text != NULL && apr_strtoff(&length, text, &end, 10) == APR_SUCCESS &&
           length > (apr_off_t)body->maximum;
}

/* Appends one brigade; 1 at the end of the body, 0 for more, -1 when it is too much. */
static int take_brigade(buffer_t *body, apr_bucket_brigade *brigade, apr_status_t *status)
{
    apr_bucket *bucket;

    for (bucket = APR_BRIGADE_FIRST(brigade); bucket != APR_BRIGADE_SENTINEL(brigade);
         bucket = APR_BUCKET_NEXT(bucket)) {
        const char *bytes;
        apr_size_t length;
        if (APR_BUCKET_IS_EOS(bucket)) {
            return 1;
        }
        if (APR_BUCKET_IS_METADATA(bucket)) {
            continue;
        }
        *status = apr_bucket_read(bucket, &bytes, &length, APR_BLOCK_READ);
        if (*status != APR_SUCCESS) {
            return 0;
        }
        if (!buffer_append(body, bytes, length)) {
            return -1;
        }
    }
    return 0;
}

static reply_e trouble(request_rec *r, apr_status_t status)
{
    ap_log_rerror(APLOG_MARK, APLOG_INFO, status, r,
                  "CHAT0431: request %s: reading the request's body failed",
                  apr_table_get(r->notes, "chatbot-request-id"));
    return REPLY_BAD_REQUEST;
}

reply_e body_read(request_rec *r, buffer_t *body)
{
    apr_bucket_brigade *brigade = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    int ended = promises_too_much(r, body) ? -1 : 0;

    while (ended == 0) {
        apr_status_t status = ap_get_brigade(r->input_filters, brigade, AP_MODE_READBYTES,
                                             APR_BLOCK_READ, HUGE_STRING_LEN);
        if (status == APR_SUCCESS) {
            ended = take_brigade(body, brigade, &status);
        }
        apr_brigade_cleanup(brigade);
        if (status != APR_SUCCESS) {
            return trouble(r, status);
        }
    }
    return ended > 0 ? REPLY_ANSWER : REPLY_BODY_TOO_LARGE;
}
