/*
 * Sessions as a server is configured to keep them: its store, for how long, how
 * much of the conversation, and whose they are.
 */
#ifndef HTTP_SESSION_CONFIG_H
#define HTTP_SESSION_CONFIG_H

#include "chat/session.h"
#include "http/session_directives.h"
#include "shm/circuit.h"

/* What became of the directives; in the configuration's pool. */
typedef struct {
    session_store_e kind; /* UNSET: not resolved yet */
    const char *provider;
    const char *arguments;
    const char *table;
    const session_store_t *store; /* NULL: none, or not made yet */
    circuit_t *circuit;           /* of the store; a child's */
} session_config_t;

/* Once the whole configuration was read: OK, or HTTP_INTERNAL_SERVER_ERROR with the reason in the
 * log. */
int session_config_check(apr_pool_t *pconf, server_rec *main_server);

/* Tells the operator what he may not expect: that sessions are not kept. */
void session_config_tell(server_rec *main_server);

/* Parent, before the children: makes the stores that children share, or keeps them over a graceful
 * restart. OK or HTTP_INTERNAL_SERVER_ERROR with the reason in the log. */
int session_config_prepare(apr_pool_t *pconf, server_rec *main_server);

/* Child, while it starts and once its AWS clients are made: what a child has of the stores. */
void session_config_start(apr_pool_t *pchild, server_rec *main_server);

/* The server's store; NULL: it keeps no sessions, or cannot yet (no AWS region is known). Any
 * thread. */
const session_store_t *session_config_store(const server_rec *server);

/* The circuit breaker of that store; NULL when there are too many for one more. Any thread. */
circuit_t *session_config_circuit(const server_rec *server);

/* How long a session lives after its last turn, in microseconds; most turns of its history. */
apr_interval_time_t session_config_ttl(const server_rec *server);
int session_config_history(const server_rec *server);

/* Who asks: what ChatbotUser says here; without that directive whom httpd authenticated, else
 * `body_user` (may be NULL). NULL: nobody is known. UTF-8, in the request's pool. Worker. */
const char *session_config_user(request_rec *r, const char *body_user);

/* Whether a session's id is all that is needed to look at it or to delete it: neither ChatbotUser
 * nor an authentication says here who somebody is. */
int session_config_trusts_ids(const request_rec *r);

#endif
