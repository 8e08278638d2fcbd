/* encode_number.h - numbers to text, fast and exact.
 *
 * Each writes at `out` and returns the end; nothing ends in NUL. Thread-safe. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* DuckDB's 128-bit values stand at multiples of 8. */
typedef __int128 int128 __attribute__((aligned(8)));
typedef unsigned __int128 uint128 __attribute__((aligned(8)));

enum { NUMBER_TEXT_MAX = 64 }; /* every function here writes less */

char *put_u64(char *out, uint64_t value);
char *put_i64(char *out, int64_t value);
char *put_i128(char *out, int128 value);
/* Exactly n digits (n <= 18), zeros in front. */
char *put_padded(char *out, uint64_t value, int n);
/* value / 10^scale with exactly `scale` fractional digits: "-0.05", "12". */
char *put_decimal(char *out, int128 value, int scale);

/* The decimal of fewest digits that reads back as the same number, the nearest of these: |v| = digits *
 * 10^exponent, without trailing zeros. Finite v other than 0. After R. Giulietti, "The Schubfach way to
 * render doubles" (2021). */
typedef struct Shortest {
    uint64_t digits;
    int exponent;
} Shortest;
Shortest shortest_of_double(double value);
Shortest shortest_of_float(float value);

/* Java's Double.toString and Float.toString: "1.0", "0.001", "1.0E10", "NaN", "-Infinity". */
char *put_double(char *out, double value);
char *put_float(char *out, float value);
/* Trino's CAST to varchar: "1.0E0", "1.25E-3", "0E0", "-0E0", "NaN", "Infinity". */
char *put_double_scientific(char *out, double value);
char *put_float_scientific(char *out, float value);
