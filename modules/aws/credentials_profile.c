#include "aws/credentials_profile.h"

#include "aws/credentials_container.h"
#include "aws/credentials_env.h"
#include "aws/credentials_file.h"
#include "aws/credentials_imds.h"
#include "aws/credentials_sts.h"

#include <apr_strings.h>
#include <string.h>

#define FILE_MAX (1024 * 1024)

/* ---- the files ---- */

typedef struct {
    credentials_fetch_t *fetch;
    credentials_file_t files[2]; /* by profile_file_e */
    void (*done)(void *baton, const char *problem);
    void *baton;
} loading_t;

static int is_missing(apr_status_t status)
{
    return APR_STATUS_IS_ENOENT(status) || APR_STATUS_IS_ENOTDIR(status);
}

/* What is wrong with one file, or NULL. */
static const char *take_file(const loading_t *loading, profile_set_t *set, profile_file_e which,
                             int is_named)
{
    const credentials_file_t *file = &loading->files[which];
    apr_pool_t *pool = loading->fetch->pool;
    const char *problem = NULL;

    if (file->status == APR_SUCCESS) {
        problem = profile_parse(set, file->content->data, file->content->length, which);
    } else if (!is_missing(file->status) && (is_named || !APR_STATUS_IS_EACCES(file->status))) {
        problem = credentials_file_problem(loading->fetch, file);
    }
    return problem != NULL ? apr_pstrcat(pool, "reading ", file->path, ": ", problem, NULL) : NULL;
}

static void on_files(void *baton)
{
    loading_t *loading = baton;
    credentials_fetch_t *fetch = loading->fetch;
    profile_set_t *set = profile_set_create(fetch->pool);
    const char *problem =
        take_file(loading, set, PROFILE_CONFIG, fetch->settings->config_file_named);

    if (problem == NULL) {
        problem =
            take_file(loading, set, PROFILE_CREDENTIALS, fetch->settings->credentials_file_named);
    }
    if (problem == NULL) {
        fetch->profiles = set;
    }
    loading->done(loading->baton, problem);
}

void credentials_profile_load(credentials_fetch_t *fetch,
                              void (*done)(void *baton, const char *problem), void *baton)
{
    loading_t *loading = apr_pcalloc(fetch->pool, sizeof(*loading));

    loading->fetch = fetch;
    loading->done = done;
    loading->baton = baton;
    loading->files[PROFILE_CONFIG].path = fetch->settings->config_file;
    loading->files[PROFILE_CREDENTIALS].path = fetch->settings->credentials_file;
    loading->files[PROFILE_CONFIG].maximum = FILE_MAX;
    loading->files[PROFILE_CREDENTIALS].maximum = FILE_MAX;
    credentials_file_read(fetch, loading->files, 2, on_files, loading);
}

/* ---- one profile ---- */

#define HOPS_MAX 8

/* The roles to assume, the last one first, on the way to the credentials they start from. */
typedef struct {
    const credentials_fetch_t *fetch;
    credentials_done_t done;
    credentials_role_t roles[HOPS_MAX];
    const char *names[HOPS_MAX]; /* of the profiles that have them */
    int count;
    const char *base;              /* the profile where the way ends */
    const char *credential_source; /* of that one, when it ends with it */
} chain_t;

static const char *property(const chain_t *chain, const char *profile, const char *key)
{
    const char *value = profile_property(chain->fetch->profiles, profile, key);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* What this profile asks for and we do not do, or NULL. */
static const char *find_unsupported(const chain_t *chain, const char *profile)
{
    static const struct {
        const char *key;
        const char *advice;
    } table[] = {
        {"sso_session", "single sign-on needs a person: use a role of the instance, task or pod"},
        {"sso_start_url", "single sign-on needs a person: use a role of the instance, task or pod"},
        {"credential_process",
         "no program is run in a server: write its result into AWS_SHARED_CREDENTIALS_FILE "
         "from a timer, or use a role of the instance, task or pod"},
        {"login_session", "\"aws login\" needs a person: use a role of the instance, task or pod"},
    };
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (property(chain, profile, table[i].key) != NULL) {
            return apr_psprintf(chain->fetch->pool, "%s is not supported: %s", table[i].key,
                                table[i].advice);
        }
    }
    return NULL;
}

