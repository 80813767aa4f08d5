#include "http/answer.h"

#include "base/clock.h"
#include "http/child.h"
#include "http/config.h"
#include "http/cors.h"
#include "http/record.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <mod_core.h>

#define NOTE_REQUEST_ID "chatbot-request-id"
#define JSON            "application/json"

/* Most bytes of an answer beside its text. */
#define FRAME_MAX ((size_t)64 * 1024)

const char *answer_request_id(request_rec *r)
{
    const char *id = apr_table_get(r->notes, NOTE_REQUEST_ID);
    char made[TEXT_UUID_LENGTH + 1];

    if (id != NULL) {
        return id;
    }
    id = apr_table_get(r->headers_in, "X-Request-ID");
    if (id == NULL || !text_is_request_id(id, strlen(id))) {
        id = text_uuid4(made) ? apr_pstrdup(r->pool, made) : "unknown";
    }
    apr_table_setn(r->notes, NOTE_REQUEST_ID, id);
    return id;
}

static void set_headers(request_rec *r)
{
    apr_table_setn(r->err_headers_out, "X-Request-ID", answer_request_id(r));
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
}

/* For mod_deflate and mod_brotli. */
static void refuse_compression(request_rec *r)
{
    apr_table_setn(r->subprocess_env, "no-gzip", "1");
    apr_table_setn(r->subprocess_env, "no-brotli", "1");
}

static apr_status_t on_bytes_done(void *body)
{
    buffer_free(body);
    return APR_SUCCESS;
}

/* The core output filter keeps up to 64 KB without blocking; a piece is well below, and TLS adds a
 * little. */
#define PIECE_MAX ((size_t)16 * 1024)

static void set_body(request_rec *r, int status, const char *type, buffer_t *body,
                     answer_rest_t *rest)
{
    set_headers(r);
    apr_pool_cleanup_register(r->pool, body, on_bytes_done, apr_pool_cleanup_null);
    r->status = status;
    r->status_line = NULL;
    ap_set_content_type(r, type);
    ap_set_content_length(r, (apr_off_t)body->length);
    rest->body = body;
    rest->written = 0; /* for HEAD too: filters see it, and httpd drops it behind them */
    if ((apr_off_t)body->length < config_compress_min(config_of_location(r))) {
        refuse_compression(r);
    }
}

/* The bytes stay where they are until the request's end, which the filters keep behind them. */
static apr_status_t write_piece(request_rec *r, answer_rest_t *rest)
{
    size_t left = rest->body->length - rest->written;
    size_t length = left < PIECE_MAX ? left : PIECE_MAX;
    apr_bucket_alloc_t *allocator = r->connection->bucket_alloc;
    apr_bucket_brigade *brigade = apr_brigade_create(r->pool, allocator);

    APR_BRIGADE_INSERT_TAIL(
        brigade, apr_bucket_immortal_create(rest->body->data + rest->written, length, allocator));
    rest->written += length;
    return ap_pass_brigade(r->output_filters, brigade);
}

void answer_begin_stream(request_rec *r, answer_rest_t *rest)
{
    set_headers(r);
    refuse_compression(r);
    rest->stream = answer_stream_begin(r);
}

int answer_write(request_rec *r, answer_rest_t *rest)
{
    if (rest->stream != NULL) {
        return answer_stream_write(r, rest->stream, rest->may_wait);
    }
    while (rest->body != NULL && rest->written < rest->body->length) {
        if (write_piece(r, rest) != APR_SUCCESS || r->connection->aborted) {
            return OK;
        }
        if (r->connection->data_in_output_filters && rest->written < rest->body->length) {
            return SUSPENDED;
        }
    }
    return OK;
}

void answer_prepare_json(request_rec *r, int status, buffer_t *body, answer_rest_t *rest)
{
    set_body(r, status, JSON, body, rest);
}

void answer_no_content(request_rec *r)
{
    set_headers(r);
    r->status = HTTP_NO_CONTENT;
}

static void write_whole(request_rec *r, answer_rest_t *rest)
{
    while (answer_write(r, rest) == SUSPENDED) {
        /* the core output filter blocks when it holds too much */
    }
}

void answer_body(request_rec *r, int status, const char *type, buffer_t *body)
{
    answer_rest_t rest = {.body = NULL};

    set_body(r, status, type, body, &rest);
    write_whole(r, &rest);
}

void answer_json(request_rec *r, int status, buffer_t *body)
{
    answer_body(r, status, JSON, body);
}

void answer_retry_after(request_rec *r, apr_interval_time_t wait)
{
    apr_table_setn(
        r->err_headers_out, "Retry-After",
        apr_psprintf(r->pool, "%" APR_TIME_T_FMT, apr_time_sec(wait + apr_time_from_sec(1) - 1)));
}

static int has_error_document(request_rec *r, int status)
{
    return ap_response_code_string(r, ap_index_of_response(status)) != NULL;
}

static buffer_t *make_body(request_rec *r, size_t maximum)
{
    buffer_t *body = apr_palloc(r->pool, sizeof(*body));

    buffer_init(body, maximum);
    return body;
}

/* ---- the shape of bodies ---- */

static void write_chat_answer(buffer_t *out, const flow_t *flow)
{
    const reply_answer_t answer = {.text = buffer_text(&flow->result.text),
                                   .text_length = flow->result.text.length,
                                   .session_id = flow->session_id,
                                   .tokens = flow->result.tokens,
                                   .took = clock_monotonic() - flow->started};

    reply_write_answer(out, &answer, clock_wall());
}

