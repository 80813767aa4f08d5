#include "chat/completion_reply.h"

#include "base/json.h"

#include <apr_strings.h>

#define NOT_VALID "invalid_request_error"

/* ---- errors ---- */

static const char *type_of(reply_e reply)
{
    switch (reply_error(reply)->status) {
    case 403: return "permission_error";
    case 409: return "conflict_error";
    case 429: return "rate_limit_error";
    default:
        return reply_error(reply)->status < 500 && reply != REPLY_UPSTREAM_TIMEOUT ? NOT_VALID
                                                                                   : "server_error";
    }
}

static void put_error(buffer_t *out, const char *text, const char *type, const char *param,
                      const char *code)
{
    json_writer_t writer;

    json_write_to(&writer, out);
    json_open(&writer, '{');
    json_put_member(&writer, "message", text);
    json_put_member(&writer, "type", type);
    json_put_member(&writer, "param", param);
    json_put_member(&writer, "code", code);
    json_close(&writer, '}');
}

void completion_reply_write_problem(buffer_t *out, const char *text, const char *param,
                                    const char *code)
{
    put_error(out, text, NOT_VALID, param, code);
}

void completion_reply_write_no_model(buffer_t *out, const char *name)
{
    buffer_t text;

    buffer_init(&text, out->maximum);
    (void)buffer_printf(&text, "The model '%s' does not exist here.", name);
    put_error(out, buffer_text(&text), NOT_VALID, "model",
              reply_error(REPLY_MODEL_NOT_FOUND)->code);
    buffer_free(&text);
}

void completion_reply_write_error(buffer_t *out, reply_e reply, const char *request_id,
                                  const char *issues, apr_time_t now)
{
    const reply_error_t *error = reply_error(reply);

    (void)request_id; /* is in a header, where OpenAI's clients look for it */
    (void)now;
    (void)buffer_puts(out, "{\"error\":");
    if (issues != NULL) {
        (void)buffer_puts(out, issues);
    } else {
        put_error(out, error->text, type_of(reply), NULL,
                  reply == REPLY_RATE_LIMITED ? "rate_limit_exceeded" : error->code);
    }
    (void)buffer_puts(out, "}");
}

int completion_reply_may_retry(reply_e reply)
{
    switch (reply) {
    case REPLY_UPSTREAM_TIMEOUT:
    case REPLY_UPSTREAM_ERROR:
    case REPLY_UPSTREAM_PROTOCOL_ERROR:
    case REPLY_DEPENDENCY_FAILED:
    case REPLY_INTERNAL_ERROR: return 0;
    default: return 1;
    }
}

/* ---- completions ---- */

static void put_seconds(json_writer_t *writer, const char *name, apr_time_t when)
{
    json_name(writer, name);
    json_put_integer(writer, apr_time_sec(when));
}

static void open_completion(json_writer_t *writer, const char *object, const flow_t *flow,
                            const completion_t *completion)
{
    char id[sizeof("chatcmpl-") + FLOW_REQUEST_ID_MAX];

    (void)apr_snprintf(id, sizeof(id), "chatcmpl-%s", flow->request_id);
    json_open(writer, '{');
    json_put_member(writer, "id", id);
    json_put_member(writer, "object", object);
    put_seconds(writer, "created", completion->created);
    json_put_member(writer, "model", completion->model);
}

static const char *finish_reason(const flow_t *flow)
{
    switch (flow->result.stop) {
    case BACKEND_STOP_LENGTH: return "length";
    case BACKEND_STOP_FILTERED: return "content_filter";
    default: return "stop";
    }
}

static int knows_usage(const flow_t *flow)
{
    const flow_result_t *result = &flow->result;

    return result->input_tokens >= 0 && result->tokens >= result->input_tokens;
}

static void put_usage(json_writer_t *writer, const flow_t *flow)
{
    const flow_result_t *result = &flow->result;

    json_name(writer, "usage");
    json_open(writer, '{');
    json_name(writer, "prompt_tokens");
    json_put_integer(writer, result->input_tokens);
    json_name(writer, "completion_tokens");
    json_put_integer(writer, result->tokens - result->input_tokens);
    json_name(writer, "total_tokens");
    json_put_integer(writer, result->tokens);
    json_close(writer, '}');
}

static void open_choice(json_writer_t *writer, const char *what)
{
    json_name(writer, "choices");
    json_open(writer, '[');
    json_open(writer, '{');
    json_name(writer, "index");
    json_put_integer(writer, 0);
    json_name(writer, what);
    json_open(writer, '{');
}

