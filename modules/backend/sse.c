#include "backend/sse.h"

#include <apr_strings.h>
#include <string.h>

void sse_init(sse_t *sse, size_t maximum, sse_visit_fn visit, void *baton)
{
    memset(sse, 0, sizeof(*sse));
    buffer_init(&sse->line, maximum);
    buffer_init(&sse->data, maximum);
    sse->visit = visit;
    sse->baton = baton;
}

void sse_free(sse_t *sse)
{
    buffer_free(&sse->line);
    buffer_free(&sse->data);
}

/* Always 0. */
static int stop(sse_t *sse, sse_status_e status)
{
    sse->status = status;
    return 0;
}

/* ---- a line ---- */

static int dispatch(sse_t *sse)
{
    int fine = !sse->has_data ||
               sse->visit(sse->baton, sse->type, buffer_text(&sse->data), sse->data.length);

    buffer_clear(&sse->data);
    sse->has_data = 0;
    sse->type[0] = '\0';
    return fine || stop(sse, SSE_STOPPED);
}

static int take_data(sse_t *sse, const char *value, size_t length)
{
    int fine = !sse->has_data || buffer_append(&sse->data, "\n", 1);

    sse->has_data = 1;
    return (fine && buffer_append(&sse->data, value, length)) || stop(sse, SSE_TOO_LONG);
}

static void take_type(sse_t *sse, const char *value, size_t length)
{
    length = length < SSE_TYPE_MAX ? length : SSE_TYPE_MAX;
    memcpy(sse->type, value, length);
    sse->type[length] = '\0';
}

static int is_field(const char *line, size_t length, const char *name)
{
    return strlen(name) == length && memcmp(line, name, length) == 0;
}

/* A comment starts with a colon: a field without a name. */
static int take_line(sse_t *sse, const char *line, size_t length)
{
    static const char mark[] = {'\xef', '\xbb', '\xbf'};
    const char *colon;
    const char *value;

    if (!sse->is_inside && length >= sizeof(mark) && memcmp(line, mark, sizeof(mark)) == 0) {
        line += sizeof(mark);
        length -= sizeof(mark);
    }
    sse->is_inside = 1;
    if (length == 0) {
        return dispatch(sse);
    }
    colon = memchr(line, ':', length);
    value = colon != NULL ? colon + 1 : line + length;
    if (value < line + length && *value == ' ') {
        value++;
    }
    if (is_field(line, (size_t)((colon != NULL ? colon : line + length) - line), "data")) {
        return take_data(sse, value, (size_t)(line + length - value));
    }
    if (is_field(line, (size_t)((colon != NULL ? colon : line + length) - line), "event")) {
        take_type(sse, value, (size_t)(line + length - value));
    }
    return 1;
}

/* ---- pieces ---- */

static const char *find_end(const char *bytes, const char *end)
{
    while (bytes < end && *bytes != '\r' && *bytes != '\n') {
        bytes++;
    }
    return bytes;
}

/* The line ends in this piece: what came of it before is in front. */
static int end_line(sse_t *sse, const char *bytes, size_t length)
{
    int fine;

    if (sse->line.length == 0) {
        return length <= sse->line.maximum ? take_line(sse, bytes, length)
                                           : stop(sse, SSE_TOO_LONG);
    }
    if (!buffer_append(&sse->line, bytes, length)) {
        return stop(sse, SSE_TOO_LONG);
    }
    fine = take_line(sse, sse->line.data, sse->line.length);
    buffer_clear(&sse->line);
    return fine;
}

sse_status_e sse_feed(sse_t *sse, const char *bytes, size_t length)
{
    const char *end = bytes + length;
    const char *found;

    while (sse->status == SSE_OK && bytes < end) {
        if (sse->after_cr && *bytes == '\n') {
            bytes++;
        }
        sse->after_cr = 0;
        found = find_end(bytes, end);
        if (found == end) {
            if (!buffer_append(&sse->line, bytes, (size_t)(end - bytes))) {
                (void)stop(sse, SSE_TOO_LONG);
            }
            break;
        }
        sse->after_cr = *found == '\r';
        (void)end_line(sse, bytes, (size_t)(found - bytes));
        bytes = found + 1;
    }
    return sse->status;
}

sse_status_e sse_finish(sse_t *sse)
{
    if (sse->status == SSE_OK && sse->line.length > 0) {
        (void)stop(sse, SSE_TRUNCATED);
    }
    if (sse->status == SSE_OK) {
        (void)dispatch(sse);
    }
    return sse->status;
}

const char *sse_reason(sse_status_e status)
{
    switch (status) {
    case SSE_TRUNCATED: return "it ended within a line of its event stream";
    case SSE_TOO_LONG: return "an event of its stream is too long, or memory is out";
    case SSE_STOPPED: return "its event stream was refused";
    default: return "its event stream is fine";
    }
}
