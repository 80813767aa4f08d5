#include "emulator/s3.h"

#include "base/text.h"
#include "emulator/s3_answer.h"
#include "emulator/s3_body.h"
#include "emulator/s3_list.h"
#include "emulator/s3_store.h"

#include <stdlib.h>
#include <string.h>

#define BUCKET_ROOM 256
#define KEY_LENGTH  1024
#define HEADERS_MAX (32 * 1024)
#define ACCOUNT     "123456789012"
#define OTHER       "S3Other"

/* Source: API Reference, "Error responses". */
static const effects_exception_t modelled[] = {{"BadDigest", 400},
                                               {"InvalidRequest", 400},
                                               {"RequestTimeout", 400},
                                               {"ExpiredToken", 400},
                                               {"AccessDenied", 403},
                                               {"RequestTimeTooSkewed", 403},
                                               {"NoSuchBucket", 404},
                                               {"NoSuchKey", 404},
                                               {"ConditionalRequestConflict", 409},
                                               {"PreconditionFailed", 412},
                                               {"InternalError", 500},
                                               {"SlowDown", 503},
                                               {"ServiceUnavailable", 503},
                                               {NULL, 0}};

typedef struct {
    const emulator_t *emulator;
    const call_t *call;
    char bucket[BUCKET_ROOM];
    buffer_t key;
    s3_bucket_t *found; /* the bucket, once it was looked for */
} request_t;

typedef answer_t *(*handler_t)(request_t *request);

/* ---- the request ---- */

/* Signed for S3, or meant to be: only S3 wants the hash of the body in a header. */
static int is_s3(const http_request_t *request)
{
    const char *authorization = http_header(request, "authorization");

    return authorization != NULL ? strstr(authorization, "/s3/aws4_request") != NULL
                                 : http_header(request, "x-amz-content-sha256") != NULL;
}

/* /bucket or /bucket/ or /bucket/key; 0 when it is none of them. */
static int take_path(const char *path, char *bucket, buffer_t *key)
{
    size_t length = strcspn(path + 1, "/");

    if (length == 0 || length >= BUCKET_ROOM) {
        return 0;
    }
    memcpy(bucket, path + 1, length);
    bucket[length] = '\0';
    path += 1 + length;
    path += *path == '/';
    return http_percent_decode(key, path, strlen(path));
}

/* Whether the query asks for nothing but what the operations here know. */
static int is_plain(const char *query)
{
    static const char *const known[] = {"x-id",        "list-type",     "prefix",
                                        "delimiter",   "max-keys",      "continuation-token",
                                        "start-after", "encoding-type", "fetch-owner"};

    while (query != NULL && *query != '\0') {
        size_t name = strcspn(query, "=&");
        size_t i = 0;
        while (i < sizeof(known) / sizeof(known[0]) &&
               (strlen(known[i]) != name || strncmp(known[i], query, name) != 0)) {
            i++;
        }
        if (i == sizeof(known) / sizeof(known[0])) {
            return 0;
        }
        query += strcspn(query, "&");
        query += *query == '&';
    }
    return 1;
}

/* ---- buckets ---- */

static answer_t *no_such_bucket(void)
{
    return s3_answer_error(404, "NoSuchBucket", "The specified bucket does not exist");
}

static answer_t *create_bucket(request_t *request)
{
    answer_t *answer;

    if (!s3_store_is_name(request->bucket)) {
        return s3_answer_error(400, "InvalidBucketName", "The specified bucket is not valid.");
    }
    if (request->found != NULL) {
        return s3_answer_error(409, "BucketAlreadyOwnedByYou",
                               "Your previous request to create the named bucket succeeded and you "
                               "already own it.");
    }
    if (s3_store_add(request->emulator->s3, request->bucket, 0) == NULL) {
        return NULL;
    }
    answer = s3_answer_begin(200);
    if (answer != NULL) {
        (void)buffer_printf(&answer->headers, "Location: /%s\r\n", request->bucket);
    }
    return answer;
}

static answer_t *head_bucket(request_t *request)
{
    (void)request;
    return s3_answer_begin(200);
}

