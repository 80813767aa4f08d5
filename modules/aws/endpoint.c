#include "aws/endpoint.h"

#include <apr_strings.h>
#include <apr_uri.h>
#include <string.h>

static const endpoint_service_t services[] = {
    {"bedrock-agent-runtime", "bedrock", "BEDROCK_AGENT_RUNTIME"},
    {"bedrock-runtime", "bedrock", "BEDROCK_RUNTIME"},
    {"bedrock-agentcore", "bedrock-agentcore", "BEDROCK_AGENTCORE"},
    {"dynamodb", "dynamodb", "DYNAMODB"},
    {"monitoring", "monitoring", "CLOUDWATCH"},
    {"sts", "sts", "STS"},
    {"s3", "s3", "S3"},
};

#define SERVICE_COUNT (sizeof(services) / sizeof(services[0]))

/* Partitions by the start of the region's name; the last one is every other region's. */
static const struct {
    const char *region_prefix;
    const char *dns_suffix;
} partitions[] = {
    {"cn-", "amazonaws.com.cn"},   {"eusc-", "amazonaws.eu"},      {"us-iso-", "c2s.ic.gov"},
    {"us-isob-", "sc2s.sgov.gov"}, {"us-isof-", "csp.hci.ic.gov"}, {"eu-isoe-", "cloud.adc-e.uk"},
    {"", "amazonaws.com"},
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

    return length >= 1 && length <= 63 && region[0] != '-' &&
           strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

static const char *dns_suffix(const char *region)
{
    size_t i = 0;

    while (strncmp(region, partitions[i].region_prefix, strlen(partitions[i].region_prefix)) != 0) {
        i++;
    }
    return partitions[i].dns_suffix;
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

const char *endpoint_resolve(endpoint_t *endpoint, apr_pool_t *pool,
                             const endpoint_service_t *service, const char *region, const char *url)
{
    if (!endpoint_is_region(region)) {
        return "a region looks like us-east-1";
    }
    endpoint->region = region;
    endpoint->signing_name = service->signing_name;
    if (url != NULL) {
        return parse_url(endpoint, pool, url);
    }
    endpoint->host = apr_pstrcat(pool, service->name, ".", region, ".", dns_suffix(region), NULL);
    endpoint->origin = apr_pstrcat(pool, "https://", endpoint->host, NULL);
    endpoint->prefix = "";
    return NULL;
}
