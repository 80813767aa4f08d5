#include "emulator/cloudwatch_protocol.h"

#include "emulator/cbor.h"
#include "emulator/form.h"
#include "emulator/gunzip.h"
#include "emulator/issuer.h"
#include "emulator/json_rpc.h"
#include "emulator/query.h"

#include <apr_time.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define VERSION      "2010-08-01"
#define NAME_SPACE   "http://monitoring.amazonaws.com/doc/2010-08-01/"
#define JSON_SPACE   "com.amazonaws.cloudwatch.v2010_08_01#"
#define TARGET       "GraniteServiceVersion20100801."
#define CBOR_PATH    "/service/GraniteServiceVersion20100801/operation/"
#define CBOR         "application/cbor"
#define INSTANT      "Timestamp"
#define JSON_DEPTH   32
#define JSON_MAX     (64 * 1024 * 1024)
#define BODY_MAX     (1024 * 1024) /* on the wire */
#define SERVER_FAULT 500

const effects_exception_t cloudwatch_protocol_errors[] = {
    {"InvalidParameterValueException", 400},
    {"InvalidParameterCombinationException", 400},
    {"MissingRequiredParameterException", 400},
    {"MissingParameter", 400},
    {"InternalServiceFault", 500},
    {"InternalServiceError", 500},
    {"LimitExceededException", 400},
    {"ThrottlingException", 400},
    {"AccessDeniedException", 403},
    {"RequestEntityTooLarge", 413},
    {"ServiceUnavailable", 503},
    {NULL, 0}};

/* The same error as a shape, and as a code of the Query protocol. */
static const struct {
    const char *shape;
    const char *code;
} names[] = {{"InvalidParameterValueException", "InvalidParameterValue"},
             {"InvalidParameterCombinationException", "InvalidParameterCombination"},
             {"MissingRequiredParameterException", "MissingParameter"},
             {"InternalServiceFault", "InternalServiceError"},
             {"ThrottlingException", "Throttling"},
             {"AccessDeniedException", "AccessDenied"}};

#define NAMES (sizeof(names) / sizeof(names[0]))

static size_t find_name(const char *type)
{
    size_t i = 0;

    while (i < NAMES && strcmp(names[i].shape, type) != 0 && strcmp(names[i].code, type) != 0) {
        i++;
    }
    return i;
}

static const char *code_of(const char *type)
{
    size_t i = find_name(type);

    return i < NAMES ? names[i].code : type;
}

static const char *shape_of(const char *type)
{
    size_t i = find_name(type);

    return i < NAMES ? names[i].shape : type;
}

/* ---- requests ---- */

int cloudwatch_protocol_is_compressed(const http_request_t *request)
{
    const char *encoding = http_header(request, "content-encoding");

    return encoding != NULL && strcasecmp(encoding, "gzip") == 0;
}

int cloudwatch_protocol_body(const http_request_t *request, buffer_t *out, refusal_t *refusal)
{
    if (request->body_length > BODY_MAX) {
        return refusal_set(refusal, "RequestEntityTooLarge",
                           "The request has %d bytes, more than %d.", (int)request->body_length,
                           BODY_MAX);
    }
    if (!cloudwatch_protocol_is_compressed(request)) {
        (void)buffer_append(out, request->body, request->body_length);
        return 1;
    }
    return gunzip_bytes(request->body, request->body_length, out) ||
           refusal_set(refusal, "InvalidParameterValueException",
                       "The body is not what its Content-Encoding says.");
}

static void query_operation(const http_request_t *request, buffer_t *name)
{
    refusal_t ignored = {.type = NULL};
    http_request_t plain = *request;
    buffer_t body;

    if (!cloudwatch_protocol_is_compressed(request)) {
        if (query_is_for(request, VERSION)) {
            (void)query_parameter(request, "Action", name);
        }
        return;
    }
    buffer_init(&body, HTTP_BODY_MAX);
    if (cloudwatch_protocol_body(request, &body, &ignored)) {
        plain.body = buffer_text(&body);
        plain.body_length = body.length;
        if (query_is_for(&plain, VERSION)) {
            (void)query_parameter(&plain, "Action", name);
        }
    }
    buffer_free(&body);
}

void cloudwatch_protocol_operation(metrics_protocol_e protocol, const http_request_t *request,
                                   buffer_t *name)
{
    const char *target;

    switch (protocol) {
    case METRICS_QUERY: query_operation(request, name); break;
    case METRICS_JSON:
        target = json_rpc_operation(request, TARGET);
        (void)buffer_puts(name, target != NULL ? target : "");
        break;
    default:
        if (strcmp(request->method, "POST") == 0 &&
            strncmp(request->path, CBOR_PATH, strlen(CBOR_PATH)) == 0) {
            (void)buffer_puts(name, request->path + strlen(CBOR_PATH));
        }
        break;
    }
}

