#include "backend/turn.h"

#include "backend/modelled.h"
#include "base/log.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define REASON_MAX 1024
#define WORD_MAX   96
#define BODY_MAX   (48 * 1024 * 1024)

/* Of text that came while paused: what one event may hold. */
#define HELD_MAX (8 * 1024 * 1024)

struct turn_ended_t {
    backend_outcome_t outcome;
    char code[WORD_MAX];
    char aws_request_id[WORD_MAX];
    char reason[REASON_MAX];
};

backend_turn_t *turn_make(size_t size, const turn_reader_t *reader,
                          const turn_transport_t *transport, const backend_owner_t *owner)
{
    backend_turn_t *turn = calloc(1, size);

    if (turn == NULL) {
        log_error("CHAT0201: starting a turn: out of memory");
        return NULL;
    }
    turn->reader = reader;
    turn->transport = transport;
    turn->owner = *owner;
    turn->tokens = BACKEND_TOKENS_UNKNOWN;
    turn->input_tokens = BACKEND_TOKENS_UNKNOWN;
    buffer_init(&turn->body, BODY_MAX);
    buffer_init(&turn->held, HELD_MAX);
    return turn;
}

void turn_release(backend_turn_t *turn)
{
    turn->reader->forget(turn);
    if (turn->reader->release != NULL) {
        turn->reader->release(turn);
    }
    buffer_free(&turn->body);
    buffer_free(&turn->held);
    free(turn->ended);
    free(turn->reason);
    free(turn);
}

int turn_fail(backend_turn_t *turn, backend_end_e failure, const char *format, ...)
{
    va_list args;
    size_t length;

    if (turn->failure != BACKEND_ANSWERED) {
        return 0;
    }
    turn->failure = failure;
    turn->reason = malloc(REASON_MAX);
    if (turn->reason != NULL) {
        length =
            (size_t)apr_snprintf(turn->reason, REASON_MAX, "reading %s: ", turn->reader->whose);
        va_start(args, format);
        (void)apr_vsnprintf(turn->reason + length, REASON_MAX - length, format, args);
        va_end(args);
    }
    return 0;
}

int turn_fail_with_code(backend_turn_t *turn, const char *code, size_t code_length,
                        const char *message, size_t message_length)
{
    turn->transport->found_error(turn, code, code_length);
    return turn_fail(turn, modelled_end(code, code_length, 0), "%.*s: %.*s", (int)code_length, code,
                     message != NULL ? (int)message_length : 10,
                     message != NULL ? message : "no message");
}

/* ---- text ---- */

static int pass_on(backend_turn_t *turn, const char *text, size_t length)
{
    return turn->owner.on_text(turn->owner.baton, text, length) ||
           turn_fail(turn, BACKEND_INTERNAL, "it is longer than this server keeps");
}

int turn_tell(backend_turn_t *turn, const char *text, size_t length)
{
    if (length == 0 || turn->ends_session) {
        return 1;
    }
    turn->has_text = 1;
    turn->transport->delivered(turn);
    if (!turn->paused) {
        return pass_on(turn, text, length);
    }
    return buffer_append(&turn->held, text, length) ||
           turn_fail(turn, BACKEND_INTERNAL, "it is longer than this server keeps");
}

/* What was held goes out; the owner may pause again from within. */
static int flush(backend_turn_t *turn)
{
    buffer_t held = turn->held;
    int fine;

    if (held.length == 0) {
        return 1;
    }
    buffer_init(&turn->held, HELD_MAX);
    fine = pass_on(turn, held.data, held.length);
    buffer_free(&held);
    return fine;
}

void turn_count(backend_turn_t *turn, int64_t input, int64_t output)
{
    if (input < 0 || output < 0 || input > INT32_MAX || output > INT32_MAX) {
        return;
    }
    turn->tokens = input + output + (turn->tokens > 0 ? turn->tokens : 0);
    turn->input_tokens = input + (turn->input_tokens > 0 ? turn->input_tokens : 0);
}

