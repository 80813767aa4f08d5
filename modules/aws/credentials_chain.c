#include "aws/credentials_chain.h"

#include "aws/credentials_container.h"
#include "aws/credentials_env.h"
#include "aws/credentials_imds.h"
#include "aws/credentials_profile.h"
#include "aws/credentials_sts.h"

#include <apr_strings.h>

typedef struct {
    credentials_fetch_t *fetch;
    credentials_done_t done;
    credentials_choice_e asked; /* the source that is being asked */
    const char *absent;         /* those that were not there, "…; …", or NULL */
} walk_t;

static void ask(walk_t *walk);

static void note_absent(walk_t *walk, const char *reason)
{
    walk->absent = walk->absent != NULL
                       ? apr_pstrcat(walk->fetch->pool, walk->absent, "; ", reason, NULL)
                       : reason;
}

/* Those that were passed over tell the operator what else there could be. */
static void fail(walk_t *walk, const char *reason)
{
    if (walk->absent != NULL) {
        credentials_source_failed(walk->fetch, &walk->done, "%s (before it: %s)", reason,
                                  walk->absent);
    } else {
        credentials_source_failed(walk->fetch, &walk->done, "%s", reason);
    }
}

static void on_source(void *baton, const credentials_result_t *result)
{
    walk_t *walk = baton;
    int is_alone = walk->fetch->settings->choice != CREDENTIALS_AUTO;

    if (result->end == CREDENTIALS_FOUND) {
        walk->done.fn(walk->done.baton, result);
    } else if (result->end == CREDENTIALS_FAILED || is_alone || walk->asked == CREDENTIALS_IMDS) {
        fail(walk, result->reason);
    } else {
        note_absent(walk, result->reason);
        walk->asked++;
        ask(walk);
    }
}

static void on_files(void *baton, const char *problem)
{
    walk_t *walk = baton;
    const credentials_done_t next = {on_source, walk};

    if (walk->asked == CREDENTIALS_IMDS) {
        credentials_imds_start(walk->fetch, &next);
    } else if (problem != NULL) {
        fail(walk, problem);
    } else {
        credentials_profile_start(walk->fetch, &next);
    }
}

static const char *profile_region(const credentials_fetch_t *fetch)
{
    const char *profile = fetch->settings->profile;

    return fetch->profiles != NULL
               ? profile_property(fetch->profiles, profile != NULL ? profile : "default", "region")
               : NULL;
}

static void ask_web_identity(walk_t *walk)
{
    const credentials_fetch_t *fetch = walk->fetch;
    const credentials_settings_t *settings = fetch->settings;
    const credentials_done_t next = {on_source, walk};
    credentials_role_t *role = apr_pcalloc(fetch->pool, sizeof(*role));

    if (settings->web_identity_token_file == NULL) {
        credentials_source_absent(&next, "AWS_WEB_IDENTITY_TOKEN_FILE is not set");
        return;
    }
    if (settings->role_arn == NULL) {
        credentials_source_failed(fetch, &next,
                                  "reading the environment: AWS_WEB_IDENTITY_TOKEN_FILE is set, "
                                  "but AWS_ROLE_ARN is not");
        return;
    }
    role->arn = settings->role_arn;
    role->session_name = settings->role_session_name;
    role->region = profile_region(fetch);
    role->where = "web identity";
    credentials_sts_web_identity(fetch, role, settings->web_identity_token_file, &next);
}

/* The profile may say where the instance metadata service is, too. */
static void ask_imds(walk_t *walk)
{
    const credentials_done_t next = {on_source, walk};

    if (walk->fetch->profiles != NULL) {
        credentials_imds_start(walk->fetch, &next);
    } else {
        credentials_profile_load(walk->fetch, on_files, walk);
    }
}

static void ask(walk_t *walk)
{
    const credentials_done_t next = {on_source, walk};

    switch (walk->asked) {
    case CREDENTIALS_PROFILE: credentials_profile_load(walk->fetch, on_files, walk); break;
    case CREDENTIALS_WEB_IDENTITY: ask_web_identity(walk); break;
    case CREDENTIALS_CONTAINER: credentials_container_start(walk->fetch, &next); break;
    case CREDENTIALS_IMDS: ask_imds(walk); break;
    default: credentials_env_start(walk->fetch, &next);
    }
}

void credentials_chain_start(credentials_fetch_t *fetch, const credentials_done_t *done)
{
    walk_t *walk = apr_pcalloc(fetch->pool, sizeof(*walk));
    credentials_choice_e choice = fetch->settings->choice;

    walk->fetch = fetch;
    walk->done = *done;
    walk->asked = choice == CREDENTIALS_AUTO ? CREDENTIALS_ENV : choice;
    ask(walk);
}
