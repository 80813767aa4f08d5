/*
 * mod_aws_emulator: a local stand-in for the AWS services that mod_chatbot
 * calls, for the demo and the tests. docs/emulator.md is its page.
 *
 * Here are the module's record, directives and hooks; daemon.c runs it.
 */
#include "base/text.h"
#include "emulator/daemon.h"
#include "emulator/s3_store.h"
#include "emulator/settings.h"

#include <apr_strings.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <httpd.h>
#include <string.h>

#define DEFAULT_KEY    "AKIAEMULATOREXAMPLE0"
#define DEFAULT_SECRET "emulator-secret-key-for-local-use-only00"

extern module AP_MODULE_DECLARE_DATA aws_emulator_module;

typedef struct {
    settings_t settings;
    apr_array_header_t *keys;    /* of settings_key_t */
    apr_array_header_t *tables;  /* of settings_table_t */
    apr_array_header_t *buckets; /* of const char * */
} config_t;

static void *create_config(apr_pool_t *pool, server_rec *server)
{
    config_t *config = apr_pcalloc(pool, sizeof(*config));

    (void)server;
    config->keys = apr_array_make(pool, 2, sizeof(settings_key_t));
    config->tables = apr_array_make(pool, 2, sizeof(settings_table_t));
    config->buckets = apr_array_make(pool, 2, sizeof(const char *));
    return config;
}

static config_t *config_of(server_rec *server)
{
    return ap_get_module_config(server->module_config, &aws_emulator_module);
}

static int is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0 ||
           strcasecmp(address, "localhost") == 0;
}

static const char *set_listen(cmd_parms *cmd, void *unused, const char *argument)
{
    settings_t *settings = &config_of(cmd->server)->settings;
    const char *wrong = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    char *address = NULL;
    char *scope = NULL;

    (void)unused;
    if (wrong != NULL) {
        return wrong;
    }
    if (apr_parse_addr_port(&address, &scope, &settings->port, argument, cmd->pool) !=
            APR_SUCCESS ||
        address == NULL || scope != NULL || settings->port == 0) {
        return "EmulatorListen: give an address and a port, such as 127.0.0.1:8001";
    }
    if (!is_loopback(address)) {
        return "EmulatorListen: the AWS stand-in trusts whoever reaches it; give a loopback "
               "address, such as 127.0.0.1:8001";
    }
    settings->address = strcasecmp(address, "localhost") == 0 ? "127.0.0.1" : address;
    return NULL;
}

static const char *set_key(cmd_parms *cmd, void *unused, const char *id, const char *secret,
                           const char *token)
{
    config_t *config = config_of(cmd->server);
    const char *wrong = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    settings_key_t *key;

    (void)unused;
    if (wrong != NULL) {
        return wrong;
    }
    if (*id == '\0' || strlen(id) > 128 || strpbrk(id, "/, =") != NULL) {
        return "EmulatorAccessKey: the id has 1 to 128 characters, none of them / , = or a blank; "
               "give: id secret [session-token]";
    }
    if (*secret == '\0' || strlen(secret) > 1024) {
        return "EmulatorAccessKey: the secret has 1 to 1024 characters; give: id secret "
               "[session-token]";
    }
    key = apr_array_push(config->keys);
    key->id = id;
    key->secret = secret;
    key->token = token;
    return NULL;
}

static const char *set_region(cmd_parms *cmd, void *unused, const char *region)
{
    const char *wrong = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)unused;
    if (wrong != NULL) {
        return wrong;
    }
    if (strlen(region) < 5 || strchr(region, '-') == NULL) {
        return "EmulatorRegion: give the name of an AWS region, such as us-east-1";
    }
    config_of(cmd->server)->settings.region = region;
    return NULL;
}

static int is_table_name(const char *name)
{
    size_t length = strlen(name);

    return length >= 3 && length <= 255 && text_only(name, length, "_.-");
}

static const char *set_table(cmd_parms *cmd, void *unused, const char *name, const char *key)
{
    const config_t *config = config_of(cmd->server);
    const char *wrong = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    settings_table_t *table;
    int i;

    (void)unused;
    if (wrong != NULL) {
        return wrong;
    }
    if (!is_table_name(name)) {
        return "EmulatorTable: a table's name has 3 to 255 letters, digits and _ . -";
    }
    if (strlen(key) > 255) {
        return "EmulatorTable: the name of the key attribute has at most 255 characters";
    }
    for (i = 0; i < config->tables->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(config->tables, i, settings_table_t).name, name) == 0) {
            return "EmulatorTable: there is a table of that name already";
        }
    }
    table = apr_array_push(config->tables);
    table->name = name;
    table->key = key;
    return NULL;
}

