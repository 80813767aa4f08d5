/*
 * What is known of a request beyond httpd's own record: its way to the handler,
 * and what came of it, for the metrics and the access log. Kept with the request;
 * the thread's that has the request.
 */
#ifndef HTTP_RECORD_H
#define HTTP_RECORD_H

#include "chat/flow.h"

#include <httpd.h>

typedef struct {
    const char *walked_uri; /* the path when our location was taken out of the walk over files */
    int is_counted;         /* one of the handlers that are counted has it */
    apr_time_t started;     /* monotonic: when that handler was called */
    apr_time_t ended;       /* when the answer was ready; 0: not yet */
    const char *code;       /* the error's, or "success"; NULL: nobody has said */
    reply_e reply;
    const struct answer_shape_t *shape; /* how its API writes; NULL: as POST /chat */
    /* Of a chat that was asked of AWS. */
    int was_asked;
    apr_interval_time_t upstream;
    apr_interval_time_t first_text; /* negative: none came */
    int64_t tokens;                 /* BACKEND_TOKENS_UNKNOWN: unknown */
    int retries;
    int unsaved;
    const char *error_code; /* AWS's, "": none */
} record_t;

/* The request's record, made at its first use. */
record_t *record_of(request_rec *r);

/* The same, or NULL when nobody has made it. */
record_t *record_find(const request_rec *r);

/* This request is counted, from now on. */
void record_start(request_rec *r);

/* How it was answered; the last call counts. */
void record_outcome(request_rec *r, reply_e reply);

/* What came of a chat beside its answer. */
void record_chat(request_rec *r, const flow_result_t *result);

/* httpd's hook log_transaction. Of a chain of internal redirects (ErrorDocument, mod_rewrite) it
 * logs the notes of the last one, and of the first with "%<": all of them get ours. */
int record_share_notes(request_rec *r);

#endif
