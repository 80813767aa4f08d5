/* chat/request: a body is either a request within its limits, or refused with a list that is JSON.
 */
#include "base/json.h"
#include "base/text.h"
#include "chat/request.h"

#include "fuzz.h"

#include <apr_general.h>
#include <string.h>

#define MESSAGE_MAX 40

static void check_request(const request_t *request)
{
    size_t characters = text_utf8_length(request->message, request->message_length);

    PROMISE(characters != TEXT_NOT_UTF8 && characters >= 1 && characters <= MESSAGE_MAX);
    PROMISE(request->session_id == NULL ||
            text_is_session_id(request->session_id, strlen(request->session_id)));
}

static void check_issues(const buffer_t *issues)
{
    json_error_t error;
    json_t *list = json_parse(buffer_text(issues), issues->length, 64, &error);

    PROMISE(!issues->failed);
    PROMISE(json_length(list) > 0);
    json_release(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int ready;
    apr_pool_t *pool;
    request_t request;
    buffer_t issues;

    if (!ready) {
        (void)apr_initialize();
        ready = 1;
    }
    PROMISE(apr_pool_create_unmanaged(&pool) == APR_SUCCESS);
    /* As the handler does: an issue repeats its input, each byte of which may be an escape. */
    buffer_init(&issues, 4096 + 24 * size);
    if (request_parse(&request, pool, (const char *)data, size, MESSAGE_MAX, &issues)) {
        check_request(&request);
    } else {
        check_issues(&issues);
    }
    buffer_free(&issues);
    apr_pool_destroy(pool);
    return 0;
}
