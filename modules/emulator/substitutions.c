#include "emulator/substitutions.h"

#include "emulator/attribute_json.h"

#include <apr_strings.h>
#include <string.h>

#define NAMES           "ExpressionAttributeNames"
#define VALUES          "ExpressionAttributeValues"
#define PLACEHOLDER_MAX 255
#define SIGNS           "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"

typedef struct {
    substitutions_t *substitutions;
    const char *member;
    char lead;
    attribute_t *into;
} reading_t;

static int check_key(const reading_t *reading, const char *key)
{
    refusal_t *refusal = reading->substitutions->refusal;

    if (key[0] != reading->lead || key[1] == '\0' || key[1 + strspn(key + 1, SIGNS)] != '\0') {
        return refusal_set(refusal, REFUSAL_VALIDATION,
                           "%s contains invalid key: Syntax error; key: \"%.300s\"",
                           reading->member, key);
    }
    if (strlen(key) > PLACEHOLDER_MAX) {
        return refusal_set(refusal, REFUSAL_VALIDATION,
                           "%s contains invalid key: The expression attribute map contains a key "
                           "that is too long",
                           reading->member);
    }
    return 1;
}

static attribute_t *read_name(const reading_t *reading, const char *key, const json_t *json)
{
    size_t length = 0;
    const char *name = json_text(json, &length);

    if (name == NULL || length == 0) {
        (void)refusal_set(reading->substitutions->refusal, REFUSAL_VALIDATION,
                          NAMES " contains invalid value: Attribute name must be between 1 and "
                                "65535 characters for key %.255s",
                          key);
        return NULL;
    }
    return attributes_make_text(reading->substitutions->pool, ATTRIBUTE_S, name, length);
}

static attribute_t *read_value(const reading_t *reading, const char *key, const json_t *json)
{
    refusal_t reason = {.type = NULL};
    attribute_t *value = attribute_json_read(reading->substitutions->pool, json, &reason);

    if (value == NULL && strcmp(reason.type, REFUSAL_VALIDATION) == 0) {
        (void)refusal_set(reading->substitutions->refusal, reason.type,
                          VALUES " contains invalid value: %.1500s for key %.255s", reason.message,
                          key);
    } else if (value == NULL) {
        *reading->substitutions->refusal = reason;
    }
    return value;
}

static int on_member(void *baton, const char *key, const json_t *json)
{
    const reading_t *reading = baton;
    attribute_t *value;

    if (!check_key(reading, key)) {
        return 0;
    }
    value = reading->lead == '#' ? read_name(reading, key, json) : read_value(reading, key, json);
    if (value != NULL) {
        attributes_set(reading->substitutions->pool, reading->into,
                       apr_pstrdup(reading->substitutions->pool, key), value);
    }
    return value != NULL;
}

static int read_member(substitutions_t *substitutions, const json_t *body, const char *member,
                       char lead, int has_expression, attribute_t **into)
{
    const json_t *json = json_member(body, member);
    reading_t reading = {substitutions, member, lead, NULL};

    if (json == NULL) {
        return 1;
    }
    if (!has_expression) {
        return refusal_set(substitutions->refusal, REFUSAL_VALIDATION,
                           "%s can only be specified when using expressions", member);
    }
    reading.into = attributes_make(substitutions->pool, ATTRIBUTE_M);
    json_each(json, on_member, &reading);
    if (substitutions->refusal->type != NULL) {
        return 0;
    }
    if (reading.into->count == 0) {
        return refusal_set(substitutions->refusal, REFUSAL_VALIDATION, "%s must not be empty",
                           member);
    }
    *into = reading.into;
    return 1;
}

int substitutions_read(substitutions_t *substitutions, apr_pool_t *pool, const json_t *body,
                       int has_expression, refusal_t *refusal)
{
    memset(substitutions, 0, sizeof(*substitutions));
    substitutions->pool = pool;
    substitutions->refusal = refusal;
    substitutions->used = attributes_make(pool, ATTRIBUTE_M);
    return read_member(substitutions, body, NAMES, '#', has_expression, &substitutions->names) &&
           read_member(substitutions, body, VALUES, ':', has_expression, &substitutions->values);
}

static const attribute_t *use(substitutions_t *substitutions, const attribute_t *among,
                              const char *placeholder)
{
    attribute_t *value = among != NULL ? attributes_get(among, placeholder) : NULL;

    if (value != NULL) {
        attributes_set(substitutions->pool, substitutions->used, placeholder, value);
    }
    return value;
}

const char *substitutions_name(substitutions_t *substitutions, const char *placeholder)
{
    const attribute_t *name = use(substitutions, substitutions->names, placeholder);

    return name != NULL ? name->bytes : NULL;
}

const attribute_t *substitutions_value(substitutions_t *substitutions, const char *placeholder)
{
    return use(substitutions, substitutions->values, placeholder);
}

static int check_each(const substitutions_t *substitutions, const attribute_t *among,
                      const char *member)
{
    const char *unused = NULL;
    size_t i;

    for (i = 0; among != NULL && i < among->count; i++) {
        const char *placeholder = among->entries[i].name;
        if (attributes_get(substitutions->used, placeholder) == NULL) {
            unused = unused == NULL
                         ? placeholder
                         : apr_pstrcat(substitutions->pool, unused, ", ", placeholder, NULL);
        }
    }
    return unused == NULL ||
           refusal_set(substitutions->refusal, REFUSAL_VALIDATION,
                       "Value provided in %s unused in expressions: keys: {%.1000s}", member,
                       unused);
}

int substitutions_check_used(const substitutions_t *substitutions)
{
    return check_each(substitutions, substitutions->names, NAMES) &&
           check_each(substitutions, substitutions->values, VALUES);
}
