#include "http/answer_stream.h"

#include <apr_portable.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <poll.h>

/* The end of a stream repeats the whole answer, each byte of which may be an escape of six. */
#define EVENTS_MAX ((size_t)256 * 1024 * 1024)

/* A socket is writable when a third of its send buffer is free: this always fits there. */
#define TURN_MAX ((size_t)8 * 1024)

/* The memory of a long event is not kept. */
#define KEEP_MAX ((size_t)64 * 1024)

struct answer_stream_t {
    buffer_t events;
    size_t written;
    apr_bucket_brigade *brigade;
};

static apr_status_t on_end(void *baton)
{
    answer_stream_t *stream = baton;

    buffer_free(&stream->events);
    return APR_SUCCESS;
}

static void set_head(request_rec *r)
{
    r->status = HTTP_OK;
    r->status_line = NULL;
    ap_set_content_type(r, "text/event-stream; charset=utf-8");
    apr_table_setn(r->headers_out, "X-Accel-Buffering", "no");
}

answer_stream_t *answer_stream_begin(request_rec *r)
{
    answer_stream_t *stream = apr_pcalloc(r->pool, sizeof(*stream));

    buffer_init(&stream->events, EVENTS_MAX);
    stream->brigade = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    apr_pool_cleanup_register(r->pool, stream, on_end, apr_pool_cleanup_null);
    set_head(r);
    return stream;
}

buffer_t *answer_stream_events(answer_stream_t *stream)
{
    return &stream->events;
}

static int is_writable(const request_rec *r)
{
    struct pollfd client = {.fd = -1, .events = POLLOUT};

    (void)apr_os_sock_get(&client.fd, ap_get_conn_socket(r->connection));
    return poll(&client, 1, 0) > 0;
}

/* 0 when the client is gone. */
static int write_turn(request_rec *r, answer_stream_t *stream)
{
    apr_bucket_alloc_t *allocator = r->connection->bucket_alloc;
    size_t left = stream->events.length - stream->written;
    size_t length = left < TURN_MAX ? left : TURN_MAX;
    apr_status_t status;

    APR_BRIGADE_INSERT_TAIL(
        stream->brigade,
        apr_bucket_transient_create(stream->events.data + stream->written, length, allocator));
    APR_BRIGADE_INSERT_TAIL(stream->brigade, apr_bucket_flush_create(allocator));
    stream->written += length;
    status = ap_pass_brigade(r->output_filters, stream->brigade);
    (void)apr_brigade_cleanup(stream->brigade);
    return status == APR_SUCCESS && !r->connection->aborted;
}

static void forget_written(answer_stream_t *stream)
{
    stream->written = 0;
    if (stream->events.capacity > KEEP_MAX) {
        buffer_free(&stream->events);
    } else {
        buffer_clear(&stream->events);
    }
}

int answer_stream_write(request_rec *r, answer_stream_t *stream, int may_wait)
{
    while (stream->written < stream->events.length) {
        if (!may_wait && !r->connection->aborted && !is_writable(r)) {
            return SUSPENDED;
        }
        if (!write_turn(r, stream)) {
            r->connection->aborted = 1;
            break;
        }
    }
    forget_written(stream);
    return OK;
}