static void fail(const chain_t *chain, const char *profile, const char *problem)
{
    credentials_source_failed(chain->fetch, &chain->done, "reading the profile \"%s\": %s", profile,
                              problem);
}

static int has_keys(const chain_t *chain, const char *profile)
{
    return property(chain, profile, "aws_access_key_id") != NULL ||
           property(chain, profile, "aws_secret_access_key") != NULL;
}

static int has_token_file(const chain_t *chain, const char *profile)
{
    return property(chain, profile, "web_identity_token_file") != NULL;
}

static int is_on_the_way(const chain_t *chain, const char *profile)
{
    int i;

    for (i = 0; i < chain->count; i++) {
        if (strcmp(chain->names[i], profile) == 0) {
            return 1;
        }
    }
    return 0;
}

static void add_role(chain_t *chain, const char *profile)
{
    credentials_role_t *role = &chain->roles[chain->count];

    chain->names[chain->count++] = profile;
    role->arn = property(chain, profile, "role_arn");
    role->session_name = property(chain, profile, "role_session_name");
    role->external_id = property(chain, profile, "external_id");
    role->duration = property(chain, profile, "duration_seconds");
    role->region = property(chain, profile, "region");
    role->where = apr_psprintf(chain->fetch->pool, "profile %s", profile);
}

/* What is wrong with the role of a profile, or NULL. */
static const char *find_role_problem(const chain_t *chain, const char *profile)
{
    const char *source = property(chain, profile, "source_profile");
    const char *kind = property(chain, profile, "credential_source");

    if (chain->count == HOPS_MAX) {
        return "more than 8 profiles lead to one another by source_profile";
    }
    if (property(chain, profile, "mfa_serial") != NULL) {
        return "mfa_serial is not supported: a second factor needs a person; use a role without it";
    }
    if (source != NULL && kind != NULL) {
        return "it has both source_profile and credential_source: keep one";
    }
    if (source == NULL && kind == NULL) {
        return "it has role_arn, but neither source_profile, credential_source nor "
               "web_identity_token_file";
    }
    if (source != NULL && !profile_exists(chain->fetch->profiles, source)) {
        return apr_psprintf(chain->fetch->pool, "its source_profile \"%s\" is not there", source);
    }
    if (source != NULL && is_on_the_way(chain, source)) {
        return apr_psprintf(chain->fetch->pool,
                            "its source_profile \"%s\" leads back to itself, a loop", source);
    }
    return NULL;
}

/* Whether the role of `profile` is assumed with what comes before it, not with a token. */
static int is_hop(const chain_t *chain, const char *profile)
{
    return property(chain, profile, "role_arn") != NULL && !has_token_file(chain, profile);
}

/* Follows source_profile to where the way ends; 0 when it leads nowhere: `done` was called. A
 * profile that is reached with keys of its own ends it, whatever else it has. */
static int resolve(chain_t *chain, const char *profile)
{
    while (is_hop(chain, profile) && (chain->count == 0 || !has_keys(chain, profile))) {
        const char *source = property(chain, profile, "source_profile");
        const char *problem = find_role_problem(chain, profile);

        if (problem != NULL) {
            fail(chain, profile, problem);
            return 0;
        }
        add_role(chain, profile);
        if (source == NULL) {
            chain->credential_source = property(chain, profile, "credential_source");
            break;
        }
        if (strcmp(source, profile) == 0 && !has_keys(chain, profile)) {
            fail(chain, profile, "it names itself as source_profile, but has no keys");
            return 0;
        }
        profile = source;
    }
    chain->base = profile;
    return 1;
}

/* ---- walking it ---- */

