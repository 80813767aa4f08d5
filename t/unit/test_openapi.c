/* The OpenAPI document: what the locations say is in it, references lead somewhere, every error is
 * told. */
#include "base/json.h"
#include "chat/openapi.h"
#include "chat/reply.h"

#include "tap.h"

#include <stdlib.h>

static const openapi_location_t locations[] = {
    {.kind = OPENAPI_CHAT,
     .path = "/chat",
     .backend = "agent",
     .max_message = 4000,
     .max_body = 65536,
     .streams = 1,
     .takes_files = 1,
     .timeout = 30,
     .stream_timeout = 300,
     .heartbeat = 15,
     .timeout_status = 408,
     .limit = 100,
     .limit_window = 3600},
    {.kind = OPENAPI_CHAT,
     .path = "/plain%20chat",
     .auth = "basic",
     .backend = "converse",
     .max_message = 10,
     .max_body = 1000,
     .timeout = 5,
     .timeout_status = 504},
    {.kind = OPENAPI_SESSIONS, .path = "", .backend = "agent", .timeout_status = 408},
    {.kind = OPENAPI_COMPLETIONS,
     .path = "/v1",
     .backend = "agent",
     .model = "a \"model\" or 'two'",
     .max_body = 65536,
     .streams = 1,
     .timeout_status = 408,
     .limit = 5,
     .limit_window = 60},
    {.kind = OPENAPI_HEALTH, .path = "/health", .timeout_status = 408},
    {.kind = OPENAPI_READINESS, .path = "/readyz", .timeout_status = 408},
    {.kind = OPENAPI_METRICS, .path = "/metrics", .timeout_status = 408},
};

#define COUNT (sizeof(locations) / sizeof(locations[0]))

static buffer_t text;

static json_t *write_of(const openapi_location_t *list, size_t count)
{
    static const openapi_untold_t untold = {"chatbot", "^/[a-z]+/chat$", "a \"pattern\""};
    const openapi_t api = {"1.2.3", "./", list, count, &untold, count == COUNT};
    json_error_t error = {0, NULL};
    json_t *document;

    buffer_clear(&text);
    OK(openapi_write(&text, &api), "it is written");
    document = json_parse(text.data, text.length, 32, &error);
    IS(error.reason, NULL, "it is JSON");
    return document;
}

/* A value by its names, parted by blanks. */
static const json_t *at(const json_t *value, const char *way)
{
    char *names = strdup(way);
    char *rest = names;
    char *name;

    while (value != NULL && (name = strsep(&rest, " ")) != NULL) {
        value = json_member(value, name);
    }
    free(names);
    return value;
}

static const char *text_at(const json_t *document, const char *way)
{
    return json_text(at(document, way), NULL);
}

static int64_t number_at(const json_t *document, const char *way)
{
    int64_t number = -1;

    (void)json_integer(at(document, way), &number);
    return number;
}

/* ---- references ---- */

typedef struct {
    const json_t *document;
    int count;
    int lost;
} references_t;

static void look(references_t *references, const json_t *value);

static int on_member(void *baton, const char *name, const json_t *value)
{
    references_t *references = baton;
    char way[256];
    char *slash;

    if (strcmp(name, "$ref") == 0) {
        (void)snprintf(way, sizeof(way), "%s", json_text(value, NULL) + strlen("#/"));
        while ((slash = strchr(way, '/')) != NULL) {
            *slash = ' ';
        }
        references->count++;
        if (at(references->document, way) == NULL) {
            references->lost++;
            printf("# lost: %s\n", way);
        }
    } else {
        look(references, value);
    }
    return 1;
}

static void look(references_t *references, const json_t *value)
{
    size_t i;

    json_each(value, on_member, references);
    for (i = 0; i < json_length(value); i++) {
        look(references, json_item(value, i));
    }
}

/* ---- */

