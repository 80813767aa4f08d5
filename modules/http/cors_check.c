#include "http/cors_check.h"

#include "http/config.h"
#include "http/sections.h"

#include <apr_strings.h>

APLOG_USE_MODULE(chatbot);

/* A path that the section applies to: what is written, without what only expressions have. NULL
 * when that is none. */
static const char *sample(apr_pool_t *pool, const ap_conf_vector_t *section)
{
    const core_dir_config *core = sections_core(section);
    char *path = apr_pstrdup(pool, core->d);
    char *to = path;
    const char *from;

    for (from = core->d; core->r != NULL && *from != '\0'; from++) {
        if (strchr("^$\\()", *from) == NULL) {
            *to++ = *from;
        }
    }
    if (core->r != NULL) {
        *to = '\0';
    }
    return sections_applies(section, path) ? path : NULL;
}

static void add(cors_location_t *cors, const ap_conf_vector_t *section)
{
    const config_location_t *said = ap_get_module_config(section, &chatbot_module);
    const cors_location_t base = *cors;

    if (said != NULL) {
        cors_directives_merge(cors, &base, &said->cors);
    }
}

static int find_clash(const server_rec *server, const cors_location_t *cors, const char *path)
{
    if (!cors_directives_clash(cors)) {
        return OK;
    }
    ap_log_error(APLOG_MARK, APLOG_EMERG, 0, server,
                 "CHAT0590: reading the configuration: ChatbotCORS * on %s and "
                 "ChatbotCORSCredentials On on %s both apply to %s: any site could act with the "
                 "visitor's credentials; write the origins that may, or ChatbotCORSCredentials Off",
                 cors->origins_place, cors->credentials_place, path);
    return HTTP_INTERNAL_SERVER_ERROR;
}

/* <If> sections apply after all others; each may be the one that does. */
static int check_conditional(const server_rec *server, const cors_location_t *outer,
                             const ap_conf_vector_t *section, const char *path)
{
    const apr_array_header_t *inner = sections_core(section)->sec_if;
    int i;

    for (i = 0; inner != NULL && i < inner->nelts; i++) {
        cors_location_t cors = *outer;

        add(&cors, sections_at(inner, i));
        if (find_clash(server, &cors, path) != OK) {
            return HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    return OK;
}

/* What a request for this path would get. */
static int check_path(const server_rec *server, const apr_array_header_t *sections,
                      const char *path)
{
    cors_location_t cors = {.origins = CORS_UNSET};
    int i;

    add(&cors, server->lookup_defaults);
    for (i = 0; i < sections->nelts; i++) {
        const ap_conf_vector_t *section = sections_at(sections, i);

        if (sections_applies(section, path)) {
            add(&cors, section);
        }
    }
    if (find_clash(server, &cors, path) != OK ||
        check_conditional(server, &cors, server->lookup_defaults, path) != OK) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    for (i = 0; i < sections->nelts; i++) {
        const ap_conf_vector_t *section = sections_at(sections, i);

        if (sections_applies(section, path) &&
            check_conditional(server, &cors, section, path) != OK) {
            return HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    return OK;
}

static int check_server(apr_pool_t *pool, const server_rec *server)
{
    const apr_array_header_t *sections = sections_of(server);
    int status = check_path(server, sections, "/");
    int i;

    for (i = 0; status == OK && i < sections->nelts; i++) {
        const char *path = sample(pool, sections_at(sections, i));

        if (path != NULL) {
            status = check_path(server, sections, path);
        }
    }
    return status;
}

int cors_check(apr_pool_t *pool, server_rec *main_server)
{
    const server_rec *server = main_server;
    int status = OK;

    while (status == OK && server != NULL) {
        status = check_server(pool, server);
        server = server->next;
    }
    return status;
}
