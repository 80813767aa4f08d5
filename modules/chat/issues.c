#include "chat/issues.h"

void issues_begin(issues_t *issues, buffer_t *out)
{
    issues->count = 0;
    json_write_to(&issues->out, out);
    json_open(&issues->out, '[');
}

void issues_end(issues_t *issues)
{
    json_close(&issues->out, ']');
}

static void put_place(json_writer_t *out, const issue_place_t *place)
{
    json_name(out, "loc");
    json_open(out, '[');
    json_put_text(out, "body");
    if (place->member != NULL) {
        json_put_text(out, place->member);
    }
    if (place->has_index) {
        json_put_integer(out, (int64_t)place->index);
    }
    if (place->part != NULL) {
        json_put_text(out, place->part);
    }
    json_close(out, ']');
}

/* An issue up to and with its "input". */
static void open_issue(issues_t *issues, const char *type, const issue_place_t *place,
                       const char *text, const json_t *input)
{
    json_writer_t *out = &issues->out;

    issues->count++;
    json_open(out, '{');
    json_put_member(out, "type", type);
    put_place(out, place);
    json_put_member(out, "msg", text);
    json_name(out, "input");
    json_put_value(out, input);
}

void issues_add(issues_t *issues, const char *type, const issue_place_t *place, const char *text,
                const json_t *input)
{
    open_issue(issues, type, place, text, input);
    json_close(&issues->out, '}');
}

void issues_add_limit(issues_t *issues, const char *type, const issue_place_t *place,
                      const char *text, const json_t *input, const char *name, size_t limit)
{
    json_writer_t *out = &issues->out;

    open_issue(issues, type, place, text, input);
    json_name(out, "ctx");
    json_open(out, '{');
    json_name(out, name);
    json_put_integer(out, (int64_t)limit);
    json_close(out, '}');
    json_close(out, '}');
}

void issues_add_context(issues_t *issues, const char *type, const issue_place_t *place,
                        const char *text, const json_t *input, const char *name, const char *value)
{
    json_writer_t *out = &issues->out;

    open_issue(issues, type, place, text, input);
    json_name(out, "ctx");
    json_open(out, '{');
    json_put_member(out, name, value);
    json_close(out, '}');
    json_close(out, '}');
}

void issues_add_json(issues_t *issues, const json_error_t *error)
{
    json_writer_t *out = &issues->out;

    issues->count++;
    json_open(out, '{');
    json_put_member(out, "type", "json_invalid");
    json_name(out, "loc");
    json_open(out, '[');
    json_put_text(out, "body");
    json_put_integer(out, (int64_t)error->offset);
    json_close(out, ']');
    json_put_member(out, "msg", "JSON decode error");
    json_name(out, "input");
    json_open(out, '{');
    json_close(out, '}');
    json_name(out, "ctx");
    json_open(out, '{');
    json_put_member(out, "error", error->reason);
    json_close(out, '}');
    json_close(out, '}');
}
