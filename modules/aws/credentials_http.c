#include "aws/credentials_http.h"

#include <apr_strings.h>

/* Of an answer: those of AWS's metadata services and of STS are under 8 KB. */
#define ANSWER_MAX (64 * 1024)

typedef struct {
    const credentials_fetch_t *fetch;
    credentials_http_t request;
    buffer_t *body;
    credentials_answer_t answer;
    int tried;
    loop_timer_t next;
} exchange_t;

int credentials_http_is_transient(const credentials_answer_t *answer)
{
    return answer->error != NULL || answer->status == 429 || answer->status >= 500;
}

static void try_once(exchange_t *exchange);

static void on_gap_over(loop_timer_t *timer)
{
    try_once(LOOP_CONTAINER(timer, exchange_t, next));
}

static void end_try(exchange_t *exchange)
{
    credentials_http_t *request = &exchange->request;

    if (exchange->tried < request->tries && request->is_transient(&exchange->answer)) {
        loop_timer_arm(exchange->fetch->loop, &exchange->next, request->gap, on_gap_over);
        request->gap <<= request->gap_doubles;
        return;
    }
    request->done(request->baton, &exchange->answer);
}

static int on_body(void *baton, transfer_t *transfer, const char *bytes, size_t length)
{
    exchange_t *exchange = baton;

    (void)transfer;
    return buffer_append(exchange->body, bytes, length);
}

static const char *error_of(const exchange_t *exchange, const transfer_result_t *result)
{
    if (exchange->body->failed) {
        return "reading the answer: it is larger than any answer of this kind";
    }
    if (result->end != TRANSFER_OK) {
        return apr_pstrdup(exchange->fetch->pool, result->error);
    }
    return NULL;
}

static void on_end(void *baton, const transfer_result_t *result)
{
    exchange_t *exchange = baton;
    credentials_answer_t *answer = &exchange->answer;

    answer->status = result->status;
    answer->end = result->end;
    answer->error = error_of(exchange, result);
    answer->body = buffer_text(exchange->body);
    answer->length = exchange->body->length;
    end_try(exchange);
}

static void try_once(exchange_t *exchange)
{
    const transfer_owner_t owner = {NULL, on_body, on_end, exchange};

    exchange->tried++;
    buffer_wipe(exchange->body);
    if (transfer_start(exchange->fetch->loop, &exchange->request.exchange, &owner) == NULL) {
        exchange->answer.status = 0;
        exchange->answer.end = TRANSFER_INTERNAL;
        exchange->answer.error = "connecting: out of memory or of open files";
        end_try(exchange);
    }
}

void credentials_http_start(const credentials_fetch_t *fetch, const credentials_http_t *request)
{
    exchange_t *exchange = apr_pcalloc(fetch->pool, sizeof(*exchange));

    exchange->fetch = fetch;
    exchange->request = *request;
    exchange->body = credentials_source_buffer(fetch, ANSWER_MAX);
    try_once(exchange);
}
