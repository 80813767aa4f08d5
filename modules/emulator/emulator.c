#include "emulator/emulator.h"

#include "base/clock.h"
#include "base/log.h"
#include "emulator/agents.h"
#include "emulator/control.h"
#include "emulator/effects.h"
#include "emulator/rest.h"

#include <stdlib.h>
#include <string.h>

static const service_t *const services[] = {&agents_service};

int emulator_init(emulator_t *emulator, const settings_t *settings)
{
    emulator->settings = settings;
    emulator->journal = journal_create();
    emulator->sessions = sessions_create();
    emulator->faults = faults_create();
    return emulator->journal != NULL && emulator->sessions != NULL && emulator->faults != NULL;
}

void emulator_destroy(emulator_t *emulator)
{
    journal_destroy(emulator->journal);
    sessions_destroy(emulator->sessions);
    faults_destroy(emulator->faults);
}

static answer_t *answer_call(emulator_t *emulator, const service_t *service, call_t *call)
{
    answer_t *answer;

    call->script = malloc(sizeof(*call->script));
    if (call->script == NULL) {
        return NULL;
    }
    script_init(call->script);
    call->faults = faults_take(emulator->faults, call->operation, call->script);
    answer = service->answer(emulator, call);
    if (answer != NULL) {
        effects_apply(call->script, answer);
    }
    free(call->script);
    return answer;
}

static answer_t *answer_signed(emulator_t *emulator, const service_t *service, call_t *call)
{
    verify_refusal_t refusal;
    answer_t *answer;
    int good =
        verify_request(call->request, emulator->settings, &service->rules, clock_wall(), &refusal);

    journal_signature(emulator->journal, call->ticket, refusal.code);
    if (good) {
        answer = answer_call(emulator, service, call);
    } else {
        LOG_INFO("EMUL0011: %s refused: %s: %.200s", call->operation, refusal.code,
                 buffer_text(&refusal.message));
        answer = rest_error(VERIFY_REFUSAL_STATUS, refusal.code, buffer_text(&refusal.message));
    }
    buffer_free(&refusal.message);
    return answer;
}

static answer_t *answer_operation(emulator_t *emulator, const service_t *service,
                                  const http_request_t *request, const char *operation)
{
    call_t call = {.request = request, .operation = operation};
    answer_t *answer;

    call.ticket = journal_open(emulator->journal, operation, request);
    answer = answer_signed(emulator, service, &call);
    if (answer == NULL) {
        journal_close(emulator->journal, call.ticket, JOURNAL_CLOSED);
        return NULL;
    }
    answer->ticket = call.ticket;
    journal_status(emulator->journal, call.ticket, answer->mute ? 0 : answer->status);
    /* An answer is on the heap; that it came through `call` misleads the check. */
    return answer; // cppcheck-suppress returnDanglingLifetime
}

answer_t *emulator_answer(emulator_t *emulator, const http_request_t *request)
{
    size_t i;

    if (control_is_for(request)) {
        return control_answer(emulator, request);
    }
    for (i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        const char *operation = services[i]->operation(request);
        if (operation != NULL) {
            return answer_operation(emulator, services[i], request, operation);
        }
    }
    LOG_WARN("EMUL0012: no operation has the path of %s %.200s", request->method, request->path);
    return rest_error(404, "UnknownOperationException", "No operation has this method and path.");
}