static void test_whole(void)
{
    json_t *document = write_of(locations, COUNT);
    references_t references = {document, 0, 0};

    IS(text_at(document, "openapi"), "3.1.1", "the version of the specification");
    IS(text_at(document, "info version"), "1.2.3", "the version of the module");
    IS(text_at(document, "x-root"), "./", "where paths begin");
    look(&references, document);
    OK(references.count > 30, "there are references");
    IS_NUMBER(references.lost, 0, "each leads somewhere");
    IS_NUMBER(number_at(document, "components schemas ChatRequest properties message maxLength"),
              4000, "the limit of the first location");
    IS_NUMBER(number_at(document, "components schemas ChatRequest_2 properties message maxLength"),
              10, "and of the second one");
    IS(text_at(document, "paths /plain%20chat post operationId"), "chat_2", "names are unique");
    OK(at(document, "paths /chat post responses 200 content text/event-stream") != NULL,
       "the first one streams");
    OK(at(document, "paths /plain%20chat post responses 200 content text/event-stream") == NULL,
       "the second one does not");
    IS_NUMBER(number_at(document, "components schemas ChatRequest properties files maxItems"), 5,
              "the first one takes files");
    OK(at(document, "components schemas ChatRequest_2 properties files") == NULL &&
           at(document, "paths /plain%20chat post x-limits max_files") == NULL,
       "the second one does not");
    OK(at(document, "paths /chat post responses 408") != NULL, "408 where it is");
    OK(at(document, "paths /plain%20chat post responses 504") != NULL, "504 where it is that");
    OK(at(document, "paths /plain%20chat post responses 408") == NULL, "instead");
    IS_NUMBER(number_at(document, "paths /chat post x-limits rate_limit requests"), 100,
              "the rate limit");
    OK(strstr(text_at(document, "paths /chat post responses 429 description"), "rate_limited") !=
           NULL,
       "429 is told of it");
    OK(strstr(text_at(document, "paths /plain%20chat post responses 429 description"),
              "rate_limited") == NULL,
       "but not where there is none");
    OK(at(document, "paths /{session_id} delete") != NULL, "sessions at /");
    IS(text_at(document, "components schemas CompletionRequest properties model const"),
       "a \"model\" or 'two'", "a name with quotes");
    IS(text_at(document, "components securitySchemes basic scheme"), "basic", "security");
    OK(json_length(at(document, "paths /plain%20chat post security")) == 1, "where it is asked");
    OK(at(document, "paths /chat post security") == NULL, "and not elsewhere");
    IS(json_text(json_member(json_item(at(document, "x-untold-locations"), 0), "pattern"), NULL),
       "^/[a-z]+/chat$", "what cannot be told");
    json_release(document);
}

static void test_errors(void)
{
    json_t *document = write_of(locations, 1);
    const json_t *codes = at(document, "components schemas ErrorResponse x-error-codes");
    const json_t *chat = at(document, "paths /chat post responses");
    int reply;
    int fine = 0;
    int told = 0;

    for (reply = REPLY_ANSWER + 1; reply < REPLY_CLIENT_GONE; reply++) {
        const reply_error_t *error = reply_error((reply_e)reply);
        char quoted[64];
        char status[16];
        (void)snprintf(status, sizeof(status), "%d", error->status);
        (void)snprintf(quoted, sizeof(quoted), "`%s`", error->code);
        fine += number_at(json_member(codes, error->code), "status") == error->status;
        told += at(chat, status) != NULL &&
                strstr(text_at(json_member(chat, status), "description"), quoted) != NULL;
    }
    IS_NUMBER(fine, REPLY_CLIENT_GONE - 1, "each error has its status");
    IS_NUMBER(told, REPLY_CLIENT_GONE - 4, "the chat call tells all but the three of 404");
    IS_NUMBER(json_length(at(document, "components schemas ErrorResponse properties error_code "
                                       "enum")),
              REPLY_CLIENT_GONE - 1, "and they are the codes there can be");
    OK(at(document, "components schemas Session") == NULL, "nothing that is not served");
    OK(at(document, "x-untold-locations") == NULL, "nor an empty list");
    json_release(document);
}

int main(void)
{
    const openapi_t api = {"1", "./", locations, COUNT, NULL, 0};
    buffer_t small;

    buffer_init(&text, OPENAPI_MAX);
    test_whole();
    test_errors();
    json_release(write_of(NULL, 0));
    buffer_free(&text);
    buffer_init(&small, 5000);
    OK(!openapi_write(&small, &api), "no room");
    buffer_free(&small);
    return tap_done();
}
