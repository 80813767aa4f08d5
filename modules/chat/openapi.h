/*
 * What a server offers, as an OpenAPI document (OpenAPI Specification 3.1.1,
 * JSON Schema 2020-12). Pure; any thread.
 */
#ifndef CHAT_OPENAPI_H
#define CHAT_OPENAPI_H

#include "base/buffer.h"

#include <stddef.h>
#include <stdint.h>

/* Most bytes of a document. */
#define OPENAPI_MAX ((size_t)4 * 1024 * 1024)

typedef enum {
    OPENAPI_CHAT,
    OPENAPI_SESSIONS,
    OPENAPI_COMPLETIONS, /* the face for clients of OpenAI */
    OPENAPI_HEALTH,
    OPENAPI_READINESS,
    OPENAPI_METRICS,
    OPENAPI_KINDS
} openapi_kind_e;

/* One location. Times are whole seconds. */
typedef struct {
    openapi_kind_e kind;
    const char *path;    /* percent-encoded, without a slash at its end; "" for "/" */
    const char *auth;    /* how one says who one is: "basic", "digest", "bearer", "negotiate" or
                            "cookie"; NULL: nothing is known */
    const char *backend; /* as ChatbotBackend takes it */
    const char *model;   /* the name that the face for OpenAI's clients shows */
    int64_t max_message; /* characters */
    int64_t max_body;    /* bytes */
    int streams;
    int takes_files;
    int64_t timeout;
    int64_t stream_timeout;
    int64_t heartbeat;
    int timeout_status;
    int64_t limit; /* requests in a window; 0: no limit */
    int64_t limit_window;
} openapi_location_t;

/* A part of the configuration whose paths cannot be told. */
typedef struct {
    const char *handler; /* as SetHandler has it */
    const char *pattern; /* of the section */
    const char *why;
} openapi_untold_t;

typedef struct {
    const char *version;
    const char *root; /* where paths begin, relative to the document; ends with a slash */
    const openapi_location_t *locations;
    size_t location_count;
    const openapi_untold_t *untold;
    size_t untold_count;
} openapi_t;

/* Appends the document; 0 when it does not fit. */
int openapi_write(buffer_t *out, const openapi_t *api);

#endif
