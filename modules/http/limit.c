#include "http/limit.h"

#include "base/clock.h"
#include "base/text.h"
#include "http/answer.h"
#include "http/config.h"
#include "http/shared.h"
#include "http/upstream.h"

#include <apr_strings.h>
#include <arpa/inet.h>
#include <http_main.h>
#include <netinet/in.h>

APLOG_USE_MODULE(chatbot);

#define IPV6_NETWORK 8 /* bytes: what a provider gives to one subscriber */

static const sliding_log_rule_t default_rule = {100, apr_time_from_sec(3600)};

/* The limit as it applies to one request. */
typedef struct {
    sliding_log_rule_t rule;
    const char *scope;
    const char *key;
    fleet_limit_t *fleet; /* who counts; NULL: this machine */
} limit_t;

/* ---- whose count ---- */

/* An IPv6 address counts with its network, one that stands for an IPv4 address as that. Any other
 * text is as it is. */
static const char *fold_address(apr_pool_t *pool, const char *text)
{
    const char *zone = strchr(text, '%');
    struct in6_addr address;
    char network[2 * IPV6_NETWORK + 1];

    if (inet_pton(AF_INET6,
                  zone != NULL ? apr_pstrmemdup(pool, text, (apr_size_t)(zone - text)) : text,
                  &address) != 1) {
        return text;
    }
    if (IN6_IS_ADDR_V4MAPPED(&address)) {
        const unsigned char *v4 = &address.s6_addr[12];
        return apr_psprintf(pool, "%u.%u.%u.%u", v4[0], v4[1], v4[2], v4[3]);
    }
    text_hex(network, address.s6_addr, IPV6_NETWORK);
    return apr_pstrdup(pool, network);
}

/* What ChatbotRateLimitKey says of this client; NULL: nothing. */
static const char *configured_key(request_rec *r, const limit_location_t *set)
{
    const char *problem = NULL;
    const char *key = set->key != NULL ? ap_expr_str_exec(r, set->key, &problem) : NULL;

    if (problem != NULL) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "CHAT0601: checking the rate limit: ChatbotRateLimitKey: %s; the client is "
                      "counted by its address",
                      problem);
        return NULL;
    }
    return key != NULL && *key != '\0' ? key : NULL;
}

/* The same after a restart and on each machine that is configured alike. */
static const char *name_server(apr_pool_t *pool, const server_rec *server)
{
    return server->is_virtual
               ? apr_psprintf(pool, "%s:%u", server->server_hostname, (unsigned)server->port)
               : "";
}

const sliding_log_rule_t *limit_rule(const request_rec *r)
{
    const limit_location_t *set = &config_of_location(r)->limit;

    if (set->on == LIMIT_OFF) {
        return NULL;
    }
    return set->on == LIMIT_UNSET ? &default_rule : &set->rule;
}

/* 0 when there is no limit here. */
static int find_limit(request_rec *r, limit_t *limit)
{
    const limit_location_t *set = &config_of_location(r)->limit;
    const int is_default = set->on == LIMIT_UNSET;
    const sliding_log_rule_t *rule = limit_rule(r);
    const char *key;

    if (rule == NULL) {
        return 0;
    }
    key = configured_key(r, set);
    limit->fleet = upstream_client(r->server, AWS_DYNAMODB) != NULL
                       ? config_of_server(r->server)->fleet
                       : NULL;
    limit->rule = *rule;
    limit->key = fold_address(r->pool, key != NULL ? key : r->useragent_ip);
    /* Keys that different expressions give are different clients. */
    limit->scope =
        apr_pstrcat(r->pool, name_server(r->pool, is_default ? r->server : set->server), "\n",
                    is_default ? "" : set->path, "\n", key != NULL ? set->key_text : "", NULL);
    return 1;
}

/* ---- what is answered ---- */

static apr_int64_t seconds_up(apr_interval_time_t time)
{
    return apr_time_sec(time + apr_time_from_sec(1) - 1);
}

