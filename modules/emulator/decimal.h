/*
 * Decimal numbers as DynamoDB has them: up to 38 significant digits, magnitudes
 * from 1E-130 to 9.99…E+125, exact sums. No state: any thread.
 * Source: DynamoDB Developer Guide, "Supported data types", Number.
 */
#ifndef EMULATOR_DECIMAL_H
#define EMULATOR_DECIMAL_H

#include "base/buffer.h"

#include <stddef.h>

#define DECIMAL_DIGITS 38

typedef enum {
    DECIMAL_GOOD,
    DECIMAL_NO_NUMBER,
    DECIMAL_OVERFLOW,
    DECIMAL_UNDERFLOW,
    DECIMAL_TOO_PRECISE
} decimal_status_e;

/* d.ddd × 10^exponent, without zeros at either end; no digit at all is zero. */
typedef struct {
    int negative;
    int exponent;
    int count;
    signed char digits[DECIMAL_DIGITS];
} decimal_t;

decimal_status_e decimal_parse(decimal_t *number, const char *text, size_t length);

/* Less than, equal to or greater than 0. */
int decimal_compare(const decimal_t *one, const decimal_t *other);

/* one + other, or one - other when `minus`. */
decimal_status_e decimal_add(decimal_t *sum, const decimal_t *one, const decimal_t *other,
                             int minus);

/* Appends the number in plain notation: 100, -0.5. */
void decimal_write(const decimal_t *number, buffer_t *out);

#endif
