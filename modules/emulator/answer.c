#include "emulator/answer.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEADERS_MAX (64 * 1024)

answer_t *answer_create(int status, const char *content_type)
{
    answer_t *answer = calloc(1, sizeof(*answer));

    if (answer != NULL) {
        answer->status = status;
        answer->content_type = content_type;
        buffer_init(&answer->headers, HEADERS_MAX);
        buffer_init(&answer->body, ANSWER_BODY_MAX);
        buffer_init(&answer->wire, (size_t)2 * ANSWER_BODY_MAX);
    }
    return answer;
}

void answer_destroy(answer_t *answer)
{
    if (answer != NULL) {
        buffer_free(&answer->headers);
        buffer_free(&answer->body);
        buffer_free(&answer->wire);
        free(answer->steps);
        free(answer);
    }
}

void answer_header(answer_t *answer, const char *name, const char *value)
{
    (void)buffer_printf(&answer->headers, "%s: %s\r\n", name, value);
}

void answer_drop_header(answer_t *answer, const char *name)
{
    size_t length = strlen(name);
    char *line = answer->headers.data;

    while (line != NULL && *line != '\0') {
        char *next = strstr(line, "\r\n") + 2;
        size_t left = answer->headers.length - (size_t)(next - answer->headers.data);
        if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
            memmove(line, next, left + 1);
            answer->headers.length -= (size_t)(next - line);
            return;
        }
        line = next;
    }
}

void answer_step(answer_t *answer, answer_step_e kind, size_t amount)
{
    if (answer->step_count == answer->step_room) {
        size_t room = answer->step_room > 0 ? answer->step_room * 2 : 4;
        answer_step_t *grown = realloc(answer->steps, room * sizeof(*grown));
        if (grown == NULL) {
            answer->failed = 1;
            return;
        }
        answer->steps = grown;
        answer->step_room = room;
    }
    answer->steps[answer->step_count].kind = kind;
    answer->steps[answer->step_count].amount = amount;
    answer->step_count++;
}

void answer_send(answer_t *answer, const void *bytes, size_t length)
{
    if (length > 0 && buffer_append(&answer->body, bytes, length)) {
        answer_step(answer, ANSWER_SEND, length);
    }
}

void answer_cut(answer_t *answer, size_t length, answer_step_e kind)
{
    size_t i;

    for (i = 0; i < answer->step_count; i++) {
        answer_step_t *step = &answer->steps[i];
        if (step->kind == ANSWER_SEND && step->amount >= length) {
            step->amount = length;
            answer->step_count = length > 0 ? i + 1 : i;
            break;
        }
        length -= step->kind == ANSWER_SEND ? step->amount : 0;
    }
    if (kind != ANSWER_SEND) {
        answer_step(answer, kind, 0);
    }
}

/* ---- to the wire ---- */

static const char *reason_phrase(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } known[] = {{200, "OK"},
                 {204, "No Content"},
                 {206, "Partial Content"},
                 {304, "Not Modified"},
                 {400, "Bad Request"},
                 {401, "Unauthorized"},
                 {402, "Payment Required"},
                 {403, "Forbidden"},
                 {404, "Not Found"},
                 {405, "Method Not Allowed"},
                 {408, "Request Timeout"},
                 {409, "Conflict"},
                 {412, "Precondition Failed"},
                 {413, "Content Too Large"},
                 {416, "Range Not Satisfiable"},
                 {424, "Failed Dependency"},
                 {429, "Too Many Requests"},
                 {431, "Request Header Fields Too Large"},
                 {500, "Internal Server Error"},
                 {501, "Not Implemented"},
                 {502, "Bad Gateway"},
                 {503, "Service Unavailable"},
                 {504, "Gateway Timeout"}};
    size_t i;

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].status == status) {
            return known[i].phrase;
        }
    }
    return "Unknown";
}

static size_t body_to_send(const answer_t *answer)
{
    size_t sum = 0;
    size_t i;

    for (i = 0; i < answer->step_count; i++) {
        sum += answer->steps[i].kind == ANSWER_SEND ? answer->steps[i].amount : 0;
    }
    return sum;
}

