#include "emulator/emulator.h"

#include "base/clock.h"
#include "base/log.h"
#include "emulator/agentcore.h"
#include "emulator/agents.h"
#include "emulator/cloudwatch.h"
#include "emulator/container.h"
#include "emulator/control.h"
#include "emulator/converse.h"
#include "emulator/dynamodb.h"
#include "emulator/imds.h"
#include "emulator/openai.h"
#include "emulator/rest.h"
#include "emulator/s3.h"
#include "emulator/sts.h"

#include <stdlib.h>
#include <string.h>

static const service_t *const services[] = {
    &agents_service,
    &agentcore_service,
    &converse_service,
    &sts_service,
    &sts_federation_service,
    &container_service,
    &imds_service,
    &dynamodb_service,
    &openai_service,
    &cloudwatch_query_service,
    &cloudwatch_json_service,
    &cloudwatch_cbor_service,
    &s3_service,
};

int emulator_init(emulator_t *emulator, const settings_t *settings)
{
    emulator->settings = settings;
    emulator->journal = journal_create();
    emulator->sessions = sessions_create();
    emulator->faults = faults_create();
    emulator->issuer = issuer_create();
    emulator->imds = imds_create();
    emulator->tables = tables_create();
    emulator->metrics = metrics_create();
    emulator->s3 = s3_start(settings);
    switches_init(&emulator->switches);
    return emulator->journal != NULL && emulator->sessions != NULL && emulator->faults != NULL &&
           emulator->issuer != NULL && emulator->imds != NULL && emulator->tables != NULL &&
           emulator->metrics != NULL && emulator->s3 != NULL && dynamodb_create_tables(emulator);
}

void emulator_destroy(emulator_t *emulator)
{
    journal_destroy(emulator->journal);
    sessions_destroy(emulator->sessions);
    faults_destroy(emulator->faults);
    issuer_destroy(emulator->issuer);
    imds_destroy(emulator->imds);
    tables_destroy(emulator->tables);
    metrics_destroy(emulator->metrics);
    s3_store_destroy(emulator->s3);
}

static apr_time_t clock_offset(const emulator_t *emulator)
{
    return apr_time_from_sec(emulator->switches.numbers[SWITCHES_CLOCK_OFFSET]);
}

apr_time_t emulator_now(const emulator_t *emulator)
{
    return clock_wall() + clock_offset(emulator);
}

session_t *emulator_session(emulator_t *emulator, const char *agent, const char *alias,
                            const char *id, uint64_t ticket, int *busy)
{
    const switches_t *switches = &emulator->switches;
    session_t *session =
        sessions_get(emulator->sessions, agent, alias, id,
                     apr_time_from_msec(switches->numbers[SWITCHES_SESSION_IDLE_MS]));

    if (session == NULL) {
        return NULL;
    }
    *busy = switches->numbers[SWITCHES_CONFLICTS] &&
            journal_is_open(emulator->journal, session->ticket);
    if (*busy) {
        return NULL;
    }
    session->ticket = ticket;
    return session;
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
    const verify_authority_t authority = {
        emulator->settings, emulator->issuer, emulator_now(emulator),
        apr_time_from_msec(emulator->switches.numbers[SWITCHES_CREDENTIALS_GRACE_MS])};
    verify_result_t result;
    answer_t *answer;
    int good = verify_request(call->request, &authority, &service->rules, &result);

    journal_signature(emulator->journal, call->ticket, result.key_id, result.code);
    if (good) {
        call->caller = result.caller;
        answer = answer_call(emulator, service, call);
    } else {
        log_info("EMUL0011: %s refused: %s: %.200s", call->operation, result.code,
                 buffer_text(&result.message));
        answer = service->error(VERIFY_REFUSAL_STATUS, result.code, buffer_text(&result.message));
    }
    buffer_free(&result.message);
    return answer;
}

static answer_t *answer_operation(emulator_t *emulator, const service_t *service,
                                  const http_request_t *request, const char *operation)
{
    call_t call = {.request = request, .operation = operation};
    answer_t *answer;

    call.ticket = journal_open(emulator->journal, operation, request);
    answer = service->rules.service != NULL ? answer_signed(emulator, service, &call)
                                            : answer_call(emulator, service, &call);
    if (answer == NULL) {
        journal_close(emulator->journal, call.ticket, JOURNAL_CLOSED);
        return NULL;
    }
    answer->ticket = call.ticket;
    answer->clock_offset += clock_offset(emulator);
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
    log_warn("EMUL0012: no operation has the path of %s %.200s", request->method, request->path);
    return rest_error(404, "UnknownOperationException", "No operation has this method and path.");
}