static answer_t *delete_bucket(request_t *request)
{
    if (request->found->count > 0) {
        return s3_answer_error(409, "BucketNotEmpty",
                               "The bucket you tried to delete is not empty");
    }
    s3_store_drop(request->emulator->s3, request->found);
    return s3_answer_begin(204);
}

static answer_t *list_objects(request_t *request)
{
    return s3_list_answer(request->call->request, request->found);
}

/* ---- objects ---- */

/* What an upload says of its object: the lines that come back with it. */
static void keep_headers(const http_request_t *http, buffer_t *lines)
{
    static const char *const kept[] = {"cache-control",
                                       "content-disposition",
                                       "content-language",
                                       "expires",
                                       "x-amz-server-side-encryption",
                                       "x-amz-server-side-encryption-aws-kms-key-id"};
    const char *type = http_header(http, "content-type");
    size_t i;
    int n;

    (void)buffer_printf(lines, "Content-Type: %s\r\n", type != NULL ? type : "binary/octet-stream");
    for (n = 0; n < http->header_count; n++) {
        const http_header_t *header = &http->headers[n];
        int keep = strncmp(header->name, "x-amz-meta-", 11) == 0;
        for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
            keep |= strcmp(header->name, kept[i]) == 0;
        }
        if (keep) {
            (void)buffer_printf(lines, "%s: %s\r\n", header->name, header->value);
        }
    }
}

static answer_t *store(const request_t *request, const s3_body_t *body)
{
    const s3_object_t *object;
    buffer_t headers;

    buffer_init(&headers, HEADERS_MAX);
    keep_headers(request->call->request, &headers);
    object = s3_store_put(request->found, buffer_text(&request->key), body->bytes, body->length,
                          buffer_text(&headers), emulator_now(request->emulator));
    buffer_free(&headers);
    return object != NULL ? s3_answer_stored(object) : NULL;
}

static answer_t *put_object(request_t *request)
{
    const http_request_t *http = request->call->request;
    const char *unless = http_header(http, "if-none-match");
    s3_body_t body;
    answer_t *answer;

    if (http_header(http, "x-amz-copy-source") != NULL) {
        return s3_answer_error(501, "NotImplemented", "The stand-in copies nothing.");
    }
    if (unless != NULL && strcmp(unless, "*") != 0) {
        return s3_answer_error(501, "NotImplemented", "If-None-Match can only be * here.");
    }
    if (unless != NULL && s3_store_get(request->found, buffer_text(&request->key)) != NULL) {
        return s3_answer_error(412, "PreconditionFailed",
                               "At least one of the pre-conditions you specified did not hold");
    }
    answer = s3_body_take(&body, http) ? store(request, &body)
                                       : s3_answer_error(400, body.code, body.message);
    s3_body_free(&body);
    return answer;
}

static answer_t *get_object(request_t *request)
{
    const s3_object_t *object = s3_store_get(request->found, buffer_text(&request->key));

    return object != NULL ? s3_answer_object(request->call->request, request->call->script, object)
                          : s3_answer_error(404, "NoSuchKey", "The specified key does not exist.");
}

static answer_t *delete_object(request_t *request)
{
    s3_store_delete(request->found, buffer_text(&request->key));
    return s3_answer_begin(204);
}

/* ---- which one ---- */

static const struct {
    const char *method;
    int keyed;
    const char *operation;
    handler_t handler;
} operations[] = {
    {"PUT", 0, "CreateBucket", create_bucket},    {"HEAD", 0, "HeadBucket", head_bucket},
    {"DELETE", 0, "DeleteBucket", delete_bucket}, {"GET", 0, "ListObjectsV2", list_objects},
    {"PUT", 1, "PutObject", put_object},          {"GET", 1, "GetObject", get_object},
    {"HEAD", 1, "HeadObject", get_object},        {"DELETE", 1, "DeleteObject", delete_object}};

#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