static void on_base(void *baton, const credentials_result_t *result)
{
    chain_t *chain = baton;
    const credentials_done_t next = {on_base, chain};

    if (result->end == CREDENTIALS_FOUND && chain->count > 0) {
        credentials_sts_assume(chain->fetch, &chain->roles[--chain->count], result->set, &next);
    } else if (result->end == CREDENTIALS_ABSENT) {
        fail(chain, chain->base, result->reason);
    } else {
        chain->done.fn(chain->done.baton, result);
    }
}

static void start_credential_source(chain_t *chain)
{
    const credentials_done_t next = {on_base, chain};
    const char *kind = chain->credential_source;

    if (strcasecmp(kind, "Environment") == 0) {
        credentials_env_start(chain->fetch, &next);
    } else if (strcasecmp(kind, "EcsContainer") == 0) {
        credentials_container_start(chain->fetch, &next);
    } else if (strcasecmp(kind, "Ec2InstanceMetadata") == 0) {
        credentials_imds_start(chain->fetch, &next);
    } else {
        fail(chain, chain->base,
             "its credential_source is not Environment, EcsContainer or Ec2InstanceMetadata");
    }
}

static void start_keys(chain_t *chain)
{
    const credentials_done_t next = {on_base, chain};
    const char *where = apr_psprintf(chain->fetch->pool, "the profile \"%s\"", chain->base);
    const credentials_t fields = {
        .access_key_id = property(chain, chain->base, "aws_access_key_id"),
        .secret_access_key = property(chain, chain->base, "aws_secret_access_key"),
        .session_token = property(chain, chain->base, "aws_session_token"),
        .source = where};

    credentials_source_made(chain->fetch, &next, &fields, where);
}

static void start_web_identity(chain_t *chain)
{
    const credentials_done_t next = {on_base, chain};
    credentials_role_t *role = apr_pcalloc(chain->fetch->pool, sizeof(*role));
    const char *file = property(chain, chain->base, "web_identity_token_file");

    role->arn = property(chain, chain->base, "role_arn");
    if (role->arn == NULL) {
        fail(chain, chain->base, "it has web_identity_token_file, but no role_arn");
        return;
    }
    role->session_name = property(chain, chain->base, "role_session_name");
    role->duration = property(chain, chain->base, "duration_seconds");
    role->region = property(chain, chain->base, "region");
    role->where = apr_psprintf(chain->fetch->pool, "profile %s", chain->base);
    credentials_sts_web_identity(chain->fetch, role, file, &next);
}

/* The credentials that the way starts from. */
static void start_base(chain_t *chain)
{
    const char *profile = chain->base;
    const char *unsupported = find_unsupported(chain, profile);

    if (chain->credential_source != NULL) {
        start_credential_source(chain);
    } else if (has_token_file(chain, profile) && (chain->count == 0 || !has_keys(chain, profile))) {
        start_web_identity(chain);
    } else if (has_keys(chain, profile)) {
        start_keys(chain);
    } else if (unsupported != NULL) {
        fail(chain, profile, unsupported);
    } else if (chain->count > 0) {
        fail(chain, profile, "it is a source_profile, but has no credentials");
    } else {
        credentials_source_absent(
            &chain->done,
            apr_psprintf(chain->fetch->pool, "the profile \"%s\" has no credentials", profile));
    }
}

void credentials_profile_start(const credentials_fetch_t *fetch, const credentials_done_t *done)
{
    const char *named = fetch->settings->profile;
    const char *profile = named != NULL ? named : "default";
    chain_t *chain = apr_pcalloc(fetch->pool, sizeof(*chain));

    chain->fetch = fetch;
    chain->done = *done;
    if (!profile_exists(fetch->profiles, profile)) {
        if (named != NULL) {
            fail(chain, profile, "it is in neither of the shared files, or they are not readable");
        } else {
            credentials_source_absent(done, "there is no profile \"default\" in the shared files");
        }
        return;
    }
    if (resolve(chain, profile)) {
        start_base(chain);
    }
}
