#include "emulator/s3_list.h"

#include "base/text.h"
#include "emulator/s3_answer.h"
#include "emulator/xml.h"

#include <stdlib.h>
#include <string.h>

#define LIST_MAX  (16 * 1024 * 1024)
#define PAGE_KEYS 1000

typedef struct {
    const s3_bucket_t *bucket;
    buffer_t prefix;
    buffer_t delimiter;
    buffer_t after; /* the last key, or common prefix, of the page before */
    size_t most;
    int encoded; /* keys are percent-encoded */
    size_t count;
    int truncated;
    buffer_t last;
    buffer_t xml;
} list_t;

/* A parameter of the query, decoded. */
static void take(const http_request_t *request, const char *name, buffer_t *out)
{
    size_t length = 0;
    const char *value = http_query(request, name, &length);

    buffer_init(out, HTTP_HEAD_MAX);
    if (value != NULL) {
        (void)http_percent_decode(out, value, length);
    }
}

static void put_key(list_t *list, const char *element, const char *key, size_t length)
{
    xml_open(&list->xml, element);
    if (list->encoded) {
        (void)text_percent_encode(&list->xml, key, length, "/");
    } else {
        char *copy = strndup(key, length);
        xml_escape(&list->xml, copy != NULL ? copy : "");
        list->xml.failed |= copy == NULL;
        free(copy);
    }
    xml_close(&list->xml, element);
}

static void put_number(list_t *list, const char *element, size_t number)
{
    (void)buffer_printf(&list->xml, "<%s>%zu</%s>\n", element, number, element);
}

static void put_object(list_t *list, const s3_object_t *object)
{
    char when[TEXT_RFC3339_LENGTH + 1];

    text_rfc3339(when, object->modified);
    xml_open(&list->xml, "Contents");
    put_key(list, "Key", object->key, strlen(object->key));
    xml_put(&list->xml, "LastModified", when);
    xml_put(&list->xml, "ETag", object->etag);
    put_number(list, "Size", object->length);
    xml_put(&list->xml, "StorageClass", "STANDARD");
    xml_close(&list->xml, "Contents");
}

/* Length of the key up to the delimiter behind the prefix, 0 when there is none. */
static size_t common_length(const list_t *list, const char *key)
{
    const char *found = list->delimiter.length > 0
                            ? strstr(key + list->prefix.length, buffer_text(&list->delimiter))
                            : NULL;

    return found != NULL ? (size_t)(found - key) + list->delimiter.length : 0;
}

/* One entry of the page, unless the page before or this one has it already; 0 when it is full. */
static int put_entry(list_t *list, const s3_object_t *object)
{
    size_t common = common_length(list, object->key);
    size_t length = common > 0 ? common : strlen(object->key);

    if (list->last.length == length && memcmp(buffer_text(&list->last), object->key, length) == 0) {
        return 1;
    }
    if (list->count == list->most) {
        list->truncated = 1;
        return 0;
    }
    list->count++;
    buffer_clear(&list->last);
    (void)buffer_append(&list->last, object->key, length);
    if (common > 0) {
        xml_open(&list->xml, "CommonPrefixes");
        put_key(list, "Prefix", object->key, common);
        xml_close(&list->xml, "CommonPrefixes");
    } else {
        put_object(list, object);
    }
    return 1;
}

static void put_entries(list_t *list)
{
    const char *prefix = buffer_text(&list->prefix);
    const char *after = buffer_text(&list->after);
    size_t i = s3_store_seek(list->bucket, strcmp(after, prefix) > 0 ? after : prefix);

    (void)buffer_append(&list->last, after, list->after.length);
    for (; i < list->bucket->count; i++) {
        const s3_object_t *object = list->bucket->objects[i];
        if (strncmp(object->key, prefix, list->prefix.length) != 0 || !put_entry(list, object)) {
            break;
        }
    }
}

/* Where the next page goes on: the last entry in base64. */
static void put_token(list_t *list)
{
    buffer_t token;

    buffer_init(&token, HTTP_HEAD_MAX);
    (void)text_base64_encode(&token, buffer_text(&list->last), list->last.length);
    xml_put(&list->xml, "NextContinuationToken", buffer_text(&token));
    buffer_free(&token);
}

static void put_list(list_t *list)
{
    (void)buffer_puts(&list->xml, XML_DECLARATION
                      "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\n");
    xml_put(&list->xml, "Name", list->bucket->name);
    put_key(list, "Prefix", buffer_text(&list->prefix), list->prefix.length);
    put_number(list, "MaxKeys", list->most);
    if (list->delimiter.length > 0) {
        put_key(list, "Delimiter", buffer_text(&list->delimiter), list->delimiter.length);
    }
    if (list->encoded) {
        xml_put(&list->xml, "EncodingType", "url");
    }
    put_entries(list);
    put_number(list, "KeyCount", list->count);
    xml_put(&list->xml, "IsTruncated", list->truncated ? "true" : "false");
    if (list->truncated) {
        put_token(list);
    }
    (void)buffer_puts(&list->xml, "</ListBucketResult>\n");
}

static void begin_list(list_t *list, const http_request_t *request)
{
    buffer_t token;
    buffer_t word;

    buffer_init(&list->xml, LIST_MAX);
    buffer_init(&list->last, HTTP_HEAD_MAX);
    take(request, "prefix", &list->prefix);
    take(request, "delimiter", &list->delimiter);
    take(request, "start-after", &list->after);
    take(request, "continuation-token", &token);
    if (token.length > 0) {
        buffer_clear(&list->after);
        (void)text_base64_decode(&list->after, token.data, token.length);
    }
    take(request, "encoding-type", &word);
    list->encoded = strcmp(buffer_text(&word), "url") == 0;
    buffer_free(&word);
    take(request, "max-keys", &word);
    list->most = word.length > 0 ? strtoul(word.data, NULL, 10) : PAGE_KEYS;
    list->most = list->most < PAGE_KEYS ? list->most : PAGE_KEYS;
    buffer_free(&word);
    buffer_free(&token);
}

answer_t *s3_list_answer(const http_request_t *request, const s3_bucket_t *bucket)
{
    list_t list = {.bucket = bucket};
    answer_t *answer;

    begin_list(&list, request);
    put_list(&list);
    answer = s3_answer_xml(&list.xml);
    buffer_free(&list.prefix);
    buffer_free(&list.delimiter);
    buffer_free(&list.after);
    buffer_free(&list.last);
    buffer_free(&list.xml);
    return answer;
}
