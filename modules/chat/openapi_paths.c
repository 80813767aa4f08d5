#include "chat/openapi_write.h"
#include "chat/request_files.h"

#include <stdio.h>
#include <string.h>

#define ANSWER_HEADERS                                                                             \
    "'headers':{'X-Request-ID':{'$ref':'#/components/headers/RequestId'},"                         \
    "'RateLimit-Policy':{'$ref':'#/components/headers/RateLimitPolicy'},"                          \
    "'RateLimit':{'$ref':'#/components/headers/RateLimit'},"                                       \
    "'X-Chatbot-Session':{'$ref':'#/components/headers/ChatbotSession'}}"

#define JSON_OF(schema) "'application/json':{'schema':{'$ref':'#/components/schemas/" schema "'}}"

static const char answer[] = "'200':{'description':'The whole answer.'," ANSWER_HEADERS
                             ",'content':{" JSON_OF("ChatResponse") "}}";

static const char answer_or_stream[] =
    "'200':{'description':'The whole answer; or, when `stream` is true or the client accepts "
    "`text/event-stream`, the events of a stream: `session`, then `delta` for each piece of text, "
    "then `done`, or `error` as the last one. A line that begins with a colon is a sign of "
    "life.'," ANSWER_HEADERS ",'content':{" JSON_OF(
        "ChatResponse") ",'text/event-stream':{"
                        "'schema':{'type':'string','description':'Server-Sent Events; the data of "
                        "each is JSON.'},"
                        "'x-events':{'session':{'$ref':'#/components/schemas/SessionEvent'},"
                        "'delta':{'$ref':'#/components/schemas/DeltaEvent'},"
                        "'done':{'$ref':'#/components/schemas/ChatResponse'},"
                        "'error':{'$ref':'#/components/schemas/ErrorResponse'}},"
                        "'example':'event: session\\ndata: "
                        "{\\'session_id\\':\\'3f2a\\',\\'request_id\\':\\'9c1b\\'}"
                        "\\n\\nevent: delta\\ndata: {\\'text\\':\\'Hel\\'}\\n\\nevent: delta\\n"
                        "data: {\\'text\\':\\'lo\\'}\\n\\nevent: done\\ndata: "
                        "{\\'response\\':\\'Hello\\',"
                        "\\'session_id\\':\\'3f2a\\',\\'timestamp\\':\\'2026-01-31T12:34:56.789Z\\'"
                        ","
                        "\\'tokens_used\\':12,\\'processing_time_ms\\':841.5}\\n\\n'}}}";

#define COMPLETION_HEADERS                                                                         \
    "'headers':{'X-Request-ID':{'$ref':'#/components/headers/RequestId'},"                         \
    "'X-Session-Id':{'$ref':'#/components/headers/SessionId'},"                                    \
    "'RateLimit-Policy':{'$ref':'#/components/headers/RateLimitPolicy'},"                          \
    "'RateLimit':{'$ref':'#/components/headers/RateLimit'},"                                       \
    "'X-Chatbot-Session':{'$ref':'#/components/headers/ChatbotSession'}}"

static const char completion[] = "'200':{'description':'The whole answer.'," COMPLETION_HEADERS
                                 ",'content':{" JSON_OF("Completion") "}}";

static const char completion_or_stream[] =
    "'200':{'description':'The whole answer; or, when `stream` is true, its chunks, the last of "
    "them `[DONE]`.'," COMPLETION_HEADERS ",'content':{" JSON_OF(
        "Completion") ","
                      "'text/event-stream':{'schema':{'type':'string','description':'Server-Sent "
                      "Events; the data "
                      "of each is a CompletionChunk, at the end [DONE].'},"
                      "'x-events':{'message':{'$ref':'#/components/schemas/CompletionChunk'}}}}}";

static const char models[] =
    "'200':{'description':'The one model.','content':{" JSON_OF("ModelList") "}}";
static const char model[] = "'200':{'description':'The model.','content':{" JSON_OF("Model") "}}";
static const char session[] =
    "'200':{'description':'The session.','content':{" JSON_OF("Session") "}}";
static const char removed[] = "'204':{'description':'It is ended and deleted.'}";
static const char health[] =
    "'200':{'description':'It is.','content':{" JSON_OF("HealthResponse") "}}";
static const char readiness[] = "'200':{'description':'One can.','content':{" JSON_OF(
    "ReadyResponse") "}},"
                     "'503':{'description':'Not now; `checks` says why.','content':{" JSON_OF(
                         "ReadyResponse") "}}";
