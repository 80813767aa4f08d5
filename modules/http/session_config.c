#include "http/session_config.h"

#include "base/text.h"
#include "chat/session_table.h"
#include "http/cache_access.h"
#include "http/config.h"
#include "http/session_cache.h"
#include "http/shared.h"
#include "http/socache.h"
#include "http/upstream.h"

#include <ap_expr.h>
#include <apr_strings.h>
#include <stdlib.h>

APLOG_USE_MODULE(chatbot);

#define DEFAULT_PROVIDER "shmcb"
#define DEFAULT_TTL      apr_time_from_sec(86400)
#define DEFAULT_HISTORY  20

/* ---- the check of the whole ---- */

/* NULL, or what is wrong. */
static const char *choose_table(session_config_t *config, apr_pool_t *pool,
                                const session_directives_t *said)
{
    const char *variable = getenv("CHAT_SESSIONS_TABLE");

    config->table = said->table;
    if (config->table != NULL || variable == NULL || *variable == '\0') {
        return NULL;
    }
    if (!session_directives_is_table(variable)) {
        return "the variable CHAT_SESSIONS_TABLE is no name of a DynamoDB table (3 to 255 of "
               "letters, digits, \"_\", \".\" and \"-\") nor its ARN; correct or unset it";
    }
    config->table = apr_pstrdup(pool, variable);
    return NULL;
}

/* What is kept where nothing was said; not every httpd has the module for it. */
static void choose_default(session_config_t *config)
{
    if (config->table != NULL) {
        config->kind = SESSION_STORE_DYNAMODB;
    } else if (session_cache_has(DEFAULT_PROVIDER)) {
        config->kind = SESSION_STORE_CACHE;
        config->provider = DEFAULT_PROVIDER;
    } else {
        config->kind = SESSION_STORE_NONE;
    }
}

/* NULL, or what is wrong. */
static const char *choose_store(session_config_t *config, apr_pool_t *pool,
                                const session_directives_t *said)
{
    config->kind = said->store;
    config->provider = said->provider;
    config->arguments = said->arguments;
    if (config->kind == SESSION_STORE_UNSET) {
        choose_default(config);
    }
    if (config->kind == SESSION_STORE_DYNAMODB && config->table == NULL) {
        return "ChatbotSessionStore dynamodb: no table is named; write ChatbotSessionTable, or set "
               "CHAT_SESSIONS_TABLE in httpd's environment";
    }
    return config->kind == SESSION_STORE_CACHE
               ? session_cache_check(pool, config->provider, config->arguments)
               : NULL;
}

static int resolve(apr_pool_t *pconf, server_rec *server)
{
    config_server_t *config = config_of_server(server);
    const char *problem;

    if (config->session.kind != SESSION_STORE_UNSET) {
        return OK; /* a virtual host without directives of its own: the main server's record */
    }
    problem = choose_table(&config->session, pconf, &config->sessions);
    if (problem == NULL) {
        problem = choose_store(&config->session, pconf, &config->sessions);
    }
    if (problem == NULL) {
        return OK;
    }
    ap_log_error(APLOG_MARK, APLOG_EMERG, 0, server, "CHAT0520: reading the configuration: %s",
                 problem);
    return HTTP_INTERNAL_SERVER_ERROR;
}

int session_config_check(apr_pool_t *pconf, server_rec *main_server)
{
    server_rec *server;

    for (server = main_server; server != NULL; server = server->next) {
        if (resolve(pconf, server) != OK) {
            return HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    return OK;
}

void session_config_tell(server_rec *main_server)
{
    const config_server_t *config = config_of_server(main_server);

    if (config->sessions.store == SESSION_STORE_UNSET &&
        config->session.kind == SESSION_STORE_NONE) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, main_server,
                     "CHAT0521: sessions are not kept: mod_socache_shmcb is not loaded; load it "
                     "(LoadModule socache_shmcb_module, a2enmod socache_shmcb), name a table with "
                     "ChatbotSessionTable, or write ChatbotSessionStore none");
    }
}

