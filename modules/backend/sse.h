/*
 * Reader of Server-Sent Events (text/event-stream).
 *
 * Bytes go in as they come, in any pieces; whole events come out, and what
 * comes out does not depend on how the input was cut. Comments and fields
 * other than `data` and `event` are passed over. Lines end with CR, LF or both
 * (HTML Living Standard, "Server-sent events"). One thread at a time.
 *
 * Unlike a browser it gives the last event too when the stream ends before the
 * blank line behind it: servers forget it.
 */
#ifndef BACKEND_SSE_H
#define BACKEND_SSE_H

#include "base/buffer.h"

#define SSE_TYPE_MAX 63

typedef enum {
    SSE_OK,
    SSE_TRUNCATED, /* sse_finish() within a line */
    SSE_TOO_LONG,  /* a line or an event is over the limit, or memory is out */
    SSE_STOPPED    /* the visitor returned 0 */
} sse_status_e;

/* Called for each event that has data; `type` is "" when it has none. 0 ends it. */
typedef int (*sse_visit_fn)(void *baton, const char *type, const char *data, size_t length);

typedef struct {
    buffer_t line; /* what of a line has come */
    buffer_t data; /* of the event so far, its lines joined by LF */
    char type[SSE_TYPE_MAX + 1];
    int has_data;
    int after_cr;  /* an LF would belong to the CR before it */
    int is_inside; /* past the first line, before which a byte order mark may stand */
    sse_status_e status;
    sse_visit_fn visit;
    void *baton;
} sse_t;

/* No line and no event is longer than `maximum` bytes. */
void sse_init(sse_t *sse, size_t maximum, sse_visit_fn visit, void *baton);

/* Frees what it holds; twice is fine, and a zeroed one too. */
void sse_free(sse_t *sse);

/* Reads the next bytes. Once it returned anything but SSE_OK it stays there. */
sse_status_e sse_feed(sse_t *sse, const char *bytes, size_t length);

/* Says that the body has ended. */
sse_status_e sse_finish(sse_t *sse);

/* For the log: what the status means. */
const char *sse_reason(sse_status_e status);

#endif
