/* aws/credentials_xml and aws/credentials_sts_answer: any bytes are read within bounds; values are
 * shorter than they stand in the text, and names are as promised. */
#include "aws/credentials_sts_answer.h"
#include "aws/credentials_xml.h"

#include "fuzz.h"

#include <apr_general.h>
#include <string.h>

#define VALUE_MAX 256

typedef struct {
    size_t size;
    size_t total; /* of the values */
} seen_t;

static void on_element(void *baton, const char *around, const char *name, const char *value)
{
    seen_t *seen = baton;

    PROMISE(strlen(around) <= CREDENTIALS_XML_NAME_MAX);
    PROMISE(name[0] != '\0' && strlen(name) <= CREDENTIALS_XML_NAME_MAX);
    PROMISE(strlen(value) <= VALUE_MAX);
    seen->total += strlen(value);
    PROMISE(seen->total <= seen->size);
}

/* The same, but for a blank behind it: nothing depends on where the text ends. */
static void with_a_blank_behind(const char *text, size_t size, const char *problem)
{
    seen_t seen = {.size = size + 1};
    char *longer = malloc(size + 1);
    buffer_t scratch;

    PROMISE(longer != NULL);
    if (size > 0) {
        memcpy(longer, text, size);
    }
    longer[size] = '\n';
    buffer_init(&scratch, VALUE_MAX);
    PROMISE((credentials_xml_each(longer, size + 1, &scratch, on_element, &seen) == NULL) ==
            (problem == NULL));
    buffer_free(&scratch);
    free(longer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    seen_t seen = {.size = size};
    const char *problem;
    const char *reason = NULL;
    const credentials_t *set;
    apr_pool_t *pool;
    buffer_t scratch;

    (void)apr_initialize();
    (void)apr_pool_create(&pool, NULL);
    buffer_init(&scratch, VALUE_MAX);
    problem = credentials_xml_each(text, size, &scratch, on_element, &seen);
    buffer_free(&scratch);
    with_a_blank_behind(text, size, problem);
    set = credentials_sts_answer_read(pool, text, size, "a fuzzer", &reason);
    PROMISE((set != NULL && set->expires > 0) || (reason != NULL && reason[0] != '\0'));
    apr_pool_destroy(pool);
    return 0;
}
