#include "http/upstream.h"

#include "aws/credentials_imds.h"
#include "base/log.h"
#include "http/config.h"

#include <stdatomic.h>

/* One server's. */
struct config_upstream_t {
    call_client_t clients[AWS_SERVICES];
    turn_http_client_t http;
    atomic_int ready; /* the endpoints are known: released to the other threads by this */
    const aws_config_t *aws;
    credentials_fetch_t region_fetch; /* I/O thread */
    loop_task_t task;
    endpoint_t endpoints[AWS_SERVICES];
};

/* ---- the region, asked of the instance ---- */

/* NULL, or what is wrong. */
static const char *resolve_endpoints(config_upstream_t *upstream, const char *region)
{
    const char *problem = NULL;
    int i;

    for (i = 0; i < AWS_SERVICES && problem == NULL; i++) {
        problem = endpoint_resolve(&upstream->endpoints[i], upstream->region_fetch.pool,
                                   endpoint_service(aws_service_name((aws_service_e)i)), region,
                                   &upstream->aws->options[i]);
        upstream->clients[i].endpoint = &upstream->endpoints[i];
    }
    return problem;
}

static void on_region(void *baton, const char *region, const char *reason)
{
    config_upstream_t *upstream = baton;
    const char *problem = region != NULL ? resolve_endpoints(upstream, region) : reason;

    if (problem != NULL) {
        log_warn(
            "CHAT0414: no AWS region: asking the instance for its own: %s; set ChatbotAWSRegion "
            "or AWS_REGION; every chat will be answered with 503 not_configured",
            problem);
        return;
    }
    log_info("CHAT0415: the AWS region is the instance's own: %s", region);
    atomic_store(&upstream->ready, 1);
}

static void on_ask_region(loop_task_t *task)
{
    config_upstream_t *upstream = LOOP_CONTAINER(task, config_upstream_t, task);

    credentials_imds_region(&upstream->region_fetch, on_region, upstream);
}

/* With an allocator of its own: from then on it is the I/O thread's, while its parent's belongs to
 * the threads that start workers and, in prefork, serve requests. */
static int make_pool(apr_pool_t **pool, apr_pool_t *parent)
{
    apr_allocator_t *allocator;

    if (apr_allocator_create(&allocator) != APR_SUCCESS) {
        return 0;
    }
    if (apr_pool_create_ex(pool, parent, NULL, allocator) != APR_SUCCESS) {
        apr_allocator_destroy(allocator);
        return 0;
    }
    apr_allocator_owner_set(allocator, *pool);
    return 1;
}

static void ask_region(config_upstream_t *upstream, apr_pool_t *pool)
{
    credentials_fetch_t *fetch = &upstream->region_fetch;

    if (!make_pool(&fetch->pool, pool)) {
        return;
    }
    fetch->loop = upstream->clients[0].loop;
    fetch->offload = offload_create(fetch->loop, fetch->pool);
    fetch->settings = upstream->aws->credentials;
    upstream->task.run = on_ask_region;
    (void)loop_post(fetch->loop, &upstream->task);
}

/* ---- start ---- */

static void fill_client(call_client_t *client, apr_pool_t *pool, const aws_config_t *aws,
                        aws_service_e service)
{
    client->service = aws_service_name(service);
    client->endpoint = aws->endpoints[service];
    client->keys = sigv4_keys_create(pool);
    client->ca_file = aws->ca_file;
    client->attempts = aws->attempts;
    client->skew.off = aws->no_skew_correction;
    retry_bucket_fill(&client->bucket, aws->bucket);
}

static config_upstream_t *make(apr_pool_t *pool, const aws_config_t *aws, loop_t *loop,
                               credentials_provider_t *credentials)
{
    config_upstream_t *upstream = apr_pcalloc(pool, sizeof(*upstream));
    int i;

    upstream->aws = aws;
    upstream->http.loop = loop;
    upstream->http.ca_file = aws->ca_file;
    upstream->http.attempts = aws->attempts;
    retry_bucket_fill(&upstream->http.bucket, aws->bucket);
    for (i = 0; i < AWS_SERVICES; i++) {
        upstream->clients[i].loop = loop;
        upstream->clients[i].credentials = credentials;
        fill_client(&upstream->clients[i], pool, aws, (aws_service_e)i);
    }
    return upstream;
}

/* Of an earlier server that asks the same sources; NULL: there is none. */
static credentials_provider_t *find_provider(const server_rec *first, const server_rec *server)
{
    const aws_config_t *aws = &config_of_server(server)->aws;

    for (; first != server; first = first->next) {
        if (aws_config_shares_credentials(aws, &config_of_server(first)->aws)) {
            return config_of_server(first)->upstream->clients[0].credentials;
        }
    }
    return NULL;
}

/* `ahead`: what the first call would have to wait for is asked for now. */
static void start(config_server_t *config, apr_pool_t *pool, loop_t *loop,
                  credentials_provider_t *shared, int ahead)
{
    credentials_provider_t *provider =
        shared != NULL ? shared : credentials_create(loop, config->aws.credentials, pool);

    config->upstream = make(pool, &config->aws, loop, provider);
    atomic_store(&config->upstream->ready, config->aws.region != NULL);
    if (ahead && shared == NULL) {
        credentials_start(provider);
    }
    if (ahead && config->aws.region == NULL) {
        ask_region(config->upstream, pool);
    }
}

void upstream_start(apr_pool_t *pool, server_rec *main_server, loop_t *loop)
{
    const int ahead = config_uses_aws(main_server);
    server_rec *server;

    for (server = main_server; server != NULL; server = server->next) {
        config_server_t *config = config_of_server(server);
        if (config->upstream == NULL) { /* else it is the main server's record */
            start(config, pool, loop, find_provider(main_server, server), ahead);
        }
    }
}

call_client_t *upstream_client(const server_rec *server, aws_service_e service)
{
    config_upstream_t *upstream = config_of_server(server)->upstream;

    return upstream != NULL && atomic_load(&upstream->ready) ? &upstream->clients[service] : NULL;
}

call_client_t *upstream_coming_client(const server_rec *server, aws_service_e service)
{
    config_upstream_t *upstream = config_of_server(server)->upstream;

    return upstream != NULL ? &upstream->clients[service] : NULL;
}

turn_http_client_t *upstream_http(const server_rec *server)
{
    config_upstream_t *upstream = config_of_server(server)->upstream;

    return upstream != NULL ? &upstream->http : NULL;
}

int upstream_has_credentials(const server_rec *server)
{
    const config_upstream_t *upstream = config_of_server(server)->upstream;

    return upstream != NULL && credentials_ready(upstream->clients[0].credentials);
}
