/* aws/credentials_json: what is taken as credentials can be part of a header, whatever came. */
#include "aws/credentials_json.h"

#include "fuzz.h"

#include <apr_general.h>
#include <string.h>

static int is_visible(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text > '~') {
            return 0;
        }
    }
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const credentials_t kind = {.source = "a fuzzer"};
    const credentials_t *set;
    const char *reason = NULL;
    apr_pool_t *pool;

    (void)apr_initialize();
    (void)apr_pool_create(&pool, NULL);
    set = credentials_json_read(pool, text, size, &kind, &reason);
    if (set != NULL) {
        PROMISE(set->access_key_id[0] != '\0' && is_visible(set->access_key_id));
        PROMISE(set->secret_access_key[0] != '\0' && is_visible(set->secret_access_key));
        PROMISE(set->session_token == NULL || is_visible(set->session_token));
        PROMISE(set->expires >= 0);
    } else {
        PROMISE(reason != NULL && reason[0] != '\0');
    }
    PROMISE(strlen(credentials_json_error(pool, text, size)) <= 200);
    apr_pool_destroy(pool);
    return 0;
}
