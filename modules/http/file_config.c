#include "http/file_config.h"

#include "aws/s3.h"
#include "base/text.h"
#include "chat/issues.h"
#include "http/config.h"
#include "http/upstream.h"
#include "http/values.h"

#include <apr_strings.h>

/* A key has 1,024 bytes: the prefix, a session id, a random id. */
#define PREFIX_MAX 512

void file_config_merge(file_location_t *merged, const file_location_t *base,
                       const file_location_t *over)
{
    *merged = over->bucket != NULL ? *over : *base;
}

static int is_prefix(const char *prefix)
{
    return strlen(prefix) <= PREFIX_MAX && prefix[0] != '/' &&
           text_only(prefix, strlen(prefix), "!-_.*'()/") && strstr(prefix, "..") == NULL;
}

static const char *as_folder(apr_pool_t *pool, const char *prefix)
{
    if (prefix == NULL || *prefix == '\0') {
        return "";
    }
    return prefix[strlen(prefix) - 1] == '/' ? prefix : apr_pstrcat(pool, prefix, "/", NULL);
}

const char *file_config_set_bucket(cmd_parms *cmd, void *location, const char *bucket,
                                   const char *prefix)
{
    file_location_t *files = &((config_location_t *)location)->files;

    if (strcasecmp(bucket, "Off") == 0 && prefix == NULL) {
        *files = (file_location_t){"", ""};
        return NULL;
    }
    if (!s3_is_bucket(bucket)) {
        return values_complain(cmd,
                               "\"%s\" is no bucket; write the name of one, 3 to 63 of a-z 0-9 . "
                               "and -, or Off",
                               bucket);
    }
    if (prefix != NULL && !is_prefix(prefix)) {
        return values_complain(cmd,
                               "\"%s\" is no prefix of keys; write letters, digits and "
                               "! - _ . * ' ( ) /, as in uploads/",
                               prefix);
    }
    files->bucket = bucket;
    files->prefix = as_folder(cmd->pool, prefix);
    return NULL;
}

/* What this backend cannot take, told like the other mistakes of a request; their number. */
static int refuse(const flow_t *flow, buffer_t *text)
{
    const backend_t *backend = flow->settings.backend;
    const request_files_t *files = &flow->request.files;
    issues_t issues;
    size_t i;

    buffer_clear(text);
    issues_begin(&issues, text);
    for (i = 0; i < files->count; i++) {
        const issue_place_t place = {
            .member = "files", .has_index = 1, .index = i, .part = "media_type"};
        if (backend->takes_file == NULL || !backend->takes_file(files->list[i].media_type)) {
            issues_add(&issues, "value_error", &place,
                       "Value error, files of this kind are not taken here", NULL);
        }
    }
    issues_end(&issues);
    return issues.count;
}

/* Only a backend that reads them there is given files in a bucket. */
static void choose_bucket(const request_rec *r, flow_t *flow)
{
    const file_location_t *files = &config_of_location(r)->files;

    if (flow->settings.backend->reads_buckets && files->bucket != NULL && *files->bucket != '\0') {
        flow->settings.files =
            (files_settings_t){.client = upstream_client(r->server, AWS_S3),
                               .bucket = files->bucket,
                               .prefix = files->prefix,
                               .limits = config_call_limits(config_of_location(r))};
    }
}

reply_e file_config_take(request_rec *r, flow_t *flow, buffer_t *issues)
{
    if (flow->request.files.count == 0) {
        return REPLY_ANSWER;
    }
    if (refuse(flow, issues) > 0) {
        return REPLY_VALIDATION_ERROR;
    }
    choose_bucket(r, flow);
    return flow_take_files(flow) ? REPLY_ANSWER : REPLY_INTERNAL_ERROR;
}