/* draft-ietf-httpapi-ratelimit-headers. */
static void set_headers(request_rec *r, const sliding_log_rule_t *rule,
                        const sliding_log_verdict_t *verdict)
{
    apr_table_setn(r->err_headers_out, "RateLimit-Policy",
                   apr_psprintf(r->pool, "\"default\";q=%u;w=%" APR_INT64_T_FMT, rule->n,
                                seconds_up(rule->window)));
    apr_table_setn(r->err_headers_out, "RateLimit",
                   apr_psprintf(r->pool, "\"default\";r=%u;t=%" APR_INT64_T_FMT, verdict->remaining,
                                seconds_up(verdict->reset)));
}

/* Once, and again each time it has happened twice as often. */
static void tell_eviction(request_rec *r, apr_uint64_t evicted)
{
    if (evicted == 0 || (evicted & (evicted - 1)) != 0) {
        return;
    }
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                  "CHAT0602: checking the rate limit: more clients than there is room for: the "
                  "counts of %" APR_UINT64_T_FMT " were forgotten so far; raise "
                  "ChatbotRateLimitClients (%u)",
                  evicted, config_rate_limit_clients(ap_server_conf));
}

/* What is known here, without counting. */
static void look(const limit_t *limit, sliding_log_verdict_t *verdict)
{
    if (limit->fleet != NULL) {
        fleet_limit_look(limit->fleet, limit->scope, limit->key, &limit->rule, verdict);
    } else {
        ratelimit_look(shared_ratelimit(), limit->scope, limit->key, &limit->rule,
                       clock_monotonic(), verdict);
    }
}

static void count(request_rec *r, const limit_t *limit, sliding_log_verdict_t *verdict)
{
    ratelimit_verdict_t counted;

    ratelimit_take(shared_ratelimit(), limit->scope, limit->key, &limit->rule, clock_monotonic(),
                   &counted);
    tell_eviction(r, counted.evicted);
    *verdict = counted.log;
}

static void prepare_ask(const request_rec *r, const limit_t *limit, fleet_limit_ask_t *ask)
{
    ask->fleet = limit->fleet;
    ask->client = upstream_client(r->server, AWS_DYNAMODB);
    ask->scope = limit->scope;
    ask->key = limit->key;
    ask->rule = limit->rule;
}

int limit_check(request_rec *r, fleet_limit_ask_t *ask)
{
    sliding_log_verdict_t verdict;
    limit_t limit;

    if (!find_limit(r, &limit)) {
        return 1;
    }
    if (limit.fleet != NULL) {
        look(&limit, &verdict);
        if (verdict.allowed) {
            prepare_ask(r, &limit, ask);
            return 1;
        }
    } else {
        count(r, &limit, &verdict);
    }
    set_headers(r, &limit.rule, &verdict);
    if (!verdict.allowed) {
        answer_retry_after(r, verdict.reset);
    }
    return verdict.allowed;
}

void limit_tell(request_rec *r)
{
    sliding_log_verdict_t verdict;
    limit_t limit;

    if (apr_table_get(r->err_headers_out, "RateLimit") == NULL && find_limit(r, &limit)) {
        look(&limit, &verdict);
        set_headers(r, &limit.rule, &verdict);
    }
}

void limit_tell_asked(request_rec *r, const fleet_limit_ask_t *ask)
{
    if (ask->has_verdict) {
        set_headers(r, &ask->rule, &ask->verdict);
    } else if (ask->fleet != NULL) {
        limit_tell(r); /* the chat has ended before */
    }
}

/* ---- limits that machines share ---- */

unsigned limit_fleet_clients(const server_rec *main_server)
{
    const server_rec *server;

    for (server = main_server; server != NULL; server = server->next) {
        if (config_shares_limit(config_of_server(server))) {
            return config_rate_limit_clients(main_server);
        }
    }
    return 1;
}

void limit_start(apr_pool_t *pchild, server_rec *main_server)
{
    const server_rec *server;

    for (server = main_server; server != NULL; server = server->next) {
        config_server_t *config = config_of_server(server);
        if (config_shares_limit(config) && config->fleet == NULL) {
            const fleet_limit_settings_t settings = {
                .table = config->limit_table,
                .known = shared_fleet(),
                .circuit =
                    shared_circuit(apr_pstrcat(pchild, "rate limit ", config->limit_table, NULL))};
            config->fleet = fleet_limit_create(pchild, &settings);
        }
    }
}
