#include "emulator/dynamodb_search.h"

#include "emulator/attribute_json.h"

#include <apr_strings.h>
#include <string.h>

#define KEY_CONDITION "KeyConditionExpression"
#define PAGE_MAX      (1024 * 1024) /* bytes of items that one answer looks at */
#define SEGMENTS_MAX  1000000

typedef struct {
    dynamodb_request_t *request;
    const expression_t *key_condition; /* of a query */
    const attribute_t *start;          /* behind this key */
    int backward;
    int64_t limit; /* 0: none */
    int64_t segment;
    int64_t segments; /* 0: the whole table */
    int counts_only;
    size_t scanned;
    size_t bytes;
    const attribute_t **found;
    size_t found_count;
    const attribute_t *last; /* where the next page begins; NULL: there is none */
} search_t;

static int refuse(const search_t *search, const char *message)
{
    return refusal_set(&search->request->refusal, REFUSAL_VALIDATION, "%s", message);
}

/* ---- reading the request ---- */

static int read_number(const search_t *search, const char *member, int64_t least, int64_t most,
                       int64_t *out)
{
    const json_t *value = json_member(search->request->body, member);

    if (value == NULL || (json_integer(value, out) && *out >= least && *out <= most)) {
        return 1;
    }
    return refusal_set(&search->request->refusal, REFUSAL_VALIDATION,
                       "1 validation error detected: Value at '%s' failed to satisfy constraint: "
                       "Member must have value between %d and %d",
                       member, (int)least, (int)most);
}

static int read_segments(search_t *search)
{
    const json_t *body = search->request->body;

    if (json_has(body, "Segment") != json_has(body, "TotalSegments")) {
        return refuse(search, "The Segment and TotalSegments parameters must be given together");
    }
    if (!read_number(search, "TotalSegments", 1, SEGMENTS_MAX, &search->segments) ||
        !read_number(search, "Segment", 0, SEGMENTS_MAX - 1, &search->segment)) {
        return 0;
    }
    return search->segments == 0 || search->segment < search->segments ||
           refuse(search, "The Segment parameter is zero-based and must be less than parameter "
                          "TotalSegments");
}

static int read_start(search_t *search)
{
    const json_t *json = json_member(search->request->body, "ExclusiveStartKey");

    if (json == NULL) {
        return 1;
    }
    search->start = attribute_json_read_map(search->request->pool, json, &search->request->refusal);
    if (search->start == NULL) {
        return 0;
    }
    return dynamodb_request_check_key(search->request, search->start) ||
           refuse(search, "The provided starting key is invalid");
}

static int read_common(search_t *search)
{
    dynamodb_request_t *request = search->request;

    if (json_has(request->body, "IndexName")) {
        return refusal_set(&request->refusal, REFUSAL_VALIDATION,
                           "The table does not have the specified index: %.255s",
                           json_member_text(request->body, "IndexName", NULL));
    }
    search->counts_only = dynamodb_request_asks(request, "Select", "COUNT");
    return read_number(search, "Limit", 1, INT32_MAX, &search->limit) &&
           substitutions_check_used(&request->substitutions) &&
           dynamodb_request_find_table(request) && read_start(search);
}

/* ---- the key condition of a query ---- */

static int is_key(const expression_t *operand, const table_key_t *key)
{
    return operand->kind == EXPRESSION_PATH && operand->path->count == 1 &&
           strcmp(operand->path->steps[0].name, key->name) == 0;
}

/* Whether it compares the key with values of its type. */
static int is_of_key(const expression_t *one, const table_key_t *key)
{
    size_t i;

    for (i = 1; i < one->count; i++) {
        const attribute_t *value = one->operands[i]->value;
        if (value == NULL || value->kind != key->kind) {
            return 0;
        }
    }
    return one->count > 1 && is_key(one->operands[0], key);
}

static int is_sort_condition(const expression_t *one, const table_key_t *key)
{
    int allowed = one->kind == EXPRESSION_EQUAL || one->kind == EXPRESSION_BEGINS_WITH ||
                  (one->kind >= EXPRESSION_LESS && one->kind <= EXPRESSION_BETWEEN);

    return allowed && is_of_key(one, key);
}

static int check_key_condition(const search_t *search)
{
    const table_t *table = search->request->table;
    const expression_t *condition = search->key_condition;
    const expression_t *one = condition;
    const expression_t *other = NULL;

    if (condition->kind == EXPRESSION_AND) {
        one = condition->operands[0];
        other = condition->operands[1];
        if (!(one->kind == EXPRESSION_EQUAL && is_of_key(one, &table->partition))) {
            one = condition->operands[1];
            other = condition->operands[0];
        }
    }
    if (one->kind != EXPRESSION_EQUAL || !is_of_key(one, &table->partition)) {
        return refusal_set(&search->request->refusal, REFUSAL_VALIDATION,
                           "Query condition missed key schema element: %s", table->partition.name);
    }
    return other == NULL || is_sort_condition(other, &table->sort) ||
           refuse(search, "Query key condition not supported");
}

