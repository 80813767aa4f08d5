#include "http/aws_config.h"

#include "aws/profile.h"
#include "aws/retry.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <stdlib.h>

#define UNSET           (-1)
#define SHARED_FILE_MAX (1024 * 1024)

/* What one resolving works with. */
typedef struct {
    apr_pool_t *pool;
    const aws_directives_t *directives;
    const char *profile;
    const profile_set_t *profiles;
    int ignore_urls; /* of environment and profile: AWS_IGNORE_CONFIGURED_ENDPOINT_URLS */
    const char *problem;
} resolve_t;

/* ---- directives ---- */

void aws_directives_init(aws_directives_t *directives, apr_pool_t *pool)
{
    memset(directives, 0, sizeof(*directives));
    directives->endpoint_urls = apr_table_make(pool, 2);
    directives->fips = UNSET;
    directives->dual_stack = UNSET;
    directives->attempts = UNSET;
    directives->bucket = UNSET;
}

#define TAKE_OVER(field, unset) merged->field = over->field != (unset) ? over->field : base->field

void aws_directives_merge(aws_directives_t *merged, apr_pool_t *pool, const aws_directives_t *base,
                          const aws_directives_t *over)
{
    TAKE_OVER(region, NULL);
    TAKE_OVER(profile, NULL);
    TAKE_OVER(credentials, NULL);
    TAKE_OVER(ca_file, NULL);
    TAKE_OVER(fips, UNSET);
    TAKE_OVER(dual_stack, UNSET);
    TAKE_OVER(attempts, UNSET);
    TAKE_OVER(bucket, UNSET);
    merged->endpoint_urls = apr_table_overlay(pool, base->endpoint_urls, over->endpoint_urls);
    apr_table_compress(merged->endpoint_urls, APR_OVERLAP_TABLES_SET);
}

/* ---- environment and profile ---- */

static const char *variable(void *baton, const char *name)
{
    const char *value = getenv(name);

    (void)baton;
    return value != NULL && *value != '\0' ? value : NULL;
}

static const char *property(const resolve_t *resolve, const char *key)
{
    const char *value = resolve->profiles != NULL
                            ? profile_property(resolve->profiles, resolve->profile, key)
                            : NULL;

    return value != NULL && *value != '\0' ? value : NULL;
}

static int is_true(const char *text)
{
    return text != NULL && strcasecmp(text, "true") == 0;
}

/* The directive, else the variable, else the property of the profile. */
static int switched_on(const resolve_t *resolve, int directive, const char *name, const char *key)
{
    const char *value = variable(NULL, name);

    if (directive != UNSET) {
        return directive;
    }
    return is_true(value != NULL ? value : property(resolve, key));
}

/* The whole text of an open file, in `pool`; NULL when it is longer than any such file. */
static char *read_text(apr_file_t *file, apr_pool_t *pool, apr_size_t *length)
{
    apr_finfo_t info;
    char *text;

    if (apr_file_info_get(&info, APR_FINFO_SIZE, file) || info.size > SHARED_FILE_MAX) {
        return NULL;
    }
    *length = 0;
    text = apr_palloc(pool, (apr_size_t)info.size + 1);
    (void)apr_file_read_full(file, text, (apr_size_t)info.size, length);
    return text;
}

static const char *parse_file(resolve_t *resolve, profile_set_t *set, apr_file_t *file,
                              profile_file_e kind, apr_pool_t *scratch)
{
    apr_size_t length = 0;
    char *text = read_text(file, scratch, &length);
    const char *problem;

    if (text == NULL) {
        return apr_psprintf(resolve->pool, "it is larger than %d bytes", SHARED_FILE_MAX);
    }
    problem = profile_parse(set, text, length, kind);
    explicit_bzero(text, length);
    return problem;
}

/* A shared file that is not there, or not ours to read, is nothing to stop at here: the provider
 * of credentials says so when it needs it. */
