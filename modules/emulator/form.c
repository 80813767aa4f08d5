#include "emulator/form.h"

#include "base/json.h"
#include "emulator/query.h"

#include <apr_pools.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_MAX (1024 * 1024)
#define DEPTH_MAX 16

typedef struct node_t node_t;

struct node_t {
    const char *name;
    const char *value; /* of a leaf */
    size_t length;
    node_t *first;
    node_t *last;
    node_t *next;
};

/* The part of that name, made when it is new. They mostly come in order: the last one is looked at
 * first. */
static node_t *part_of(apr_pool_t *pool, node_t *parent, const char *name, size_t length)
{
    node_t *node = parent->last;

    if (node == NULL || strncmp(node->name, name, length) != 0 || node->name[length] != '\0') {
        for (node = parent->first; node != NULL; node = node->next) {
            if (strncmp(node->name, name, length) == 0 && node->name[length] == '\0') {
                return node;
            }
        }
        node = apr_pcalloc(pool, sizeof(*node));
        node->name = apr_pstrmemdup(pool, name, length);
        if (parent->last != NULL) {
            parent->last->next = node;
        } else {
            parent->first = node;
        }
        parent->last = node;
    }
    return node;
}

static int put(apr_pool_t *pool, node_t *root, const char *name, const buffer_t *value)
{
    node_t *node = root;
    int depth;

    for (depth = 0; *name != '\0' && depth < DEPTH_MAX; depth++) {
        size_t length = strcspn(name, ".");
        node = part_of(pool, node, name, length);
        name += length + (name[length] == '.');
        if (node->value != NULL) {
            return 0;
        }
    }
    node->value = apr_pstrmemdup(pool, buffer_text(value), value->length);
    node->length = value->length;
    return node->first == NULL && *name == '\0';
}

static int read_form(apr_pool_t *pool, node_t *root, const char *form)
{
    buffer_t name;
    buffer_t value;
    int good = 1;

    buffer_init(&name, VALUE_MAX);
    buffer_init(&value, VALUE_MAX);
    while (good && *form != '\0') {
        size_t length = strcspn(form, "&");
        const char *sign = memchr(form, '=', length);
        size_t name_length = sign != NULL ? (size_t)(sign - form) : length;
        buffer_clear(&name);
        buffer_clear(&value);
        good = query_decode(&name, form, name_length) &&
               (sign == NULL || query_decode(&value, sign + 1, length - name_length - 1)) &&
               put(pool, root, buffer_text(&name), &value);
        form += length + (form[length] == '&');
    }
    buffer_free(&name);
    buffer_free(&value);
    return good;
}

static int is_list(const node_t *node)
{
    return node->first != NULL && node->first->next == NULL &&
           strcmp(node->first->name, "member") == 0;
}

static void write_node(json_writer_t *writer, const node_t *node)
{
    const node_t *part;
    int list = is_list(node);

    if (node->value != NULL) {
        json_put_string(writer, node->value, node->length);
        return;
    }
    json_open(writer, list ? '[' : '{');
    for (part = list ? node->first->first : node->first; part != NULL; part = part->next) {
        if (!list) {
            json_name(writer, part->name);
        }
        write_node(writer, part);
    }
    json_close(writer, list ? ']' : '}');
}

int form_to_json(const char *form, buffer_t *out)
{
    node_t root = {.name = ""};
    json_writer_t writer;
    apr_pool_t *pool;
    int good;

    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return 0;
    }
    good = read_form(pool, &root, form);
    if (good) {
        json_write_to(&writer, out);
        write_node(&writer, &root);
    }
    apr_pool_destroy(pool);
    return good;
}
