#include "aws/attributes.h"

#include "base/text.h"

#include <apr_strings.h>
#include <string.h>

#define DIGITS_MAX 38 /* DynamoDB's numbers have no more */

/* ---- writing ---- */

static void open_value(json_writer_t *writer, const char *name, const char *type)
{
    if (name != NULL) {
        json_name(writer, name);
    }
    json_open(writer, '{');
    json_name(writer, type);
}

void attributes_put_string(json_writer_t *writer, const char *name, const char *bytes,
                           size_t length)
{
    open_value(writer, name, "S");
    json_put_string(writer, bytes, length);
    json_close(writer, '}');
}

void attributes_put_text(json_writer_t *writer, const char *name, const char *text)
{
    attributes_put_string(writer, name, text, strlen(text));
}

void attributes_put_integer(json_writer_t *writer, const char *name, int64_t number)
{
    char digits[24];

    (void)apr_snprintf(digits, sizeof(digits), "%" APR_INT64_T_FMT, (apr_int64_t)number);
    open_value(writer, name, "N");
    json_put_text(writer, digits);
    json_close(writer, '}');
}

void attributes_put_bytes(json_writer_t *writer, const char *name, const void *bytes, size_t length)
{
    open_value(writer, name, "B");
    json_put_raw(writer, "\"", 1);
    (void)text_base64_encode(writer->out, bytes, length);
    (void)buffer_puts(writer->out, "\"");
    json_close(writer, '}');
}

void attributes_put_null(json_writer_t *writer, const char *name)
{
    open_value(writer, name, "NULL");
    json_put_boolean(writer, 1);
    json_close(writer, '}');
}

void attributes_open_map(json_writer_t *writer, const char *name)
{
    open_value(writer, name, "M");
    json_open(writer, '{');
}

void attributes_close_map(json_writer_t *writer)
{
    json_close(writer, '}');
    json_close(writer, '}');
}

void attributes_open_list(json_writer_t *writer, const char *name)
{
    open_value(writer, name, "L");
    json_open(writer, '[');
}

void attributes_close_list(json_writer_t *writer)
{
    json_close(writer, ']');
    json_close(writer, '}');
}

/* ---- reading ---- */

int attributes_has(const json_t *item, const char *name)
{
    return json_member(item, name) != NULL;
}

const char *attributes_string(const json_t *item, const char *name, size_t *length)
{
    return json_member_text(json_member(item, name), "S", length);
}

/* A number as it is written: its digits without leading zeros, and by which power of ten they are
 * to be multiplied. */
typedef struct {
    char digits[DIGITS_MAX];
    size_t count;
    int exponent;
    int is_negative;
} decimal_t;

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits with at most one point; 0 when there are none, or too many. */
static int read_digits(decimal_t *decimal, const char **at)
{
    int seen = 0;
    int after_point = 0;

    for (; is_digit(**at) || (**at == '.' && !after_point); (*at)++) {
        if (**at == '.') {
            after_point = 1;
            continue;
        }
        seen = 1;
        decimal->exponent -= after_point;
        if (**at == '0' && decimal->count == 0) {
            continue;
        }
        if (decimal->count == DIGITS_MAX) {
            return 0;
        }
        decimal->digits[decimal->count++] = **at;
    }
    return seen;
}

/* 1 when there is none, too. */
static int read_exponent(decimal_t *decimal, const char **at)
{
    int is_negative;
    int value = 0;
    size_t count;

    if (**at != 'e' && **at != 'E') {
        return 1;
    }
    (*at)++;
    is_negative = **at == '-';
    *at += **at == '-' || **at == '+';
    for (count = 0; is_digit(**at) && count < 4; count++, (*at)++) {
        value = 10 * value + (**at - '0');
    }
    decimal->exponent += is_negative ? -value : value;
    return count > 0;
}

static int read_decimal(decimal_t *decimal, const char *text, size_t length)
{
    const char *at = text;

    memset(decimal, 0, sizeof(*decimal));
    decimal->is_negative = *at == '-';
    at += *at == '-' || *at == '+';
    return read_digits(decimal, &at) && read_exponent(decimal, &at) && at == text + length;
}

/* The digits without the point; 0 when what stands behind it is not all zeros. */
static int drop_fraction(decimal_t *decimal)
{
    while (decimal->exponent < 0 && decimal->count > 0) {
        if (decimal->digits[--decimal->count] != '0') {
            return 0;
        }
        decimal->exponent++;
    }
    return 1;
}

/* One more digit; 0 when it does not fit. Gathered as a negative number: there is one more. */
static int append_digit(int64_t *number, int digit)
{
    return !__builtin_mul_overflow(*number, (int64_t)10, number) &&
           !__builtin_sub_overflow(*number, (int64_t)digit, number);
}

static int to_integer(decimal_t *decimal, int64_t *out)
{
    int64_t number = 0;
    size_t i;

    if (!drop_fraction(decimal)) {
        return 0;
    }
    for (i = 0; i < decimal->count; i++) {
        if (!append_digit(&number, decimal->digits[i] - '0')) {
            return 0;
        }
    }
    for (; number != 0 && decimal->exponent > 0; decimal->exponent--) {
        if (!append_digit(&number, 0)) {
            return 0;
        }
    }
    *out = number;
    return decimal->is_negative || !__builtin_sub_overflow((int64_t)0, number, out);
}

int attributes_integer(const json_t *item, const char *name, int64_t *out)
{
    size_t length = 0;
    const char *text = json_member_text(json_member(item, name), "N", &length);
    decimal_t decimal;
    int64_t number;

    if (text == NULL || !read_decimal(&decimal, text, length) || !to_integer(&decimal, &number)) {
        return 0;
    }
    *out = number;
    return 1;
}

int attributes_bytes(const json_t *item, const char *name, buffer_t *out)
{
    size_t length = 0;
    const char *text = json_member_text(json_member(item, name), "B", &length);

    return text != NULL && text_base64_decode(out, text, length);
}

int attributes_is_null(const json_t *item, const char *name)
{
    int truth = 0;

    return json_boolean(json_member(json_member(item, name), "NULL"), &truth) && truth;
}

static const json_t *content(const json_t *value, const char *type, json_kind_e kind)
{
    const json_t *inside = json_member(value, type);

    return json_kind(inside) == kind ? inside : NULL;
}

const json_t *attributes_map(const json_t *item, const char *name)
{
    return content(json_member(item, name), "M", JSON_OBJECT);
}

const json_t *attributes_list(const json_t *item, const char *name)
{
    return content(json_member(item, name), "L", JSON_ARRAY);
}

const json_t *attributes_map_element(const json_t *list, size_t index)
{
    return content(json_item(list, index), "M", JSON_OBJECT);
}