static const answer_shape_t *shape_of(const request_rec *r)
{
    static const answer_shape_t chat = {write_chat_answer, reply_write_error,
                                        HTTP_UNPROCESSABLE_ENTITY};
    const record_t *record = record_find(r);

    return record != NULL && record->shape != NULL ? record->shape : &chat;
}

void answer_set_shape(request_rec *r, const answer_shape_t *shape)
{
    record_of(r)->shape = shape;
}

/* ---- errors ---- */

static int status_of(const request_rec *r, reply_e reply)
{
    switch (reply) {
    case REPLY_UPSTREAM_TIMEOUT: return config_timeout_status(config_of_location(r));
    case REPLY_VALIDATION_ERROR: return shape_of(r)->not_valid;
    default: return reply_error(reply)->status;
    }
}

static void set_error_headers(request_rec *r, reply_e reply)
{
    const reply_error_t *error = reply_error(reply);

    set_headers(r);
    apr_table_setn(r->notes, "chatbot-outcome", error->code);
    if (error->retry_after > 0 && apr_table_get(r->err_headers_out, "Retry-After") == NULL) {
        apr_table_setn(r->err_headers_out, "Retry-After", apr_itoa(r->pool, error->retry_after));
    }
    if (reply == REPLY_BAD_REQUEST || reply == REPLY_BODY_TOO_LARGE || child_is_stopping()) {
        /* What is left of the body is not worth reading; or this child has no next request. */
        r->connection->keepalive = AP_CONN_CLOSE;
    }
}

int answer_prepare_error(request_rec *r, reply_e reply, const char *issues, answer_rest_t *rest)
{
    int status = status_of(r, reply);
    buffer_t *body;

    set_error_headers(r, reply);
    record_outcome(r, reply);
    if (has_error_document(r, status)) {
        return status;
    }
    body = make_body(r, 1024 + (issues != NULL ? strlen(issues) : 0));
    shape_of(r)->write_error(body, reply, answer_request_id(r), issues, clock_wall());
    set_body(r, status, JSON, body, rest);
    return OK;
}

int answer_error(request_rec *r, reply_e reply, const char *issues)
{
    answer_rest_t rest = {.body = NULL};
    int status = answer_prepare_error(r, reply, issues, &rest);

    write_whole(r, &rest);
    return status;
}

static void note_number(request_rec *r, const char *name, apr_int64_t number)
{
    apr_table_setn(r->notes, name, apr_psprintf(r->pool, "%" APR_INT64_T_FMT, number));
}

/* Names are in the manual: LogFormat "%{chatbot-…}n". */
void answer_note(request_rec *r, const flow_t *flow)
{
    const flow_result_t *result = &flow->result;

    record_chat(r, result);
    record_outcome(r, result->reply);
    apr_table_set(r->notes, "chatbot-session", flow->session_id);
    apr_table_setn(r->notes, "chatbot-outcome", reply_error(result->reply)->code);
    if (flow->user != NULL) {
        apr_table_set(r->notes, "chatbot-user", flow->user);
    }
    if (result->aws_request_id[0] != '\0') {
        apr_table_set(r->notes, "chatbot-aws-request-id", result->aws_request_id);
    }
    if (result->tokens != BACKEND_TOKENS_UNKNOWN) {
        note_number(r, "chatbot-tokens", result->tokens);
    }
    if (result->first_text >= 0) {
        note_number(r, "chatbot-first-ms", apr_time_as_msec(result->first_text));
    }
    note_number(r, "chatbot-retries", result->retries);
    note_number(r, "chatbot-upstream-ms", apr_time_as_msec(result->upstream));
}

static int prepare_success(request_rec *r, const flow_t *flow, answer_rest_t *rest)
{
    /* Each byte may become an escape of six. */
    buffer_t *body = make_body(r, FRAME_MAX + 6 * flow->result.text.length);

    shape_of(r)->write_answer(body, flow);
    if (body->failed) {
        buffer_free(body);
        return answer_prepare_error(r, REPLY_INTERNAL_ERROR, NULL, rest);
    }
    if (flow->result.unsaved) {
        apr_table_setn(r->err_headers_out, "X-Chatbot-Session", "unsaved");
    }
    set_body(r, HTTP_OK, JSON, body, rest);
    return OK;
}

int answer_prepare(request_rec *r, const flow_t *flow, answer_rest_t *rest)
{
    answer_note(r, flow);
    switch (flow->result.reply) {
    case REPLY_ANSWER: return prepare_success(r, flow, rest);
    case REPLY_CLIENT_GONE:
        r->connection->aborted = 1;
        r->status = reply_error(REPLY_CLIENT_GONE)->status;
        return OK;
    default:
        if (flow->result.retry_in > 0) {
            answer_retry_after(r, flow->result.retry_in);
        }
        return answer_prepare_error(r, flow->result.reply, NULL, rest);
    }
}

int answer_other_methods(request_rec *r, apr_int64_t methods)
{
    static const struct {
        int number;
        const char *name;
    } known[] = {{M_GET, "GET, HEAD"}, {M_POST, "POST"}, {M_DELETE, "DELETE"}};
    const char *allow = "OPTIONS";
    size_t i;

    if (r->method_number != M_OPTIONS && r->method_number < METHODS &&
        (methods & (AP_METHOD_BIT << r->method_number))) {
        return DECLINED;
    }
    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (methods & (AP_METHOD_BIT << known[i].number)) {
            allow = apr_pstrcat(r->pool, known[i].name, ", ", allow, NULL);
        }
    }
    apr_table_setn(r->err_headers_out, "Allow", allow);
    if (r->method_number == M_OPTIONS) {
        cors_set_preflight(r, allow);
        answer_no_content(r);
        return OK;
    }
    return answer_error(r, REPLY_METHOD_NOT_ALLOWED, NULL);
}
