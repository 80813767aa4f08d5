#include "http/handler_metrics.h"

#include "chat/exposition.h"
#include "http/answer.h"
#include "http/shared.h"
#include "http/version.h"

int handler_metrics(request_rec *r)
{
    int status = answer_other_methods(r, AP_METHOD_BIT << M_GET);
    const exposition_facts_t facts = {shared_chats_in_flight(), shared_open_circuits(),
                                      CHATBOT_VERSION};
    buffer_t *body;

    if (status != DECLINED) {
        return status;
    }
    body = apr_palloc(r->pool, sizeof(*body));
    buffer_init(body, EXPOSITION_MAX);
    if (!exposition_write(body, shared_metrics(), &facts)) {
        buffer_free(body);
        return answer_error(r, REPLY_INTERNAL_ERROR, NULL);
    }
    answer_body(r, HTTP_OK, EXPOSITION_CONTENT_TYPE, body);
    return OK;
}
