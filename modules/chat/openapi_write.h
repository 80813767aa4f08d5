/*
 * The parts of an OpenAPI document, for chat/openapi alone. Pure; any thread.
 */
#ifndef CHAT_OPENAPI_WRITE_H
#define CHAT_OPENAPI_WRITE_H

#include "base/json.h"
#include "chat/openapi.h"

/* JSON as it stands, a value or members, written with ' for " so that it can be read in C. */
void openapi_put(json_writer_t *writer, const char *json);

/* The same as the value of a member. */
void openapi_put_named(json_writer_t *writer, const char *name, const char *json);

/* The suffix that keeps names apart when several locations have one kind: "" for the first, "_2" …
 */
typedef struct {
    char text[24];
} openapi_suffix_t;

openapi_suffix_t openapi_suffix(const openapi_t *api, const openapi_location_t *location);

/* The paths of one location: members of "paths". */
void openapi_put_paths(json_writer_t *writer, const openapi_t *api,
                       const openapi_location_t *location);

/* The member "components". */
void openapi_put_components(json_writer_t *writer, const openapi_t *api);

/* The member "responses" of an operation: its own, then the errors that it may have. `success` is
 * JSON as for openapi_put(): members of the object. */
typedef enum {
    OPENAPI_ERRORS_NONE,
    OPENAPI_ERRORS_CHAT,
    OPENAPI_ERRORS_COMPLETION,
    OPENAPI_ERRORS_MODEL,
    OPENAPI_ERRORS_SHOW,   /* of a session */
    OPENAPI_ERRORS_REMOVE, /* of a session */
    OPENAPI_ERRORS_INTERNAL
} openapi_errors_e;

void openapi_put_responses(json_writer_t *writer, const openapi_location_t *location,
                           const char *success, openapi_errors_e errors);

#endif
