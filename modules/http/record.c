#include "http/record.h"

#include "base/clock.h"
#include "http/config.h"

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

void record_chat(request_rec *r, const flow_result_t *result)
{
    record_t *record = record_of(r);

    record->was_asked = 1;
    record->upstream = result->upstream;
    record->first_text = result->first_text;
    record->tokens = result->tokens;
    record->retries = result->retries;
    record->unsaved = result->unsaved;
    record->error_code = apr_pstrdup(r->pool, result->error_code);
}
