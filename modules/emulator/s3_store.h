/*
 * The buckets and objects of the stand-in for S3, in memory. One thread.
 */
#ifndef EMULATOR_S3_STORE_H
#define EMULATOR_S3_STORE_H

#include "base/buffer.h"

#include <apr_time.h>
#include <stddef.h>
#include <stdint.h>

#define S3_STORE_ETAG 35 /* the MD5 in hexadecimal, in quotes */

typedef struct {
    char *key; /* UTF-8, without NUL */
    char *bytes;
    size_t length;
    char *headers; /* lines that come back with the object, each with its CR LF */
    char etag[S3_STORE_ETAG];
    uint32_t crc32;
    apr_time_t modified;
} s3_object_t;

typedef struct s3_bucket_t s3_bucket_t;

struct s3_bucket_t {
    char *name;
    s3_object_t **objects; /* by key, in byte order */
    size_t count;
    size_t room;
    int kept; /* one of the configuration: it is emptied, not dropped, when all is forgotten */
    s3_bucket_t *next;
};

typedef struct s3_store_t s3_store_t;

/* NULL when memory is out. */
s3_store_t *s3_store_create(void);
void s3_store_destroy(s3_store_t *store);

/* Forgets all objects, and the buckets that are not of the configuration. */
void s3_store_clear(s3_store_t *store);

s3_bucket_t *s3_store_find(const s3_store_t *store, const char *name);

/* A new bucket; NULL when memory is out. */
s3_bucket_t *s3_store_add(s3_store_t *store, const char *name, int kept);
void s3_store_drop(s3_store_t *store, s3_bucket_t *bucket);

/* The newest bucket, or NULL. */
s3_bucket_t *s3_store_first(const s3_store_t *store);

/* Whether S3 takes a bucket of that name. */
int s3_store_is_name(const char *name);

/* Where the first object stands whose key is not less. */
size_t s3_store_seek(const s3_bucket_t *bucket, const char *key);

s3_object_t *s3_store_get(const s3_bucket_t *bucket, const char *key);

/* Stores, in place of an object of that key; NULL when memory is out. */
const s3_object_t *s3_store_put(s3_bucket_t *bucket, const char *key, const char *bytes,
                                size_t length, const char *headers, apr_time_t now);
void s3_store_delete(s3_bucket_t *bucket, const char *key);

#endif
