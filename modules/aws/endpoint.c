#include "aws/endpoint.h"

#include <apr_strings.h>
#include <apr_uri.h>
#include <string.h>

static const endpoint_service_t services[] = {
    {"bedrock-agent-runtime", "bedrock", "BEDROCK_AGENT_RUNTIME", ENDPOINT_GOV_FIPS_NAMED},
    {"bedrock-runtime", "bedrock", "BEDROCK_RUNTIME", ENDPOINT_GOV_FIPS_NAMED},
    {"bedrock-agentcore", "bedrock-agentcore", "BEDROCK_AGENTCORE", ENDPOINT_GOV_FIPS_NAMED},
    {"dynamodb", "dynamodb", "DYNAMODB", ENDPOINT_GOV_FIPS_PLAIN_IPV4},
    {"monitoring", "monitoring", "CLOUDWATCH", ENDPOINT_GOV_FIPS_PLAIN},
    {"sts", "sts", "STS", ENDPOINT_GOV_FIPS_PLAIN_IPV4},
    {"s3", "s3", "S3", ENDPOINT_GOV_FIPS_NAMED},
};

#define SERVICE_COUNT (sizeof(services) / sizeof(services[0]))

/* Partitions by the start of the region's name; the last one is every other region's. */
typedef struct {
    const char *region_prefix;
    const char *dns_suffix;
    const char *dual_stack_suffix; /* NULL: it has none */
    int is_gov;
} partition_t;

static const partition_t partitions[] = {
    {"us-gov-", "amazonaws.com", "api.aws", 1},
    {"cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn", 0},
    {"eusc-", "amazonaws.eu", "api.amazonwebservices.eu", 0},
    {"us-iso-", "c2s.ic.gov", NULL, 0},
    {"us-isob-", "sc2s.sgov.gov", NULL, 0},
    {"us-isof-", "csp.hci.ic.gov", NULL, 0},
    {"eu-isoe-", "cloud.adc-e.uk", NULL, 0},
    {"", "amazonaws.com", "api.aws", 0},
};

const endpoint_service_t *endpoint_service(const char *name)
{
    size_t i;

    for (i = 0; i < SERVICE_COUNT; i++) {
        if (strcmp(services[i].name, name) == 0) {
            return &services[i];
        }
    }
    return NULL;
}

const endpoint_service_t *endpoint_service_at(size_t index)
{
    return index < SERVICE_COUNT ? &services[index] : NULL;
}

int endpoint_is_region(const char *region)
{
    size_t length = strlen(region);

    return length >= 1 && length <= 63 && region[0] != '-' && region[length - 1] != '-' &&
           strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

static const partition_t *partition_of(const char *region)
{
    const partition_t *partition = partitions;

    while (strncmp(region, partition->region_prefix, strlen(partition->region_prefix)) != 0) {
        partition++;
    }
    return partition;
}

static const char *without_last_slashes(apr_pool_t *pool, const char *path)
{
    size_t length = path != NULL ? strlen(path) : 0;

    while (length > 0 && path[length - 1] == '/') {
        length--;
    }
    return apr_pstrndup(pool, path != NULL ? path : "", length);
}

static const char *parse_url(endpoint_t *endpoint, apr_pool_t *pool, const char *url)
{
    apr_uri_t uri;
    const char *host;

    if (apr_uri_parse(pool, url, &uri) != APR_SUCCESS || uri.scheme == NULL ||
        (strcasecmp(uri.scheme, "https") != 0 && strcasecmp(uri.scheme, "http") != 0)) {
        return "an endpoint starts with https:// or http://";
    }
    if (uri.hostname == NULL || uri.hostname[0] == '\0') {
        return "an endpoint names a host, as in http://127.0.0.1:8001";
    }
    if (uri.user != NULL || uri.password != NULL || uri.query != NULL || uri.fragment != NULL) {
        return "an endpoint has no user, query or fragment";
    }
    host = apr_pstrdup(pool, uri.hostname);
    if (strchr(host, ':') != NULL) {
        host = apr_psprintf(pool, "[%s]", host);
    }
    if (uri.port_str != NULL && uri.port != apr_uri_port_of_scheme(uri.scheme)) {
        if (uri.port == 0) {
            return "the port of an endpoint is 1 to 65535";
        }
        host = apr_psprintf(pool, "%s:%d", host, uri.port);
    }
    endpoint->host = host;
    endpoint->origin = apr_pstrcat(pool, uri.scheme, "://", host, NULL);
    endpoint->prefix = without_last_slashes(pool, uri.path);
    return NULL;
}

static int has_fips_in_name(const endpoint_service_t *service, const partition_t *partition,
                            const endpoint_options_t *options)
{
    if (!options->fips || !partition->is_gov) {
        return options->fips;
    }
    return service->gov_fips == ENDPOINT_GOV_FIPS_NAMED ||
           (service->gov_fips == ENDPOINT_GOV_FIPS_PLAIN_IPV4 && options->dual_stack);
}

/* S3 alone says dual-stack in front of the region, and keeps the ordinary suffix. */
static const char *make_host(apr_pool_t *pool, const endpoint_service_t *service,
                             const char *region, const endpoint_options_t *options)
{
    const partition_t *partition = partition_of(region);
    const char *fips = has_fips_in_name(service, partition, options) ? "-fips" : "";
    int is_s3 = strcmp(service->name, "s3") == 0;

    if (options->dual_stack && partition->dual_stack_suffix == NULL) {
        return NULL;
    }
    return apr_pstrcat(
        pool, service->name, fips, is_s3 && options->dual_stack ? ".dualstack." : ".", region, ".",
        !is_s3 && options->dual_stack ? partition->dual_stack_suffix : partition->dns_suffix, NULL);
}

const char *endpoint_resolve(endpoint_t *endpoint, apr_pool_t *pool,
                             const endpoint_service_t *service, const char *region,
                             const endpoint_options_t *options)
{
    if (!endpoint_is_region(region)) {
        return "a region looks like us-east-1";
    }
    endpoint->region = region;
    endpoint->signing_name = service->signing_name;
    endpoint->own = options->url != NULL;
    if (options->url != NULL && options->fips) {
        return "FIPS is asked for, but an endpoint of one's own is used as it stands: leave out "
               "one of them";
    }
    if (options->url != NULL && options->dual_stack) {
        return "dual-stack is asked for, but an endpoint of one's own is used as it stands: leave "
               "out one of them";
    }
    if (options->url != NULL) {
        return parse_url(endpoint, pool, options->url);
    }
    endpoint->host = make_host(pool, service, region, options);
    if (endpoint->host == NULL) {
        return "dual-stack is asked for, but the region's partition has no dual-stack endpoints";
    }
    endpoint->origin = apr_pstrcat(pool, "https://", endpoint->host, NULL);
    endpoint->prefix = "";
    return NULL;
}
