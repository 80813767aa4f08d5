/* aws/endpoint: AWS's host names, and the operator's own. */
#include "aws/endpoint.h"

#include "tap.h"

#include <apr_general.h>

static apr_pool_t *pool;

/* The endpoint's host, or what is wrong. */
static const char *host(const char *service, const char *region, int fips, int dual_stack)
{
    const endpoint_options_t options = {.fips = fips, .dual_stack = dual_stack};
    endpoint_t endpoint = {0};
    const char *problem =
        endpoint_resolve(&endpoint, pool, endpoint_service(service), region, &options);

    return problem != NULL ? problem : endpoint.host;
}

static void test_hosts(void)
{
    static const struct {
        const char *service;
        const char *region;
        int fips;
        int dual_stack;
        const char *host;
    } cases[] = {
        {"bedrock-agent-runtime", "eu-west-1", 0, 0,
         "bedrock-agent-runtime.eu-west-1.amazonaws.com"},
        {"bedrock-agent-runtime", "us-gov-west-1", 1, 0,
         "bedrock-agent-runtime-fips.us-gov-west-1.amazonaws.com"},
        {"bedrock-runtime", "us-east-1", 1, 1, "bedrock-runtime-fips.us-east-1.api.aws"},
        {"bedrock-agentcore", "cn-north-1", 0, 1,
         "bedrock-agentcore.cn-north-1.api.amazonwebservices.com.cn"},
        {"dynamodb", "us-east-1", 1, 0, "dynamodb-fips.us-east-1.amazonaws.com"},
        {"dynamodb", "us-gov-west-1", 1, 0, "dynamodb.us-gov-west-1.amazonaws.com"},
        {"dynamodb", "us-gov-west-1", 1, 1, "dynamodb-fips.us-gov-west-1.api.aws"},
        {"dynamodb", "us-gov-west-1", 0, 1, "dynamodb.us-gov-west-1.api.aws"},
        {"sts", "us-gov-east-1", 1, 0, "sts.us-gov-east-1.amazonaws.com"},
        {"sts", "us-gov-east-1", 1, 1, "sts-fips.us-gov-east-1.api.aws"},
        {"monitoring", "us-gov-west-1", 1, 1, "monitoring.us-gov-west-1.api.aws"},
        {"monitoring", "us-gov-west-1", 1, 0, "monitoring.us-gov-west-1.amazonaws.com"},
        {"monitoring", "ap-south-1", 1, 0, "monitoring-fips.ap-south-1.amazonaws.com"},
        {"monitoring", "eusc-de-east-1", 1, 0, "monitoring-fips.eusc-de-east-1.amazonaws.eu"},
        {"sts", "eusc-de-east-1", 0, 1, "sts.eusc-de-east-1.api.amazonwebservices.eu"},
        {"sts", "us-iso-east-1", 0, 0, "sts.us-iso-east-1.c2s.ic.gov"},
        {"sts", "us-isob-east-1", 1, 0, "sts-fips.us-isob-east-1.sc2s.sgov.gov"},
        {"sts", "us-isof-south-1", 0, 0, "sts.us-isof-south-1.csp.hci.ic.gov"},
        {"sts", "eu-isoe-west-1", 0, 0, "sts.eu-isoe-west-1.cloud.adc-e.uk"},
        {"sts", "us-iso-east-1", 0, 1,
         "dual-stack is asked for, but the region's partition has no dual-stack endpoints"},
        {"s3", "us-east-1", 0, 0, "s3.us-east-1.amazonaws.com"},
        {"s3", "us-east-1", 1, 0, "s3-fips.us-east-1.amazonaws.com"},
        {"s3", "us-east-1", 0, 1, "s3.dualstack.us-east-1.amazonaws.com"},
        {"s3", "us-gov-west-1", 1, 1, "s3-fips.dualstack.us-gov-west-1.amazonaws.com"},
        {"s3", "cn-north-1", 0, 1, "s3.dualstack.cn-north-1.amazonaws.com.cn"},
        {"sts", "mx-new-99", 0, 0, "sts.mx-new-99.amazonaws.com"},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        IS(host(cases[i].service, cases[i].region, cases[i].fips, cases[i].dual_stack),
           cases[i].host, cases[i].host);
    }
}

static void test_regions(void)
{
    char longest[65];

    memset(longest, 'a', 64);
    longest[64] = '\0';
    OK(!endpoint_is_region(longest), "64 characters are too many");
    longest[63] = '\0';
    OK(endpoint_is_region(longest), "63 are not");
    OK(!endpoint_is_region("") && !endpoint_is_region("-a") && !endpoint_is_region("a-"),
       "no empty name, no dash at an end");
    OK(!endpoint_is_region("us-east-1.evil.example") && !endpoint_is_region("US-EAST-1") &&
           !endpoint_is_region("a/b") && !endpoint_is_region("a\n"),
       "nothing that would end up elsewhere in the host name");
    IS(host("sts", "", 0, 0), "a region looks like us-east-1", "no region is a problem");
}

static const char *resolve_url(endpoint_t *endpoint, const char *url, int fips, int dual_stack)
{
    const endpoint_options_t options = {.url = url, .fips = fips, .dual_stack = dual_stack};

    return endpoint_resolve(endpoint, pool, endpoint_service("dynamodb"), "us-east-1", &options);
}

static void test_urls(void)
{
    endpoint_t endpoint = {0};

    IS(resolve_url(&endpoint, "http://localhost:8000/a/b//", 0, 0), NULL,
       "an endpoint of one's own");
    IS(endpoint.origin, "http://localhost:8000", "its origin");
    IS(endpoint.host, "localhost:8000", "its host");
    IS(endpoint.prefix, "/a/b", "its path is a prefix");
    IS(endpoint.region, "us-east-1", "the region is signed for all the same");
    IS(endpoint.signing_name, "dynamodb", "… and the name");
    (void)resolve_url(&endpoint, "https://vpce.example:443", 0, 0);
    IS(endpoint.host, "vpce.example", "the scheme's own port is not in Host");
    (void)resolve_url(&endpoint, "http://[::1]:8000", 0, 0);
    IS(endpoint.host, "[::1]:8000", "an IPv6 address keeps its brackets");
    OK(resolve_url(&endpoint, "ftp://a", 0, 0) != NULL, "another scheme");
    OK(resolve_url(&endpoint, "http://", 0, 0) != NULL, "no host");
    OK(resolve_url(&endpoint, "http://a?b", 0, 0) != NULL, "a query");
    OK(resolve_url(&endpoint, "http://a:b@c", 0, 0) != NULL, "a user");
    OK(resolve_url(&endpoint, "https://a", 1, 0) != NULL, "FIPS and an endpoint of one's own");
    OK(resolve_url(&endpoint, "https://a", 0, 1) != NULL,
       "dual-stack and an endpoint of one's own");
}

static void test_services(void)
{
    size_t i;

    OK(endpoint_service("bedrock") == NULL, "a signing name is no service");
    for (i = 0; endpoint_service_at(i) != NULL; i++) {
        IS(endpoint_service(endpoint_service_at(i)->name)->variable,
           endpoint_service_at(i)->variable, endpoint_service_at(i)->name);
    }
}

int main(void)
{
    (void)apr_initialize();
    (void)apr_pool_create(&pool, NULL);
    test_hosts();
    test_regions();
    test_urls();
    test_services();
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
