#include "query/engine/encode_number.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static const char digit_pairs[] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051"
    "525354555657585960"
    "6162636465666768697071727374757677787980818283848586878889909192939495969798"
    "99";

static int digits_of(uint64_t v)
{
    int n = 1;
    for (;; v /= 10000, n += 4) {
        if (v < 10)
            return n;
        if (v < 100)
            return n + 1;
        if (v < 1000)
            return n + 2;
        if (v < 10000)
            return n + 3;
    }
}

char *put_padded(char *out, uint64_t v, int n)
{
    int at = n;
    while (at >= 2) {
        at -= 2;
        memcpy(out + at, digit_pairs + v % 100 * 2, 2);
        v /= 100;
    }
    if (at == 1)
        out[0] = (char)('0' + v % 10);
    return out + n;
}

char *put_u64(char *out, uint64_t v)
{
    return put_padded(out, v, digits_of(v));
}

char *put_i64(char *out, int64_t v)
{
    uint64_t u = (uint64_t)v;
    if (v < 0) {
        *out++ = '-';
        u = 0 - u;
    }
    return put_u64(out, u);
}

static const uint64_t E18 = 1000000000000000000ULL;

static char *put_u128(char *out, uint128 v)
{
    if (v <= UINT64_MAX)
        return put_u64(out, (uint64_t)v);
    uint128 high = v / E18;
    out = high <= UINT64_MAX ? put_u64(out, (uint64_t)high) : put_u128(out, high);
    return put_padded(out, (uint64_t)(v % E18), 18);
}

char *put_i128(char *out, int128 v)
{
    if (v >= 0)
        return put_u128(out, (uint128)v);
    *out++ = '-';
    return put_u128(out, 0 - (uint128)v);
}

char *put_decimal(char *out, int128 value, int scale)
{
    uint128 v = (uint128)value;
    if (value < 0) {
        *out++ = '-';
        v = 0 - v;
    }
    char *from = out;
    out = put_u128(out, v);
    if (scale == 0)
        return out;
    ptrdiff_t n = out - from;
    if (n <= scale) { /* zeros up to one digit before the point */
        ptrdiff_t zeros = scale + 1 - n;
        memmove(from + zeros, from, (size_t)n);
        memset(from, '0', (size_t)zeros);
        out += zeros;
    }
    memmove(out - scale + 1, out - scale, (size_t)scale);
    out[-scale] = '.';
    return out + 1;
}

/* ---- shortest digits ---- */

enum { POW10_MIN = -292, POW10_MAX = 324, BIG_WORDS = 40 };

typedef struct Pow10 {
    uint64_t hi, lo;
} Pow10;

/* 10^k scaled to 128 bits with the top bit set, rounded up. Computed at first use (0.3 ms) instead of 10 KB
 * of constants. */
static Pow10 pow10_table[POW10_MAX - POW10_MIN + 1];
static pthread_once_t pow10_once = PTHREAD_ONCE_INIT;

typedef struct Big {
    uint32_t w[BIG_WORDS];
} Big; /* little-endian */