json_t *cloudwatch_protocol_parameters(metrics_protocol_e protocol, const buffer_t *body,
                                       refusal_t *refusal)
{
    json_t *parameters = NULL;
    json_error_t problem = {0, "The parameters are malformed"};
    buffer_t json;
    int good = 1;

    buffer_init(&json, JSON_MAX);
    if (protocol == METRICS_QUERY) {
        good = form_to_json(buffer_text(body), &json);
    } else if (protocol == METRICS_CBOR) {
        good = cbor_to_json(buffer_text(body), body->length, &json);
    } else {
        (void)buffer_append(&json, buffer_text(body), body->length);
    }
    if (good && !json.failed) {
        parameters = json_parse(buffer_text(&json), json.length, JSON_DEPTH, &problem);
    }
    buffer_free(&json);
    if (json_kind(parameters) != JSON_OBJECT) {
        (void)refusal_set(
            refusal, protocol == METRICS_QUERY ? "MalformedQueryString" : "SerializationException",
            "%s", problem.reason != NULL ? problem.reason : "No parameters");
        json_release(parameters);
        return NULL;
    }
    return parameters;
}

/* ---- answers ---- */

static void put_xml(query_answer_t *query, const char *name, const json_t *value);

static int on_xml_member(void *query, const char *name, const json_t *value)
{
    put_xml(query, name, value);
    return 1;
}

static void put_xml_number(query_answer_t *query, const char *name, const json_t *value)
{
    char instant[ISSUER_INSTANT_LENGTH + 1];
    json_writer_t writer;
    buffer_t text;
    int64_t seconds;

    if (strcmp(name, INSTANT) == 0 && json_integer(value, &seconds)) {
        issuer_instant(instant, apr_time_from_sec(seconds));
        query_put(query, name, instant);
        return;
    }
    buffer_init(&text, 512);
    json_write_to(&writer, &text);
    json_put_value(&writer, value);
    query_put(query, name, buffer_text(&text));
    buffer_free(&text);
}

static void put_xml(query_answer_t *query, const char *name, const json_t *value)
{
    size_t i;

    if (json_kind(value) == JSON_STRING) {
        query_put(query, name, json_text(value, NULL));
        return;
    }
    if (json_kind(value) == JSON_NUMBER) {
        put_xml_number(query, name, value);
        return;
    }
    query_open(query, name);
    for (i = 0; i < json_length(value); i++) {
        put_xml(query, "member", json_item(value, i));
    }
    json_each(value, on_xml_member, query);
    query_close(query, name);
}

static answer_t *xml_answer(const char *operation, const json_t *value)
{
    query_answer_t query;

    query_begin(&query, NAME_SPACE, operation);
    json_each(value, on_xml_member, &query);
    return query_end(&query);
}

static answer_t *cbor_answer(int status, const json_t *value)
{
    answer_t *answer = json_rpc_answer(status, "", 0);
    buffer_t body;

    if (answer == NULL) {
        return NULL;
    }
    buffer_init(&body, JSON_MAX);
    cbor_from_json(value, INSTANT, &body);
    answer->content_type = CBOR;
    answer_header(answer, "smithy-protocol", "rpc-v2-cbor");
    answer_send(answer, buffer_text(&body), body.length);
    answer->failed |= body.failed;
    buffer_free(&body);
    return answer;
}

answer_t *cloudwatch_protocol_answer(metrics_protocol_e protocol, const char *operation,
                                     const buffer_t *json)
{
    json_error_t problem;
    json_t *value;
    answer_t *answer;

    if (protocol == METRICS_JSON) {
        return json_rpc_answer(200, buffer_text(json), json->length);
    }
    value = json_parse(buffer_text(json), json->length, JSON_DEPTH, &problem);
    answer = protocol == METRICS_QUERY ? xml_answer(operation, value) : cbor_answer(200, value);
    json_release(value);
    return answer;
}

static void put_query_error(answer_t *answer, int status, const char *type)
{
    char value[128];

    if (find_name(type) < NAMES) {
        (void)snprintf(value, sizeof(value), "%s;%s", code_of(type),
                       status < SERVER_FAULT ? "Sender" : "Receiver");
        answer_header(answer, "x-amzn-query-error", value);
    }
}

answer_t *cloudwatch_protocol_error(metrics_protocol_e protocol, int status, const char *type,
                                    const char *message)
{
    const char *common = json_rpc_common_space(type);
    json_error_t problem;
    answer_t *answer;
    buffer_t body;
    json_t *value;

    if (protocol == METRICS_QUERY) {
        return query_error(NAME_SPACE, status, code_of(type), message);
    }
    status = json_rpc_status(status, type);
    buffer_init(&body, JSON_MAX);
    json_rpc_open_error(&body, common != NULL ? common : JSON_SPACE, shape_of(type), message);
    (void)buffer_puts(&body, "}");
    if (protocol == METRICS_CBOR) {
        value = json_parse(buffer_text(&body), body.length, JSON_DEPTH, &problem);
        answer = cbor_answer(status, value);
        json_release(value);
    } else {
        answer = json_rpc_answer(status, buffer_text(&body), body.length);
    }
    if (answer != NULL) {
        put_query_error(answer, status, type);
        answer->failed |= body.failed;
    }
    buffer_free(&body);
    return answer;
}
