/*
 * What the configuration says about the stand-in: read by the directives,
 * handed to the daemon's process at its fork, never changed there.
 */
#ifndef EMULATOR_SETTINGS_H
#define EMULATOR_SETTINGS_H

#include <apr_network_io.h>

typedef struct {
    const char *id;
    const char *secret;
    const char *token; /* NULL: a long-lived key, which has none */
} settings_key_t;

/* A table that is there from the start; its key is a string. */
typedef struct {
    const char *name;
    const char *key;
} settings_table_t;

typedef struct {
    const char *address; /* numeric; NULL: there is no daemon */
    apr_port_t port;
    const settings_key_t *keys;
    int key_count;
    const settings_table_t *tables;
    int table_count;
    const char *const *buckets; /* of S3, there from the start */
    int bucket_count;
    const char *region;     /* NULL: any region may be signed for */
    const char *openai_key; /* NULL: the OpenAI server wants none */
} settings_t;

#endif
