#include "aws/profile.h"

#include "aws/profile_line.h"
#include "base/log.h"
#include "base/text.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <string.h>

#define NAME_PUNCTUATION "-/.%@_:+" /* beside letters and digits */

/* Kinds of sections, each with its own names. */
enum { CREDENTIALS, CONFIG, CONFIG_PLAIN_DEFAULT, SERVICES, KINDS };

typedef apr_hash_t section_t; /* key in lower case → value */

struct profile_set_t {
    apr_pool_t *pool;
    apr_hash_t *sections[KINDS]; /* name → section_t */
};

/* A text's private copy, wiped with the pool. */
typedef struct {
    char *bytes;
    size_t length;
} copy_t;

/* Parsing works in place: names and values are ended by NULs written over what follows them, and a
 * continuation is moved up to the value it belongs to. Neither ever grows. */
typedef struct {
    profile_set_t *set;
    profile_file_e file;
    int line;
    int in_section;
    section_t *section; /* NULL while a skipped one is read */
    char *value;        /* of the property that a continuation would belong to, else NULL */
    char *value_end;
    int has_sub_properties; /* it started empty */
} parser_t;

profile_set_t *profile_set_create(apr_pool_t *pool)
{
    profile_set_t *set = apr_pcalloc(pool, sizeof(*set));
    int kind;

    set->pool = pool;
    for (kind = 0; kind < KINDS; kind++) {
        set->sections[kind] = apr_hash_make(pool);
    }
    return set;
}

static apr_status_t on_pool_gone(void *baton)
{
    copy_t *copy = baton;

    explicit_bzero(copy->bytes, copy->length);
    return APR_SUCCESS;
}

static char *copy_text(profile_set_t *set, const char *text, size_t length)
{
    copy_t *copy = apr_palloc(set->pool, sizeof(*copy));

    copy->bytes = apr_pstrmemdup(set->pool, text, length);
    copy->length = length;
    apr_pool_cleanup_register(set->pool, copy, on_pool_gone, apr_pool_cleanup_null);
    return copy->bytes;
}

static const char *complain(const parser_t *parser, const char *problem)
{
    return apr_psprintf(parser->set->pool, "line %d: %s", parser->line, problem);
}

static void log_skipped(const parser_t *parser, const char *what)
{
    log_debug("reading AWS's shared files: line %d of the %s file is passed over: %s", parser->line,
              parser->file == PROFILE_CONFIG ? "config" : "credentials", what);
}

static int is_name(profile_line_t text)
{
    return text.length > 0 && text_only(text.at, text.length, NAME_PUNCTUATION);
}

/* Which kind of section a header "[prefix name]" opens; KINDS for none of ours. */
static int section_kind(profile_file_e file, profile_line_t prefix, profile_line_t name)
{
    if (!is_name(name)) {
        return KINDS;
    }
    if (file == PROFILE_CREDENTIALS) {
        return prefix.length == 0 ? CREDENTIALS : KINDS;
    }
    if (prefix.length == 0) {
        return profile_line_equals(name, "default") ? CONFIG_PLAIN_DEFAULT : KINDS;
    }
    if (profile_line_equals(prefix, "profile")) {
        return CONFIG;
    }
    return profile_line_equals(prefix, "services") ? SERVICES : KINDS;
}

static section_t *open_section(profile_set_t *set, int kind, const char *name)
{
    section_t *section = apr_hash_get(set->sections[kind], name, APR_HASH_KEY_STRING);

    if (section == NULL) {
        section = apr_hash_make(set->pool);
        apr_hash_set(set->sections[kind], name, APR_HASH_KEY_STRING, section);
    }
    return section;
}

