#include "http/handler_chat.h"

#include "base/clock.h"
#include "chat/stream.h"
#include "http/answer.h"
#include "http/body.h"
#include "http/config.h"
#include "http/conversation.h"
#include "http/file_config.h"
#include "http/limit.h"
#include "http/session_config.h"

/* Reads and checks the body into the flow; REPLY_ANSWER when it can start. `*status` as for
 * body_read(). */
static reply_e take_request(request_rec *r, flow_t *flow, buffer_t *issues, int *status)
{
    const config_location_t *location = config_of_location(r);
    buffer_t body;
    reply_e trouble;

    buffer_init(&body, (size_t)config_max_body(location));
    trouble = body_read(r, &body, status);
    if (trouble == REPLY_ANSWER &&
        !request_parse(&flow->request, r->pool, buffer_text(&body), body.length,
                       (size_t)config_max_message(location), issues)) {
        trouble = REPLY_VALIDATION_ERROR;
    }
    flow->user = session_config_user(r, flow->request.user_id);
    if (trouble == REPLY_ANSWER && !flow_choose_session(flow)) {
        trouble = REPLY_INTERNAL_ERROR;
    }
    buffer_free(&body);
    return trouble;
}

/* ---- the face of POST /chat ---- */

static void write_text(buffer_t *out, const flow_t *flow, const char *text, size_t length)
{
    (void)flow;
    stream_write_delta(out, text, length);
}

static void write_end(buffer_t *out, const flow_t *flow)
{
    stream_write_end(out, flow, clock_wall());
}

static const conversation_face_t face = {answer_prepare, stream_write_session, write_text,
                                         stream_write_beat, write_end};

/* Whether the parameters behind a media type weigh it with 0: "not acceptable" (RFC 9110, 12.4.2).
 */
static int is_refused(const char *parameters)
{
    while (*parameters != '\0' && *parameters != ',') {
        parameters += strspn(parameters, " \t;");
        if (strncasecmp(parameters, "q=", 2) == 0) {
            return strspn(parameters + 2, "0.") == strcspn(parameters + 2, " \t,;");
        }
        parameters += strcspn(parameters, ";,");
    }
    return 0;
}

/* Whether one of the media types that the client accepts is an event stream. */
static int accepts_events(const request_rec *r)
{
    static const char type[] = "text/event-stream";
    const char *accept = apr_table_get(r->headers_in, "Accept");

    while (accept != NULL && *accept != '\0') {
        accept += strspn(accept, " \t,");
        if (strncasecmp(accept, type, sizeof(type) - 1) == 0 &&
            strchr(" \t,;", accept[sizeof(type) - 1]) != NULL) {
            return !is_refused(accept + sizeof(type) - 1);
        }
        accept += strcspn(accept, ",");
    }
    return 0;
}

static int wants_stream(const request_rec *r, const flow_t *flow)
{
    return config_streams(config_of_location(r)) && (flow->request.stream || accepts_events(r));
}

/* ---- the handler ---- */

/* An issue repeats its input, each byte of which may be an escape of six. */
static size_t most_of_issues(const request_rec *r)
{
    return 4096 + 24 * (size_t)config_max_body(config_of_location(r));
}

static int refuse(request_rec *r, reply_e why, const char *issues)
{
    limit_tell(r);
    return answer_error(r, why, issues);
}

static int chat(request_rec *r, buffer_t *issues)
{
    flow_t *flow = flow_create(r->pool, answer_request_id(r));
    int status = OK;
    reply_e trouble = take_request(r, flow, issues, &status);

    if (trouble == REPLY_ANSWER) {
        flow->settings.stream = wants_stream(r, flow);
        conversation_fill(r, flow);
        trouble = file_config_take(r, flow, issues);
    }
    if (trouble == REPLY_ANSWER) {
        trouble = conversation_start(r, flow, &face, &status);
    } else {
        flow_destroy(flow);
    }
    return trouble == REPLY_ANSWER || status != OK
               ? status
               : refuse(r, trouble, trouble == REPLY_VALIDATION_ERROR ? buffer_text(issues) : NULL);
}

int handler_chat(request_rec *r)
{
    int status = answer_other_methods(r, AP_METHOD_BIT << M_POST);
    reply_e obstacle;
    buffer_t issues;

    if (status != DECLINED) {
        return status;
    }
    obstacle = body_check_type(r);
    if (obstacle == REPLY_ANSWER) {
        obstacle = conversation_obstacle(r, 1);
    }
    if (obstacle != REPLY_ANSWER) {
        return refuse(r, obstacle, NULL);
    }
    buffer_init(&issues, most_of_issues(r));
    status = chat(r, &issues);
    buffer_free(&issues);
    return status;
}
