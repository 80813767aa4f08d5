#include "backend/turn_call.h"

#include "backend/modelled.h"
#include "base/log.h"

static turn_call_t *calling(backend_turn_t *turn)
{
    return (turn_call_t *)(void *)turn;
}

/* ---- what the turn asks of its transport ---- */

static void delivered(backend_turn_t *turn)
{
    if (calling(turn)->call != NULL) {
        call_delivered(calling(turn)->call);
    }
}

static void found_error(backend_turn_t *turn, const char *code, size_t length)
{
    if (calling(turn)->call != NULL) {
        call_found_error(calling(turn)->call, code, length);
    }
}

static void cancel(backend_turn_t *turn)
{
    if (calling(turn)->call != NULL) {
        call_cancel(calling(turn)->call);
        calling(turn)->call = NULL;
    }
}

static void suspend(backend_turn_t *turn)
{
    if (calling(turn)->call != NULL) {
        call_pause(calling(turn)->call);
    }
}

static void resume(backend_turn_t *turn)
{
    if (calling(turn)->call != NULL) {
        call_resume(calling(turn)->call);
    }
}

const turn_transport_t turn_call_transport = {delivered, found_error, cancel, suspend, resume};

/* ---- what the call tells ---- */

static int on_head(void *baton, call_t *call)
{
    backend_turn_t *turn = baton;
    const char *type = call_header(call, "Content-Type");

    return turn->reader->on_head(turn, type != NULL ? type : "");
}

static int on_body(void *baton, const char *bytes, size_t length)
{
    backend_turn_t *turn = baton;

    return turn->reader->on_body(turn, bytes, length);
}

static void on_retry(void *baton)
{
    turn_start_over(baton);
}

static void on_end(void *baton, const call_result_t *result)
{
    backend_turn_t *turn = baton;
    const backend_outcome_t outcome = {.end = modelled_end_of_call(result),
                                       .code = result->code,
                                       .retries = result->retries,
                                       .retry_in = result->retry_in,
                                       .aws_request_id = result->aws_request_id,
                                       .reason = result->reason};

    calling(turn)->call = NULL;
    if (result->end == CALL_OK && turn->failure == BACKEND_ANSWERED) {
        turn->reader->on_whole(turn);
    }
    turn_end(turn, &outcome);
}

/* ---- starting ---- */

turn_call_t *turn_call_make(size_t size, const turn_reader_t *reader, const backend_owner_t *owner)
{
    backend_turn_t *turn = turn_make(size, reader, &turn_call_transport, owner);

    return turn != NULL ? calling(turn) : NULL;
}

int turn_call_start(turn_call_t *turn, call_client_t *client, const call_request_t *request)
{
    const call_owner_t owner = {on_head, on_body, on_retry, on_end, &turn->turn};
    call_request_t whole = *request;

    whole.body = turn->turn.body.data;
    whole.body_length = turn->turn.body.length;
    if (!turn->turn.body.failed && call_start(&turn->call, client, &whole, &owner)) {
        return 1;
    }
    log_error("CHAT0202: starting %s failed: it is too long, or memory is out", request->operation);
    turn_release(&turn->turn);
    return 0;
}
