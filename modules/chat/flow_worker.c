#include "chat/flow_private.h"

#include "base/clock.h"

#include <apr_strings.h>
#include <stdlib.h>

flow_t *flow_create(apr_pool_t *pool, const char *request_id)
{
    flow_t *flow = apr_pcalloc(pool, sizeof(*flow));

    flow->machine = apr_pcalloc(pool, sizeof(*flow->machine));
    flow->started = clock_monotonic();
    flow->result.reply = REPLY_ANSWER;
    flow->result.tokens = BACKEND_TOKENS_UNKNOWN;
    flow->result.input_tokens = BACKEND_TOKENS_UNKNOWN;
    flow->result.first_text = -1;
    buffer_init(&flow->result.text, FLOW_ANSWER_MAX);
    outbox_init(&flow->outbox);
    flow->machine->state = FLOW_READY;
    flow->machine->flow = flow;
    (void)apr_cpystrn(flow->request_id, request_id, sizeof(flow->request_id));
    return flow;
}

int flow_choose_session(flow_t *flow)
{
    if (flow->request.session_id == NULL) {
        if (!text_uuid4(flow->session_id)) {
            return 0;
        }
    } else {
        (void)apr_cpystrn(flow->session_id, flow->request.session_id, sizeof(flow->session_id));
    }
    keeper_init(&flow->machine->keeper, &flow->settings.keeper, flow->session_id);
    return 1;
}

/* ---- a store that blocks ---- */

typedef struct {
    session_end_e end;
    char reason[256];
} told_t;

static void on_told(void *baton, session_end_e end, const char *reason)
{
    told_t *told = baton;

    told->end = end;
    (void)apr_cpystrn(told->reason, reason, sizeof(told->reason));
}

static void judge_told(flow_t *flow, const told_t *told)
{
    flow->result.reply = flow_judge_store(flow, told->end, told->reason);
    if (flow->result.reply != REPLY_ANSWER) {
        flow_log_failure(flow, flow->result.reply, told->reason);
    }
}

reply_e flow_open_session(flow_t *flow)
{
    keeper_t *keeper = &flow->machine->keeper;
    told_t told;
    const session_owner_t owner = {on_told, &told};

    if (keeper_is_for_worker(keeper) && flow->request.session_id != NULL) {
        flow_introduce(flow);
        keeper_open(keeper, NULL, 0, &owner);
        judge_told(flow, &told);
    }
    return flow->result.reply;
}

int flow_saves_on_worker(const flow_t *flow)
{
    return keeper_is_for_worker(&flow->machine->keeper);
}

void flow_save_session(flow_t *flow)
{
    keeper_t *keeper = &flow->machine->keeper;
    told_t told;
    const session_owner_t owner = {on_told, &told};

    if (keeper_is_for_worker(keeper) && flow->result.reply == REPLY_ANSWER) {
        flow_introduce(flow);
        flow_record_turn(flow);
        keeper_save(keeper, NULL, 0, &owner);
        judge_told(flow, &told);
    }
}

int flow_take_files(flow_t *flow)
{
    if (flow->request.files.count == 0) {
        return 1;
    }
    flow->machine->files = files_create(&flow->request.files);
    if (flow->machine->files == NULL) {
        return 0;
    }
    flow->prompt.files = files_list(flow->machine->files, &flow->prompt.file_count);
    return 1;
}

void flow_destroy(flow_t *flow)
{
    keeper_free(&flow->machine->keeper);
    free(flow->machine->history);
    files_free(flow->machine->files);
    buffer_free(&flow->result.text);
    outbox_free(&flow->outbox);
}
