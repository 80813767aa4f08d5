#include "emulator/paths.h"

#include <apr_strings.h>
#include <string.h>

static const attribute_t *step_into(const attribute_t *value, const path_step_t *step)
{
    if (step->name != NULL) {
        return value->kind == ATTRIBUTE_M ? attributes_get(value, step->name) : NULL;
    }
    return value->kind == ATTRIBUTE_L && step->index < value->count
               ? value->entries[step->index].value
               : NULL;
}

const attribute_t *paths_find(const attribute_t *item, const path_t *path)
{
    size_t i;

    for (i = 0; i < path->count && item != NULL; i++) {
        item = step_into(item, &path->steps[i]);
    }
    return item;
}

/* What the last step is in; NULL when it is not there, or not of that kind. */
static attribute_t *find_parent(attribute_t *item, const path_t *path)
{
    const path_step_t *last = &path->steps[path->count - 1];
    attribute_t *parent = item;
    size_t i;

    for (i = 0; i + 1 < path->count && parent != NULL; i++) {
        const path_step_t *step = &path->steps[i];
        if (step->name != NULL) {
            parent = parent->kind == ATTRIBUTE_M ? attributes_get(parent, step->name) : NULL;
        } else {
            parent = parent->kind == ATTRIBUTE_L && step->index < parent->count
                         ? parent->entries[step->index].value
                         : NULL;
        }
    }
    return parent != NULL && parent->kind == (last->name != NULL ? ATTRIBUTE_M : ATTRIBUTE_L)
               ? parent
               : NULL;
}

int paths_set(apr_pool_t *pool, attribute_t *item, const path_t *path, attribute_t *value)
{
    const path_step_t *last = &path->steps[path->count - 1];
    attribute_t *parent = find_parent(item, path);

    if (parent == NULL) {
        return 0;
    }
    if (last->name != NULL) {
        attributes_set(pool, parent, last->name, value);
    } else if (last->index < parent->count) {
        parent->entries[last->index].value = value;
    } else {
        attributes_append(pool, parent, value);
    }
    return 1;
}

int paths_remove(attribute_t *item, const path_t *path)
{
    const path_step_t *last = &path->steps[path->count - 1];
    attribute_t *parent = find_parent(item, path);

    if (parent == NULL) {
        return 0;
    }
    if (last->name != NULL) {
        attributes_remove(parent, last->name);
    } else if (last->index < parent->count) {
        parent->entries[last->index].value = NULL;
    }
    return 1;
}

void paths_settle(attribute_t *value)
{
    size_t i = 0;

    if (value->kind != ATTRIBUTE_L && value->kind != ATTRIBUTE_M) {
        return;
    }
    while (i < value->count) {
        if (value->entries[i].value == NULL) {
            attributes_remove_at(value, i);
        } else {
            paths_settle(value->entries[i].value);
            i++;
        }
    }
}

/* ---- picking out ---- */

typedef struct {
    apr_pool_t *pool;
    size_t depth;
} picking_t;

static int leads_to(const path_t *path, size_t depth, const attribute_entry_t *entry, size_t index)
{
    const path_step_t *step = &path->steps[depth];

    return entry->name != NULL ? step->name != NULL && strcmp(step->name, entry->name) == 0
                               : step->name == NULL && step->index == index;
}

/* Those of the paths that go on into this entry; `*whole` when one ends there. */
static size_t follow(const picking_t *picking, const path_t *const *paths, size_t count,
                     const attribute_entry_t *entry, size_t index, const path_t **further,
                     int *whole)
{
    size_t found = 0;
    size_t i;

    *whole = 0;
    for (i = 0; i < count; i++) {
        if (leads_to(paths[i], picking->depth, entry, index)) {
            further[found++] = paths[i];
            *whole |= paths[i]->count == picking->depth + 1;
        }
    }
    return found;
}

static attribute_t *pick(const picking_t *picking, const attribute_t *value,
                         const path_t *const *paths, size_t count)
{
    const picking_t deeper = {picking->pool, picking->depth + 1};
    const path_t **further = apr_palloc(picking->pool, count * sizeof(path_t *));
    attribute_t *picked = attributes_make(picking->pool, value->kind);
    size_t i;

    if (value->kind != ATTRIBUTE_M && value->kind != ATTRIBUTE_L) {
        return NULL;
    }
    for (i = 0; i < value->count; i++) {
        const attribute_entry_t *entry = &value->entries[i];
        int whole;
        size_t found = follow(picking, paths, count, entry, i, further, &whole);
        attribute_t *member = NULL;
        if (found > 0) {
            member = whole ? attributes_copy(picking->pool, entry->value)
                           : pick(&deeper, entry->value, further, found);
        }
        if (member != NULL && entry->name != NULL) {
            attributes_set(picking->pool, picked, apr_pstrdup(picking->pool, entry->name), member);
        } else if (member != NULL) {
            attributes_append(picking->pool, picked, member);
        }
    }
    return picked->count > 0 ? picked : NULL;
}

attribute_t *paths_project(apr_pool_t *pool, const attribute_t *item, const path_t *const *paths,
                           size_t count)
{
    const picking_t picking = {pool, 0};
    attribute_t *picked = pick(&picking, item, paths, count);

    return picked != NULL ? picked : attributes_make(pool, ATTRIBUTE_M);
}

/* ---- two paths ---- */

static int same_step(const path_step_t *one, const path_step_t *other)
{
    if (one->name == NULL || other->name == NULL) {
        return one->name == other->name && one->index == other->index;
    }
    return strcmp(one->name, other->name) == 0;
}

/* How many steps they have in common. */
static size_t common_steps(const path_t *one, const path_t *other)
{
    size_t i = 0;

    while (i < one->count && i < other->count && same_step(&one->steps[i], &other->steps[i])) {
        i++;
    }
    return i;
}

int paths_overlap(const path_t *one, const path_t *other)
{
    size_t common = common_steps(one, other);

    return common == one->count || common == other->count;
}

int paths_conflict(const path_t *one, const path_t *other)
{
    size_t common = common_steps(one, other);

    return !paths_overlap(one, other) &&
           (one->steps[common].name == NULL) != (other->steps[common].name == NULL);
}

const char *paths_text(apr_pool_t *pool, const path_t *path)
{
    const char *text = "[";
    size_t i;

    for (i = 0; i < path->count; i++) {
        const path_step_t *step = &path->steps[i];
        const char *one = step->name != NULL
                              ? step->name
                              : apr_psprintf(pool, "[%" APR_SIZE_T_FMT "]", step->index);
        text = apr_pstrcat(pool, text, i > 0 ? ", " : "", one, NULL);
    }
    return apr_pstrcat(pool, text, "]", NULL);
}
