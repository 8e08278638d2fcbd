/* big.c - natural numbers in limbs of nine decimal digits, for number.c. */
#include "query/engine/functions/big.h"

#include <assert.h>
#include <string.h>

void big_trim(Big *a)
{
    while (a->n > 0 && a->w[a->n - 1] == 0)
        a->n--;
}

static uint32_t pow10_of(int digits)
{
    static const uint32_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
    return powers[digits];
}

void big_of_u128(Big *a, uint128 v)
{
    a->n = 0;
    for (; v > 0; v /= BIG_BASE)
        a->w[a->n++] = (uint32_t)(v % BIG_BASE);
}

int big_digits(const Big *a)
{
    if (a->n == 0)
        return 0;
    int digits = (a->n - 1) * BIG_LIMB_DIGITS;
    for (uint32_t top = a->w[a->n - 1]; top > 0; top /= 10)
        digits++;
    return digits;
}

int big_cmp(const Big *a, const Big *b)
{
    if (a->n != b->n)
        return a->n < b->n ? -1 : 1;
    for (int i = a->n - 1; i >= 0; i--)
        if (a->w[i] != b->w[i])
            return a->w[i] < b->w[i] ? -1 : 1;
    return 0;
}

void big_add(Big *a, const Big *b)
{
    uint32_t carry = 0;
    for (int i = 0; i < b->n || (carry && i < BIG_LIMBS); i++) {
        uint32_t sum = (i < a->n ? a->w[i] : 0) + (i < b->n ? b->w[i] : 0) + carry;
        carry = sum >= BIG_BASE;
        a->w[i] = carry ? sum - BIG_BASE : sum;
        if (i >= a->n)
            a->n = i + 1;
    }
    assert(!carry);
}

void big_sub(Big *a, const Big *b)
{
    uint32_t borrow = 0;
    for (int i = 0; i < a->n; i++) {
        uint32_t take = (i < b->n ? b->w[i] : 0) + borrow;
        borrow = a->w[i] < take;
        a->w[i] += (borrow ? BIG_BASE : 0) - take;
    }
    assert(!borrow);
    big_trim(a);
}

void big_mul(Big *a, const Big *b)
{
    Big out = {.n = a->n + b->n};
    assert(out.n <= BIG_LIMBS);
    memset(out.w, 0, (size_t)out.n * sizeof *out.w);
    for (int i = 0; i < a->n; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < b->n; j++) {
            uint64_t t = (uint64_t)a->w[i] * b->w[j] + out.w[i + j] + carry;
            out.w[i + j] = (uint32_t)(t % BIG_BASE);
            carry = t / BIG_BASE;
        }
        out.w[i + b->n] = (uint32_t)carry;
    }
    big_trim(&out);
    *a = out;
}

static void mul_small(Big *a, uint32_t by)
{
    uint64_t carry = 0;
    for (int i = 0; i < a->n; i++) {
        uint64_t t = (uint64_t)a->w[i] * by + carry;
        a->w[i] = (uint32_t)(t % BIG_BASE);
        carry = t / BIG_BASE;
    }
    if (carry) {
        assert(a->n < BIG_LIMBS);
        a->w[a->n++] = (uint32_t)carry;
    }
}

uint32_t big_div_small(Big *a, uint32_t by)
{
    uint64_t rest = 0;
    for (int i = a->n - 1; i >= 0; i--) {
        uint64_t t = rest * BIG_BASE + a->w[i];
        a->w[i] = (uint32_t)(t / by);
        rest = t % by;
    }
    big_trim(a);
    return (uint32_t)rest;
}

void big_mul_pow10(Big *a, int digits)
{
    int limbs = digits / BIG_LIMB_DIGITS;
    if (a->n == 0)
        return;
    if (limbs > 0) {
        assert(a->n + limbs <= BIG_LIMBS);
        memmove(a->w + limbs, a->w, (size_t)a->n * sizeof *a->w);
        memset(a->w, 0, (size_t)limbs * sizeof *a->w);
        a->n += limbs;
    }
    if (digits % BIG_LIMB_DIGITS)
        mul_small(a, pow10_of(digits % BIG_LIMB_DIGITS));
}