/* Whether the last step ends the connection, or the sending, by force. */
static answer_step_e last_kind(const answer_t *answer)
{
    return answer->step_count > 0 ? answer->steps[answer->step_count - 1].kind : ANSWER_SEND;
}

static int ends_by_force(const answer_t *answer)
{
    return last_kind(answer) > ANSWER_WAIT;
}

static void render_head(answer_t *answer)
{
    char date[APR_RFC822_DATE_LEN];
    buffer_t *wire = &answer->wire;
    size_t announced = ends_by_force(answer) ? answer->body.length : body_to_send(answer);

    (void)buffer_printf(wire, "HTTP/1.1 %d %s\r\n", answer->status, reason_phrase(answer->status));
    if (!answer->dateless) {
        (void)apr_rfc822_date(date, clock_wall() + answer->clock_offset);
        (void)buffer_printf(wire, "Date: %s\r\n", date);
    }
    if (answer->content_type != NULL) {
        (void)buffer_printf(wire, "Content-Type: %s\r\n", answer->content_type);
    }
    (void)buffer_append(wire, buffer_text(&answer->headers), answer->headers.length);
    if (answer->streamed) {
        (void)buffer_puts(wire, "Transfer-Encoding: chunked\r\n");
    } else if (!answer->close_framed && answer->status != 204 && answer->status != 304) {
        (void)buffer_printf(wire, "Content-Length: %zu\r\n", announced);
    }
    (void)buffer_puts(wire, answer->keep_alive ? "\r\n" : "Connection: close\r\n\r\n");
}

/* The steps of the body become steps of the wire: each piece grows by its chunk's frame. */
static void render_body(answer_t *answer)
{
    const char *from = buffer_text(&answer->body);
    buffer_t *wire = &answer->wire;
    size_t i;

    for (i = 0; i < answer->step_count; i++) {
        answer_step_t *step = &answer->steps[i];
        size_t before = wire->length;
        if (step->kind != ANSWER_SEND) {
            continue;
        }
        if (answer->streamed) {
            (void)buffer_printf(wire, "%zx\r\n", step->amount);
        }
        (void)buffer_append(wire, from, step->amount);
        if (answer->streamed) {
            (void)buffer_puts(wire, "\r\n");
        }
        from += step->amount;
        step->amount = wire->length - before;
    }
}

static void prepend_steps(answer_t *answer, size_t head_length)
{
    answer_step(answer, ANSWER_SEND, 0); /* makes room for the two in front */
    answer_step(answer, ANSWER_SEND, 0);
    if (!answer->failed) {
        memmove(answer->steps + 2, answer->steps,
                (answer->step_count - 2) * sizeof(answer->steps[0]));
        answer->steps[0].kind = ANSWER_WAIT;
        answer->steps[0].amount = answer->delay_ms;
        answer->steps[1].kind = ANSWER_SEND;
        answer->steps[1].amount = head_length;
    }
}

int answer_render(answer_t *answer, int is_head, int minor_version, int keep_alive)
{
    size_t head_length = 0;
    size_t before;

    answer->close_framed |= answer->streamed && minor_version == 0;
    answer->streamed &= !answer->close_framed;
    answer->keep_alive = keep_alive && minor_version == 1 && !answer->close_framed;
    if (!answer->mute) {
        render_head(answer);
        head_length = answer->wire.length;
    }
    if (is_head) {
        answer->step_count = 0;
    }
    render_body(answer);
    prepend_steps(answer, head_length);
    before = answer->wire.length;
    if (answer->streamed && !is_head && !answer->mute && !ends_by_force(answer)) {
        (void)buffer_puts(&answer->wire, "0\r\n\r\n");
        answer_step(answer, ANSWER_SEND, answer->wire.length - before);
    }
    answer->failed |= answer->headers.failed | answer->body.failed | answer->wire.failed;
    buffer_free(&answer->headers);
    buffer_free(&answer->body);
    return !answer->failed;
}
