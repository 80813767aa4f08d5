#include "chat/openapi_write.h"
#include "chat/reply.h"

#include <stdio.h>
#include <string.h>

#define BIT(name) ((uint32_t)1 << REPLY_##name)

/* What can happen to any of them, and to those that ask the backend. */
#define ANYWHERE (BIT(METHOD_NOT_ALLOWED) | BIT(INTERNAL_ERROR))
#define ALIVE    (BIT(OVERLOADED) | BIT(NOT_CONFIGURED) | BIT(SHUTTING_DOWN))
#define BACKEND                                                                                    \
    (BIT(UPSTREAM_TIMEOUT) | BIT(UPSTREAM_THROTTLED) | BIT(UPSTREAM_ERROR) |                       \
     BIT(UPSTREAM_PROTOCOL_ERROR) | BIT(UPSTREAM_ACCESS_DENIED) | BIT(DEPENDENCY_FAILED) |         \
     BIT(NO_CREDENTIALS))

#define TURN                                                                                       \
    (ANYWHERE | ALIVE | BACKEND | BIT(BAD_REQUEST) | BIT(BODY_TOO_LARGE) |                         \
     BIT(UNSUPPORTED_MEDIA_TYPE) | BIT(VALIDATION_ERROR) | BIT(SESSION_FORBIDDEN) |                \
     BIT(SESSION_BUSY) | BIT(RATE_LIMITED) | BIT(CIRCUIT_OPEN))

_Static_assert(REPLY_COUNT <= 32, "the sets of errors have a bit for each");

static const uint32_t sets[] = {
    [OPENAPI_ERRORS_NONE] = BIT(METHOD_NOT_ALLOWED),
    [OPENAPI_ERRORS_CHAT] = TURN,
    [OPENAPI_ERRORS_COMPLETION] = TURN | BIT(MODEL_NOT_FOUND),
    [OPENAPI_ERRORS_MODEL] = ANYWHERE | BIT(MODEL_NOT_FOUND),
    [OPENAPI_ERRORS_SHOW] =
        ANYWHERE | ALIVE | BIT(SESSION_NOT_FOUND) | BIT(SESSION_FORBIDDEN) | BIT(DEPENDENCY_FAILED),
    [OPENAPI_ERRORS_REMOVE] = ANYWHERE | ALIVE | BACKEND | BIT(SESSION_NOT_FOUND) |
                              BIT(SESSION_FORBIDDEN) | BIT(SESSION_BUSY),
    [OPENAPI_ERRORS_INTERNAL] = ANYWHERE,
};

static int status_of(const openapi_location_t *location, int reply)
{
    if (reply == REPLY_UPSTREAM_TIMEOUT) {
        return location->timeout_status;
    }
    if (location->kind == OPENAPI_COMPLETIONS && reply == REPLY_VALIDATION_ERROR) {
        return 400; /* as OpenAI's own */
    }
    return reply_error((reply_e)reply)->status;
}

static const char *code_of(const openapi_location_t *location, int reply)
{
    return location->kind == OPENAPI_COMPLETIONS && reply == REPLY_RATE_LIMITED
               ? "rate_limit_exceeded" /* OpenAI's own */
               : reply_error((reply_e)reply)->code;
}

/* The errors of one status, a line each: `code`: text. */
static uint32_t describe(buffer_t *text, const openapi_location_t *location, uint32_t set,
                         int status)
{
    uint32_t found = 0;
    int reply;

    for (reply = 0; reply < REPLY_COUNT; reply++) {
        if ((set & ((uint32_t)1 << reply)) != 0 && status_of(location, reply) == status) {
            (void)buffer_printf(text, "%s`%s`: %s", found != 0 ? "\n\n" : "",
                                code_of(location, reply), reply_error((reply_e)reply)->text);
            found |= (uint32_t)1 << reply;
        }
    }
    return found;
}

static void put_error_headers(json_writer_t *writer, uint32_t found)
{
    int waits = 0;
    int reply;

    for (reply = 0; reply < REPLY_COUNT; reply++) {
        waits |=
            (found & ((uint32_t)1 << reply)) != 0 && reply_error((reply_e)reply)->retry_after > 0;
    }
    json_name(writer, "headers");
    json_open(writer, '{');
    openapi_put_named(writer, "X-Request-ID", "{'$ref':'#/components/headers/RequestId'}");
    if (waits) {
        openapi_put_named(writer, "Retry-After", "{'$ref':'#/components/headers/RetryAfter'}");
    }
    if (found & BIT(RATE_LIMITED)) {
        openapi_put_named(writer, "RateLimit-Policy",
                          "{'$ref':'#/components/headers/RateLimitPolicy'}");
        openapi_put_named(writer, "RateLimit", "{'$ref':'#/components/headers/RateLimit'}");
    }
    if (found & BIT(METHOD_NOT_ALLOWED)) {
        openapi_put_named(writer, "Allow", "{'$ref':'#/components/headers/Allow'}");
    }
    json_close(writer, '}');
}

static void put_error(json_writer_t *writer, const openapi_location_t *location, int status,
                      const buffer_t *text, uint32_t found)
{
    char number[16];

    (void)snprintf(number, sizeof(number), "%d", status);
    json_name(writer, number);
    json_open(writer, '{');
    json_put_member(writer, "description", buffer_text(text));
    put_error_headers(writer, found);
    openapi_put_named(
        writer, "content",
        location->kind == OPENAPI_COMPLETIONS
            ? "{'application/json':{'schema':{'$ref':'#/components/schemas/CompletionError'}}}"
            : "{'application/json':{'schema':{'$ref':'#/components/schemas/ErrorResponse'}}}");
    json_close(writer, '}');
}

void openapi_put_responses(json_writer_t *writer, const openapi_location_t *location,
                           const char *success, openapi_errors_e errors)
{
    const uint32_t set = sets[errors] & ~(location->limit == 0 ? BIT(RATE_LIMITED) : 0);
    buffer_t text;
    int status;

    json_name(writer, "responses");
    json_open(writer, '{');
    openapi_put(writer, success);
    if (location->auth != NULL) {
        openapi_put_named(writer, "401",
                          "{'description':'The server wants to know who you are first; the answer "
                          "is its own, not JSON.'}");
    }
    buffer_init(&text, (size_t)16 * 1024);
    for (status = 400; status < 600; status++) {
        uint32_t found = describe(&text, location, set, status);
        if (found != 0) {
            put_error(writer, location, status, &text, found);
        }
        buffer_clear(&text);
    }
    buffer_free(&text);
    json_close(writer, '}');
}
