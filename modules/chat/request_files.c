#include "chat/request_files.h"

#include "base/text.h"

#include <apr_strings.h>
#include <string.h>

#define MEMBER         "files"
#define NAME_MAX_CHARS 255
#define MEDIA_TYPE_MAX 127

typedef struct {
    apr_pool_t *pool;
    issues_t *issues;
    size_t index;
    const json_t *file;
} taking_t;

static issue_place_t place_of(const taking_t *taking, const char *part)
{
    return (issue_place_t){.member = MEMBER, .has_index = 1, .index = taking->index, .part = part};
}

static void add_issue(taking_t *taking, const char *type, const char *part, const char *text,
                      const json_t *input)
{
    const issue_place_t place = place_of(taking, part);

    issues_add(taking->issues, type, &place, text, input);
}

/* The text of a member, or NULL and an issue. */
static const char *take_text(taking_t *taking, const char *part, size_t *length)
{
    const json_t *value = json_member(taking->file, part);
    const char *text = json_text(value, length);

    if (!json_has(taking->file, part)) {
        add_issue(taking, "missing", part, "Field required", taking->file);
    } else if (text == NULL) {
        add_issue(taking, "string_type", part, "Input should be a valid string", value);
    }
    return text;
}

static int is_name(const char *name, size_t length)
{
    size_t characters = text_utf8_length(name, length);
    size_t i;

    for (i = 0; i < length; i++) {
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7F || strchr("/\\", name[i]) != NULL) {
            return 0;
        }
    }
    return characters >= 1 && characters <= NAME_MAX_CHARS;
}

static void take_name(taking_t *taking, request_file_t *file)
{
    size_t length = 0;
    const char *name = take_text(taking, "name", &length);

    if (name != NULL && !is_name(name, length)) {
        add_issue(taking, "value_error", "name",
                  "Value error, a name has 1 to 255 characters, no control character and no slash",
                  json_member(taking->file, "name"));
    } else if (name != NULL) {
        file->name = apr_pstrmemdup(taking->pool, name, length);
    }
}

/* type "/" subtype, both tokens (RFC 9110, 8.3.1). */
static int is_media_type(const char *text, size_t length)
{
    static const char token[] = "!#$%&'*+-.^_`|~";
    const char *slash = memchr(text, '/', length);
    size_t type = slash != NULL ? (size_t)(slash - text) : 0;

    return type > 0 && type + 1 < length && length <= MEDIA_TYPE_MAX &&
           text_only(text, type, token) && text_only(slash + 1, length - type - 1, token);
}

static void take_media_type(taking_t *taking, request_file_t *file)
{
    size_t length = 0;
    const char *text = take_text(taking, "media_type", &length);

    if (text != NULL && !is_media_type(text, length)) {
        add_issue(taking, "value_error", "media_type",
                  "Value error, a media type looks like text/plain",
                  json_member(taking->file, "media_type"));
    } else if (text != NULL) {
        file->media_type = apr_pstrmemdup(taking->pool, text, length);
    }
}

/* 0 when it is no base64, or empty. */
static int decode(taking_t *taking, request_file_t *file, const char *data, size_t length)
{
    buffer_t bytes;
    int fine;

    buffer_init(&bytes, length);
    fine = text_base64_decode(&bytes, data, length) && bytes.length > 0;
    if (fine) {
        file->data = apr_pstrmemdup(taking->pool, data, length);
        file->data_length = length;
        file->bytes = apr_pmemdup(taking->pool, bytes.data, bytes.length);
        file->length = bytes.length;
    }
    buffer_free(&bytes);
    return fine;
}

/* What a file is, without the megabytes that it has. */
static void take_data(taking_t *taking, request_file_t *file)
{
    size_t length = 0;
    const char *data = take_text(taking, "data", &length);

    if (data != NULL && !decode(taking, file, data, length)) {
        add_issue(taking, "value_error", "data",
                  "Value error, the data of a file are base64 with padding, and not empty", NULL);
    }
}

static size_t take_file(taking_t *taking, request_file_t *file)
{
    if (json_kind(taking->file) != JSON_OBJECT) {
        add_issue(taking, "model_attributes_type", NULL,
                  "Input should be a valid dictionary or object to extract fields from",
                  taking->file);
        return 0;
    }
    take_name(taking, file);
    take_media_type(taking, file);
    take_data(taking, file);
    return file->length;
}

static void take_all(request_files_t *files, apr_pool_t *pool, const json_t *list, issues_t *issues)
{
    const issue_place_t place = {.member = MEMBER};
    taking_t taking = {.pool = pool, .issues = issues};
    size_t bytes = 0;

    for (; taking.index < json_length(list); taking.index++) {
        taking.file = json_item(list, taking.index);
        bytes += take_file(&taking, &files->list[taking.index]);
    }
    files->count = taking.index;
    if (bytes > REQUEST_FILES_BYTES_MAX) {
        issues_add(issues, "value_error", &place,
                   "Value error, files have at most 10485760 bytes together", NULL);
    }
}

void request_files_take(request_files_t *files, apr_pool_t *pool, const json_t *body,
                        issues_t *issues)
{
    const issue_place_t place = {.member = MEMBER};
    const json_t *list = json_member(body, MEMBER);

    if (list == NULL) {
        return;
    }
    if (json_kind(list) != JSON_ARRAY) {
        issues_add(issues, "list_type", &place, "Input should be a valid list", list);
    } else if (json_length(list) > REQUEST_FILES_MAX) {
        issues_add_limit(issues, "too_long", &place,
                         apr_psprintf(pool,
                                      "List should have at most 5 items after validation, "
                                      "not %" APR_SIZE_T_FMT,
                                      json_length(list)),
                         NULL, "max_length", REQUEST_FILES_MAX);
    } else {
        take_all(files, pool, list, issues);
    }
}
