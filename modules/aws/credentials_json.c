#include "aws/credentials_json.h"

#include "base/json.h"

#include <apr_strings.h>
#include <string.h>

#define DEPTH_MAX 8
#define SAID_MAX  200 /* of what another program says */

/* Overwrites a string within the parsed value. */
static int wipe_member(void *baton, const char *name, const json_t *value)
{
    size_t length = 0;
    const char *text = json_text(value, &length);

    (void)baton;
    (void)name;
    if (text != NULL) {
        explicit_bzero((char *)(uintptr_t)text, length);
    }
    return 1;
}

static void wipe_and_release(json_t *object)
{
    json_each(object, wipe_member, NULL);
    json_release(object);
}

static const char *first_of(const json_t *object, const char *name, const char *other)
{
    const char *text = json_member_text(object, name, NULL);

    return text != NULL ? text : json_member_text(object, other, NULL);
}

static const char *describe(apr_pool_t *pool, const json_t *object)
{
    const char *code = first_of(object, "Code", "code");
    const char *message = first_of(object, "Message", "message");
    const char *both = apr_pstrcat(pool, code != NULL ? code : "",
                                   code != NULL && message != NULL ? ": " : "", message, NULL);

    return apr_pstrndup(pool, both, SAID_MAX);
}

const char *credentials_json_error(apr_pool_t *pool, const char *text, size_t length)
{
    json_error_t error;
    json_t *object = json_parse(text, length, DEPTH_MAX, &error);
    const char *said = describe(pool, object);

    json_release(object);
    return said;
}

/* NULL, or what is wrong with the instant. */
static const char *take_expiry(credentials_t *fields, const json_t *object)
{
    const char *text = json_member_text(object, "Expiration", NULL);

    if (!json_has(object, "Expiration")) {
        return NULL;
    }
    fields->expires = text != NULL ? credentials_set_expiry(text) : 0;
    return fields->expires > 0 ? NULL : "Expiration is not a time like 2026-01-31T12:34:56Z";
}

static const credentials_t *read_object(apr_pool_t *pool, const json_t *object,
                                        const credentials_t *kind, const char **reason)
{
    credentials_t fields = *kind;
    const char *code = json_member_text(object, "Code", NULL);

    if (code != NULL && strcmp(code, "Success") != 0) {
        *reason = apr_pstrcat(pool, "the service says ", describe(pool, object), NULL);
        return NULL;
    }
    fields.access_key_id = json_member_text(object, "AccessKeyId", NULL);
    fields.secret_access_key = json_member_text(object, "SecretAccessKey", NULL);
    fields.session_token = json_member_text(object, "Token", NULL);
    *reason = take_expiry(&fields, object);
    return *reason == NULL ? credentials_set_make(pool, &fields, reason) : NULL;
}

const credentials_t *credentials_json_read(apr_pool_t *pool, const char *text, size_t length,
                                           const credentials_t *kind, const char **reason)
{
    json_error_t error;
    json_t *object = json_parse(text, length, DEPTH_MAX, &error);
    const credentials_t *set = NULL;

    if (error.reason != NULL) {
        *reason = apr_psprintf(pool, "the answer is not JSON: %s", error.reason);
    } else if (json_kind(object) != JSON_OBJECT) {
        *reason = "the answer is JSON, but no object";
    } else {
        set = read_object(pool, object, kind, reason);
    }
    wipe_and_release(object);
    return set;
}
