#include "chat/stream.h"

#include "base/clock.h"
#include "base/json.h"

static void begin(buffer_t *out, const char *event)
{
    (void)buffer_printf(out, "event: %s\ndata: ", event);
}

/* JSON has no line breaks but escaped ones, so one data line takes it. */
static void end(buffer_t *out)
{
    (void)buffer_puts(out, "\n\n");
}

void stream_write_session(buffer_t *out, const flow_t *flow)
{
    json_writer_t writer;

    begin(out, "session");
    json_write_to(&writer, out);
    json_open(&writer, '{');
    json_put_member(&writer, "session_id", flow->session_id);
    json_put_member(&writer, "request_id", flow->request_id);
    json_close(&writer, '}');
    end(out);
}

void stream_write_delta(buffer_t *out, const char *text, size_t length)
{
    json_writer_t writer;

    if (length == 0) {
        return;
    }
    begin(out, "delta");
    json_write_to(&writer, out);
    json_open(&writer, '{');
    json_name(&writer, "text");
    json_put_string(&writer, text, length);
    json_close(&writer, '}');
    end(out);
}

void stream_write_beat(buffer_t *out)
{
    (void)buffer_puts(out, ":\n\n");
}

void stream_write_end(buffer_t *out, const flow_t *flow, apr_time_t now)
{
    if (flow->result.reply == REPLY_ANSWER) {
        const reply_answer_t answer = {.text = buffer_text(&flow->result.text),
                                       .text_length = flow->result.text.length,
                                       .session_id = flow->session_id,
                                       .tokens = flow->result.tokens,
                                       .took = clock_monotonic() - flow->started,
                                       .is_unsaved = flow->result.unsaved};
        begin(out, "done");
        reply_write_answer(out, &answer, now);
    } else {
        begin(out, "error");
        reply_write_error(out, flow->result.reply, flow->request_id, NULL, now);
    }
    end(out);
}
