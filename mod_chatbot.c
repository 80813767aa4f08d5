/*
 * mod_chatbot: a chatbot service in front of AWS Bedrock, in httpd.
 *
 * The module record and its hooks, nothing else. Read docs/architecture.md
 * first, then modules/chat/flow.h.
 */
#include "http/body.h"
#include "http/capacity.h"
#include "http/child.h"
#include "http/config.h"
#include "http/delivery.h"
#include "http/directives.h"
#include "http/handlers.h"
#include "http/limit.h"
#include "http/log_json.h"
#include "http/metrics_count.h"
#include "http/record.h"
#include "http/session_config.h"
#include "http/shared.h"
#include "http/socache.h"
#include "http/status_section.h"
#include "http/suspend.h"

#include <http_connection.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mpm_common.h>

/* httpd reads its configuration twice when it starts, and once for configtest. */
static int is_rehearsal(void)
{
    return ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG;
}

static int on_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog;
    (void)ptemp;
    socache_register_mutex(pconf);
    log_json_register(pconf);
    return OK;
}

static int on_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                           server_rec *main_server)
{
    int status = config_check(pconf, main_server);

    (void)plog;
    (void)ptemp;
    if (status == OK &&
        (!is_rehearsal() || ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_CONFIG_TEST)) {
        config_tell_missing(main_server);
        session_config_tell(main_server);
        capacity_check(main_server);
    }
    return status;
}

static int on_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                          server_rec *main_server)
{
    int status;

    (void)plog;
    (void)ptemp;
    if (is_rehearsal()) {
        return OK;
    }
    status = session_config_prepare(pconf, main_server);
    return status == OK ? child_prepare(pconf, main_server) : status;
}

static void on_child_init(apr_pool_t *pchild, server_rec *main_server)
{
    child_start(pchild, main_server, delivery_abandon_all);
    session_config_start(pchild, main_server);
    limit_start(pchild, main_server);
}

static void *create_location(apr_pool_t *pool, char *path)
{
    (void)path;
    return config_create_location(pool);
}

static void register_hooks(apr_pool_t *pool)
{
    (void)pool;
    body_register_filter();
    status_section_register();
    ap_hook_pre_config(on_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(on_check_config, NULL, NULL, APR_HOOK_LAST);
    ap_hook_post_config(on_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(on_child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_stopping(child_stopping, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_status(shared_child_ended, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_process_connection(suspend_on_process, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_suspend_connection(suspend_on_suspend, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_translate_name(handlers_note_path, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_map_to_storage(handlers_skip_walk, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_header_parser(handlers_set_headers, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_fixups(handlers_refuse_unwalked, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_handler(handlers_run, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_log_transaction(metrics_count_request, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_log_transaction(record_share_notes, NULL, NULL, APR_HOOK_FIRST);
}

__attribute__((visibility("default"))) AP_DECLARE_MODULE(chatbot) = {
    STANDARD20_MODULE_STUFF, create_location,  config_merge_locations, config_create_server,
    config_merge_servers,    directives_table, register_hooks,         AP_MODULE_FLAG_NONE};
