/*
 * Resolves endpoints: {"service", "region", "fips", "dual_stack", "url"} is
 * answered by {"url"} or {"problem"}.
 */
#include "aws/endpoint.h"

#include "lines.h"

#include <apr_strings.h>

static void answer(apr_pool_t *pool, const json_t *question, json_writer_t *writer)
{
    const char *region = json_member_text(question, "region", NULL);
    const endpoint_options_t options = {
        .fips = lines_truth(question, "fips"),
        .dual_stack = lines_truth(question, "dual_stack"),
        .url = json_member_text(question, "url", NULL),
    };
    endpoint_t endpoint;
    const char *problem = endpoint_resolve(
        &endpoint, pool, endpoint_service(json_member_text(question, "service", NULL)),
        region != NULL ? region : "", &options);

    json_put_member(writer, "problem", problem);
    if (problem == NULL) {
        json_put_member(writer, "url", apr_pstrcat(pool, endpoint.origin, endpoint.prefix, NULL));
    }
}

int main(void)
{
    return lines_answer(answer);
}
