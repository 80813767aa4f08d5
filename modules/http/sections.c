#include "http/sections.h"

#include <apr_fnmatch.h>

const apr_array_header_t *sections_of(const server_rec *server)
{
    const core_server_config *core = ap_get_core_module_config(server->module_config);

    return core->sec_url;
}

ap_conf_vector_t *sections_at(const apr_array_header_t *sections, int index)
{
    return APR_ARRAY_IDX(sections, index, ap_conf_vector_t *);
}

const core_dir_config *sections_core(const ap_conf_vector_t *section)
{
    return ap_get_core_module_config(section);
}

int sections_is_plain(const ap_conf_vector_t *section)
{
    const core_dir_config *core = sections_core(section);

    return core->r == NULL && !core->d_is_fnmatch;
}

int sections_applies(const ap_conf_vector_t *section, const char *path)
{
    const core_dir_config *core = sections_core(section);
    const size_t length = strlen(core->d);

    if (core->r != NULL) {
        return ap_regexec(core->r, path, 0, NULL, 0) == 0;
    }
    if (core->d_is_fnmatch) {
        return apr_fnmatch(core->d, path, APR_FNM_PATHNAME) == APR_SUCCESS;
    }
    return strncmp(core->d, path, length) == 0 && (length == 0 || core->d[length - 1] == '/' ||
                                                   path[length] == '/' || path[length] == '\0');
}
