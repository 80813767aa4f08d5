/* chat/flow with chat/keeper: how a chat ends when its session's store is silent, its backend says
 * what it must not, or its client leaves. Both are the test's. */
#include "chat/flow.h"

#include "loop_fixture.h"

/* ---- a store that ends what it is told to, and is silent else ---- */

typedef enum { OPEN = 1, SAVE = 2, RELEASE = 4, UNSEEN = 8, CANCEL = 16 } did_e;

struct session_operation_t {
    session_owner_t owner;
};

static unsigned did;      /* what the store was asked for */
static unsigned answered; /* which of these it answers */
static session_operation_t asked;

static void ask(did_e what, session_operation_t **operation, const session_owner_t *owner)
{
    did |= what;
    asked.owner = *owner;
    *operation = &asked;
    if (answered & what) {
        owner->on_end(owner->baton, SESSION_OK, "");
    }
}

static void open_session(const session_store_t *store, session_operation_t **operation,
                         session_t *session, const session_asker_t *asker,
                         const session_owner_t *owner)
{
    (void)store;
    (void)session;
    (void)asker;
    ask(OPEN, operation, owner);
}

static void save_session(const session_store_t *store, session_operation_t **operation,
                         session_t *session, const session_asker_t *asker,
                         const session_turn_t *turn, const session_owner_t *owner)
{
    (void)store;
    (void)session;
    (void)asker;
    (void)turn;
    ask(SAVE, operation, owner);
}

static void release_session(const session_store_t *store, session_operation_t **operation,
                            const session_t *session, const session_asker_t *asker,
                            const session_owner_t *owner)
{
    (void)store;
    (void)session;
    (void)asker;
    if (owner == NULL) {
        did |= UNSEEN;
    } else {
        ask(RELEASE, operation, owner);
    }
}

static void cancel_operation(session_operation_t *operation)
{
    (void)operation;
    did |= CANCEL;
}

static const session_store_t store = {.name = "the test's",
                                      .open = open_session,
                                      .save = save_session,
                                      .release = release_session,
                                      .cancel = cancel_operation};

/* ---- a backend ---- */

struct backend_turn_t {
    backend_owner_t owner;
};

static const char *text;  /* what it says; NULL: it is silent */
static backend_end_e how; /* and how it ends */
static int starts;
static int turns_cancelled;
static backend_turn_t turn;

static int start_turn(const backend_t *backend, backend_turn_t **started,
                      const backend_prompt_t *prompt, const backend_owner_t *owner)
{
    backend_outcome_t outcome = {.end = how, .code = "", .aws_request_id = "", .reason = "it says"};

    (void)backend;
    (void)prompt;
    if (!starts) {
        return 0;
    }
    *started = &turn;
    if (text != NULL) {
        if (!owner->on_text(owner->baton, text, strlen(text))) {
            outcome.end = BACKEND_INTERNAL;
        }
        owner->on_end(owner->baton, &outcome);
    }
    return 1;
}

static backend_spent_t cancel_turn(backend_turn_t *cancelled)
{
    const backend_spent_t spent = {BACKEND_TOKENS_UNKNOWN, 0};

    (void)cancelled;
    turns_cancelled++;
    return spent;
}

static const backend_t backend = {.name = "the test's", .start = start_turn, .cancel = cancel_turn};

/* ---- one chat ---- */

static flow_t *flow;
static sem_t done;
static int times_done;

static void on_news(void *baton)
{
    (void)baton;
}

static void on_done(void *baton)
{
    (void)baton;
    times_done++;
    (void)sem_post(&done);
}

static void start_flow(void *baton)
{
    const flow_owner_t owner = {on_news, on_done, NULL};

    (void)baton;
    flow_start(flow, loop, &owner);
}

static void abandon(void *baton)
{
    (void)baton;
    flow_abandon(flow, "the client left");
}

/* A chat of that time in a session that is there. Store and backend do all they are asked. */
static void begin(apr_interval_time_t total)
{
    start_loop();
    (void)sem_init(&done, 0, 0);
    times_done = 0;
    did = 0;
    answered = OPEN | SAVE | RELEASE;
    text = "Hi";
    how = BACKEND_ANSWERED;
    starts = 1;
    turns_cancelled = 0;
    flow = flow_create(fixture_pool, "r-1");
    flow->request.message = "Hello";
    flow->request.message_length = 5;
    flow->request.session_id = "s-1";
    flow->settings = (flow_settings_t){.backend = &backend,
                                       .total = total,
                                       .heartbeat = apr_time_from_sec(60),
                                       .keeper = {.store = &store, .ttl = apr_time_from_sec(3600)}};
    (void)flow_choose_session(flow);
}