BigRest big_div_pow10(Big *a, int digits)
{
    if (digits <= 0 || a->n == 0)
        return BIG_REST_NONE;
    /* All but the last digit that goes, to know whether anything was there; then that one. */
    int whole = digits - 1, limbs = whole / BIG_LIMB_DIGITS;
    bool sticky = false;
    if (limbs >= a->n) {
        a->n = 0;
        return BIG_REST_BELOW_HALF;
    }
    for (int i = 0; i < limbs; i++)
        sticky = sticky || a->w[i];
    memmove(a->w, a->w + limbs, (size_t)(a->n - limbs) * sizeof *a->w);
    a->n -= limbs;
    if (whole % BIG_LIMB_DIGITS)
        sticky = big_div_small(a, pow10_of(whole % BIG_LIMB_DIGITS)) || sticky;
    uint32_t last = big_div_small(a, 10);
    return last >= 5 ? BIG_REST_HALF : last || sticky ? BIG_REST_BELOW_HALF : BIG_REST_NONE;
}

void big_increment(Big *a)
{
    Big one = {.n = 1, .w = {1}};
    big_add(a, &one);
}

int big_strip_zeros(Big *a)
{
    int limbs = 0, digits = 0;
    if (a->n == 0)
        return 0;
    while (a->w[limbs] == 0)
        limbs++;
    if (limbs > 0) {
        a->n -= limbs;
        memmove(a->w, a->w + limbs, (size_t)a->n * sizeof *a->w);
    }
    for (uint32_t low = a->w[0]; low % 10 == 0; low /= 10)
        digits++;
    if (digits > 0)
        big_div_small(a, pow10_of(digits));
    return limbs * BIG_LIMB_DIGITS + digits;
}

/* Knuth's algorithm D in base 10^9. */
void big_div(Big *a, const Big *b, Big *rest)
{
    assert(b->n > 0);
    if (big_cmp(a, b) < 0) {
        *rest = *a;
        a->n = 0;
        return;
    }
    if (b->n == 1) {
        uint32_t r = big_div_small(a, b->w[0]);
        *rest = (Big){.n = r > 0, .w = {r}};
        return;
    }
    uint32_t scale = BIG_BASE / (b->w[b->n - 1] + 1);
    Big u = *a, v = *b, q = {.n = a->n - b->n + 1};
    mul_small(&u, scale);
    mul_small(&v, scale);
    assert(a->n < BIG_LIMBS && v.n == b->n);
    for (int i = u.n; i <= a->n; i++)
        u.w[i] = 0;
    for (int j = a->n - b->n; j >= 0; j--) {
        uint64_t top = (uint64_t)u.w[j + v.n] * BIG_BASE + u.w[j + v.n - 1];
        uint64_t digit = top / v.w[v.n - 1], r = top % v.w[v.n - 1];
        while (digit >= BIG_BASE || digit * v.w[v.n - 2] > r * BIG_BASE + u.w[j + v.n - 2]) {
            digit--;
            r += v.w[v.n - 1];
            if (r >= BIG_BASE)
                break;
        }
        int64_t borrow = 0;
        uint64_t carry = 0;
        for (int i = 0; i <= v.n; i++) {
            uint64_t p = carry + (i < v.n ? digit * v.w[i] : 0);
            carry = p / BIG_BASE;
            int64_t t = (int64_t)u.w[i + j] - (int64_t)(p % BIG_BASE) - borrow;
            borrow = t < 0;
            u.w[i + j] = (uint32_t)(t + (borrow ? BIG_BASE : 0));
        }
        if (borrow) {
            digit--;
            uint32_t back = 0;
            for (int i = 0; i <= v.n; i++) {
                uint32_t t = u.w[i + j] + (i < v.n ? v.w[i] : 0) + back;
                back = t >= BIG_BASE;
                u.w[i + j] = back ? t - BIG_BASE : t;
            }
        }
        q.w[j] = (uint32_t)digit;
    }
    u.n = v.n;
    big_trim(&u);
    big_div_small(&u, scale);
    big_trim(&q);
    *rest = u;
    *a = q;
}

char *big_put_digits(char *out, const Big *a)
{
    if (a->n == 0)
        return out;
    out = put_u64(out, a->w[a->n - 1]);
    for (int i = a->n - 2; i >= 0; i--)
        out = put_padded(out, a->w[i], BIG_LIMB_DIGITS);
    return out;
}

void big_of_digits(Big *a, const char *digits, size_t n)
{
    a->n = 0;
    while (n > 0) {
        size_t take = n < BIG_LIMB_DIGITS ? n : BIG_LIMB_DIGITS;
        uint32_t limb = 0;
        for (size_t i = n - take; i < n; i++)
            limb = limb * 10 + (uint32_t)(digits[i] - '0');
        assert(a->n < BIG_LIMBS);
        a->w[a->n++] = limb;
        n -= take;
    }
    big_trim(a);
}