static const char *read_header(parser_t *parser, profile_line_t line)
{
    profile_line_t prefix;
    profile_line_t name;
    int kind;

    if (!profile_line_header(line, &prefix, &name)) {
        return complain(parser, "Profile definition must end with ']'");
    }
    kind = section_kind(parser->file, prefix, name);
    if (kind == KINDS) {
        log_skipped(parser, parser->file == PROFILE_CONFIG
                                ? "a profile is written [profile name] or [default] there"
                                : "a profile is written [name] there");
    }
    parser->in_section = 1;
    parser->section =
        kind == KINDS ? NULL : open_section(parser->set, kind, profile_line_end(name));
    parser->value = NULL;
    return NULL;
}

static void store(const parser_t *parser, profile_line_t key)
{
    if (!is_name(key)) {
        log_skipped(parser, "a property's name has letters, digits and " NAME_PUNCTUATION " only");
    } else if (parser->section != NULL) {
        profile_line_lower(key);
        apr_hash_set(parser->section, profile_line_end(key), APR_HASH_KEY_STRING, parser->value);
    }
}

static const char *read_property(parser_t *parser, profile_line_t line)
{
    profile_line_t key;
    profile_line_t value;

    if (!parser->in_section) {
        return complain(parser, "Expected a profile definition, found a property");
    }
    if (!profile_line_property(line, &key, &value)) {
        return complain(parser, "Expected an '=' sign defining a property");
    }
    if (key.length == 0) {
        return complain(parser, "Property did not have a name");
    }
    parser->value = profile_line_end(value);
    parser->value_end = value.at + value.length;
    parser->has_sub_properties = value.length == 0;
    store(parser, key);
    return NULL;
}

static const char *read_continuation(parser_t *parser, profile_line_t line)
{
    profile_line_t key;
    profile_line_t value;

    if (!parser->in_section) {
        return complain(parser, "Expected a profile definition, found continuation");
    }
    if (parser->value == NULL) {
        return complain(parser, "Expected a property definition, found continuation");
    }
    if (parser->has_sub_properties) {
        if (!profile_line_property(line, &key, &value)) {
            return complain(parser, "Expected an '=' sign defining a sub-property");
        }
        if (key.length == 0) {
            return complain(parser, "Sub-property did not have a name");
        }
    }
    line = profile_line_trim(line);
    *parser->value_end++ = '\n';
    memmove(parser->value_end, line.at, line.length);
    parser->value_end += line.length;
    *parser->value_end = '\0';
    return NULL;
}

static const char *read_line(parser_t *parser, profile_line_t line)
{
    if (memchr(line.at, '\0', line.length) != NULL) {
        return complain(parser, "Expected text, found a NUL byte");
    }
    if (profile_line_trim(line).length == 0 || line.at[0] == '#' || line.at[0] == ';') {
        return NULL;
    }
    if (line.at[0] == '[') {
        return read_header(parser, line);
    }
    return profile_line_is_blank(line.at[0]) ? read_continuation(parser, line)
                                             : read_property(parser, line);
}

const char *profile_parse(profile_set_t *set, const char *text, size_t length, profile_file_e file)
{
    parser_t parser = {.set = set, .file = file};
    profile_line_t rest = {copy_text(set, text, length), length};
    const char *problem = NULL;

    while (rest.length > 0 && problem == NULL) {
        char *newline = memchr(rest.at, '\n', rest.length);
        profile_line_t line = {rest.at,
                               newline != NULL ? (size_t)(newline - rest.at) : rest.length};
        size_t taken = line.length + (newline != NULL);

        rest.at += taken;
        rest.length -= taken;
        parser.line++;
        problem = read_line(&parser, line);
    }
    return problem;
}

static section_t *section_of(const profile_set_t *set, int kind, const char *name)
{
    return apr_hash_get(set->sections[kind], name, APR_HASH_KEY_STRING);
}

/* The profile in the config file: of the two ways to write the default one, [profile default]. */
static section_t *config_section(const profile_set_t *set, const char *profile)
{
    section_t *section = section_of(set, CONFIG, profile);

    return section != NULL ? section : section_of(set, CONFIG_PLAIN_DEFAULT, profile);
}

int profile_exists(const profile_set_t *set, const char *profile)
{
    return section_of(set, CREDENTIALS, profile) != NULL || config_section(set, profile) != NULL;
}

