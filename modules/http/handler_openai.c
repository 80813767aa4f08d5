#include "http/handler_openai.h"

#include "aws/sigv4.h"
#include "base/clock.h"
#include "chat/completion_reply.h"
#include "chat/completion_request.h"
#include "chat/stream.h"
#include "http/answer.h"
#include "http/backend_config.h"
#include "http/body.h"
#include "http/config.h"
#include "http/conversation.h"
#include "http/limit.h"
#include "http/record.h"
#include "http/session_config.h"

#include <apr_strings.h>
#include <scoreboard.h>

#define SESSION_HEADER "X-Session-Id"
#define SESSION_PREFIX "user-"

#define MODEL_BODY_MAX ((size_t)128 * 1024)

/* ---- the face of the API ---- */

static void write_answer(buffer_t *out, const flow_t *flow)
{
    completion_reply_write(out, flow, flow->asked);
}

static const answer_shape_t shape = {write_answer, completion_reply_write_error, HTTP_BAD_REQUEST};

/* OpenAI's clients ask again by themselves after most errors, unless they are told not to. */
static int prepare(request_rec *r, const flow_t *flow, answer_rest_t *rest)
{
    if (!completion_reply_may_retry(flow->result.reply)) {
        apr_table_setn(r->err_headers_out, "X-Should-Retry", "false");
    }
    return answer_prepare(r, flow, rest);
}

static void write_begin(buffer_t *out, const flow_t *flow)
{
    completion_reply_write_begin(out, flow, flow->asked);
}

static void write_text(buffer_t *out, const flow_t *flow, const char *text, size_t length)
{
    completion_reply_write_text(out, flow, flow->asked, text, length);
}

static void write_end(buffer_t *out, const flow_t *flow)
{
    completion_reply_write_end(out, flow, flow->asked);
}

static const conversation_face_t face = {prepare, write_begin, write_text, stream_write_beat,
                                         write_end};

/* ---- the session ---- */

/* The same each time this user asks this model, and no other user's: of a client that says a user
 * for others, the one that is known to httpd counts too. NULL when it cannot be made. */
static const char *session_of_user(const request_rec *r, const flow_t *flow, const char *user)
{
    const char *owner = flow->user != NULL ? flow->user : "";
    const char *model = backend_config_model_name(r);
    const char *text = apr_psprintf(r->pool, "%" APR_SIZE_T_FMT ":%s%" APR_SIZE_T_FMT ":%s%s",
                                    strlen(model), model, strlen(owner), owner, user);
    char digest[SIGV4_HEX_LENGTH + 1];

    return sigv4_hash(digest, text, strlen(text))
               ? apr_pstrcat(r->pool, SESSION_PREFIX, digest, NULL)
               : NULL;
}

static reply_e choose_session(request_rec *r, flow_t *flow, const char *user, buffer_t *problem)
{
    const char *header = apr_table_get(r->headers_in, SESSION_HEADER);

    flow->user = session_config_user(r, user);
    if (header != NULL) {
        if (!text_is_session_id(header, strlen(header))) {
            completion_reply_write_problem(problem,
                                           "The header " SESSION_HEADER
                                           " is no session id: 2 to 100 of 0-9 A-Z a-z . _ : -",
                                           SESSION_HEADER, "invalid_session_id");
            return REPLY_VALIDATION_ERROR;
        }
        flow->request.session_id = header;
    } else if (user != NULL && *user != '\0') {
        flow->request.session_id = session_of_user(r, flow, user);
        if (flow->request.session_id == NULL) {
            return REPLY_INTERNAL_ERROR;
        }
    }
    if (!flow_choose_session(flow)) {
        return REPLY_INTERNAL_ERROR;
    }
    apr_table_setn(r->err_headers_out, SESSION_HEADER, flow->session_id);
    return REPLY_ANSWER;
}

/* ---- a completion ---- */

static void fill_flow(apr_pool_t *pool, flow_t *flow, const completion_request_t *request)
{
    completion_t *completion = apr_pcalloc(pool, sizeof(*completion));

    completion->model = request->model;
    completion->created = clock_wall();
    completion->include_usage = request->include_usage;
    flow->asked = completion;
    flow->request.message = request->message;
    flow->request.message_length = request->message_length;
    flow->request.user_id = request->user;
    flow->request.stream = flow->settings.stream = request->stream;
    flow->prompt.history = request->history;
    flow->prompt.history_count = request->history_count;
    flow->brings_history = 1;
    flow->prompt.max_tokens = request->max_tokens;
    flow->prompt.has_temperature = request->has_temperature;
    flow->prompt.temperature = request->temperature;
}