static const char *find_operation(const http_request_t *request)
{
    char bucket[BUCKET_ROOM];
    buffer_t key;
    const char *found = OTHER;
    size_t length = 0;
    size_t i;

    if (!is_s3(request)) {
        return NULL;
    }
    buffer_init(&key, HTTP_HEAD_MAX);
    if (take_path(request->path, bucket, &key) && is_plain(request->query)) {
        for (i = 0; i < OPERATIONS; i++) {
            if (strcmp(operations[i].method, request->method) == 0 &&
                operations[i].keyed == (key.length > 0)) {
                found = operations[i].operation;
            }
        }
    }
    if (strcmp(found, "ListObjectsV2") == 0 && http_query(request, "list-type", &length) == NULL) {
        found = OTHER;
    }
    buffer_free(&key);
    return found;
}

static answer_t *check(const request_t *request)
{
    const char *owner = http_header(request->call->request, "x-amz-expected-bucket-owner");
    int creates = strcmp(request->call->operation, "CreateBucket") == 0;

    if (strcmp(request->call->operation, OTHER) == 0) {
        return s3_answer_error(501, "NotImplemented",
                               "The stand-in does not have what this request asks for.");
    }
    if (request->found == NULL && !creates) {
        return no_such_bucket();
    }
    if (owner != NULL && strcmp(owner, ACCOUNT) != 0) {
        return s3_answer_error(403, "AccessDenied", "Access Denied");
    }
    if (request->key.length > KEY_LENGTH) {
        return s3_answer_error(400, "KeyTooLongError", "Your key is too long");
    }
    if (text_utf8_length(buffer_text(&request->key), request->key.length) == TEXT_NOT_UTF8 ||
        memchr(buffer_text(&request->key), '\0', request->key.length) != NULL) {
        return s3_answer_error(400, "InvalidURI", "Couldn't parse the specified URI.");
    }
    return NULL;
}

static answer_t *answer_request(request_t *request)
{
    answer_t *answer = effects_replace(request->call->script, modelled, s3_answer_error);
    size_t i;

    if (answer == NULL) {
        answer = check(request);
    }
    for (i = 0; answer == NULL && i < OPERATIONS; i++) {
        if (strcmp(operations[i].operation, request->call->operation) == 0) {
            return operations[i].handler(request);
        }
    }
    return answer;
}

static answer_t *answer_call(emulator_t *emulator, call_t *call)
{
    request_t request = {.emulator = emulator, .call = call};
    answer_t *answer;

    buffer_init(&request.key, HTTP_HEAD_MAX);
    (void)take_path(call->request->path, request.bucket, &request.key);
    journal_subject(emulator->journal, call->ticket, request.bucket, buffer_text(&request.key),
                    request.key.length, call->faults);
    request.found = s3_store_find(emulator->s3, request.bucket);
    answer = answer_request(&request);
    buffer_free(&request.key);
    return answer;
}

const service_t s3_service = {.rules = {.service = "s3", .plain_path = 1},
                              .operation = find_operation,
                              .answer = answer_call,
                              .error = s3_answer_error};

/* ---- start, and for people and tests ---- */

s3_store_t *s3_start(const settings_t *settings)
{
    s3_store_t *made = s3_store_create();
    int i;

    for (i = 0; made != NULL && i < settings->bucket_count; i++) {
        if (s3_store_add(made, settings->buckets[i], 1) == NULL) {
            s3_store_destroy(made);
            return NULL;
        }
    }
    return made;
}

static void write_object(const s3_object_t *object, json_writer_t *writer)
{
    json_open(writer, '{');
    json_put_member(writer, "key", object->key);
    json_name(writer, "bytes");
    json_put_integer(writer, (int64_t)object->length);
    json_put_member(writer, "etag", object->etag);
    if (text_utf8_length(object->headers, strlen(object->headers)) != TEXT_NOT_UTF8) {
        json_put_member(writer, "headers", object->headers);
    }
    json_close(writer, '}');
}

void s3_write(const s3_store_t *all, json_writer_t *writer)
{
    const s3_bucket_t *bucket;
    size_t n;

    json_open(writer, '[');
    for (bucket = s3_store_first(all); bucket != NULL; bucket = bucket->next) {
        json_open(writer, '{');
        json_put_member(writer, "name", bucket->name);
        json_name(writer, "objects");
        json_open(writer, '[');
        for (n = 0; n < bucket->count; n++) {
            write_object(bucket->objects[n], writer);
        }
        json_close(writer, ']');
        json_close(writer, '}');
    }
    json_close(writer, ']');
}
