#include "emulator/decimal.h"

#include <string.h>

#define EXPONENT_MAX   125
#define EXPONENT_MIN   (-130)
#define EXPONENT_LIMIT 100000 /* of what is read: beyond it there is nothing left to tell */
/* One column a power of ten, the highest first, and one more for a carry. */
#define COLUMNS (EXPONENT_MAX - EXPONENT_MIN + DECIMAL_DIGITS + 1)

/* ---- reading ---- */

typedef struct {
    const char *at;
    const char *end;
    decimal_t *number;
    int exponent; /* of the next digit */
    int digits;   /* of any kind, zeros too */
    int zeros;    /* that are digits only when another one follows */
    int too_many;
} reader_t;

static int is_digit(const reader_t *reader)
{
    return reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9';
}

static void take_digit(reader_t *reader, int digit)
{
    decimal_t *number = reader->number;

    reader->digits++;
    if (digit == 0) {
        reader->zeros += number->count > 0;
        return;
    }
    if (number->count + reader->zeros >= DECIMAL_DIGITS) {
        reader->too_many = 1;
        return;
    }
    memset(number->digits + number->count, 0, (size_t)reader->zeros);
    number->count += reader->zeros;
    reader->zeros = 0;
    number->digits[number->count++] = (signed char)digit;
}

static void read_digits(reader_t *reader)
{
    decimal_t *number = reader->number;

    for (; is_digit(reader); reader->at++) {
        if (number->count > 0) {
            number->exponent++;
        }
        take_digit(reader, *reader->at - '0');
    }
}

static void read_fraction(reader_t *reader)
{
    decimal_t *number = reader->number;

    for (; is_digit(reader); reader->at++) {
        if (number->count == 0) {
            number->exponent--;
        }
        take_digit(reader, *reader->at - '0');
    }
}

static int read_exponent(reader_t *reader)
{
    int negative;
    int exponent = 0;

    reader->at++;
    negative = reader->at < reader->end && *reader->at == '-';
    reader->at += negative || (reader->at < reader->end && *reader->at == '+');
    if (!is_digit(reader)) {
        return 0;
    }
    for (; is_digit(reader); reader->at++) {
        exponent = exponent < EXPONENT_LIMIT ? exponent * 10 + (*reader->at - '0') : exponent;
    }
    reader->number->exponent += negative ? -exponent : exponent;
    return 1;
}

static decimal_status_e check(decimal_t *number)
{
    while (number->count > 0 && number->digits[number->count - 1] == 0) {
        number->count--;
    }
    if (number->count == 0) {
        memset(number, 0, sizeof(*number));
        return DECIMAL_GOOD;
    }
    if (number->exponent > EXPONENT_MAX) {
        return DECIMAL_OVERFLOW;
    }
    return number->exponent < EXPONENT_MIN ? DECIMAL_UNDERFLOW : DECIMAL_GOOD;
}

decimal_status_e decimal_parse(decimal_t *number, const char *text, size_t length)
{
    reader_t reader = {.at = text, .end = text + length, .number = number};
    decimal_status_e status;

    memset(number, 0, sizeof(*number));
    if (length > 0 && (*text == '-' || *text == '+')) {
        number->negative = *text == '-';
        reader.at++;
    }
    read_digits(&reader);
    if (reader.at < reader.end && *reader.at == '.') {
        reader.at++;
        read_fraction(&reader);
    }
    if (reader.digits == 0 ||
        (reader.at < reader.end && (*reader.at | 0x20) == 'e' && !read_exponent(&reader)) ||
        reader.at != reader.end) {
        return DECIMAL_NO_NUMBER;
    }
    status = check(number);
    return status == DECIMAL_GOOD && reader.too_many ? DECIMAL_TOO_PRECISE : status;
}

/* ---- comparing and adding ---- */

static int sign_of(const decimal_t *number)
{
    if (number->count == 0) {
        return 0;
    }
    return number->negative ? -1 : 1;
}

static int compare_magnitudes(const decimal_t *one, const decimal_t *other)
{
    int i;

    if (one->exponent != other->exponent) {
        return one->exponent - other->exponent;
    }
    for (i = 0; i < one->count && i < other->count; i++) {
        if (one->digits[i] != other->digits[i]) {
            return one->digits[i] - other->digits[i];
        }
    }
    return one->count - other->count;
}

int decimal_compare(const decimal_t *one, const decimal_t *other)
{
    int sign = sign_of(one);

    if (sign != sign_of(other)) {
        return sign - sign_of(other);
    }
    return sign * compare_magnitudes(one, other);
}

/* Adds the digits to the columns, or takes them off. */
static void put_columns(int *columns, const decimal_t *number, int sign)
{
    int first = EXPONENT_MAX - number->exponent + 1;
    int i;

    for (i = 0; i < number->count; i++) {
        columns[first + i] += sign * number->digits[i];
    }
}

/* Makes each column a digit; the sum is not negative. */
static void carry(int *columns)
{
    int i;

    for (i = COLUMNS - 1; i > 0; i--) {
        while (columns[i] < 0) {
            columns[i] += 10;
            columns[i - 1]--;
        }
        columns[i - 1] += columns[i] / 10;
        columns[i] %= 10;
    }
}

static decimal_status_e collect(decimal_t *sum, const int *columns)
{
    int first = 0;
    int last = COLUMNS - 1;
    int i;

    while (first < COLUMNS && columns[first] == 0) {
        first++;
    }
    while (last > first && columns[last] == 0) {
        last--;
    }
    if (first == COLUMNS) {
        memset(sum, 0, sizeof(*sum));
        return DECIMAL_GOOD;
    }
    if (last - first >= DECIMAL_DIGITS) {
        return DECIMAL_TOO_PRECISE;
    }
    for (i = first; i <= last; i++) {
        sum->digits[i - first] = (signed char)columns[i];
    }
    sum->count = last - first + 1;
    sum->exponent = EXPONENT_MAX + 1 - first;
    return check(sum);
}

decimal_status_e decimal_add(decimal_t *sum, const decimal_t *one, const decimal_t *other,
                             int minus)
{
    decimal_t second = *other;
    int columns[COLUMNS] = {0};
    int larger;

    second.negative ^= minus;
    larger = compare_magnitudes(one, &second) >= 0 || second.count == 0;
    if (one->count == 0) {
        larger = 0;
    }
    memset(sum, 0, sizeof(*sum));
    sum->negative = larger ? one->negative : second.negative;
    put_columns(columns, one, one->negative == sum->negative ? 1 : -1);
    put_columns(columns, &second, second.negative == sum->negative ? 1 : -1);
    carry(columns);
    return collect(sum, columns);
}

/* ---- writing ---- */

void decimal_write(const decimal_t *number, buffer_t *out)
{
    int place;
    int last = number->count - 1 - number->exponent; /* digits behind the point */

    if (number->count == 0) {
        (void)buffer_puts(out, "0");
        return;
    }
    if (number->negative) {
        (void)buffer_puts(out, "-");
    }
    for (place = number->exponent < 0 ? number->exponent : 0; place < number->count; place++) {
        char digit = (char)('0' + (place < 0 ? 0 : number->digits[place]));
        (void)buffer_append(out, &digit, 1);
        if (place == number->exponent && last > 0) {
            (void)buffer_puts(out, ".");
        }
    }
    for (; place <= number->exponent; place++) {
        (void)buffer_puts(out, "0");
    }
}
