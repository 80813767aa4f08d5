#include "chat/flow_private.h"

#include <stdlib.h>

/* Out of the session; 0 when memory is out. */
static int list_history(flow_t *flow)
{
    flow_machine_t *machine = flow->machine;
    const session_t *session = &machine->keeper.session;
    size_t i;

    if (session->history_count == 0) {
        return 1;
    }
    machine->history = calloc(session->history_count, sizeof(*machine->history));
    for (i = 0; machine->history != NULL && i < session->history_count; i++) {
        const session_message_t *message = &session->history[i];
        machine->history[i] =
            (backend_message_t){message->role == SESSION_USER ? BACKEND_USER : BACKEND_ASSISTANT,
                                session->texts.data + message->at, message->length};
    }
    return machine->history != NULL;
}

int flow_choose_history(flow_t *flow)
{
    flow_machine_t *machine = flow->machine;
    backend_prompt_t *prompt = &flow->prompt;
    int needs_history = flow->settings.backend->needs_history;

    if (flow->brings_history) {
        if (!needs_history && machine->keeper.session.turns > 0) {
            prompt->history_count = 0;
        }
        return 1;
    }
    if (needs_history && !list_history(flow)) {
        return 0;
    }
    prompt->history = machine->history;
    prompt->history_count = machine->history != NULL ? machine->keeper.session.history_count : 0;
    return 1;
}