static const char *set_bucket(cmd_parms *cmd, void *unused, const char *name)
{
    const config_t *config = config_of(cmd->server);
    const char *wrong = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)unused;
    if (wrong != NULL) {
        return wrong;
    }
    if (!s3_store_is_name(name)) {
        return "EmulatorBucket: a bucket's name has 3 to 63 small letters, digits, dots and "
               "hyphens, and begins and ends with a letter or digit";
    }
    APR_ARRAY_PUSH(config->buckets, const char *) = name;
    return NULL;
}

static const char *set_openai_key(cmd_parms *cmd, void *unused, const char *key)
{
    const char *wrong = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)unused;
    if (wrong != NULL) {
        return wrong;
    }
    if (*key == '\0' || strlen(key) > 1024) {
        return "EmulatorOpenAIKey: give a key of 1 to 1024 characters";
    }
    config_of(cmd->server)->settings.openai_key = key;
    return NULL;
}

static const command_rec commands[] = {
    AP_INIT_TAKE1("EmulatorBucket", set_bucket, NULL, RSRC_CONF,
                  "a bucket of S3 that is there from the start; may be repeated"),
    AP_INIT_TAKE1("EmulatorListen", set_listen, NULL, RSRC_CONF,
                  "loopback address and port of the AWS stand-in, such as 127.0.0.1:8001"),
    AP_INIT_TAKE23("EmulatorAccessKey", set_key, NULL, RSRC_CONF,
                   "access key that requests may be signed with: id, secret and, for temporary "
                   "credentials, session token; may be repeated"),
    AP_INIT_TAKE1("EmulatorOpenAIKey", set_openai_key, NULL, RSRC_CONF,
                  "the key that the OpenAI server wants; any, or none, when it is not set"),
    AP_INIT_TAKE1("EmulatorRegion", set_region, NULL, RSRC_CONF,
                  "the one region that requests must be signed for; any when it is not set"),
    AP_INIT_TAKE2(
        "EmulatorTable", set_table, NULL, RSRC_CONF,
        "a DynamoDB table that is there from the start: its name, and the name of its key "
        "attribute, a string; may be repeated"),
    {NULL, {NULL}, NULL, 0, RAW_ARGS, NULL}};

static void finish_settings(config_t *config)
{
    settings_key_t *key;

    if (config->keys->nelts == 0) {
        key = apr_array_push(config->keys);
        key->id = DEFAULT_KEY;
        key->secret = DEFAULT_SECRET;
        key->token = NULL;
    }
    config->settings.keys = (const settings_key_t *)config->keys->elts;
    config->settings.key_count = config->keys->nelts;
    config->settings.tables = (const settings_table_t *)config->tables->elts;
    config->settings.table_count = config->tables->nelts;
    config->settings.buckets = (const char *const *)config->buckets->elts;
    config->settings.bucket_count = config->buckets->nelts;
}

static int is_first_pass(void)
{
    return ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG;
}

static int on_open_logs(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *server)
{
    (void)pconf;
    (void)plog;
    return is_first_pass() ? daemon_try(ptemp, server, &config_of(server)->settings) : OK;
}

static int on_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                          server_rec *server)
{
    config_t *config = config_of(server);

    (void)plog;
    (void)ptemp;
    if (is_first_pass() || ap_state_query(AP_SQ_RUN_MODE) != AP_SQ_RM_NORMAL) {
        return OK;
    }
    finish_settings(config);
    return daemon_ensure(pconf, server, &config->settings);
}

static void on_child_init(apr_pool_t *pchild, server_rec *server)
{
    (void)pchild;
    (void)server;
    daemon_forget_in_child();
}

static void register_hooks(apr_pool_t *pool)
{
    /* The core's hook sends stderr to the error log: what is said before it reaches the terminal.
     */
    static const char *const before[] = {"core.c", NULL};

    (void)pool;
    ap_hook_open_logs(on_open_logs, NULL, before, APR_HOOK_REALLY_FIRST);
    ap_hook_post_config(on_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(on_child_init, NULL, NULL, APR_HOOK_MIDDLE);
}

__attribute__((visibility("default"))) AP_DECLARE_MODULE(aws_emulator) = {
    STANDARD20_MODULE_STUFF, NULL, NULL, create_config, NULL, commands, register_hooks, 0};