/* It must have ended so, once, having asked the store for that. */
static void end(reply_e reply, unsigned asked_for, const char *what)
{
    wait_for(&done);
    on_loop(abandon, NULL); /* which is too late */
    IS_NUMBER(flow->result.reply, reply, what);
    IS_NUMBER(did, asked_for, "  what the store was asked for");
    IS_NUMBER(times_done, 1, "  its owner is told once");
    flow_destroy(flow);
    stop_loop();
}

/* ---- a store that is silent ---- */

static void store_is_silent(void)
{
    begin(MS(150));
    answered = SAVE | RELEASE;
    on_loop(start_flow, NULL);
    end(REPLY_ANSWER, OPEN | CANCEL | SAVE, "silent at the load: the turn is saved all the same");
    begin(MS(150));
    answered = OPEN | RELEASE;
    on_loop(start_flow, NULL);
    end(REPLY_ANSWER, OPEN | SAVE | CANCEL | UNSEEN,
        "silent at the save: the answer is given, the claim given back");
    begin(MS(150));
    answered = OPEN | SAVE;
    how = BACKEND_ERROR;
    on_loop(start_flow, NULL);
    end(REPLY_UPSTREAM_ERROR, OPEN | RELEASE | CANCEL,
        "silent at the release: the error is not held back");
}

static void time_is_up(void)
{
    begin(0);
    answered = SAVE | RELEASE;
    on_loop(start_flow, NULL);
    end(REPLY_UPSTREAM_TIMEOUT, OPEN | CANCEL | UNSEEN, "the time is up at the load");
    begin(0);
    answered = OPEN | RELEASE;
    on_loop(start_flow, NULL);
    end(REPLY_ANSWER, OPEN | SAVE | CANCEL | UNSEEN, "at the save: what was answered is given");
    begin(0);
    answered = OPEN | SAVE;
    how = BACKEND_ERROR;
    on_loop(start_flow, NULL);
    end(REPLY_UPSTREAM_ERROR, OPEN | RELEASE | CANCEL, "at the release: so is the error");
}

/* ---- a backend that fails ---- */

static void backend_fails(void)
{
    begin(MS(60000));
    starts = 0;
    on_loop(start_flow, NULL);
    end(REPLY_INTERNAL_ERROR, OPEN | RELEASE, "a backend that does not start");
    begin(MS(60000));
    how = BACKEND_INTERNAL;
    on_loop(start_flow, NULL);
    end(REPLY_INTERNAL_ERROR, OPEN | RELEASE, "one that runs out of memory");
    begin(MS(60000));
    text = "caf\xe9";
    on_loop(start_flow, NULL);
    end(REPLY_UPSTREAM_PROTOCOL_ERROR, OPEN | RELEASE, "an answer that is not UTF-8");
    begin(MS(60000));
    flow->settings.stream = 1;
    text = "caf\xe9!";
    on_loop(start_flow, NULL);
    end(REPLY_UPSTREAM_PROTOCOL_ERROR, OPEN | RELEASE, "a stream that is not");
    begin(MS(60000));
    flow->settings.stream = 1;
    text = "caf\xc3";
    on_loop(start_flow, NULL);
    end(REPLY_UPSTREAM_PROTOCOL_ERROR, OPEN | RELEASE, "or ends within a character");
}

/* ---- a client that leaves ---- */

static void leave(unsigned asked_for, const char *what)
{
    on_loop(start_flow, NULL);
    on_loop(abandon, NULL);
    end(REPLY_CLIENT_GONE, asked_for, what);
}

static void client_leaves(void)
{
    begin(MS(60000));
    answered = 0;
    leave(OPEN | CANCEL | UNSEEN, "during the load: a claim that may be there is given back");
    begin(MS(60000));
    text = NULL;
    leave(OPEN | UNSEEN, "while the backend answers: so is the one that is");
    IS_NUMBER(turns_cancelled, 1, "  and the call is cancelled");
    begin(MS(60000));
    answered = OPEN;
    leave(OPEN | SAVE | CANCEL | UNSEEN, "during the save");
    begin(MS(60000));
    answered = OPEN;
    how = BACKEND_ERROR;
    leave(OPEN | RELEASE | CANCEL | UNSEEN, "during the release: it goes on without anybody");
}

int main(void)
{
    fixture_begin();
    store_is_silent();
    time_is_up();
    backend_fails();
    client_leaves();
    return tap_done();
}
