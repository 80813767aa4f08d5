/*
 * aws/profile: whatever the files hold, what was read from them reads the same
 * when written down again.
 *
 * Input: the config file, then, after a line of one %, the credentials file.
 */
#include "aws/profile.h"

#include "base/buffer.h"
#include "fuzz.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <string.h>

typedef struct {
    profile_set_t *set;
    apr_pool_t *pool;
    buffer_t text; /* the set as a credentials file */
    size_t visits;
} case_t;

static void on_visit(void *baton, const char *profile, const char *key, const char *value)
{
    case_t *it = baton;

    PROMISE(profile_exists(it->set, profile));
    it->visits++;
    if (key == NULL) {
        PROMISE(buffer_printf(&it->text, "[%s]\n", profile));
        return;
    }
    PROMISE(profile_property(it->set, profile, key) == value);
    PROMISE(buffer_printf(&it->text, "%s=", key));
    for (; *value != '\0'; value++) {
        PROMISE(buffer_append(&it->text, value, 1));
        PROMISE(*value != '\n' || buffer_puts(&it->text, " "));
    }
    PROMISE(buffer_puts(&it->text, "\n"));
}

static void on_visit_again(void *baton, const char *profile, const char *key, const char *value)
{
    case_t *it = baton;
    const char *before = key != NULL ? profile_property(it->set, profile, key) : NULL;
    const char *url;

    PROMISE(profile_exists(it->set, profile));
    PROMISE(key == NULL || (before != NULL && strcmp(before, value) == 0));
    PROMISE(profile_endpoint_url(it->set, it->pool, profile, "DYNAMODB", &url) == NULL ||
            profile_property(it->set, profile, "services") != NULL);
    it->visits--;
}

/* One file's text, in memory of just its size. */
static int parse(profile_set_t *set, const uint8_t *data, size_t size, profile_file_e file)
{
    char *text = malloc(size > 0 ? size : 1);
    int parsed;

    PROMISE(text != NULL);
    memcpy(text, data, size);
    parsed = profile_parse(set, text, size, file) == NULL;
    free(text);
    return parsed;
}

static void check(case_t *it)
{
    profile_set_t *again = profile_set_create(it->pool);

    profile_each(it->set, it->pool, on_visit, it);
    PROMISE(profile_parse(again, buffer_text(&it->text), it->text.length, PROFILE_CREDENTIALS) ==
            NULL);
    profile_each(again, it->pool, on_visit_again, it);
    PROMISE(it->visits == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *mark = size > 0 ? memmem(data, size, "\n%\n", 3) : NULL;
    size_t config_size = mark != NULL ? (size_t)(mark - data) : size;
    size_t rest = mark != NULL ? size - config_size - 3 : 0;
    case_t it = {0};

    (void)apr_initialize();
    (void)apr_pool_create(&it.pool, NULL);
    it.set = profile_set_create(it.pool);
    buffer_init(&it.text, SIZE_MAX / 2);
    if (parse(it.set, data, config_size, PROFILE_CONFIG) &&
        parse(it.set, data + size - rest, rest, PROFILE_CREDENTIALS)) {
        check(&it);
    }
    buffer_free(&it.text);
    apr_pool_destroy(it.pool);
    apr_terminate();
    return 0;
}