/* ---- stores ---- */

int session_config_prepare(apr_pool_t *pconf, server_rec *main_server)
{
    server_rec *server;

    for (server = main_server; server != NULL; server = server->next) {
        session_config_t *config = &config_of_server(server)->session;
        if (config->kind == SESSION_STORE_CACHE && config->store == NULL) {
            config->store =
                session_cache_create(pconf, main_server, config->provider, config->arguments);
            if (config->store == NULL) {
                return HTTP_INTERNAL_SERVER_ERROR;
            }
        }
    }
    return OK;
}

void session_config_start(apr_pool_t *pchild, server_rec *main_server)
{
    server_rec *server;

    socache_start(pchild);
    cache_access_start(pchild);
    for (server = main_server; server != NULL; server = server->next) {
        session_config_t *config = &config_of_server(server)->session;
        call_client_t *client = upstream_coming_client(server, AWS_DYNAMODB);
        if (config->kind == SESSION_STORE_DYNAMODB && config->store == NULL && client != NULL) {
            config->store = session_table_create(pchild, config->table, client);
        }
        if (config->store != NULL && config->circuit == NULL) {
            config->circuit =
                shared_circuit(apr_pstrcat(pchild, "session store ", config->store->name, NULL));
        }
    }
}

const session_store_t *session_config_store(const server_rec *server)
{
    const session_config_t *config = &config_of_server(server)->session;

    return config->kind == SESSION_STORE_DYNAMODB && upstream_client(server, AWS_DYNAMODB) == NULL
               ? NULL
               : config->store;
}

circuit_t *session_config_circuit(const server_rec *server)
{
    return config_of_server(server)->session.circuit;
}

apr_interval_time_t session_config_ttl(const server_rec *server)
{
    apr_interval_time_t ttl = config_of_server(server)->sessions.ttl;

    return ttl != CONFIG_UNSET ? ttl : DEFAULT_TTL;
}

int session_config_history(const server_rec *server)
{
    int history = config_of_server(server)->sessions.history;

    return history != CONFIG_UNSET ? history : DEFAULT_HISTORY;
}

/* ---- users ---- */

/* Names that clients send in other encodings than UTF-8 are read as ISO 8859-1. */
static const char *to_utf8(apr_pool_t *pool, const char *name)
{
    size_t length = strlen(name);
    unsigned char *out;
    unsigned char *converted;

    if (text_utf8_length(name, length) != TEXT_NOT_UTF8) {
        return name;
    }
    converted = out = apr_palloc(pool, 2 * length + 1);
    for (; *name != '\0'; name++) {
        unsigned char byte = (unsigned char)*name;
        if (byte >= 0x80) {
            *out++ = (unsigned char)(0xc0 | (byte >> 6));
            byte = (unsigned char)(0x80 | (byte & 0x3f));
        }
        *out++ = byte;
    }
    *out = '\0';
    return (const char *)converted;
}

static const char *evaluate(request_rec *r, const ap_expr_info_t *expression)
{
    const char *problem = NULL;
    const char *user = ap_expr_str_exec(r, expression, &problem);

    if (problem != NULL) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "CHAT0522: finding out the user of request %s: ChatbotUser: %s; the session "
                      "is treated as nobody's",
                      r->uri, problem);
        return NULL;
    }
    return user;
}

const char *session_config_user(request_rec *r, const char *body_user)
{
    const config_location_t *location = config_of_location(r);
    const char *user = body_user;

    if (location->user != NULL) {
        user = evaluate(r, location->user);
    } else if (r->user != NULL && *r->user != '\0') {
        user = r->user;
    }
    return user != NULL && *user != '\0' ? to_utf8(r->pool, user) : NULL;
}

int session_config_trusts_ids(const request_rec *r)
{
    return config_of_location(r)->user == NULL && (r->user == NULL || *r->user == '\0');
}