static const expression_t *read_key_condition(const search_t *search)
{
    dynamodb_request_t *request = search->request;
    size_t length = 0;
    const char *text = json_member_text(request->body, KEY_CONDITION, &length);
    expression_t *condition = NULL;

    if (text == NULL) {
        (void)refuse(search, "Either the KeyConditions or KeyConditionExpression parameter must be "
                             "specified in the request.");
        return NULL;
    }
    return conditions_read(&request->substitutions, KEY_CONDITION, text, length, &condition)
               ? condition
               : NULL;
}

/* ---- searching ---- */

static int is_behind_start(const search_t *search, const attribute_t *item)
{
    int order;

    if (search->start == NULL) {
        return 1;
    }
    order = tables_compare(search->request->table, item, search->start);
    return search->backward ? order < 0 : order > 0;
}

static int is_wanted(const search_t *search, const attribute_t *item)
{
    const dynamodb_request_t *request = search->request;

    return is_behind_start(search, item) &&
           expressions_holds(request->pool, search->key_condition, item) &&
           (search->segments == 0 ||
            tables_hash(request->table, item) % (uint32_t)search->segments ==
                (uint32_t)search->segment);
}

static int is_full(const search_t *search)
{
    return search->bytes >= PAGE_MAX ||
           (search->limit > 0 && search->scanned == (size_t)search->limit);
}

static void look_at(search_t *search, const attribute_t *item)
{
    const dynamodb_request_t *request = search->request;

    search->scanned++;
    search->bytes += attributes_item_size(item);
    if (!expressions_holds(request->pool, request->condition, item)) {
        return;
    }
    search->found[search->found_count++] =
        request->projection.count > 0
            ? paths_project(request->pool, item, request->projection.paths,
                            request->projection.count)
            : item;
}

static void find_items(search_t *search)
{
    const table_t *table = search->request->table;
    const attribute_t **items = tables_sorted(search->request->pool, table);
    const attribute_t *before = NULL;
    size_t i;

    search->found = apr_palloc(search->request->pool, (table->count + 1) * sizeof(attribute_t *));
    for (i = 0; i < table->count; i++) {
        const attribute_t *item = items[search->backward ? table->count - 1 - i : i];
        if (!is_wanted(search, item)) {
            continue;
        }
        if (is_full(search)) {
            break;
        }
        look_at(search, item);
        before = item;
    }
    if (is_full(search)) {
        search->last = before;
    }
}

/* ---- answering ---- */

static int answer(const search_t *search)
{
    dynamodb_request_t *request = search->request;
    json_writer_t *writer = &request->writer;
    size_t i;

    json_open(writer, '{');
    if (!search->counts_only) {
        json_name(writer, "Items");
        json_open(writer, '[');
        for (i = 0; i < search->found_count; i++) {
            attribute_json_write_map(writer, search->found[i]);
        }
        json_close(writer, ']');
    }
    json_name(writer, "Count");
    json_put_integer(writer, (int64_t)search->found_count);
    json_name(writer, "ScannedCount");
    json_put_integer(writer, (int64_t)search->scanned);
    if (search->last != NULL) {
        json_name(writer, "LastEvaluatedKey");
        attribute_json_write_map(writer,
                                 tables_key_of(request->pool, request->table, search->last));
    }
    dynamodb_request_put_capacity(request, search->bytes, 0);
    json_close(writer, '}');
    return 1;
}

int dynamodb_search_scan(dynamodb_request_t *request)
{
    search_t search = {.request = request};

    if (!dynamodb_request_expressions(request, "FilterExpression", 1, 0) ||
        !read_segments(&search) || !read_common(&search)) {
        return 0;
    }
    find_items(&search);
    return answer(&search);
}

int dynamodb_search_query(dynamodb_request_t *request)
{
    search_t search = {.request = request};
    int forward = 1;

    if (!dynamodb_request_expressions(request, "FilterExpression", 1, 0)) {
        return 0;
    }
    search.key_condition = read_key_condition(&search);
    if (search.key_condition == NULL || !read_common(&search) || !check_key_condition(&search)) {
        return 0;
    }
    (void)json_boolean(json_member(request->body, "ScanIndexForward"), &forward);
    search.backward = !forward;
    find_items(&search);
    return answer(&search);
}