static void close_choice(json_writer_t *writer, const char *reason)
{
    json_close(writer, '}');
    json_put_member(writer, "logprobs", NULL);
    json_put_member(writer, "finish_reason", reason);
    json_close(writer, '}');
    json_close(writer, ']');
}

void completion_reply_write(buffer_t *out, const flow_t *flow, const completion_t *completion)
{
    const buffer_t *text = &flow->result.text;
    json_writer_t writer;

    json_write_to(&writer, out);
    open_completion(&writer, "chat.completion", flow, completion);
    open_choice(&writer, "message");
    json_put_member(&writer, "role", "assistant");
    json_name(&writer, "content");
    json_put_string(&writer, buffer_text(text), text->length);
    json_put_member(&writer, "refusal", NULL);
    close_choice(&writer, finish_reason(flow));
    if (knows_usage(flow)) {
        put_usage(&writer, flow);
    }
    json_close(&writer, '}');
}

/* ---- chunks ---- */

static void open_chunk(json_writer_t *writer, buffer_t *out, const flow_t *flow,
                       const completion_t *completion)
{
    (void)buffer_puts(out, "data: ");
    json_write_to(writer, out);
    open_completion(writer, "chat.completion.chunk", flow, completion);
}

static void close_chunk(json_writer_t *writer)
{
    json_close(writer, '}');
    (void)buffer_puts(writer->out, "\n\n");
}

static void open_delta(json_writer_t *writer, buffer_t *out, const flow_t *flow,
                       const completion_t *completion)
{
    open_chunk(writer, out, flow, completion);
    open_choice(writer, "delta");
}

/* `reason` NULL: there is more to come. */
static void close_delta(json_writer_t *writer, const flow_t *flow, const completion_t *completion,
                        const char *reason)
{
    close_choice(writer, reason);
    if (completion->include_usage) {
        json_put_member(writer, "usage", NULL);
    }
    if (reason != NULL && flow->result.unsaved) {
        json_put_member(writer, "session", "unsaved"); /* where no header can say it */
    }
    close_chunk(writer);
}

void completion_reply_write_begin(buffer_t *out, const flow_t *flow, const completion_t *completion)
{
    json_writer_t writer;

    open_delta(&writer, out, flow, completion);
    json_put_member(&writer, "role", "assistant");
    json_put_member(&writer, "content", "");
    json_put_member(&writer, "refusal", NULL);
    close_delta(&writer, flow, completion, NULL);
}

void completion_reply_write_text(buffer_t *out, const flow_t *flow, const completion_t *completion,
                                 const char *text, size_t length)
{
    json_writer_t writer;

    if (length == 0) {
        return;
    }
    open_delta(&writer, out, flow, completion);
    json_name(&writer, "content");
    json_put_string(&writer, text, length);
    close_delta(&writer, flow, completion, NULL);
}

static void write_usage(buffer_t *out, const flow_t *flow, const completion_t *completion)
{
    json_writer_t writer;

    open_chunk(&writer, out, flow, completion);
    json_name(&writer, "choices");
    json_open(&writer, '[');
    json_close(&writer, ']');
    put_usage(&writer, flow);
    close_chunk(&writer);
}

void completion_reply_write_end(buffer_t *out, const flow_t *flow, const completion_t *completion)
{
    json_writer_t writer;

    if (flow->result.reply != REPLY_ANSWER) {
        (void)buffer_puts(out, "data: ");
        completion_reply_write_error(out, flow->result.reply, flow->request_id, NULL, 0);
        (void)buffer_puts(out, "\n\n");
        return;
    }
    open_delta(&writer, out, flow, completion);
    close_delta(&writer, flow, completion, finish_reason(flow));
    if (completion->include_usage && knows_usage(flow)) {
        write_usage(out, flow, completion);
    }
    (void)buffer_puts(out, "data: [DONE]\n\n");
}

/* ---- models ---- */

static void put_model(json_writer_t *writer, const char *name, apr_time_t since)
{
    json_open(writer, '{');
    json_put_member(writer, "id", name);
    json_put_member(writer, "object", "model");
    put_seconds(writer, "created", since);
    json_put_member(writer, "owned_by", "chatbot");
    json_close(writer, '}');
}

void completion_reply_write_model(buffer_t *out, const char *name, apr_time_t since)
{
    json_writer_t writer;

    json_write_to(&writer, out);
    put_model(&writer, name, since);
}

void completion_reply_write_models(buffer_t *out, const char *name, apr_time_t since)
{
    json_writer_t writer;

    json_write_to(&writer, out);
    json_open(&writer, '{');
    json_put_member(&writer, "object", "list");
    json_name(&writer, "data");
    json_open(&writer, '[');
    put_model(&writer, name, since);
    json_close(&writer, ']');
    json_close(&writer, '}');
}
