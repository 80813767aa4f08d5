#include "emulator/attribute_json.h"

#include "base/text.h"

#include <apr_strings.h>
#include <string.h>

#define DEPTH_MAX     32
#define BYTES_MAX     (32 * 1024 * 1024)
#define INVALID       "One or more parameter values were invalid: "
#define SERIALIZATION "SerializationException"

typedef struct {
    apr_pool_t *pool;
    refusal_t *refusal;
    int depth;
    attribute_t *into; /* the map that is being read */
    attribute_kind_e kind;
    const json_t *value; /* the one member of a value's object */
    int members;
} reading_t;

static attribute_t *read_value(const reading_t *outer, const json_t *json);

static attribute_t *refuse_type(const reading_t *reading, const char *wanted)
{
    (void)refusal_set(reading->refusal, SERIALIZATION, "Expected %s in an attribute value", wanted);
    return NULL;
}

/* ---- scalars ---- */

static attribute_t *read_number(const reading_t *reading, const char *text, size_t length)
{
    decimal_t number;

    switch (decimal_parse(&number, text, length)) {
    case DECIMAL_GOOD: return attributes_make_number(reading->pool, &number);
    case DECIMAL_OVERFLOW:
        (void)refusal_set(reading->refusal, REFUSAL_VALIDATION,
                          "Number overflow. Attempting to store a number with magnitude larger "
                          "than supported range");
        break;
    case DECIMAL_UNDERFLOW:
        (void)refusal_set(reading->refusal, REFUSAL_VALIDATION,
                          "Number underflow. Attempting to store a number with magnitude smaller "
                          "than supported range");
        break;
    case DECIMAL_TOO_PRECISE:
        (void)refusal_set(reading->refusal, REFUSAL_VALIDATION,
                          "Attempting to store more than 38 significant digits in a Number");
        break;
    default:
        (void)refusal_set(reading->refusal, REFUSAL_VALIDATION,
                          length == 0 ? "The parameter cannot be converted to a numeric value"
                                      : "The parameter cannot be converted to a numeric value: %s",
                          text);
        break;
    }
    return NULL;
}

static attribute_t *read_binary(const reading_t *reading, const char *text, size_t length)
{
    attribute_t *value = NULL;
    buffer_t bytes;

    buffer_init(&bytes, BYTES_MAX);
    if (text_base64_decode(&bytes, text, length)) {
        value = attributes_make_text(reading->pool, ATTRIBUTE_B, buffer_text(&bytes), bytes.length);
    } else {
        (void)refusal_set(reading->refusal, SERIALIZATION,
                          "A binary value must be base64-encoded, with padding");
    }
    buffer_free(&bytes);
    return value;
}

static attribute_t *read_text(const reading_t *reading, attribute_kind_e kind, const json_t *json)
{
    size_t length = 0;
    const char *text = json_text(json, &length);

    if (text == NULL) {
        return refuse_type(reading, "a string");
    }
    if (kind == ATTRIBUTE_N) {
        return read_number(reading, text, length);
    }
    if (kind == ATTRIBUTE_B) {
        return read_binary(reading, text, length);
    }
    return attributes_make_text(reading->pool, kind, text, length);
}

static attribute_t *read_truth(const reading_t *reading, attribute_kind_e kind, const json_t *json)
{
    attribute_t *value = attributes_make(reading->pool, kind);

    if (!json_boolean(json, &value->truth)) {
        return refuse_type(reading, "true or false");
    }
    if (kind == ATTRIBUTE_NULL && !value->truth) {
        (void)refusal_set(reading->refusal, REFUSAL_VALIDATION,
                          INVALID "Null attribute value types must have the value of true");
        return NULL;
    }
    return value;
}

/* ---- sets, lists and maps ---- */

static attribute_t *refuse_empty_set(const reading_t *reading, attribute_kind_e kind)
{
    static const char *const reasons[] = {"An string set  may not be empty",
                                          "An number set  may not be empty",
                                          "Binary sets should not be empty"};

    (void)refusal_set(reading->refusal, REFUSAL_VALIDATION, INVALID "%s",
                      reasons[attributes_kind_of_member(kind)]);
    return NULL;
}

static attribute_t *refuse_duplicates(const reading_t *reading, const attribute_t *set)
{
    const char *list = "";
    size_t i;

    for (i = 0; i < set->count && strlen(list) < 1024; i++) {
        list =
            apr_pstrcat(reading->pool, list, i > 0 ? ", " : "", set->entries[i].value->bytes, NULL);
    }
    (void)refusal_set(reading->refusal, REFUSAL_VALIDATION,
                      INVALID "Input collection [%.1000s] contains duplicates.", list);
    return NULL;
}

static int has_duplicates(const attribute_t *set)
{
    size_t i;

    for (i = 0; i < set->count; i++) {
        if (attributes_find(set, set->entries[i].value) != i + 1) {
            return 1;
        }
    }
    return 0;
}

static attribute_t *read_set(const reading_t *reading, attribute_kind_e kind, const json_t *json)
{
    attribute_t *set = attributes_make(reading->pool, kind);
    size_t i;

    if (json_kind(json) != JSON_ARRAY) {
        return refuse_type(reading, "an array");
    }
    if (json_length(json) == 0) {
        return refuse_empty_set(reading, kind);
    }
    for (i = 0; i < json_length(json); i++) {
        attribute_t *member =
            read_text(reading, attributes_kind_of_member(kind), json_item(json, i));
        if (member == NULL) {
            return NULL;
        }
        attributes_append(reading->pool, set, member);
    }
    return has_duplicates(set) ? refuse_duplicates(reading, set) : set;
}

