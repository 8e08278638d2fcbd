/* big.h - natural numbers of up to 576 decimal digits, for number.c. Who calls keeps within the limbs; the
 * functions only assert it. */
#pragma once

#include "query/engine/functions/number.h"

enum { BIG_BASE = 1000000000, BIG_LIMB_DIGITS = 9 };

/* What a division by a power of ten dropped. */
typedef enum BigRest { BIG_REST_NONE, BIG_REST_BELOW_HALF, BIG_REST_HALF } BigRest;

void big_trim(Big *a);
void big_of_u128(Big *a, uint128 v);
int big_digits(const Big *a); /* 0 of zero */
int big_cmp(const Big *a, const Big *b);
void big_add(Big *a, const Big *b);
void big_sub(Big *a, const Big *b); /* a >= b */
void big_mul(Big *a, const Big *b);
uint32_t big_div_small(Big *a, uint32_t by); /* the rest */
void big_mul_pow10(Big *a, int digits);
BigRest big_div_pow10(Big *a, int digits);
void big_increment(Big *a);
int big_strip_zeros(Big *a); /* how many zeros at the end went */
/* a becomes the quotient. b is not 0. */
void big_div(Big *a, const Big *b, Big *rest);
char *big_put_digits(char *out, const Big *a); /* nothing of zero */
void big_of_digits(Big *a, const char *digits, size_t n);
