/*
 * What httpd.conf says, in two records: one a server, one a location.
 *
 * Read-only once httpd runs, so any thread may look. Every field knows
 * "unset", so that an inner scope takes over just what it says itself.
 */
#ifndef HTTP_CONFIG_H
#define HTTP_CONFIG_H

#include "aws/call.h"
#include "chat/fleet_limit.h"
#include "http/aws_config.h"
#include "http/backend_directives.h"
#include "http/cors_directives.h"
#include "http/file_config.h"
#include "http/limit_directives.h"
#include "http/metrics_directives.h"
#include "http/session_config.h"
#include "shm/circuit.h"

#include <httpd.h>

#include <ap_expr.h>
#include <http_config.h>
#include <http_log.h>

extern module AP_MODULE_DECLARE_DATA chatbot_module;

#define CONFIG_UNSET (-1)

/* ChatbotCircuitBreaker errors=50% min=20 window=30s open=10s */
#define CONFIG_CIRCUIT_DEFAULT                                                                     \
    {                                                                                              \
        50, 20, apr_time_from_sec(30), apr_time_from_sec(10)                                       \
    }

/* What a child makes of a server's AWS: http/upstream's. */
typedef struct config_upstream_t config_upstream_t;

/* A server: directives of context S and V. */
typedef struct {
    int max_in_flight;      /* main server only */
    int rate_limit_clients; /* main server only */
    aws_directives_t said;
    aws_config_t aws;            /* resolved by config_check() */
    config_upstream_t *upstream; /* set in each child while it starts */
    const char *limit_table;     /* ChatbotRateLimitShared; "": Off, NULL: unset */
    fleet_limit_t *fleet;        /* set in each child by limit_start() */
    session_directives_t sessions;
    session_config_t session; /* resolved by session_config_check() */
    metrics_directives_t metrics;
    uint64_t publisher; /* of its metrics; set by metrics_publish_check() */
    backend_server_t backend;
} config_server_t;

/* A location: directives of context D. Durations in microseconds. */
typedef struct {
    const char *agent_id;
    const char *alias_id;
    int token_usage;
    backend_location_t backend;
    apr_interval_time_t total;
    apr_interval_time_t connect;
    apr_interval_time_t first;
    apr_interval_time_t idle;
    apr_interval_time_t stream;
    int timeout_status;
    int streams;
    file_location_t files;
    apr_interval_time_t heartbeat;
    int circuit_is_set;
    circuit_settings_t circuit;
    limit_location_t limit;
    cors_location_t cors;
    apr_off_t max_message;  /* characters */
    apr_off_t max_body;     /* bytes */
    apr_off_t compress_min; /* bytes */
    const ap_expr_info_t *user;
} config_location_t;

/* httpd's functions to make and to merge the records. */
void *config_create_server(apr_pool_t *pool, server_rec *server);
void *config_merge_servers(apr_pool_t *pool, void *base, void *over);
void *config_create_location(apr_pool_t *pool);
void *config_merge_locations(apr_pool_t *pool, void *base, void *over);

/* Once the whole configuration was read: resolves what AWS needs and reads the environment. OK, or
 * HTTP_INTERNAL_SERVER_ERROR with the reason in the log. */
int config_check(apr_pool_t *pconf, server_rec *main_server);

/* Whether anything may call AWS: not where only servers of OpenAI's API are asked, and sessions,
 * counts and metrics stay here. Once config_check() was called. */
int config_uses_aws(const server_rec *main_server);

/* Whether its rate limit is counted for all machines. */
int config_shares_limit(const config_server_t *config);

/* Tells the operator what is not there yet: without it httpd runs, and chats get 503. */
void config_tell_missing(server_rec *main_server);

config_server_t *config_of_server(const server_rec *server);
config_location_t *config_of_location(const request_rec *request);

/* The effective values: what is set, else the default or the environment's. NULL agent: there is
 * none. */
const char *config_agent_id(const config_location_t *location);
const char *config_alias_id(const config_location_t *location);
int config_token_usage(const config_location_t *location);
int config_timeout_status(const config_location_t *location);
apr_off_t config_max_message(const config_location_t *location);
apr_off_t config_max_body(const config_location_t *location);
apr_off_t config_compress_min(const config_location_t *location);
apr_interval_time_t config_total_timeout(const config_location_t *location);
apr_interval_time_t config_stream_timeout(const config_location_t *location);
int config_streams(const config_location_t *location);
apr_interval_time_t config_heartbeat(const config_location_t *location);
call_limits_t config_call_limits(const config_location_t *location);
circuit_settings_t config_circuit(const config_location_t *location);
unsigned config_max_in_flight(const server_rec *main_server);
unsigned config_rate_limit_clients(const server_rec *main_server);

#endif
