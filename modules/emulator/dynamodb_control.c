#include "emulator/dynamodb_control.h"

#include "emulator/attribute_json.h"

#include <stdio.h>
#include <string.h>

#define JSON_DEPTH 100

/* ---- showing ---- */

static void put_head(const table_t *table, json_writer_t *writer)
{
    json_put_member(writer, "table", table->name);
    json_put_member(writer, "key", table->partition.name);
    if (*table->sort.name != '\0') {
        json_put_member(writer, "sort", table->sort.name);
    }
    json_put_member(writer, "ttl", *table->expiry != '\0' ? table->expiry : NULL);
    json_name(writer, "count");
    json_put_integer(writer, (int64_t)table->count);
    json_name(writer, "bytes");
    json_put_integer(writer, (int64_t)table->bytes);
}

void dynamodb_control_list(const emulator_t *emulator, json_writer_t *writer)
{
    const table_t *table;

    json_open(writer, '[');
    for (table = tables_first(emulator->tables); table != NULL; table = table->next) {
        json_open(writer, '{');
        put_head(table, writer);
        json_close(writer, '}');
    }
    json_close(writer, ']');
}

static void put_items(const table_t *table, json_writer_t *writer, apr_pool_t *pool)
{
    const attribute_t **items = tables_sorted(pool, table);
    size_t i;

    json_name(writer, "items");
    json_open(writer, '[');
    for (i = 0; i < table->count; i++) {
        attribute_json_write_map(writer, items[i]);
    }
    json_close(writer, ']');
}

int dynamodb_control_show(const emulator_t *emulator, const char *name, json_writer_t *writer)
{
    const table_t *table = tables_find(emulator->tables, name);
    apr_pool_t *pool;

    if (table == NULL || apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return 0;
    }
    json_open(writer, '{');
    put_head(table, writer);
    put_items(table, writer, pool);
    json_close(writer, '}');
    apr_pool_destroy(pool);
    return 1;
}

/* ---- changing ---- */

typedef struct {
    apr_pool_t *pool;
    json_t *json;
    buffer_t *problem;
    table_t *table;
} change_t;

static int complain(const change_t *change, const char *reason)
{
    (void)buffer_puts(change->problem, reason);
    return 0;
}

static int begin(change_t *change, const http_request_t *request, buffer_t *problem)
{
    json_error_t error;

    memset(change, 0, sizeof(*change));
    change->problem = problem;
    change->json = json_parse(request->body, request->body_length, JSON_DEPTH, &error);
    if (json_kind(change->json) != JSON_OBJECT) {
        return complain(change, error.reason != NULL ? error.reason : "give a JSON object");
    }
    return apr_pool_create(&change->pool, NULL) == APR_SUCCESS || complain(change, "out of memory");
}

static int end(const change_t *change, int good)
{
    if (change->pool != NULL) {
        apr_pool_destroy(change->pool);
    }
    json_release(change->json);
    return good;
}

static int has_key(const table_key_t *key, const attribute_t *item)
{
    const attribute_t *value = attributes_get(item, key->name);

    return *key->name == '\0' || (value != NULL && value->kind == key->kind);
}

static int put_item(const change_t *change, const json_t *json)
{
    refusal_t refusal = {.type = NULL};
    const attribute_t *item = attribute_json_read_map(change->pool, json, &refusal);

    if (item == NULL) {
        return complain(change, refusal.message);
    }
    if (!has_key(&change->table->partition, item) || !has_key(&change->table->sort, item)) {
        return complain(change, "the item has not the table's key");
    }
    return tables_put(change->table, item) || complain(change, "out of memory");
}

static int read_name(const change_t *change, const char *member, char *out)
{
    const char *name = json_member_text(change->json, member, NULL);

    if (name == NULL) {
        return 0;
    }
    (void)snprintf(out, TABLES_NAME_MAX + 1, "%s", name);
    return *out != '\0';
}

static int make(change_t *change, const emulator_t *emulator, const char *name)
{
    table_key_t partition = {.kind = ATTRIBUTE_S};
    table_key_t sort = {.kind = ATTRIBUTE_S};
    const json_t *items = json_member(change->json, "items");
    int good = 1;
    size_t i;

    if (strlen(name) > TABLES_NAME_MAX || *name == '\0' ||
        !read_name(change, "key", partition.name)) {
        return complain(change, "a table has a name and the member key; sort, ttl and items may be "
                                "left out");
    }
    (void)dynamodb_control_drop(emulator, name);
    change->table =
        tables_add(emulator->tables, name, &partition,
                   read_name(change, "sort", sort.name) ? &sort : NULL, emulator_now(emulator));
    if (change->table == NULL) {
        return complain(change, "out of memory");
    }
    (void)read_name(change, "ttl", change->table->expiry);
    for (i = 0; i < json_length(items) && good; i++) {
        good = put_item(change, json_item(items, i));
    }
    return good;
}

int dynamodb_control_make(const emulator_t *emulator, const char *name,
                          const http_request_t *request, buffer_t *problem)
{
    change_t change;
    int good = begin(&change, request, problem);

    return end(&change, good && make(&change, emulator, name));
}

int dynamodb_control_put(const emulator_t *emulator, const char *name,
                         const http_request_t *request, buffer_t *problem)
{
    change_t change;
    int good = begin(&change, request, problem);

    change.table = tables_find(emulator->tables, name);
    if (good && change.table == NULL) {
        good = complain(&change, "there is no such table");
    }
    return end(&change, good && put_item(&change, change.json));
}

int dynamodb_control_drop(const emulator_t *emulator, const char *name)
{
    table_t *table = tables_find(emulator->tables, name);

    if (table != NULL) {
        tables_drop(emulator->tables, table);
    }
    return table != NULL;
}
