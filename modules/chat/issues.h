/*
 * What is wrong with a request, in the shape and words of Pydantic, because
 * client programs of the FastAPI service read them: a JSON array of {"type",
 * "loc","msg","input","ctx"}. Pure; any thread.
 */
#ifndef CHAT_ISSUES_H
#define CHAT_ISSUES_H

#include "base/json.h"

typedef struct {
    json_writer_t out;
    int count;
} issues_t;

/* Where it is: ["body"], ["body",member], ["body",member,index] or ["body",member,index,part]. */
typedef struct {
    const char *member; /* NULL: the body itself */
    int has_index;
    size_t index;
    const char *part; /* NULL: none */
} issue_place_t;

/* Begins the array in `out`, and ends it. */
void issues_begin(issues_t *issues, buffer_t *out);
void issues_end(issues_t *issues);

/* Adds one; `input` is what was given. */
void issues_add(issues_t *issues, const char *type, const issue_place_t *place, const char *text,
                const json_t *input);

/* The same with one member of "ctx": a number, or a text. */
void issues_add_limit(issues_t *issues, const char *type, const issue_place_t *place,
                      const char *text, const json_t *input, const char *name, size_t limit);
void issues_add_context(issues_t *issues, const char *type, const issue_place_t *place,
                        const char *text, const json_t *input, const char *name, const char *value);

/* The text that is no JSON, and where. */
void issues_add_json(issues_t *issues, const json_error_t *error);

#endif
