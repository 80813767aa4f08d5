#include "http/handler_sessions.h"

#include "base/clock.h"
#include "chat/session_call.h"
#include "chat/session_reply.h"
#include "http/answer.h"
#include "http/backend_config.h"
#include "http/child.h"
#include "http/config.h"
#include "http/conversation.h"
#include "http/delivery.h"
#include "http/session_config.h"
#include "http/shared.h"

#include <apr_strings.h>
#include <util_script.h>

#define METHODS_TAKEN ((AP_METHOD_BIT << M_GET) | (AP_METHOD_BIT << M_DELETE))

/* A claim outlives its request by this: who takes it back is a worker, when it comes to it. */
#define CLAIM_EXTRA apr_time_from_sec(5)

/* In the request's pool. */
typedef struct {
    session_call_t call;
    busy_claim_t claim; /* of a removal: no turn may begin meanwhile */
} visit_t;

/* ---- what is asked ---- */

/* Below the location: "/sessions" itself is nobody's. NULL: it can be none. */
static const char *find_id(const request_rec *r)
{
    const char *slash = strrchr(r->uri, '/');

    return slash != NULL && slash != r->uri && text_is_session_id(slash + 1, strlen(slash + 1))
               ? slash + 1
               : NULL;
}

static session_asker_t find_asker(request_rec *r, apr_interval_time_t total)
{
    session_asker_t asker = {.request_id = answer_request_id(r), .until = clock_wall() + total};
    apr_table_t *query;

    ap_args_to_table(r, &query);
    asker.user = session_config_user(r, apr_table_get(query, "user_id"));
    asker.is_anyone = asker.user == NULL && session_config_trusts_ids(r);
    return asker;
}

/* Why it cannot be answered at all; REPLY_ANSWER: it can. Ending a session needs the backend. */
static reply_e find_obstacle(request_rec *r, int removes)
{
    reply_e obstacle = conversation_obstacle(r, removes);

    if (obstacle == REPLY_ANSWER && session_config_store(r->server) == NULL) {
        obstacle = config_of_server(r->server)->session.kind == SESSION_STORE_NONE
                       ? REPLY_SESSION_NOT_FOUND
                       : REPLY_NOT_CONFIGURED;
    }
    return obstacle;
}

/* ---- the answer ---- */

static int prepare_session(request_rec *r, const session_t *session, answer_rest_t *rest)
{
    buffer_t *body = apr_palloc(r->pool, sizeof(*body));

    buffer_init(body, SESSION_REPLY_MAX);
    session_reply_write(body, session);
    if (body->failed) {
        buffer_free(body);
        return answer_prepare_error(r, REPLY_INTERNAL_ERROR, NULL, rest);
    }
    answer_prepare_json(r, HTTP_OK, body, rest);
    return OK;
}

static void leave_notes(request_rec *r, const session_call_t *call)
{
    apr_table_set(r->notes, "chatbot-session", call->session.id);
    apr_table_setn(r->notes, "chatbot-outcome", reply_error(call->reply)->code);
    if (call->asker.user != NULL) {
        apr_table_set(r->notes, "chatbot-user", call->asker.user);
    }
}

static int prepare(request_rec *r, void *task, answer_rest_t *rest)
{
    session_call_t *call = &((visit_t *)task)->call;

    session_call_remove(call);
    leave_notes(r, call);
    switch (call->reply) {
    case REPLY_ANSWER:
        if (!call->settings.removes) {
            return prepare_session(r, &call->session, rest);
        }
        answer_no_content(r);
        return OK;
    case REPLY_CLIENT_GONE:
        r->connection->aborted = 1;
        r->status = reply_error(REPLY_CLIENT_GONE)->status;
        return OK;
    default:
        if (call->retry_in > 0) {
            answer_retry_after(r, call->retry_in);
        }
        return answer_prepare_error(r, call->reply, NULL, rest);
    }
}

/* ---- as delivery knows it ---- */

static void start(void *task, loop_t *loop, void (*on_done)(void *baton), void *baton)
{
    session_call_start(&((visit_t *)task)->call, loop, on_done, baton);
}

static void abandon(void *task, const char *why)
{
    session_call_abandon(&((visit_t *)task)->call, why);
}

/* An ErrorDocument may run any handler, a session store may block. */
static int may_block(const void *task)
{
    const session_call_t *call = &((const visit_t *)task)->call;

    return call->reply != REPLY_ANSWER || call->settings.store->blocks;
}

static void release(visit_t *visit)
{
    session_call_free(&visit->call);
    busy_release(shared_busy(), &visit->claim);
}

static void destroy(void *task)
{
    release(task);
    child_leave_chat();
}

static const delivery_job_t job = {start, abandon, may_block, prepare, destroy, NULL};

/* ---- */

/* One turn, or the end, of a session at a time. */
static reply_e claim(visit_t *visit)
{
    const session_call_t *call = &visit->call;
    apr_time_t now = clock_monotonic();

    return !call->settings.removes ||
                   busy_claim(shared_busy(), call->settings.store->name, call->session.id,
                              now + call->settings.total + CLAIM_EXTRA, now, &visit->claim)
               ? REPLY_ANSWER
               : REPLY_SESSION_BUSY;
}

static int answer_now(request_rec *r, visit_t *visit)
{
    answer_rest_t rest = {.body = NULL};
    int status = prepare(r, visit, &rest);

    release(visit);
    while (status == OK && answer_write(r, &rest) == SUSPENDED) {
        /* the core output filter blocks when it holds too much */
    }
    return status;
}

/* A look at a store that blocks is over already, and so is what has failed. */
static int visit_session(request_rec *r, visit_t *visit)
{
    session_call_t *call = &visit->call;

    call->reply = claim(visit);
    if (call->reply == REPLY_ANSWER) {
        session_call_read(call);
    }
    if (call->reply == REPLY_ANSWER && (call->settings.removes || !call->settings.store->blocks)) {
        if (child_enter_chat()) {
            return delivery_start(r, &job, visit);
        }
        call->reply = REPLY_OVERLOADED;
    }
    return answer_now(r, visit);
}

int handler_sessions(request_rec *r)
{
    int status = answer_other_methods(r, METHODS_TAKEN);
    int removes = r->method_number == M_DELETE;
    const char *id = find_id(r);
    session_call_settings_t settings = {.store = session_config_store(r->server),
                                        .removes = removes,
                                        .total = config_total_timeout(config_of_location(r))};
    session_asker_t asker;
    reply_e obstacle;
    visit_t *visit;

    if (status != DECLINED) {
        return status;
    }
    obstacle = id != NULL ? find_obstacle(r, removes) : REPLY_SESSION_NOT_FOUND;
    if (obstacle != REPLY_ANSWER) {
        return answer_error(r, obstacle, NULL);
    }
    if (removes) {
        settings.backend = backend_config_make(r);
    }
    asker = find_asker(r, settings.total);
    visit = apr_pcalloc(r->pool, sizeof(*visit));
    session_call_init(&visit->call, &settings, &asker, id);
    return visit_session(r, visit);
}
