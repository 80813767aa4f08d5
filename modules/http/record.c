#include "http/record.h"

#include "base/clock.h"
#include "http/config.h"

#include <apr_lib.h>
#include <apr_strings.h>

record_t *record_find(const request_rec *r)
{
    return ap_get_module_config(r->request_config, &chatbot_module);
}

record_t *record_of(request_rec *r)
{
    record_t *record = record_find(r);

    if (record == NULL) {
        record = apr_pcalloc(r->pool, sizeof(*record));
        ap_set_module_config(r->request_config, &chatbot_module, record);
    }
    return record;
}

void record_start(request_rec *r)
{
    record_t *record = record_of(r);

    record->is_counted = 1;
    record->started = clock_monotonic();
}

void record_outcome(request_rec *r, reply_e reply)
{
    record_t *record = record_of(r);

    record->ended = clock_monotonic();
    record->reply = reply;
    record->code = reply_error(reply)->code;
}

/* AWS writes an exception with a small letter at its beginning when it is in a stream, else with a
 * capital: the counts know one of it. */
static const char *error_code_of(request_rec *r, const char *code)
{
    static const char ending[] = "Exception";
    const size_t tail = sizeof(ending) - 1;
    size_t length = strlen(code);
    char *copy = apr_pstrmemdup(r->pool, code, length);

    if (length > tail && strcmp(copy + length - tail, ending) == 0) {
        *copy = (char)apr_toupper(*copy);
    }
    return copy;
}

void record_chat(request_rec *r, const flow_result_t *result)
{
    record_t *record = record_of(r);

    record->was_asked = 1;
    record->upstream = result->upstream;
    record->first_text = result->first_text;
    record->tokens = result->tokens;
    record->retries = result->retries;
    record->unsaved = result->unsaved;
    record->error_code = error_code_of(r, result->error_code);
}

static int hand_on(void *notes, const char *name, const char *value)
{
    if (strncmp(name, "chatbot-", strlen("chatbot-")) == 0 && apr_table_get(notes, name) == NULL) {
        apr_table_setn(notes, name, value);
    }
    return 1;
}

int record_share_notes(request_rec *r)
{
    for (; r->next != NULL; r = r->next) {
        apr_table_do(hand_on, r->next->notes, r->notes, NULL);
    }
    for (; r->prev != NULL; r = r->prev) {
        apr_table_do(hand_on, r->prev->notes, r->notes, NULL);
    }
    return DECLINED;
}
