/*
 * Where an AWS service is reached: AWS's own host name for a region, or the
 * operator's own endpoint. Computed while httpd reads its configuration.
 */
#ifndef AWS_ENDPOINT_H
#define AWS_ENDPOINT_H

#include <apr_pools.h>

/* Whose FIPS endpoints in the US government's regions have no "-fips" in their name. */
typedef enum {
    ENDPOINT_GOV_FIPS_NAMED,      /* they have it, as everywhere */
    ENDPOINT_GOV_FIPS_PLAIN_IPV4, /* only the dual-stack ones have it */
    ENDPOINT_GOV_FIPS_PLAIN
} endpoint_gov_fips_e;

/* The services the project speaks to, by the names of ChatbotAWSEndpoint. */
typedef struct {
    const char *name;         /* "bedrock-agent-runtime": as in the host name */
    const char *signing_name; /* "bedrock": as in the credential scope */
    const char *variable;     /* "BEDROCK_AGENT_RUNTIME": as in AWS_ENDPOINT_URL_<SERVICE> */
    endpoint_gov_fips_e gov_fips;
} endpoint_service_t;

/* Which of a service's endpoints; all zero: AWS's ordinary one. */
typedef struct {
    int fips;        /* AWS_USE_FIPS_ENDPOINT */
    int dual_stack;  /* AWS_USE_DUALSTACK_ENDPOINT: IPv6 too */
    const char *url; /* the operator's own (http or https, a host, perhaps a port and a path) or
                        NULL; neither of the others goes with it */
} endpoint_options_t;

typedef struct {
    const char *origin; /* "https://host[:port]" */
    const char *host;   /* value of the Host header: the port only when it is not the scheme's */
    const char *prefix; /* path before every path of the service, no slash at its end; may be "" */
    const char *region;
    const char *signing_name;
    int own; /* the operator's own URL */
} endpoint_t;

/* The service of that name, or NULL. */
const endpoint_service_t *endpoint_service(const char *name);

/* The service at `index`, NULL past the last: to list or to walk them. */
const endpoint_service_t *endpoint_service_at(size_t index);

/* Whether this can be a region's name: 1..63 of [a-z0-9-], no "-" at either end. */
int endpoint_is_region(const char *region);

/* Fills `*endpoint`, its strings in `pool`. Returns NULL, or what is wrong with `region` or
 * `options`, for the operator. AWS's own host names follow the endpoint rules that it publishes
 * with its SDKs; that one exists is known only when it is looked up. */
const char *endpoint_resolve(endpoint_t *endpoint, apr_pool_t *pool,
                             const endpoint_service_t *service, const char *region,
                             const endpoint_options_t *options);

#endif
