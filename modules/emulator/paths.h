/*
 * Document paths of DynamoDB, a.b[3].c: looking up, changing and picking out
 * what they name in an item. They live in the call's pool. One thread.
 */
#ifndef EMULATOR_PATHS_H
#define EMULATOR_PATHS_H

#include "emulator/attributes.h"

typedef struct {
    const char *name; /* NULL: an index */
    size_t index;
} path_step_t;

typedef struct {
    path_step_t *steps;
    size_t count;
} path_t;

/* What it names, or NULL. */
const attribute_t *paths_find(const attribute_t *item, const path_t *path);

/* Puts the value there, or takes it out. 0 when what it would be in is not there. Places of a list
 * are those that it had at first: see paths_settle(). */
int paths_set(apr_pool_t *pool, attribute_t *item, const path_t *path, attribute_t *value);
int paths_remove(attribute_t *item, const path_t *path);

/* Closes the gaps that paths_remove() left in lists. */
void paths_settle(attribute_t *value);

/* A copy of the item with nothing but what the paths name; a list's places close up. */
attribute_t *paths_project(apr_pool_t *pool, const attribute_t *item, const path_t *const *paths,
                           size_t count);

/* Whether one is the beginning of the other, or they are equal; whether they differ in that one has
 * a name where the other has an index. */
int paths_overlap(const path_t *one, const path_t *other);
int paths_conflict(const path_t *one, const path_t *other);

/* As the service writes it in messages: [a, b, [3]]. */
const char *paths_text(apr_pool_t *pool, const path_t *path);

#endif