static void big_mul10(Big *b)
{
    uint64_t carry = 0;
    for (int i = 0; i < BIG_WORDS; i++) {
        carry += (uint64_t)b->w[i] * 10;
        b->w[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

static void big_div10(Big *b)
{
    uint64_t rest = 0;
    for (int i = BIG_WORDS - 1; i >= 0; i--) {
        rest = rest << 32 | b->w[i];
        b->w[i] = (uint32_t)(rest / 10);
        rest %= 10;
    }
}

/* The top 128 bits; 1 is added when bits below are lost, or always when `inexact`. */
static Pow10 big_top(const Big *b, bool inexact)
{
    int top = BIG_WORDS - 1;
    while (top > 0 && b->w[top] == 0)
        top--;
    int bit = top * 32 + 31 - __builtin_clz(b->w[top]); /* index of the highest bit */
    uint128 v = 0;
    for (int i = bit; i > bit - 128; i--)
        v = v << 1 | (i >= 0 ? b->w[i / 32] >> (i % 32) & 1 : 0);
    for (int i = bit - 128; i >= 0 && !inexact; i--)
        inexact = b->w[i / 32] >> (i % 32) & 1;
    v += inexact;
    return (Pow10){(uint64_t)(v >> 64), (uint64_t)v};
}

static void pow10_fill(void)
{
    Big b = {{1}};
    for (int k = 0; k <= POW10_MAX; k++, big_mul10(&b))
        pow10_table[k - POW10_MIN] = big_top(&b, false);
    memset(&b, 0, sizeof b);
    b.w[BIG_WORDS - 1] = 1u << 31;
    for (int k = -1; k >= POW10_MIN; k--) {
        big_div10(&b);
        pow10_table[k - POW10_MIN] = big_top(&b, true);
    }
}

static uint64_t round_to_odd(Pow10 g, uint64_t cp)
{
    uint64_t x1 = (uint64_t)((uint128)g.lo * cp >> 64);
    uint128 y = (uint128)g.hi * cp + x1;
    return (uint64_t)(y >> 64) | ((uint64_t)y > 1);
}

static Shortest strip_zeros(uint64_t digits, int exponent)
{
    while (digits % 10 == 0) {
        digits /= 10;
        exponent++;
    }
    return (Shortest){digits, exponent};
}

/* value = c * 2^q */
static Shortest schubfach(uint64_t c, int q, bool lower_is_closer)
{
    pthread_once(&pow10_once, pow10_fill);
    bool odd = c & 1;
    int k = (q * 1262611 - (lower_is_closer ? 524031 : 0)) >> 22; /* floor(log10) of the spacing */
    int h = q + ((-k * 1741647) >> 19) + 1;
    Pow10 g = pow10_table[-k - POW10_MIN];
    uint64_t vbl = round_to_odd(g, (4 * c - 2 + lower_is_closer) << h), vb = round_to_odd(g, 4 * c << h);
    uint64_t vbr = round_to_odd(g, (4 * c + 2) << h), lower = vbl + odd, upper = vbr - odd, s = vb / 4;
    if (s >= 10) {
        uint64_t sp = s / 10;
        bool down = lower <= 40 * sp, up = 40 * sp + 40 <= upper;
        if (down != up)
            return strip_zeros(sp + up, k + 1);
    }
    bool down = lower <= 4 * s, up = 4 * s + 4 <= upper;
    if (down != up)
        return strip_zeros(s + up, k);
    uint64_t middle = 4 * s + 2;
    return strip_zeros(s + (vb > middle || (vb == middle && (s & 1))), k);
}

Shortest shortest_of_double(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, 8);
    uint64_t f = bits & ((1ULL << 52) - 1);
    int e = (int)(bits >> 52 & 0x7ff);
    if (e == 0 && f < 3) /* Java shows two digits where the nearest of one digit is further away */
        return (Shortest){f == 1 ? 49 : 99, -325};
    return e == 0 ? schubfach(f, -1074, false) : schubfach(1ULL << 52 | f, e - 1075, f == 0 && e > 1);
}

Shortest shortest_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, 4);
    uint32_t f = bits & ((1u << 23) - 1);
    int e = (int)(bits >> 23 & 0xff);
    if (e == 0 && f == 1)
        return (Shortest){14, -46};
    return e == 0 ? schubfach(f, -149, false) : schubfach(1u << 23 | f, e - 150, f == 0 && e > 1);
}

/* ---- Java's forms ---- */

static char *put_text(char *out, const char *text)
{
    size_t n = strlen(text);
    memcpy(out, text, n);
    return out + n;
}

static char *put_special(char *out, double v)
{
    return put_text(out, v != v ? "NaN" : v < 0 ? "-Infinity" : "Infinity");
}

static char *put_scientific(char *out, Shortest s)
{
    char digits[24];
    ptrdiff_t n = put_u64(digits, s.digits) - digits;
    *out++ = digits[0];
    *out++ = '.';
    if (n == 1)
        *out++ = '0';
    memcpy(out, digits + 1, (size_t)n - 1);
    out += n - 1;
    *out++ = 'E';
    return put_i64(out, s.exponent + n - 1);
}

/* 1e-3 <= v < 1e7 */
static char *put_plain(char *out, Shortest s)
{
    if (s.exponent < 0)
        return put_decimal(out, (int128)s.digits, -s.exponent);
    out = put_u64(out, s.digits);
    for (int i = 0; i < s.exponent; i++)
        *out++ = '0';
    return put_text(out, ".0");
}

static char *put_java(char *out, double v, bool is_float)
{
    if (!isfinite(v))
        return put_special(out, v);
    if (signbit(v))
        *out++ = '-';
    v = fabs(v);
    if (v == 0)
        return put_text(out, "0.0");
    Shortest s = is_float ? shortest_of_float((float)v) : shortest_of_double(v);
    return v >= 1e-3 && v < 1e7 ? put_plain(out, s) : put_scientific(out, s);
}

char *put_double(char *out, double value)
{
    return put_java(out, value, false);
}
char *put_float(char *out, float value)
{
    return put_java(out, (double)value, true);
}

/* A REAL has seven digits in Trino's text, rounded from the exact value. */
static Shortest seven_digits(double v)
{
    char text[32];
    Shortest s = {0, 0};
    snprintf(text, sizeof text, "%.6e", v);
    for (const char *p = text; *p && *p != 'e'; p++)
        if (*p != '.')
            s.digits = s.digits * 10 + (uint64_t)(*p - '0');
    const char *e = strchr(text, 'e') + 1;
    for (const char *p = e + 1; *p; p++)
        s.exponent = s.exponent * 10 + (*p - '0');
    s.exponent = (*e == '-' ? -s.exponent : s.exponent) - 6;
    return strip_zeros(s.digits, s.exponent);
}

static char *put_trino(char *out, double v, bool is_float)
{
    if (!isfinite(v))
        return put_special(out, v);
    if (signbit(v))
        *out++ = '-';
    if (v == 0)
        return put_text(out, "0E0");
    v = fabs(v);
    return put_scientific(out, is_float ? seven_digits(v) : shortest_of_double(v));
}

char *put_double_scientific(char *out, double value)
{
    return put_trino(out, value, false);
}
char *put_float_scientific(char *out, float value)
{
    return put_trino(out, (double)value, true);
}
