#include "emulator/s3_store.h"

#include "base/text.h"

#include <apr_md5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define NAME_SHORTEST 3
#define NAME_LONGEST  63
#define ROOM          16

struct s3_store_t {
    s3_bucket_t *first;
};

/* ---- objects ---- */

static void destroy_object(s3_object_t *object)
{
    if (object != NULL) {
        free(object->key);
        free(object->bytes);
        free(object->headers);
        free(object);
    }
}

static void identify(s3_object_t *object)
{
    unsigned char digest[APR_MD5_DIGESTSIZE];
    char hex[2 * APR_MD5_DIGESTSIZE + 1];

    (void)apr_md5(digest, object->bytes, object->length);
    text_hex(hex, digest, sizeof(digest));
    (void)snprintf(object->etag, sizeof(object->etag), "\"%s\"", hex);
    object->crc32 = (uint32_t)crc32(0, (const unsigned char *)object->bytes, (uInt)object->length);
}

static s3_object_t *create_object(const char *key, const char *bytes, size_t length,
                                  const char *headers, apr_time_t now)
{
    s3_object_t *object = calloc(1, sizeof(*object));

    if (object == NULL) {
        return NULL;
    }
    object->key = strdup(key);
    object->headers = strdup(headers);
    object->bytes = malloc(length + 1);
    if (object->key == NULL || object->headers == NULL || object->bytes == NULL) {
        destroy_object(object);
        return NULL;
    }
    memcpy(object->bytes, bytes, length);
    object->bytes[length] = '\0';
    object->length = length;
    object->modified = now;
    identify(object);
    return object;
}

size_t s3_store_seek(const s3_bucket_t *bucket, const char *key)
{
    size_t low = 0;
    size_t high = bucket->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(bucket->objects[middle]->key, key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

s3_object_t *s3_store_get(const s3_bucket_t *bucket, const char *key)
{
    size_t at = s3_store_seek(bucket, key);

    return at < bucket->count && strcmp(bucket->objects[at]->key, key) == 0 ? bucket->objects[at]
                                                                            : NULL;
}

/* Makes room for one more; 0 when memory is out. */
static int make_room(s3_bucket_t *bucket)
{
    size_t room = bucket->room > 0 ? bucket->room * 2 : ROOM;
    s3_object_t **grown;

    if (bucket->count < bucket->room) {
        return 1;
    }
    grown = realloc(bucket->objects, room * sizeof(void *));
    if (grown == NULL) {
        return 0;
    }
    bucket->objects = grown;
    bucket->room = room;
    return 1;
}

static void insert(s3_bucket_t *bucket, size_t at, s3_object_t *object)
{
    size_t i;

    for (i = bucket->count++; i > at; i--) {
        bucket->objects[i] = bucket->objects[i - 1];
    }
    bucket->objects[at] = object;
}

const s3_object_t *s3_store_put(s3_bucket_t *bucket, const char *key, const char *bytes,
                                size_t length, const char *headers, apr_time_t now)
{
    size_t at = s3_store_seek(bucket, key);
    s3_object_t *object = create_object(key, bytes, length, headers, now);

    if (object == NULL || !make_room(bucket)) {
        destroy_object(object);
        return NULL;
    }
    if (s3_store_get(bucket, key) != NULL) {
        destroy_object(bucket->objects[at]);
        bucket->objects[at] = object;
    } else {
        insert(bucket, at, object);
    }
    return object;
}

void s3_store_delete(s3_bucket_t *bucket, const char *key)
{
    size_t at = s3_store_seek(bucket, key);

    if (s3_store_get(bucket, key) != NULL) {
        destroy_object(bucket->objects[at]);
        bucket->count--;
        for (; at < bucket->count; at++) {
            bucket->objects[at] = bucket->objects[at + 1];
        }
    }
}

/* ---- buckets ---- */

int s3_store_is_name(const char *name)
{
    size_t length = strlen(name);

    return length >= NAME_SHORTEST && length <= NAME_LONGEST &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == length &&
           strchr(".-", name[0]) == NULL && strchr(".-", name[length - 1]) == NULL &&
           strstr(name, "..") == NULL;
}

s3_bucket_t *s3_store_first(const s3_store_t *store)
{
    return store->first;
}

s3_bucket_t *s3_store_find(const s3_store_t *store, const char *name)
{
    s3_bucket_t *bucket = store->first;

    while (bucket != NULL && strcmp(bucket->name, name) != 0) {
        bucket = bucket->next;
    }
    return bucket;
}

s3_bucket_t *s3_store_add(s3_store_t *store, const char *name, int kept)
{
    s3_bucket_t *bucket = calloc(1, sizeof(*bucket));

    if (bucket == NULL || (bucket->name = strdup(name)) == NULL) {
        free(bucket);
        return NULL;
    }
    bucket->kept = kept;
    bucket->next = store->first;
    store->first = bucket;
    return bucket;
}

static void empty(s3_bucket_t *bucket)
{
    while (bucket->count > 0) {
        destroy_object(bucket->objects[--bucket->count]);
    }
}

void s3_store_drop(s3_store_t *store, s3_bucket_t *bucket)
{
    s3_bucket_t **at = &store->first;

    while (*at != bucket) {
        at = &(*at)->next;
    }
    *at = bucket->next;
    empty(bucket);
    free(bucket->objects);
    free(bucket->name);
    free(bucket);
}

/* ---- all of it ---- */

s3_store_t *s3_store_create(void)
{
    return calloc(1, sizeof(s3_store_t));
}

void s3_store_clear(s3_store_t *store)
{
    s3_bucket_t *bucket = store->first;

    while (bucket != NULL) {
        s3_bucket_t *next = bucket->next;
        if (bucket->kept) {
            empty(bucket);
        } else {
            s3_store_drop(store, bucket);
        }
        bucket = next;
    }
}

void s3_store_destroy(s3_store_t *store)
{
    if (store != NULL) {
        while (store->first != NULL) {
            s3_store_drop(store, store->first);
        }
        free(store);
    }
}
