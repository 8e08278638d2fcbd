#include "query/engine/functions/wide.h"

#include <string.h>

Wide wide_of(uint128 v)
{
    Wide a = {{(uint32_t)v, (uint32_t)(v >> 32), (uint32_t)(v >> 64), (uint32_t)(v >> 96)}};
    return a;
}

static int top_bit(const Wide *a)
{
    for (int i = WIDE_WORDS - 1; i >= 0; i--)
        if (a->w[i])
            return i * 32 + 31 - __builtin_clz(a->w[i]);
    return -1;
}

static void mul_small(Wide *a, uint32_t b)
{
    uint64_t carry = 0;
    for (int i = 0; i < WIDE_WORDS; i++) {
        carry += (uint64_t)a->w[i] * b;
        a->w[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

void wide_mul(Wide *a, uint128 b)
{
    Wide sum = {{0}};
    for (int i = 0; b; i++, b >>= 32) {
        Wide part = *a;
        mul_small(&part, (uint32_t)b);
        wide_shift_left(&part, 32 * i);
        wide_add(&sum, &part);
    }
    *a = sum;
}

void wide_mul_pow10(Wide *a, int n)
{
    for (; n >= 9; n -= 9)
        mul_small(a, 1000000000);
    for (; n > 0; n--)
        mul_small(a, 10);
}

void wide_shift_left(Wide *a, int bits)
{
    int words = bits / 32, rest = bits % 32;
    for (int i = WIDE_WORDS - 1; i >= 0; i--) {
        uint32_t high = i >= words ? a->w[i - words] : 0, low = i > words ? a->w[i - words - 1] : 0;
        a->w[i] = rest ? high << rest | low >> (32 - rest) : high;
    }
}

static void shift_right_1(Wide *a)
{
    for (int i = 0; i < WIDE_WORDS; i++)
        a->w[i] = a->w[i] >> 1 | (i + 1 < WIDE_WORDS ? a->w[i + 1] << 31 : 0);
}

void wide_add(Wide *a, const Wide *b)
{
    uint64_t carry = 0;
    for (int i = 0; i < WIDE_WORDS; i++) {
        carry += (uint64_t)a->w[i] + b->w[i];
        a->w[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

void wide_sub(Wide *a, const Wide *b)
{
    int64_t borrow = 0;
    for (int i = 0; i < WIDE_WORDS; i++) {
        borrow += (int64_t)a->w[i] - b->w[i];
        a->w[i] = (uint32_t)borrow;
        borrow >>= 32;
    }
}

int wide_cmp(const Wide *a, const Wide *b)
{
    for (int i = WIDE_WORDS - 1; i >= 0; i--)
        if (a->w[i] != b->w[i])
            return a->w[i] < b->w[i] ? -1 : 1;
    return 0;
}

void wide_div(Wide *a, const Wide *b, Wide *remainder)
{
    int shift = top_bit(a) - top_bit(b);
    Wide quotient = {{0}}, divisor = *b;
    *remainder = *a;
    if (shift > 0)
        wide_shift_left(&divisor, shift);
    for (; shift >= 0; shift--, shift_right_1(&divisor))
        if (wide_cmp(remainder, &divisor) >= 0) {
            wide_sub(remainder, &divisor);
            quotient.w[shift / 32] |= 1u << (shift % 32);
        }
    *a = quotient;
}

void wide_div_half_up(Wide *a, const Wide *b)
{
    Wide rest, one = wide_of(1);
    wide_div(a, b, &rest);
    wide_shift_left(&rest, 1);
    if (wide_cmp(&rest, b) >= 0)
        wide_add(a, &one);
}

bool wide_to_u128(const Wide *a, uint128 *ret)
{
    *ret = (uint128)a->w[3] << 96 | (uint128)a->w[2] << 64 | (uint128)a->w[1] << 32 | a->w[0];
    return top_bit(a) < 128;
}