static void read_shared_file(resolve_t *resolve, profile_set_t *set, const char *path,
                             profile_file_e kind)
{
    apr_pool_t *scratch;
    apr_file_t *file;
    const char *problem = NULL;

    if (path == NULL || apr_pool_create(&scratch, resolve->pool) != APR_SUCCESS) {
        return;
    }
    if (apr_file_open(&file, path, APR_FOPEN_READ, 0, scratch) == APR_SUCCESS) {
        problem = parse_file(resolve, set, file, kind, scratch);
    }
    apr_pool_destroy(scratch);
    if (problem != NULL && resolve->problem == NULL) {
        resolve->problem = apr_psprintf(resolve->pool, "%s: %s", path, problem);
    }
}

static void read_profiles(resolve_t *resolve, const credentials_settings_t *settings)
{
    profile_set_t *set = profile_set_create(resolve->pool);

    read_shared_file(resolve, set, settings->config_file, PROFILE_CONFIG);
    read_shared_file(resolve, set, settings->credentials_file, PROFILE_CREDENTIALS);
    resolve->profile = settings->profile != NULL ? settings->profile : "default";
    resolve->profiles = set;
}

/* ---- endpoints ---- */

const char *aws_service_name(aws_service_e service)
{
    static const char *const names[AWS_SERVICES] = {
        [AWS_AGENTS] = "bedrock-agent-runtime", [AWS_MODELS] = "bedrock-runtime",
        [AWS_AGENTCORE] = "bedrock-agentcore",  [AWS_DYNAMODB] = "dynamodb",
        [AWS_MONITORING] = "monitoring",        [AWS_S3] = "s3",
    };

    return names[service];
}

/* The directive for the service, the one for all, the variables likewise, the profile. */
static const char *endpoint_url(resolve_t *resolve, const endpoint_service_t *service)
{
    const apr_table_t *urls = resolve->directives->endpoint_urls;
    const char *url = apr_table_get(urls, service->name);
    const char *problem;

    if (url == NULL) {
        url = apr_table_get(urls, "*");
    }
    if (url != NULL || resolve->ignore_urls) {
        return url;
    }
    url = variable(NULL, apr_pstrcat(resolve->pool, "AWS_ENDPOINT_URL_", service->variable, NULL));
    if (url == NULL) {
        url = variable(NULL, "AWS_ENDPOINT_URL");
    }
    if (url != NULL) {
        return apr_pstrdup(resolve->pool, url);
    }
    problem = profile_endpoint_url(resolve->profiles, resolve->pool, resolve->profile,
                                   service->variable, &url);
    if (problem != NULL && resolve->problem == NULL) {
        resolve->problem = problem;
    }
    return url;
}

