#include "chat/reply.h"

#include "base/json.h"
#include "base/text.h"

#include <string.h>

static const reply_error_t errors[REPLY_COUNT] = {
    [REPLY_ANSWER] = {"success", "", 200, 0},
#define REPLY_ROW(name, status, code, retry_after, text)                                           \
    [REPLY_##name] = {code, text, status, retry_after},
    REPLY_ERRORS(REPLY_ROW)
#undef REPLY_ROW
        /* 499 is in access logs only: nginx's number for a client that left. */
        [REPLY_CLIENT_GONE] = {"client_gone", "The client left", 499, 0},
};

const reply_error_t *reply_error(reply_e reply)
{
    return &errors[reply];
}

static void put_timestamp(json_writer_t *writer, apr_time_t now)
{
    char timestamp[TEXT_RFC3339_LENGTH + 1];

    text_rfc3339(timestamp, now);
    json_put_member(writer, "timestamp", timestamp);
}

void reply_write_error(buffer_t *out, reply_e reply, const char *request_id, const char *issues,
                       apr_time_t now)
{
    const reply_error_t *error = reply_error(reply);
    json_writer_t writer;

    json_write_to(&writer, out);
    json_open(&writer, '{');
    json_put_member(&writer, "error", error->text);
    json_put_member(&writer, "error_code", error->code);
    put_timestamp(&writer, now);
    json_put_member(&writer, "request_id", request_id);
    json_name(&writer, "detail");
    if (issues != NULL) {
        json_put_raw(&writer, issues, strlen(issues));
    } else {
        json_put_text(&writer, error->text);
    }
    json_close(&writer, '}');
}

void reply_write_answer(buffer_t *out, const reply_answer_t *answer, apr_time_t now)
{
    json_writer_t writer;

    json_write_to(&writer, out);
    json_open(&writer, '{');
    json_name(&writer, "response");
    json_put_string(&writer, answer->text, answer->text_length);
    json_put_member(&writer, "session_id", answer->session_id);
    put_timestamp(&writer, now);
    json_name(&writer, "tokens_used");
    if (answer->tokens >= 0) {
        json_put_integer(&writer, answer->tokens);
    } else {
        json_put_null(&writer);
    }
    json_name(&writer, "processing_time_ms");
    json_put_decimal(&writer, (double)answer->took / 1000.0, 2);
    if (answer->is_unsaved) {
        json_put_member(&writer, "session", "unsaved");
    }
    json_close(&writer, '}');
}