static attribute_t *read_list(const reading_t *reading, const json_t *json)
{
    attribute_t *list = attributes_make(reading->pool, ATTRIBUTE_L);
    size_t i;

    if (json_kind(json) != JSON_ARRAY) {
        return refuse_type(reading, "an array");
    }
    for (i = 0; i < json_length(json); i++) {
        attribute_t *member = read_value(reading, json_item(json, i));
        if (member == NULL) {
            return NULL;
        }
        attributes_append(reading->pool, list, member);
    }
    return list;
}

static int on_map_member(void *baton, const char *name, const json_t *json)
{
    reading_t *reading = baton;
    attribute_t *value = read_value(reading, json);

    if (value != NULL) {
        attributes_set(reading->pool, reading->into, apr_pstrdup(reading->pool, name), value);
    }
    return value != NULL;
}

static attribute_t *read_map(const reading_t *outer, const json_t *json)
{
    reading_t reading = *outer;

    if (json_kind(json) != JSON_OBJECT) {
        return refuse_type(outer, "an object");
    }
    reading.into = attributes_make(outer->pool, ATTRIBUTE_M);
    json_each(json, on_map_member, &reading);
    return outer->refusal->type == NULL ? reading.into : NULL;
}

/* ---- one value ---- */

static int on_type_member(void *baton, const char *name, const json_t *value)
{
    reading_t *reading = baton;

    attribute_kind_e kind = attributes_kind_of(name, strlen(name));

    if (kind != ATTRIBUTE_KINDS && json_kind(value) != JSON_NULL) {
        reading->kind = kind;
        reading->value = value;
        reading->members++;
    }
    return 1;
}

static attribute_t *read_of_kind(const reading_t *reading)
{
    switch (reading->kind) {
    case ATTRIBUTE_S:
    case ATTRIBUTE_N:
    case ATTRIBUTE_B: return read_text(reading, reading->kind, reading->value);
    case ATTRIBUTE_BOOL:
    case ATTRIBUTE_NULL: return read_truth(reading, reading->kind, reading->value);
    case ATTRIBUTE_L: return read_list(reading, reading->value);
    case ATTRIBUTE_M: return read_map(reading, reading->value);
    default: return read_set(reading, reading->kind, reading->value);
    }
}

static attribute_t *read_value(const reading_t *outer, const json_t *json)
{
    reading_t reading = *outer;

    reading.depth++;
    reading.members = 0;
    if (json_kind(json) != JSON_OBJECT) {
        return refuse_type(outer, "an object");
    }
    json_each(json, on_type_member, &reading);
    if (reading.members != 1) {
        (void)refusal_set(outer->refusal, REFUSAL_VALIDATION,
                          reading.members == 0
                              ? "Supplied AttributeValue is empty, must contain exactly one of the "
                                "supported datatypes"
                              : "Supplied AttributeValue has more than one datatypes set, must "
                                "contain exactly one of the supported datatypes");
        return NULL;
    }
    if (reading.depth > DEPTH_MAX) {
        (void)refusal_set(outer->refusal, REFUSAL_VALIDATION,
                          "Nesting Levels have exceeded supported limits");
        return NULL;
    }
    return read_of_kind(&reading);
}

attribute_t *attribute_json_read(apr_pool_t *pool, const json_t *json, refusal_t *refusal)
{
    const reading_t reading = {.pool = pool, .refusal = refusal};

    return read_value(&reading, json);
}

attribute_t *attribute_json_read_map(apr_pool_t *pool, const json_t *json, refusal_t *refusal)
{
    const reading_t reading = {.pool = pool, .refusal = refusal};

    return read_map(&reading, json);
}

/* ---- writing ---- */

static void write_binary(json_writer_t *writer, const attribute_t *value)
{
    buffer_t text;

    buffer_init(&text, (size_t)2 * BYTES_MAX);
    (void)text_base64_encode(&text, value->bytes, value->length);
    json_put_string(writer, buffer_text(&text), text.length);
    buffer_free(&text);
}

static void write_scalar(json_writer_t *writer, const attribute_t *value)
{
    if (value->kind == ATTRIBUTE_B) {
        write_binary(writer, value);
    } else {
        json_put_string(writer, value->bytes, value->length);
    }
}

static void write_array(json_writer_t *writer, const attribute_t *value)
{
    size_t i;

    json_open(writer, '[');
    for (i = 0; i < value->count; i++) {
        if (value->kind == ATTRIBUTE_L) {
            attribute_json_write(writer, value->entries[i].value);
        } else {
            write_scalar(writer, value->entries[i].value);
        }
    }
    json_close(writer, ']');
}

void attribute_json_write_map(json_writer_t *writer, const attribute_t *map)
{
    size_t i;

    json_open(writer, '{');
    for (i = 0; i < map->count; i++) {
        json_name(writer, map->entries[i].name);
        attribute_json_write(writer, map->entries[i].value);
    }
    json_close(writer, '}');
}

void attribute_json_write(json_writer_t *writer, const attribute_t *value)
{
    json_open(writer, '{');
    json_name(writer, attributes_kind_name(value->kind));
    switch (value->kind) {
    case ATTRIBUTE_S:
    case ATTRIBUTE_N:
    case ATTRIBUTE_B: write_scalar(writer, value); break;
    case ATTRIBUTE_BOOL:
    case ATTRIBUTE_NULL: json_put_boolean(writer, value->truth); break;
    case ATTRIBUTE_M: attribute_json_write_map(writer, value); break;
    default: write_array(writer, value); break;
    }
    json_close(writer, '}');
}
