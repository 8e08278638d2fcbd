/* wide.h - unsigned integers of 1,280 bits for decimals whose exact intermediate value leaves 128 bits: the
 * largest product of two 38-digit numbers and a power of ten, and a double's 1,074 bits below the point times
 * 10^38 rounded at once. Slow; the callers try 128 bits first. */
#pragma once

#include "query/engine/encode_number.h"

enum { WIDE_WORDS = 42 };

typedef struct Wide {
    uint32_t w[WIDE_WORDS];
} Wide; /* little-endian */

Wide wide_of(uint128 v);
void wide_mul(Wide *a, uint128 b);
void wide_mul_pow10(Wide *a, int n);
void wide_shift_left(Wide *a, int bits);
void wide_add(Wide *a, const Wide *b);
void wide_sub(Wide *a, const Wide *b); /* a >= b */
int wide_cmp(const Wide *a, const Wide *b);
/* a becomes the quotient, *remainder the rest. b is not 0. */
void wide_div(Wide *a, const Wide *b, Wide *remainder);
/* a / b rounded half up. */
void wide_div_half_up(Wide *a, const Wide *b);
bool wide_to_u128(const Wide *a, uint128 *ret); /* false: it does not fit */
