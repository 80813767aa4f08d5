/* backend/sse: what a stream of Server-Sent Events says, however its bytes arrive. */
#include "backend/sse.h"

#include "tap.h"

#include <stdlib.h>

#define LIMIT 64

typedef struct {
    char text[1024];
    int stop_at; /* the event that is refused; 0: none */
    int events;
} seen_t;

static int on_event(void *baton, const char *type, const char *data, size_t length)
{
    seen_t *seen = baton;
    size_t have = strlen(seen->text);

    (void)snprintf(seen->text + have, sizeof(seen->text) - have, "%s[%.*s]", type, (int)length,
                   data);
    seen->events++;
    return seen->events != seen->stop_at;
}

/* `cut` bytes, then `step` at a time. */
static sse_status_e read_all(seen_t *seen, const char *stream, size_t length, size_t cut,
                             size_t step)
{
    const int stop_at = seen->stop_at;
    sse_status_e status;
    size_t at = 0;
    sse_t sse;

    memset(seen, 0, sizeof(*seen));
    seen->stop_at = stop_at;
    sse_init(&sse, LIMIT, on_event, seen);
    while (at < length) {
        size_t end = at < cut ? cut : length;
        size_t piece_length = end - at < step ? end - at : step;
        char *piece = malloc(piece_length);

        memcpy(piece, stream + at, piece_length);
        (void)sse_feed(&sse, piece, piece_length);
        free(piece);
        at += piece_length;
    }
    status = sse_finish(&sse);
    sse_free(&sse);
    sse_free(&sse);
    return status;
}

static void check(const char *stream, size_t length, sse_status_e expected, const char *text,
                  int stop_at, const char *what)
{
    seen_t seen = {.stop_at = stop_at};
    int same = 1;
    size_t cut;

    IS_NUMBER(read_all(&seen, stream, length, 0, length + 1), expected, what);
    IS(seen.text, text, what);
    for (cut = 0; cut < length; cut++) {
        same = same && read_all(&seen, stream, length, cut, cut == 0 ? 1 : length) == expected &&
               strcmp(seen.text, text) == 0;
    }
    OK(same, "the same however it is cut");
}

#define SAYS(stream, text, what) check(stream, sizeof(stream) - 1, SSE_OK, text, 0, what)

static void whole_streams(void)
{
    SAYS("data: a\n\ndata: b\n\n", "[a][b]", "events");
    SAYS("data: a\r\n\r\ndata: b\r\n\r\n", "[a][b]", "lines that end with CR LF");
    SAYS("data: a\r\rdata: b\r\r", "[a][b]", "lines that end with CR");
    SAYS("data: a\n\r\n\rdata: b\r\n\n", "[a][b]", "all of these mixed");
    SAYS("\xef\xbb\xbf"
         "data: a\n\n\xef\xbb\xbf"
         "data: b\n\n",
         "[a]", "one byte order mark");
    SAYS("data: one\ndata:two\ndata:  three\ndata\ndata:\n\n", "[one\ntwo\n three\n\n]",
         "lines of data are joined, one blank is dropped");
    SAYS("event: ping\n\nevent: error\ndata: x\n\ndata: y\n\n", "error[x][y]",
         "a type is its own event's, and none without data");
    SAYS(": comment\n:\nid: 7\nretry: 10\ndatax: no\n data: no\ndata : no\nnothing\ndata: yes\n\n",
         "[yes]", "comments and other fields");
    SAYS("data: {\"a\": \"b:c\"}\n\n", "[{\"a\": \"b:c\"}]", "colons in the data");
    SAYS("data: a\n", "[a]", "the last blank line forgotten");
    SAYS("data: a\n\ndata: b\r", "[a][b]", "with a CR too");
    SAYS("", "", "nothing");
    SAYS("\n\n\r\n", "", "blank lines");
    SAYS("data\n\n", "[]", "data without a value");
}

static void broken_streams(void)
{
    static const char cut[] = "data: a\n\ndata: b";
    static const char line[] =
        "data: a\n\ndata: 0123456789012345678901234567890123456789012345678901234567890123456789\n";
    static const char event[] = "data: 01234567890123456789012345678901234567890123456789\n"
                                "data: 01234567890123456789012345678901234567890123456789\n\n";

    check(cut, sizeof(cut) - 1, SSE_TRUNCATED, "[a]", 0, "cut within a line");
    check(line, sizeof(line) - 1, SSE_TOO_LONG, "[a]", 0, "too long a line");
    check(event, sizeof(event) - 1, SSE_TOO_LONG, "", 0, "too long an event");
    check("data: a\n\ndata: b\n\ndata: c\n\n", 27, SSE_STOPPED, "[a][b]", 2, "an event refused");
    check("data: a\n", 8, SSE_STOPPED, "[a]", 1, "the last one, too");
    check("event: 0123456789012345678901234567890123456789012345678901\ndata:\n\n", 67, SSE_OK,
          "0123456789012345678901234567890123456789012345678901[]", 0, "a long type");
    OK(sse_reason(SSE_OK) != NULL && sse_reason(SSE_TRUNCATED) != sse_reason(SSE_STOPPED) &&
           sse_reason(SSE_TOO_LONG) != NULL,
       "each status has its words");
}

int main(void)
{
    whole_streams();
    broken_streams();
    return tap_done();
}
