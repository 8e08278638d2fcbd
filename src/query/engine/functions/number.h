/* number.h - Trino's number type: decimals of up to 200 digits, infinities and NaN.
 *
 * A Number is what is computed with: coefficient / 10^scale, or a special value. In DuckDB a number is a BLOB
 * made so that equal values are equal bytes and the order of bytes is the order of values: -Infinity, finite
 * values, +Infinity, NaN. Grouping, joins, ORDER BY, min and DISTINCT then need no function of ours; only the
 * comparison operators do, because NaN compares with nothing.
 *
 * The bytes: a class (one byte); of finite values but 0 the exponent of the first digit (two bytes, biased,
 * big-endian), then the digits without zeros at the end, two a byte, plus one; all of it complemented and
 * closed by 0xff when the value is negative, so that longer is less there.
 *
 * Results are rounded half up to 200 digits as in release 483; a scale outside of -16384..16383 does not fit.
 * Thread-safe: no state. */
#pragma once

#include "base/str.h"
#include "query/engine/encode_number.h"

enum {
    NUMBER_DIGITS_MAX = 200,
    NUMBER_SCALE_MIN = -16384,
    NUMBER_SCALE_MAX = 16383,
    NUMBER_BYTES_MAX = 104,
    NUMBER_STRING_MAX = 216, /* sign, digits, point, exponent, or zeros in front */
    BIG_LIMBS = 64,          /* 576 digits: a product, or a sum of two numbers that overlap */
};

/* A natural number in limbs of nine digits, the least first; no zero limb at the end. */
typedef struct Big {
    int n;
    uint32_t w[BIG_LIMBS];
} Big;

typedef enum NumberKind { NUMBER_FINITE, NUMBER_INFINITE, NUMBER_NAN } NumberKind;

typedef struct Number {
    NumberKind kind;
    bool negative; /* never of NaN or zero */
    int scale;
    Big c;
} Number;

/* false: bytes that number_encode() did not make. */
bool number_decode(Str bytes, Number *ret);
/* Rounds to 200 digits, then writes; returns the length, or 0 when the scale does not fit. `v` ends
 * normalised. */
size_t number_encode(Number *v, uint8_t out[NUMBER_BYTES_MAX]);

/* "1.5", "1E+3", "NaN", "+Infinity" (with_sign as Java's BigDecimal and Trino print it). Returns the end. */
char *put_number(char *out, const Number *v);
/* What CAST(varchar AS number) reads, blanks around it allowed. false: it is none. */
bool number_parse(Str text, Number *ret);

void number_of_i128(Number *v, int128 value, int scale);
void number_of_shortest(Number *v, Shortest value, bool negative);
/* |v| at `scale` digits after the point, half up. false: over 128 bits. v is finite. */
bool number_to_u128(const Number *v, int scale, uint128 *ret);

bool number_is_zero(const Number *v);
void number_negate(Number *v);
void number_add(Number *a, const Number *b);
void number_multiply(Number *a, const Number *b);
/* false: division by zero. */
bool number_divide(Number *a, const Number *b);
bool number_modulus(Number *a, const Number *b);

typedef enum NumberRounding { NUMBER_HALF_UP, NUMBER_TRUNCATE, NUMBER_CEILING, NUMBER_FLOOR } NumberRounding;
/* To `scale` digits after the point (may be negative). Special values stay. */
void number_round(Number *v, int64_t scale, NumberRounding rounding);
