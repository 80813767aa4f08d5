#include "http/served.h"

#include "base/text.h"
#include "chat/pattern.h"
#include "http/sections.h"

#include <ap_expr.h>
#include <apr_strings.h>
#include <http_core.h>
#include <util_cfgtree.h>

/* ---- sections ---- */

static const char *handler_of(request_rec *r, const ap_conf_vector_t *config)
{
    const core_dir_config *core = sections_core(config);
    const char *problem = NULL;

    return core->expr_handler != NULL ? ap_expr_str_exec(r, core->expr_handler, &problem) : NULL;
}

/* The line of the configuration an expression was read from. */
static const ap_directive_t *find_line(const ap_directive_t *node, const ap_expr_info_t *expression)
{
    const ap_directive_t *found = NULL;

    for (; node != NULL && found == NULL; node = node->next) {
        if (node->line_num == (int)expression->line_number && node->filename != NULL &&
            expression->filename != NULL && strcmp(node->filename, expression->filename) == 0 &&
            strcasecmp(node->directive, "SetHandler") == 0) {
            return node;
        }
        found = find_line(node->first_child, expression);
    }
    return found;
}

/* What SetHandler says there when that depends on the request, else NULL. */
static const char *find_expression(const ap_conf_vector_t *config)
{
    const core_dir_config *core = sections_core(config);
    const ap_directive_t *line = find_line(ap_conftree, core->expr_handler);

    return line != NULL && ap_strstr_c(line->args, "%{") != NULL ? line->args : NULL;
}

static ap_conf_vector_t *merge_for(request_rec *r, const char *path)
{
    const apr_array_header_t *sections = sections_of(r->server);
    ap_conf_vector_t *merged = r->server->lookup_defaults;
    int i;

    for (i = 0; i < sections->nelts; i++) {
        ap_conf_vector_t *section = sections_at(sections, i);

        if (sections_applies(section, path)) {
            merged = ap_merge_per_dir_configs(r->pool, merged, section);
        }
    }
    return merged;
}

/* ---- the list ---- */

typedef struct {
    request_rec *r;
    apr_array_header_t *list;
    int (*is_ours)(const char *handler);
} listing_t;

static int is_listed(const apr_array_header_t *list, const char *path)
{
    int i;

    for (i = 0; i < list->nelts; i++) {
        const char *other = APR_ARRAY_IDX(list, i, served_t).path;
        if (other != NULL && strcmp(other, path) == 0) {
            return 1;
        }
    }
    return 0;
}

static void add_untold(listing_t *listing, const char *handler, const char *pattern,
                       const char *why)
{
    served_t *served = apr_array_push(listing->list);

    served->handler = handler;
    served->pattern = pattern;
    served->why = why;
}

/* Another section may have the last word on the path. */
static void add_path(listing_t *listing, const char *path, const char *pattern)
{
    ap_conf_vector_t *config = merge_for(listing->r, path);
    const char *handler = handler_of(listing->r, config);
    served_t *served;

    if (handler == NULL || !listing->is_ours(handler) || is_listed(listing->list, path)) {
        return;
    }
    if (find_expression(config) != NULL) {
        return; /* it is told where that section is met */
    }
    served = apr_array_push(listing->list);
    served->handler = handler;
    served->path = path;
    served->pattern = pattern;
    served->config = config;
}

static void add_matches(listing_t *listing, const char *handler, const core_dir_config *core)
{
    const apr_array_header_t *paths = pattern_paths(listing->r->pool, core->d);
    int told = 0;
    int i;

    for (i = 0; i < paths->nelts; i++) {
        const char *path = APR_ARRAY_IDX(paths, i, const char *);
        if (ap_regexec(core->r, path, 0, NULL, 0) == 0) {
            add_path(listing, path, core->d);
            told = 1;
        }
    }
    if (!told) {
        add_untold(listing, handler, core->d, "The section is a pattern for many paths.");
    }
}

static void add_section(listing_t *listing, const ap_conf_vector_t *section)
{
    const core_dir_config *core = sections_core(section);
    const char *expression = core->expr_handler != NULL ? find_expression(section) : NULL;
    const char *handler = handler_of(listing->r, section);

    if (expression != NULL) {
        if (ap_strstr_c(expression, "chatbot") != NULL) {
            add_untold(listing, expression, core->d, "SetHandler depends on the request.");
        }
    } else if (handler == NULL || !listing->is_ours(handler)) {
        return;
    } else if (core->r != NULL) {
        add_matches(listing, handler, core);
    } else if (!sections_is_plain(section)) {
        add_untold(listing, handler, core->d, "The section is a pattern for many paths.");
    } else {
        add_path(listing, core->d, core->d);
    }
}

apr_array_header_t *served_list(request_rec *r, int (*is_ours)(const char *handler))
{
    listing_t listing = {r, apr_array_make(r->pool, 8, sizeof(served_t)), is_ours};
    const apr_array_header_t *sections = sections_of(r->server);
    int i;

    for (i = 0; i < sections->nelts; i++) {
        add_section(&listing, sections_at(sections, i));
    }
    return listing.list;
}

const char *served_path(const apr_array_header_t *list, const char *handler)
{
    int i;

    for (i = 0; i < list->nelts; i++) {
        const served_t *served = &APR_ARRAY_IDX(list, i, served_t);
        if (served->path != NULL && strcmp(served->handler, handler) == 0) {
            return served->path;
        }
    }
    return NULL;
}

int served_is_place(request_rec *r, const char *handler)
{
    const apr_array_header_t *sections = sections_of(r->server);
    int i;

    for (i = 0; i < sections->nelts; i++) {
        const ap_conf_vector_t *section = sections_at(sections, i);
        const char *name;

        if (sections_is_plain(section) ? strcmp(sections_core(section)->d, r->uri) != 0
                                       : !sections_applies(section, r->uri)) {
            continue;
        }
        name = handler_of(r, section);
        if (name != NULL && strcmp(name, handler) == 0) {
            return 1;
        }
    }
    return 0;
}

/* ---- references ---- */

const char *served_encode(apr_pool_t *pool, const char *path)
{
    size_t length = strlen(path);
    const char *encoded;
    buffer_t text;

    while (length > 0 && path[length - 1] == '/') {
        length--;
    }
    buffer_init(&text, 3 * length + 1);
    (void)text_percent_encode(&text, path, length, "/");
    encoded = apr_pstrdup(pool, buffer_text(&text));
    buffer_free(&text);
    return encoded;
}

const char *served_reference(request_rec *r, const char *path)
{
    const char *reference = "./";
    const char *slash = r->uri[0] == '/' ? strchr(r->uri + 1, '/') : NULL;

    for (; slash != NULL; slash = strchr(slash + 1, '/')) {
        reference = apr_pstrcat(
            r->pool, "../", reference[0] == '.' && reference[1] == '/' ? reference + 2 : reference,
            NULL);
    }
    path = served_encode(r->pool, path);
    return apr_pstrcat(r->pool, reference, *path == '/' ? path + 1 : path, NULL);
}