static const char metrics[] =
    "'200':{'description':'The text format of Prometheus.','content':{'text/plain':{'schema':{"
    "'type':'string'}}}}";

/* ---- what a location says ---- */

static void put_security(json_writer_t *writer, const openapi_location_t *location)
{
    if (location->auth == NULL) {
        return;
    }
    json_name(writer, "security");
    json_open(writer, '[');
    json_open(writer, '{');
    json_name(writer, location->auth);
    openapi_put(writer, "[]");
    json_close(writer, '}');
    json_close(writer, ']');
}

static void put_number(json_writer_t *writer, const char *name, int64_t number)
{
    json_name(writer, name);
    json_put_integer(writer, number);
}

static void put_rate_limit(json_writer_t *writer, const openapi_location_t *location)
{
    json_name(writer, "rate_limit");
    if (location->limit == 0) {
        json_put_null(writer);
        return;
    }
    json_open(writer, '{');
    put_number(writer, "requests", location->limit);
    put_number(writer, "window_seconds", location->limit_window);
    json_close(writer, '}');
}

static void put_limits(json_writer_t *writer, const openapi_location_t *location)
{
    json_name(writer, "x-limits");
    json_open(writer, '{');
    json_put_member(writer, "backend", location->backend);
    json_name(writer, "streams");
    json_put_boolean(writer, location->streams);
    put_number(writer, "max_message_characters", location->max_message);
    put_number(writer, "max_body_bytes", location->max_body);
    put_number(writer, "timeout_seconds", location->timeout);
    if (location->streams) {
        put_number(writer, "stream_timeout_seconds", location->stream_timeout);
        put_number(writer, "stream_heartbeat_seconds", location->heartbeat);
    }
    if (location->takes_files && location->kind == OPENAPI_CHAT) {
        put_number(writer, "max_files", REQUEST_FILES_MAX);
        put_number(writer, "max_files_bytes", (int64_t)REQUEST_FILES_BYTES_MAX);
    }
    put_rate_limit(writer, location);
    json_close(writer, '}');
}

/* ---- operations ---- */

typedef struct {
    const char *method;
    const char *tag;
    const char *id;
    const char *summary;
    const char *parameters; /* JSON, NULL: none */
    const char *body;       /* the schema of the request, NULL: it has none */
    const char *success;
    openapi_errors_e errors;
    int is_chat;
} operation_t;

#define REQUEST_ID "{'$ref':'#/components/parameters/RequestId'}"

static void put_body(json_writer_t *writer, const char *schema, const openapi_suffix_t *suffix)
{
    char reference[96];

    (void)snprintf(reference, sizeof(reference), "#/components/schemas/%s%s", schema, suffix->text);
    json_name(writer, "requestBody");
    json_open(writer, '{');
    openapi_put_named(writer, "required", "true");
    json_name(writer, "content");
    json_open(writer, '{');
    json_name(writer, "application/json");
    json_open(writer, '{');
    json_name(writer, "schema");
    json_open(writer, '{');
    json_put_member(writer, "$ref", reference);
    json_close(writer, '}');
    json_close(writer, '}');
    json_close(writer, '}');
    json_close(writer, '}');
}

static void put_operation(json_writer_t *writer, const openapi_t *api,
                          const openapi_location_t *location, const operation_t *operation)
{
    const openapi_suffix_t suffix = openapi_suffix(api, location);
    char id[64];

    (void)snprintf(id, sizeof(id), "%s%s", operation->id, suffix.text);
    json_name(writer, operation->method);
    json_open(writer, '{');
    json_name(writer, "tags");
    json_open(writer, '[');
    json_put_text(writer, operation->tag);
    json_close(writer, ']');
    json_put_member(writer, "operationId", id);
    json_put_member(writer, "summary", operation->summary);
    put_security(writer, location);
    if (operation->parameters != NULL) {
        openapi_put_named(writer, "parameters", operation->parameters);
    }
    if (operation->body != NULL) {
        put_body(writer, operation->body, &suffix);
    }
    openapi_put_responses(writer, location, operation->success, operation->errors);
    if (operation->is_chat) {
        put_limits(writer, location);
    }
    json_close(writer, '}');
}

/* A path is the location's and perhaps more. */
static void open_path(json_writer_t *writer, const openapi_location_t *location, const char *more)
{
    buffer_t path;

    buffer_init(&path, 16384);
    (void)buffer_printf(&path, "%s%s", location->path, more);
    json_name(writer, path.length > 0 ? buffer_text(&path) : "/");
    buffer_free(&path);
    json_open(writer, '{');
}

