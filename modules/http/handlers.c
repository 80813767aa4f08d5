#include "http/handlers.h"

#include "http/config.h"
#include "http/handler_chat.h"
#include "http/handler_status.h"

#include <http_core.h>
#include <http_request.h>

static const struct {
    const char *name;
    int (*run)(request_rec *r);
} handlers[] = {{"chatbot", handler_chat}, {"chatbot-health", handler_health}};

/* Index in the table, -1 for others' handlers. */
static int find(const char *name)
{
    size_t i;

    for (i = 0; name != NULL && i < sizeof(handlers) / sizeof(handlers[0]); i++) {
        if (strcmp(handlers[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

int handlers_run(request_rec *r)
{
    int index = find(r->handler);

    return index >= 0 ? handlers[index].run(r) : DECLINED;
}

int handlers_note_path(request_rec *r)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);

    if (core->handler != NULL && find(core->handler) >= 0) {
        /* The path as it is now: when another module rewrites it, the note no longer fits. */
        ap_set_module_config(r->request_config, &chatbot_module, r->uri);
    }
    return DECLINED;
}

int handlers_skip_walk(request_rec *r)
{
    const char *noted = ap_get_module_config(r->request_config, &chatbot_module);

    return noted != NULL && strcmp(noted, r->uri) == 0 ? OK : DECLINED;
}