/* Reads and checks the body into the flow; REPLY_ANSWER when it can start. `*status` as for
 * body_read(). */
static reply_e take_request(request_rec *r, flow_t *flow, buffer_t *problem, int *status)
{
    const config_location_t *location = config_of_location(r);
    const completion_rules_t rules = {backend_config_model_name(r),
                                      (size_t)config_max_message(location),
                                      config_streams(location)};
    completion_request_t request;
    buffer_t body;
    reply_e trouble;

    buffer_init(&body, (size_t)config_max_body(location));
    trouble = body_read(r, &body, status);
    if (trouble == REPLY_ANSWER) {
        trouble = completion_request_parse(&request, r->pool, buffer_text(&body), body.length,
                                           &rules, problem);
    }
    if (trouble == REPLY_ANSWER) {
        fill_flow(r->pool, flow, &request);
        trouble = choose_session(r, flow, request.user, problem);
    }
    buffer_free(&body);
    return trouble;
}

/* NULL: the error's own words do. */
static const char *said_of(const buffer_t *problem)
{
    return problem->failed ? NULL : problem->data;
}

static int refuse(request_rec *r, reply_e why, const buffer_t *problem)
{
    limit_tell(r);
    return answer_error(r, why, said_of(problem));
}

static int complete(request_rec *r, buffer_t *problem)
{
    flow_t *flow = flow_create(r->pool, answer_request_id(r));
    int status = OK;
    reply_e trouble = take_request(r, flow, problem, &status);

    if (trouble == REPLY_ANSWER) {
        conversation_fill(r, flow);
        trouble = conversation_start(r, flow, &face, &status);
    } else {
        flow_destroy(flow);
    }
    return trouble == REPLY_ANSWER || status != OK ? status : refuse(r, trouble, problem);
}

static int answer_completions(request_rec *r)
{
    int status = answer_other_methods(r, AP_METHOD_BIT << M_POST);
    reply_e obstacle;
    buffer_t problem;

    if (status != DECLINED) {
        return status;
    }
    /* It repeats at most the model's name, each byte of which may be an escape of six. */
    buffer_init(&problem, 4096 + 6 * (size_t)config_max_body(config_of_location(r)));
    obstacle = body_check_type(r);
    if (obstacle == REPLY_ANSWER) {
        obstacle = conversation_obstacle(r, 1);
    }
    status = obstacle == REPLY_ANSWER ? complete(r, &problem) : refuse(r, obstacle, &problem);
    buffer_free(&problem);
    return status;
}

/* ---- models ---- */

static int answer_model(request_rec *r,
                        void (*write)(buffer_t *out, const char *name, apr_time_t since))
{
    int status = answer_other_methods(r, AP_METHOD_BIT << M_GET);
    buffer_t *body;

    if (status != DECLINED) {
        return status;
    }
    body = apr_palloc(r->pool, sizeof(*body));
    buffer_init(body, MODEL_BODY_MAX);
    write(body, backend_config_model_name(r), ap_get_scoreboard_global()->restart_time);
    answer_json(r, HTTP_OK, body);
    return OK;
}

static int answer_no_model(request_rec *r, const char *name)
{
    int status = answer_other_methods(r, AP_METHOD_BIT << M_GET);
    buffer_t problem;

    if (status != DECLINED) {
        return status;
    }
    buffer_init(&problem, MODEL_BODY_MAX);
    if (text_utf8_length(name, strlen(name)) != TEXT_NOT_UTF8) {
        completion_reply_write_no_model(&problem, name);
    }
    status = answer_error(r, REPLY_MODEL_NOT_FOUND, said_of(&problem));
    buffer_free(&problem);
    return status;
}

/* ---- what is where ---- */

static int ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    size_t tail = strlen(end);

    return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* The location may be anywhere, so the path is read from its end. */
int handler_openai(request_rec *r)
{
    static const char models[] = "/models/";
    const char *name = strstr(r->uri, models);

    answer_set_shape(r, &shape);
    if (ends_with(r->uri, "/chat/completions")) {
        record_start(r);
        return answer_completions(r);
    }
    if (ends_with(r->uri, "/models")) {
        return answer_model(r, completion_reply_write_models);
    }
    if (ends_with(r->uri, apr_pstrcat(r->pool, models, backend_config_model_name(r), NULL))) {
        return answer_model(r, completion_reply_write_model);
    }
    return name != NULL ? answer_no_model(r, name + sizeof(models) - 1)
                        : answer_error(r, REPLY_UNKNOWN_PATH, NULL);
}