static endpoint_options_t endpoint_options(resolve_t *resolve, const char *service)
{
    const aws_directives_t *said = resolve->directives;
    const endpoint_options_t options = {
        .fips = switched_on(resolve, said->fips, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"),
        .dual_stack = switched_on(resolve, said->dual_stack, "AWS_USE_DUALSTACK_ENDPOINT",
                                  "use_dualstack_endpoint"),
        .url = endpoint_url(resolve, endpoint_service(service))};

    return options;
}

/* Fills `*endpoint` and returns 1. What does not go together is told without a region too: that of
 * the EC2 instance is learned later. */
static int resolve_endpoint(resolve_t *resolve, endpoint_t *endpoint, const char *region,
                            const char *service, const endpoint_options_t *options)
{
    const char *problem;

    if (resolve->problem != NULL) {
        return 0;
    }
    problem = endpoint_resolve(endpoint, resolve->pool, endpoint_service(service),
                               region != NULL ? region : "us-east-1", options);
    if (problem != NULL) {
        resolve->problem =
            apr_psprintf(resolve->pool, "region \"%s\", endpoint \"%s\" of %s: %s",
                         region != NULL ? region : "the instance's",
                         options->url != NULL ? options->url : "AWS's own", service, problem);
    }
    return problem == NULL && region != NULL;
}

static void resolve_service(resolve_t *resolve, aws_config_t *config, aws_service_e service)
{
    const char *name = aws_service_name(service);
    endpoint_t *endpoint = apr_pcalloc(resolve->pool, sizeof(*endpoint));

    config->options[service] = endpoint_options(resolve, name);
    if (resolve_endpoint(resolve, endpoint, config->region, name, &config->options[service])) {
        config->endpoints[service] = endpoint;
    }
}

static void resolve_sts(resolve_t *resolve, credentials_settings_t *settings)
{
    endpoint_t unused;

    settings->sts = endpoint_options(resolve, "sts");
    (void)resolve_endpoint(resolve, &unused, settings->region, "sts", &settings->sts);
}

/* ---- the whole ---- */

static credentials_settings_t *make_settings(resolve_t *resolve)
{
    const aws_directives_t *said = resolve->directives;
    credentials_settings_t *settings = apr_pcalloc(resolve->pool, sizeof(*settings));

    settings->profile = said->profile;
    settings->region = said->region;
    settings->ca_file = said->ca_file;
    credentials_settings_read(settings, resolve->pool, variable, NULL);
    if (said->credentials != NULL) {
        (void)credentials_settings_choose(settings, said->credentials);
    }
    return settings;
}

static const char *region_of(const resolve_t *resolve, const credentials_settings_t *settings)
{
    const char *region = settings->region;

    if (region == NULL && (region = variable(NULL, "AWS_DEFAULT_REGION")) != NULL) {
        region = apr_pstrdup(resolve->pool, region);
    }
    return region != NULL ? region : property(resolve, "region");
}

static int attempts_of(const resolve_t *resolve)
{
    const char *value = variable(NULL, "AWS_MAX_ATTEMPTS");
    long attempts = 0;

    if (resolve->directives->attempts != UNSET) {
        return resolve->directives->attempts;
    }
    value = value != NULL ? value : property(resolve, "max_attempts");
    attempts = value != NULL ? strtol(value, NULL, 10) : 0;
    return attempts >= 1 && attempts <= 100 ? (int)attempts : 0;
}

const char *aws_config_resolve(aws_config_t *config, apr_pool_t *pool,
                               const aws_directives_t *directives)
{
    resolve_t resolve = {.pool = pool, .directives = directives};
    credentials_settings_t *settings = make_settings(&resolve);
    int service;

    read_profiles(&resolve, settings);
    resolve.ignore_urls = switched_on(&resolve, UNSET, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
                                      "ignore_configured_endpoint_urls");
    config->region = region_of(&resolve, settings);
    settings->region = config->region;
    resolve_sts(&resolve, settings);
    for (service = 0; service < AWS_SERVICES; service++) {
        resolve_service(&resolve, config, (aws_service_e)service);
    }
    config->credentials = settings;
    config->ca_file = directives->ca_file;
    config->attempts = attempts_of(&resolve);
    config->bucket = directives->bucket != UNSET ? directives->bucket : RETRY_BUCKET_TOKENS;
    config->no_skew_correction = is_true(variable(NULL, "AWS_DISABLE_CLOCK_SKEW_CORRECTION"));
    return resolve.problem;
}

static int same(const char *one, const char *other)
{
    return one == other || (one != NULL && other != NULL && strcmp(one, other) == 0);
}

int aws_config_shares_credentials(const aws_config_t *one, const aws_config_t *other)
{
    const credentials_settings_t *a = one->credentials;
    const credentials_settings_t *b = other->credentials;

    /* Everything else comes from the one environment. */
    return a->choice == b->choice && same(a->profile, b->profile) && same(a->region, b->region) &&
           same(a->sts.url, b->sts.url) && a->sts.fips == b->sts.fips &&
           a->sts.dual_stack == b->sts.dual_stack && same(a->ca_file, b->ca_file);
}

static int has_file(const char *path)
{
    return path != NULL && access(path, F_OK) == 0;
}

int aws_config_has_credentials(const aws_config_t *config)
{
    const credentials_settings_t *settings = config->credentials;

    return settings->access_key_id != NULL || settings->web_identity_token_file != NULL ||
           settings->container_relative_uri != NULL || settings->container_full_uri != NULL ||
           has_file(settings->config_file) || has_file(settings->credentials_file);
}
