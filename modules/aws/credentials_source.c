#include "aws/credentials_source.h"

#include <apr_strings.h>
#include <stdarg.h>

static void end(const credentials_done_t *done, credentials_end_e how, const credentials_t *set,
                const char *reason)
{
    const credentials_result_t result = {how, set, reason};

    done->fn(done->baton, &result);
}

void credentials_source_found(const credentials_done_t *done, const credentials_t *set)
{
    end(done, CREDENTIALS_FOUND, set, NULL);
}

void credentials_source_absent(const credentials_done_t *done, const char *reason)
{
    end(done, CREDENTIALS_ABSENT, NULL, reason);
}

void credentials_source_failed(const credentials_fetch_t *fetch, const credentials_done_t *done,
                               const char *format, ...)
{
    const char *reason;
    va_list args;

    va_start(args, format);
    reason = apr_pvsprintf(fetch->pool, format, args);
    va_end(args);
    end(done, CREDENTIALS_FAILED, NULL, reason);
}

void credentials_source_made(const credentials_fetch_t *fetch, const credentials_done_t *done,
                             const credentials_t *fields, const char *what)
{
    const char *problem;
    const credentials_t *set = credentials_set_make(fetch->pool, fields, &problem);

    if (set != NULL) {
        credentials_source_found(done, set);
    } else {
        credentials_source_failed(fetch, done, "reading %s: %s", what, problem);
    }
}

static apr_status_t on_pool_end(void *data)
{
    buffer_t *buffer = data;

    buffer_wipe(buffer);
    buffer_free(buffer);
    return APR_SUCCESS;
}

buffer_t *credentials_source_buffer(const credentials_fetch_t *fetch, size_t maximum)
{
    buffer_t *buffer = apr_palloc(fetch->pool, sizeof(*buffer));

    buffer_init(buffer, maximum);
    (void)buffer_reserve(buffer, maximum);
    if (buffer->data != NULL) {
        buffer->data[0] = '\0';
    }
    apr_pool_cleanup_register(fetch->pool, buffer, on_pool_end, apr_pool_cleanup_null);
    return buffer;
}