void turn_check_text(backend_turn_t *turn)
{
    if (turn->has_text || turn->ends_session) {
        return;
    }
    switch (turn->stop) {
    case BACKEND_STOP_LENGTH:
        (void)turn_fail(turn, BACKEND_ERROR,
                        "all tokens allowed were used up before any text: allow more");
        break;
    case BACKEND_STOP_FILTERED:
        (void)turn_fail(turn, BACKEND_ERROR, "a guardrail or filter left nothing of it");
        break;
    case BACKEND_STOP_END:
        (void)turn_fail(turn, BACKEND_PROTOCOL_ERROR, "it ended without any text and any error");
        break;
    }
}

/* ---- the end ---- */

void turn_start_over(backend_turn_t *turn)
{
    turn->reader->forget(turn);
    turn->retries++;
    free(turn->reason);
    turn->reason = NULL;
    turn->failure = BACKEND_ANSWERED;
    turn->stop = BACKEND_STOP_END;
    turn->tokens = BACKEND_TOKENS_UNKNOWN;
    turn->input_tokens = BACKEND_TOKENS_UNKNOWN;
    turn->has_text = 0;
}

static void finish(backend_turn_t *turn, const backend_outcome_t *outcome)
{
    backend_outcome_t told = *outcome;

    told.tokens = turn->tokens;
    told.input_tokens = turn->input_tokens;
    told.stop = turn->stop;
    if (turn->failure != BACKEND_ANSWERED) {
        told.end = turn->failure;
        told.reason = turn->reason != NULL ? turn->reason : "out of memory";
    }
    if (turn->ends_session && strcasecmp(told.code, "ResourceNotFoundException") == 0) {
        told.end = BACKEND_ANSWERED;
    }
    turn->owner.on_end(turn->owner.baton, &told);
    turn_release(turn);
}

/* Keeps the end until the owner resumes; 0 when memory is out. */
static int keep_end(backend_turn_t *turn, const backend_outcome_t *outcome)
{
    turn_ended_t *ended = malloc(sizeof(*ended));

    if (ended == NULL) {
        return 0;
    }
    ended->outcome = *outcome;
    (void)apr_cpystrn(ended->code, outcome->code, WORD_MAX);
    (void)apr_cpystrn(ended->aws_request_id, outcome->aws_request_id, WORD_MAX);
    (void)apr_cpystrn(ended->reason, outcome->reason, REASON_MAX);
    ended->outcome.code = ended->code;
    ended->outcome.aws_request_id = ended->aws_request_id;
    ended->outcome.reason = ended->reason;
    turn->ended = ended;
    return 1;
}

void turn_end(backend_turn_t *turn, const backend_outcome_t *outcome)
{
    if (turn->held.length > 0) {
        if (keep_end(turn, outcome)) {
            return;
        }
        (void)turn_fail(turn, BACKEND_INTERNAL, "out of memory");
    }
    finish(turn, outcome);
}

/* ---- the owner's side ---- */

backend_spent_t turn_cancel(backend_turn_t *turn)
{
    const backend_spent_t spent = {turn->tokens, turn->retries};

    if (turn->ended == NULL) {
        turn->transport->cancel(turn);
    }
    turn_release(turn);
    return spent;
}

void turn_pause(backend_turn_t *turn)
{
    turn->paused = 1;
    if (turn->ended == NULL) {
        turn->transport->pause(turn);
    }
}

void turn_resume(backend_turn_t *turn)
{
    static const backend_outcome_t refused = {.code = "", .aws_request_id = "", .reason = ""};
    int wanted;

    turn->paused = 0;
    wanted = flush(turn);
    if (wanted && turn->paused) {
        return;
    }
    if (turn->ended != NULL) {
        finish(turn, &turn->ended->outcome);
    } else if (wanted) {
        turn->transport->resume(turn);
    } else {
        turn->transport->cancel(turn);
        finish(turn, &refused);
    }
}