static char *value_of(section_t *section, const char *key)
{
    return section != NULL ? apr_hash_get(section, key, APR_HASH_KEY_STRING) : NULL;
}

const char *profile_property(const profile_set_t *set, const char *profile, const char *key)
{
    const char *value = value_of(section_of(set, CREDENTIALS, profile), key);

    return value != NULL ? value : value_of(config_section(set, profile), key);
}

/* The last one of that name among the "\nkey = value" lines of a property. */
static const char *sub_property(apr_pool_t *pool, char *lines, const char *name)
{
    const char *found = NULL;

    while (lines != NULL && *lines != '\0') {
        profile_line_t line = {lines, strcspn(lines, "\n")};
        profile_line_t key;
        profile_line_t value;

        if (profile_line_property(line, &key, &value) && profile_line_equals(key, name)) {
            found = apr_pstrmemdup(pool, value.at, value.length);
        }
        lines += line.length + (lines[line.length] == '\n');
    }
    return found;
}

const char *profile_endpoint_url(const profile_set_t *set, apr_pool_t *pool, const char *profile,
                                 const char *service, const char **url)
{
    const char *services = profile_property(set, profile, "services");
    profile_line_t key = {apr_pstrdup(pool, service), strlen(service)};
    section_t *section;

    *url = NULL;
    if (services != NULL) {
        section = section_of(set, SERVICES, services);
        if (section == NULL) {
            return apr_psprintf(pool,
                                "the profile \"%s\" has services = %s, but the config file has no "
                                "section [services %s]",
                                profile, services, services);
        }
        profile_line_lower(key);
        *url = sub_property(pool, value_of(section, key.at), "endpoint_url");
    }
    if (*url == NULL) {
        *url = profile_property(set, profile, "endpoint_url");
    }
    return NULL;
}

void profile_each(const profile_set_t *set, apr_pool_t *pool,
                  void (*visit)(void *baton, const char *profile, const char *key,
                                const char *value),
                  void *baton)
{
    section_t *none = apr_hash_make(pool);
    apr_hash_t *config =
        apr_hash_overlay(pool, set->sections[CONFIG], set->sections[CONFIG_PLAIN_DEFAULT]);
    apr_hash_t *all = apr_hash_overlay(pool, set->sections[CREDENTIALS], config);
    apr_hash_index_t *i;
    apr_hash_index_t *j;

    for (i = apr_hash_first(pool, all); i != NULL; i = apr_hash_next(i)) {
        const char *name = apr_hash_this_key(i);
        section_t *own = apr_hash_get(config, name, APR_HASH_KEY_STRING);
        section_t *credentials = section_of(set, CREDENTIALS, name);

        visit(baton, name, NULL, NULL);
        own = apr_hash_overlay(pool, credentials != NULL ? credentials : none,
                               own != NULL ? own : none);
        for (j = apr_hash_first(pool, own); j != NULL; j = apr_hash_next(j)) {
            visit(baton, name, apr_hash_this_key(j), apr_hash_this_val(j));
        }
    }
}

typedef const char *variable_fn(void *baton, const char *name);

static const char *set_variable(variable_fn *variable, void *baton, const char *name)
{
    const char *value = variable(baton, name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

const char *profile_path(apr_pool_t *pool, profile_file_e file, variable_fn *variable, void *baton)
{
    const char *home = set_variable(variable, baton, "HOME");
    const char *path =
        set_variable(variable, baton,
                     file == PROFILE_CONFIG ? "AWS_CONFIG_FILE" : "AWS_SHARED_CREDENTIALS_FILE");

    if (path == NULL) {
        path = file == PROFILE_CONFIG ? "~/.aws/config" : "~/.aws/credentials";
        if (home == NULL) {
            return NULL;
        }
    }
    if (home == NULL || strncmp(path, "~/", 2) != 0) {
        return path;
    }
    return apr_pstrcat(pool, home, path + 1, NULL);
}
