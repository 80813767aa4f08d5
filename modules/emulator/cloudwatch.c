#include "emulator/cloudwatch.h"

#include "base/log.h"
#include "emulator/cloudwatch_protocol.h"
#include "emulator/cloudwatch_request.h"
#include "emulator/metric_data.h"
#include "emulator/metric_views.h"

#include <string.h>

#define OUT_MAX    (16 * 1024 * 1024)
#define ACTION_MAX 256
#define UNKNOWN    "CloudWatchOther"

static const struct {
    const char *name;
    int (*work)(cloudwatch_request_t *request);
} operations[] = {{"PutMetricData", metric_data_put},
                  {"ListMetrics", metric_views_list},
                  {"GetMetricStatistics", metric_views_statistics}};

#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

static size_t index_of(const char *name)
{
    size_t i = 0;

    while (i < OPERATIONS && strcmp(operations[i].name, name) != 0) {
        i++;
    }
    return i;
}

static const char *find_operation(metrics_protocol_e protocol, const http_request_t *request)
{
    const char *found = NULL;
    buffer_t name;

    buffer_init(&name, ACTION_MAX);
    cloudwatch_protocol_operation(protocol, request, &name);
    if (name.length > 0) {
        size_t index = index_of(buffer_text(&name));
        found = index < OPERATIONS ? operations[index].name : UNKNOWN;
    }
    buffer_free(&name);
    return found;
}

/* ---- one call ---- */

static void read_parameters(cloudwatch_request_t *request, const call_t *call)
{
    buffer_t body;

    buffer_init(&body, HTTP_BODY_MAX);
    if (cloudwatch_protocol_body(call->request, &body, &request->refusal)) {
        request->parameters =
            cloudwatch_protocol_parameters(request->protocol, &body, &request->refusal);
    }
    buffer_free(&body);
}

static void work(cloudwatch_request_t *request, const call_t *call)
{
    size_t index = index_of(call->operation);

    if (index == OPERATIONS) {
        log_warn("EMUL0043: no operation of CloudWatch here is the one that was asked for");
        (void)refusal_set(&request->refusal,
                          request->protocol == METRICS_QUERY ? "InvalidAction"
                                                             : "UnknownOperationException",
                          "The stand-in does not have this operation.");
        return;
    }
    read_parameters(request, call);
    if (request->parameters != NULL && operations[index].work(request)) {
        request->emulator->metrics->compressed +=
            (uint64_t)cloudwatch_protocol_is_compressed(call->request);
    }
}

/* What the books show of the call: its namespace. */
static void note(const cloudwatch_request_t *request, const call_t *call)
{
    size_t length = 0;
    const char *name = json_member_text(request->parameters, "Namespace", &length);

    journal_subject(request->emulator->journal, call->ticket, "", name != NULL ? name : "", length,
                    call->faults);
}

static answer_t *refusal_answer(const cloudwatch_request_t *request)
{
    const refusal_t *refusal = &request->refusal;
    const effects_exception_t *known = effects_find(cloudwatch_protocol_errors, refusal->type);

    return cloudwatch_protocol_error(request->protocol, known != NULL ? known->status : 400,
                                     refusal->type, refusal->message);
}

static answer_t *act_in_pool(emulator_t *emulator, metrics_protocol_e protocol, const call_t *call)
{
    cloudwatch_request_t request = {.emulator = emulator, .protocol = protocol};
    answer_t *answer;

    if (apr_pool_create(&request.pool, NULL) != APR_SUCCESS) {
        return NULL;
    }
    buffer_init(&request.out, OUT_MAX);
    json_write_to(&request.writer, &request.out);
    work(&request, call);
    note(&request, call);
    if (request.out.length == 0) {
        (void)buffer_puts(&request.out, "{}");
    }
    answer = request.refusal.type != NULL
                 ? refusal_answer(&request)
                 : cloudwatch_protocol_answer(protocol, call->operation, &request.out);
    if (answer != NULL) {
        answer->failed |= request.out.failed;
    }
    buffer_free(&request.out);
    json_release(request.parameters);
    apr_pool_destroy(request.pool);
    return answer;
}

static answer_t *answer_call(emulator_t *emulator, metrics_protocol_e protocol, const call_t *call,
                             effects_error_fn error)
{
    int acts = script_has(call->script, SCRIPT_ACT);
    answer_t *acted = acts ? act_in_pool(emulator, protocol, call) : NULL;
    answer_t *answer = effects_replace(call->script, cloudwatch_protocol_errors, error);

    if (answer == NULL) {
        return acts ? acted : act_in_pool(emulator, protocol, call);
    }
    if (!acts) {
        journal_subject(emulator->journal, call->ticket, "", "", 0, call->faults);
    }
    answer_destroy(acted);
    return answer;
}

/* ---- the services ---- */

static const char *find_query(const http_request_t *request)
{
    return find_operation(METRICS_QUERY, request);
}

static const char *find_json(const http_request_t *request)
{
    return find_operation(METRICS_JSON, request);
}

static const char *find_cbor(const http_request_t *request)
{
    return find_operation(METRICS_CBOR, request);
}

static answer_t *error_query(int status, const char *type, const char *message)
{
    return cloudwatch_protocol_error(METRICS_QUERY, status, type, message);
}

static answer_t *error_json(int status, const char *type, const char *message)
{
    return cloudwatch_protocol_error(METRICS_JSON, status, type, message);
}

static answer_t *error_cbor(int status, const char *type, const char *message)
{
    return cloudwatch_protocol_error(METRICS_CBOR, status, type, message);
}

static answer_t *answer_query(emulator_t *emulator, call_t *call)
{
    return answer_call(emulator, METRICS_QUERY, call, error_query);
}

static answer_t *answer_json(emulator_t *emulator, call_t *call)
{
    return answer_call(emulator, METRICS_JSON, call, error_json);
}

static answer_t *answer_cbor(emulator_t *emulator, call_t *call)
{
    return answer_call(emulator, METRICS_CBOR, call, error_cbor);
}

const service_t cloudwatch_query_service = {.rules = {.service = "monitoring"},
                                            .operation = find_query,
                                            .answer = answer_query,
                                            .error = error_query};

const service_t cloudwatch_json_service = {.rules = {.service = "monitoring"},
                                           .operation = find_json,
                                           .answer = answer_json,
                                           .error = error_json};

const service_t cloudwatch_cbor_service = {.rules = {.service = "monitoring"},
                                           .operation = find_cbor,
                                           .answer = answer_cbor,
                                           .error = error_cbor};
