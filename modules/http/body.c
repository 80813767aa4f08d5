#include "http/body.h"

#include "chat/request.h"
#include "http/config.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <util_filter.h>

APLOG_USE_MODULE(chatbot);

/* Whether an input filter of httpd's will decode the body: SetInputFilter DEFLATE. */
static int is_to_be_decoded(const request_rec *r, const char *encoding)
{
    const ap_filter_t *filter = r->input_filters;

    while (filter != NULL && strcasecmp(filter->frec->name, "deflate") != 0) {
        filter = filter->next;
    }
    return filter != NULL &&
           (strcasecmp(encoding, "gzip") == 0 || strcasecmp(encoding, "x-gzip") == 0);
}

reply_e body_check_type(const request_rec *r)
{
    const char *encoding = apr_table_get(r->headers_in, "Content-Encoding");

    if ((encoding != NULL && strcasecmp(encoding, "identity") != 0 &&
         !is_to_be_decoded(r, encoding)) ||
        !request_is_json_type(apr_table_get(r->headers_in, "Content-Type"))) {
        return REPLY_UNSUPPORTED_MEDIA_TYPE;
    }
    return REPLY_ANSWER;
}

/* httpd decodes chunks and takes any coding in front of them for granted (RFC 9112, 6.1). */
static int is_framing_known(const request_rec *r)
{
    const char *coding = apr_table_get(r->headers_in, "Transfer-Encoding");

    return coding == NULL || strcasecmp(coding, "chunked") == 0;
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

/* httpd's input filter answers a malformed body by itself, in HTML: an error bucket down the output
 * filters. While the body is read this filter keeps it back, and what it says. */
static ap_filter_rec_t *error_catcher;

static apr_status_t catch_error(ap_filter_t *filter, apr_bucket_brigade *brigade)
{
    int *status = filter->ctx;
    apr_bucket *bucket;

    for (bucket = APR_BRIGADE_FIRST(brigade); bucket != APR_BRIGADE_SENTINEL(brigade);
         bucket = APR_BUCKET_NEXT(bucket)) {
        if (AP_BUCKET_IS_ERROR(bucket)) {
            *status = ((ap_bucket_error *)bucket->data)->status;
            apr_brigade_cleanup(brigade);
            return APR_EGENERAL;
        }
    }
    return ap_pass_brigade(filter->next, brigade); /* 100 Continue, say */
}

void body_register_filter(void)
{
    error_catcher =
        ap_register_output_filter("CHATBOT_BODY_ERROR", catch_error, NULL, AP_FTYPE_CONTENT_SET);
}

static reply_e trouble(request_rec *r, apr_status_t failure, int caught, int *status)
{
    ap_log_rerror(APLOG_MARK, APLOG_INFO, failure, r,
                  "CHAT0431: request %s: reading the request's body failed",
                  apr_table_get(r->notes, "chatbot-request-id"));
    if (caught == 0 && APR_STATUS_IS_TIMEUP(failure)) {
        *status = HTTP_REQUEST_TIME_OUT;
    }
    return caught == HTTP_REQUEST_ENTITY_TOO_LARGE ? REPLY_BODY_TOO_LARGE : REPLY_BAD_REQUEST;
}

static reply_e read_brigades(request_rec *r, buffer_t *body, const int *caught, int *status)
{
    apr_bucket_brigade *brigade = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    int ended = promises_too_much(r, body) ? -1 : 0;

    while (ended == 0) {
        apr_status_t failure = ap_get_brigade(r->input_filters, brigade, AP_MODE_READBYTES,
                                              APR_BLOCK_READ, HUGE_STRING_LEN);
        if (failure == APR_SUCCESS) {
            ended = take_brigade(body, brigade, &failure);
        }
        apr_brigade_cleanup(brigade);
        if (failure != APR_SUCCESS) {
            return trouble(r, failure, *caught, status);
        }
    }
    return ended > 0 ? REPLY_ANSWER : REPLY_BODY_TOO_LARGE;
}

reply_e body_read(request_rec *r, buffer_t *body, int *status)
{
    int caught = 0;
    ap_filter_t *catcher;
    reply_e reply;

    if (!is_framing_known(r)) {
        return REPLY_BAD_REQUEST;
    }
    catcher = ap_add_output_filter_handle(error_catcher, &caught, r, r->connection);
    reply = read_brigades(r, body, &caught, status);
    ap_remove_output_filter(catcher);
    return reply;
}