static void put_path(json_writer_t *writer, const openapi_t *api,
                     const openapi_location_t *location, const char *more,
                     const operation_t *operation)
{
    open_path(writer, location, more);
    put_operation(writer, api, location, operation);
    json_close(writer, '}');
}

static void put_chat(json_writer_t *writer, const openapi_t *api,
                     const openapi_location_t *location)
{
    const operation_t operation = {.method = "post",
                                   .tag = "chat",
                                   .id = "chat",
                                   .summary = "Send a message, get the answer",
                                   .parameters = "[" REQUEST_ID "]",
                                   .body = "ChatRequest",
                                   .success = location->streams ? answer_or_stream : answer,
                                   .errors = OPENAPI_ERRORS_CHAT,
                                   .is_chat = 1};

    put_path(writer, api, location, "", &operation);
}

static void put_completions(json_writer_t *writer, const openapi_t *api,
                            const openapi_location_t *location)
{
    const operation_t create = {.method = "post",
                                .tag = "OpenAI",
                                .id = "createCompletion",
                                .summary = "Send a conversation, get the answer",
                                .parameters = "[" REQUEST_ID
                                              ",{'$ref':'#/components/parameters/SessionHeader'}]",
                                .body = "CompletionRequest",
                                .success = location->streams ? completion_or_stream : completion,
                                .errors = OPENAPI_ERRORS_CHAT,
                                .is_chat = 1};
    const operation_t list = {.method = "get",
                              .tag = "OpenAI",
                              .id = "listModels",
                              .summary = "The model to ask for",
                              .success = models,
                              .errors = OPENAPI_ERRORS_INTERNAL};

    const operation_t show = {.method = "get",
                              .tag = "OpenAI",
                              .id = "getModel",
                              .summary = "The model",
                              .parameters = "[{'$ref':'#/components/parameters/Model'}]",
                              .success = model,
                              .errors = OPENAPI_ERRORS_MODEL};

    put_path(writer, api, location, "/chat/completions", &create);
    put_path(writer, api, location, "/models", &list);
    put_path(writer, api, location, "/models/{model}", &show);
}

static void put_sessions(json_writer_t *writer, const openapi_t *api,
                         const openapi_location_t *location)
{
    static const char parameters[] = "[{'$ref':'#/components/parameters/SessionId'},"
                                     "{'$ref':'#/components/parameters/UserId'}," REQUEST_ID "]";
    static const operation_t show = {.method = "get",
                                     .tag = "sessions",
                                     .id = "getSession",
                                     .summary = "Show a session",
                                     .parameters = parameters,
                                     .success = session,
                                     .errors = OPENAPI_ERRORS_SHOW};
    static const operation_t end = {.method = "delete",
                                    .tag = "sessions",
                                    .id = "deleteSession",
                                    .summary = "End a session and delete it",
                                    .parameters = parameters,
                                    .success = removed,
                                    .errors = OPENAPI_ERRORS_REMOVE};

    open_path(writer, location, "/{session_id}");
    put_operation(writer, api, location, &show);
    put_operation(writer, api, location, &end);
    json_close(writer, '}');
}

void openapi_put_paths(json_writer_t *writer, const openapi_t *api,
                       const openapi_location_t *location)
{
    static const operation_t alive = {.method = "get",
                                      .tag = "operation",
                                      .id = "health",
                                      .summary = "Is this server alive?",
                                      .success = health,
                                      .errors = OPENAPI_ERRORS_NONE};
    static const operation_t ready = {.method = "get",
                                      .tag = "operation",
                                      .id = "ready",
                                      .summary = "Can a chat be held now?",
                                      .success = readiness,
                                      .errors = OPENAPI_ERRORS_NONE};
    static const operation_t scrape = {.method = "get",
                                       .tag = "operation",
                                       .id = "metrics",
                                       .summary = "What was counted",
                                       .success = metrics,
                                       .errors = OPENAPI_ERRORS_INTERNAL};

    switch (location->kind) {
    case OPENAPI_CHAT: put_chat(writer, api, location); break;
    case OPENAPI_COMPLETIONS: put_completions(writer, api, location); break;
    case OPENAPI_SESSIONS: put_sessions(writer, api, location); break;
    case OPENAPI_HEALTH: put_path(writer, api, location, "", &alive); break;
    case OPENAPI_READINESS: put_path(writer, api, location, "", &ready); break;
    case OPENAPI_METRICS: put_path(writer, api, location, "", &scrape); break;
    default: break;
    }
}
