/* chat/completion_request: a body is either a request within its limits, or refused with an error
 * object that is JSON. */
#include "base/json.h"
#include "base/text.h"
#include "chat/completion_request.h"

#include "fuzz.h"

#include <apr_general.h>
#include <string.h>

#define MESSAGE_MAX 40

static size_t characters_of(const char *text, size_t length)
{
    size_t characters = text_utf8_length(text, length);

    PROMISE(text[length] == '\0');
    PROMISE(characters != TEXT_NOT_UTF8);
    return characters;
}

static void check_request(const completion_request_t *request)
{
    size_t characters = characters_of(request->message, request->message_length);
    size_t i;

    PROMISE(characters >= 1 && characters <= MESSAGE_MAX);
    for (i = 0; i < request->history_count; i++) {
        (void)characters_of(request->history[i].text, request->history[i].length);
    }
    PROMISE(strcmp(request->model, "bot") == 0);
    PROMISE(request->user == NULL || characters_of(request->user, strlen(request->user)) <= 1024);
    PROMISE(!request->include_usage || request->stream);
    PROMISE(request->max_tokens >= 0);
    PROMISE(!request->has_temperature || (request->temperature >= 0 && request->temperature <= 2));
}

static void check_problem(const buffer_t *problem)
{
    json_error_t error;
    json_t *said = json_parse(buffer_text(problem), problem->length, 4, &error);

    PROMISE(!problem->failed);
    PROMISE(json_member_text(said, "message", NULL) != NULL);
    PROMISE(json_member_text(said, "type", NULL) != NULL);
    json_release(said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const completion_rules_t rules = {"bot", MESSAGE_MAX, 1};
    static int ready;
    completion_request_t request;
    apr_pool_t *pool;
    buffer_t problem;

    if (!ready) {
        (void)apr_initialize();
        ready = 1;
    }
    PROMISE(apr_pool_create_unmanaged(&pool) == APR_SUCCESS);
    /* As the handler does: the model's name is repeated, each byte of which may be an escape. */
    buffer_init(&problem, 4096 + 6 * size);
    if (completion_request_parse(&request, pool, (const char *)data, size, &rules, &problem) ==
        REPLY_ANSWER) {
        PROMISE(problem.length == 0);
        check_request(&request);
    } else {
        check_problem(&problem);
    }
    buffer_free(&problem);
    apr_pool_destroy(pool);
    return 0;
}
