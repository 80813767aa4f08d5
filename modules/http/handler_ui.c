#include "http/handler_ui.h"

#include "http/answer.h"
#include "http/config.h"
#include "http/page.h"
#include "http/served.h"

#include <apr_strings.h>

#define CHAT     "chatbot"
#define SESSIONS "chatbot-sessions"

static int is_used(const char *handler)
{
    return strcmp(handler, CHAT) == 0 || strcmp(handler, SESSIONS) == 0;
}

static const char *reference_of(request_rec *r, const apr_array_header_t *list, const char *handler)
{
    const char *path = served_path(list, handler);

    return path != NULL ? served_reference(r, path) : "";
}

/* Characters of a message at the first chat's location. */
static const char *max_message(const request_rec *r, const apr_array_header_t *list)
{
    request_rec view = *r;
    int i;

    for (i = 0; i < list->nelts; i++) {
        const served_t *served = &APR_ARRAY_IDX(list, i, served_t);
        if (served->path != NULL && strcmp(served->handler, CHAT) == 0) {
            view.per_dir_config = served->config;
            return apr_psprintf(r->pool, "%" APR_OFF_T_FMT,
                                config_max_message(config_of_location(&view)));
        }
    }
    return "";
}

static int answer_page(request_rec *r)
{
    const apr_array_header_t *list = served_list(r, is_used);
    const page_blank_t blanks[] = {{"chat", reference_of(r, list, CHAT)},
                                   {"sessions", reference_of(r, list, SESSIONS)},
                                   {"max", max_message(r, list)},
                                   {NULL, NULL}};

    return page_answer(r, "chat", blanks);
}

int handler_ui(request_rec *r)
{
    int status = answer_other_methods(r, AP_METHOD_BIT << M_GET);

    return status == DECLINED ? answer_page(r) : status;
}
