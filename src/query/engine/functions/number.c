/* number.c - see number.h. Source: Trino's documentation "Number"; behaviour of release 483, whose texts and
 * scales are java.math.BigDecimal's. */
#include "query/engine/functions/number.h"

#include <assert.h>

#include "query/engine/functions/big.h"

enum {
    CLASS_MINUS_INFINITY = 1,
    CLASS_NEGATIVE,
    CLASS_ZERO,
    CLASS_POSITIVE,
    CLASS_PLUS_INFINITY,
    CLASS_NAN,
    EXPONENT_BIAS = 32768,
    EXACT_DIGITS = 560, /* fits the limbs */
    DIGITS_TEXT_MAX = BIG_LIMBS * BIG_LIMB_DIGITS + 16,
};

bool number_is_zero(const Number *v)
{
    return v->kind == NUMBER_FINITE && v->c.n == 0;
}

static void set_zero(Number *v)
{
    v->kind = NUMBER_FINITE;
    v->negative = false;
    v->scale = 0;
    v->c.n = 0;
}

static void set_special(Number *v, NumberKind kind, bool negative)
{
    set_zero(v);
    v->kind = kind;
    v->negative = negative;
}

/* Drops digits at the end, half up. */
static void drop_digits(Number *v, int digits)
{
    if (big_div_pow10(&v->c, digits) == BIG_REST_HALF)
        big_increment(&v->c);
    v->scale -= digits;
}

static void normalise(Number *v)
{
    v->scale -= big_strip_zeros(&v->c);
    int digits = big_digits(&v->c);
    if (digits > NUMBER_DIGITS_MAX) {
        drop_digits(v, digits - NUMBER_DIGITS_MAX);
        v->scale -= big_strip_zeros(&v->c);
    }
    if (v->c.n == 0)
        set_zero(v);
}

/* ---- bytes ---- */

bool number_decode(Str bytes, Number *ret)
{
    const uint8_t *p = (const uint8_t *)bytes.ptr;
    if (bytes.len < 1 || bytes.len > NUMBER_BYTES_MAX)
        return false;
    set_zero(ret);
    uint8_t class = p[0];
    if (class != CLASS_NEGATIVE && class != CLASS_POSITIVE) {
        if (class != CLASS_ZERO)
            set_special(ret, class == CLASS_NAN ? NUMBER_NAN : NUMBER_INFINITE,
                        class == CLASS_MINUS_INFINITY);
        return bytes.len == 1 && class >= CLASS_MINUS_INFINITY && class <= CLASS_NAN;
    }
    ret->negative = class == CLASS_NEGATIVE;
    size_t end = bytes.len - ret->negative, n = 0;
    uint8_t flip = ret->negative ? 0xff : 0;
    char digits[2 * NUMBER_BYTES_MAX];
    if (end < 4)
        return false;
    int exponent = ((p[1] ^ flip) << 8 | (p[2] ^ flip)) - EXPONENT_BIAS;
    for (size_t i = 3; i < end; i++) {
        int pair = (p[i] ^ flip) - 1;
        if (pair < 0 || pair > 99)
            return false;
        digits[n++] = (char)('0' + pair / 10);
        digits[n++] = (char)('0' + pair % 10);
    }
    if (digits[n - 1] == '0')
        n--;
    big_of_digits(&ret->c, digits, n);
    ret->scale = (int)n - 1 - exponent;
    return ret->c.n > 0;
}

size_t number_encode(Number *v, uint8_t out[NUMBER_BYTES_MAX])
{
    if (v->kind != NUMBER_FINITE) {
        out[0] = v->kind == NUMBER_NAN ? CLASS_NAN : v->negative ? CLASS_MINUS_INFINITY : CLASS_PLUS_INFINITY;
        return 1;
    }
    normalise(v);
    if (v->c.n == 0) {
        out[0] = CLASS_ZERO;
        return 1;
    }
    if (v->scale < NUMBER_SCALE_MIN || v->scale > NUMBER_SCALE_MAX)
        return 0;
    char digits[DIGITS_TEXT_MAX], *end = big_put_digits(digits, &v->c);
    size_t n = (size_t)(end - digits), length = 3;
    uint8_t flip = v->negative ? 0xff : 0;
    unsigned exponent = (unsigned)((int)n - 1 - v->scale + EXPONENT_BIAS);
    digits[n] = '0'; /* the other half of an odd digit */
    out[0] = v->negative ? CLASS_NEGATIVE : CLASS_POSITIVE;
    out[1] = (uint8_t)(exponent >> 8) ^ flip;
    out[2] = (uint8_t)exponent ^ flip;
    for (size_t i = 0; i < n; i += 2)
        out[length++] = (uint8_t)((digits[i] - '0') * 10 + digits[i + 1] - '0' + 1) ^ flip;
    if (v->negative)
        out[length++] = 0xff;
    return length;
}

/* ---- texts ---- */

static char *put_text(char *out, const char *text, size_t n)
{
    memcpy(out, text, n);
    return out + n;
}

static char *put_zeros(char *out, int n)
{
    for (int i = 0; i < n; i++)
        *out++ = '0';
    return out;
}

char *put_number(char *out, const Number *v)
{
    if (v->kind == NUMBER_NAN)
        return put_text(out, "NaN", 3);
    if (v->kind == NUMBER_INFINITE)
        return put_text(out, v->negative ? "-Infinity" : "+Infinity", 9);
    if (v->negative)
        *out++ = '-';
    if (v->c.n == 0)
        return put_text(out, "0", 1);
    char digits[DIGITS_TEXT_MAX];
    int n = (int)(big_put_digits(digits, &v->c) - digits), exponent = n - 1 - v->scale;
    if (v->scale >= 0 && exponent >= -6) {
        int whole = n - v->scale;
        if (whole <= 0) {
            out = put_text(out, "0.", 2);
            out = put_zeros(out, -whole);
            return put_text(out, digits, (size_t)n);
        }
        out = put_text(out, digits, (size_t)whole);
        if (v->scale == 0)
            return out;
        *out++ = '.';
        return put_text(out, digits + whole, (size_t)v->scale);
    }
    *out++ = digits[0];
    if (n > 1) {
        *out++ = '.';
        out = put_text(out, digits + 1, (size_t)n - 1);
    }
    *out++ = 'E';
    if (exponent >= 0)
        *out++ = '+';
    return put_i64(out, exponent);
}

static bool is_digit(Str s, size_t i)
{
    return i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9';
}

/* Significant digits as they are read: only the first that matter are kept, the others count. */
typedef struct Digits {
    char kept[NUMBER_DIGITS_MAX + 1]; /* the last decides the rounding */
    size_t n;
    int64_t dropped;
    bool any;
} Digits;

static void read_digits(Str s, size_t *at, Digits *d)
{
    for (; is_digit(s, *at); (*at)++) {
        d->any = true;
        if (d->n == 0 && s.ptr[*at] == '0')
            continue;
        if (d->n < sizeof d->kept)
            d->kept[d->n++] = s.ptr[*at];
        else
            d->dropped++;
    }
}

/* The exponent's digits, clamped: what leaves the clamp fits no number. */
static bool read_exponent(Str s, size_t *at, int64_t *ret)
{
    bool negative = *at < s.len && s.ptr[*at] == '-';
    if (*at < s.len && (s.ptr[*at] == '-' || s.ptr[*at] == '+'))
        (*at)++;
    if (!is_digit(s, *at))
        return false;
    int64_t value = 0;
    for (; is_digit(s, *at); (*at)++)
        if (value < INT32_MAX)
            value = value * 10 + (s.ptr[*at] - '0');
    *ret = negative ? -value : value;
    return value <= INT32_MAX;
}

static bool parse_finite(Str s, Number *v)
{
    Digits d = {.n = 0};
    size_t at = 0;
    int64_t exponent = 0;
    v->negative = s.len > 0 && s.ptr[0] == '-';
    at += s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+');
    read_digits(s, &at, &d);
    int64_t fraction = 0;
    if (at < s.len && s.ptr[at] == '.') {
        size_t from = ++at;
        read_digits(s, &at, &d);
        fraction = (int64_t)(at - from);
    }
    if (!d.any)
        return false;
    if (at < s.len && (s.ptr[at] == 'e' || s.ptr[at] == 'E')) {
        at++;
        if (!read_exponent(s, &at, &exponent))
            return false;
    }
    if (at != s.len)
        return false;
    big_of_digits(&v->c, d.kept, d.n);
    int64_t scale = fraction - d.dropped - exponent;
    v->scale = scale > INT32_MAX / 2 ? INT32_MAX / 2 : scale < -INT32_MAX / 2 ? -INT32_MAX / 2 : (int)scale;
    normalise(v);
    return true;
}

bool number_parse(Str text, Number *ret)
{
    Str s = str_trim(text);
    set_zero(ret);
    if (str_is(s, "NaN")) {
        set_special(ret, NUMBER_NAN, false);
        return true;
    }
    bool negative = str_is(s, "-Infinity");
    if (negative || str_is(s, "Infinity") || str_is(s, "+Infinity")) {
        set_special(ret, NUMBER_INFINITE, negative);
        return true;
    }
    return parse_finite(s, ret);
}

/* ---- other numbers ---- */

void number_of_i128(Number *v, int128 value, int scale)
{
    set_zero(v);
    v->negative = value < 0;
    v->scale = scale;
    big_of_u128(&v->c, value < 0 ? 0 - (uint128)value : (uint128)value);
}

void number_of_shortest(Number *v, Shortest value, bool negative)
{
    number_of_i128(v, (int128)value.digits, -value.exponent);
    v->negative = negative;
}

bool number_to_u128(const Number *v, int scale, uint128 *ret)
{
    Number t = *v;
    enum { U128_DIGITS = 39 };
    if (big_digits(&t.c) - t.scale + scale > U128_DIGITS)
        return false;
    number_round(&t, scale, NUMBER_HALF_UP);
    if (scale > t.scale)
        big_mul_pow10(&t.c, scale - t.scale);
    *ret = 0;
    for (int i = t.c.n - 1; i >= 0; i--)
        if (__builtin_mul_overflow(*ret, (uint128)BIG_BASE, ret) ||
            __builtin_add_overflow(*ret, t.c.w[i], ret))
            return false;
    return true;
}

/* ---- arithmetic ---- */

void number_negate(Number *v)
{
    v->negative = v->kind != NUMBER_NAN && !number_is_zero(v) && !v->negative;
}

static int exponent_of(const Number *v)
{
    return big_digits(&v->c) - 1 - v->scale;
}

static int max_int(int a, int b)
{
    return a > b ? a : b;
}

static void add_finite(Number *a, const Number *b)
{
    if (b->c.n == 0)
        return;
    if (a->c.n == 0) {
        *a = *b;
        return;
    }
    int scale = max_int(a->scale, b->scale), top = max_int(exponent_of(a), exponent_of(b));
    if (top + scale + 2 > EXACT_DIGITS) {
        /* They are so far apart that the smaller is far below half of the 200th digit. */
        if (exponent_of(b) > exponent_of(a))
            *a = *b;
        return;
    }
    Big other = b->c;
    big_mul_pow10(&a->c, scale - a->scale);
    big_mul_pow10(&other, scale - b->scale);
    a->scale = scale;
    if (a->negative == b->negative) {
        big_add(&a->c, &other);
    } else if (big_cmp(&a->c, &other) >= 0) {
        big_sub(&a->c, &other);
    } else {
        big_sub(&other, &a->c);
        a->c = other;
        a->negative = b->negative;
    }
    normalise(a);
}

void number_add(Number *a, const Number *b)
{
    if (a->kind == NUMBER_NAN || b->kind == NUMBER_NAN)
        set_special(a, NUMBER_NAN, false);
    else if (a->kind == NUMBER_INFINITE && b->kind == NUMBER_INFINITE && a->negative != b->negative)
        set_special(a, NUMBER_NAN, false);
    else if (b->kind == NUMBER_INFINITE)
        *a = *b;
    else if (a->kind == NUMBER_FINITE)
        add_finite(a, b);
}

void number_multiply(Number *a, const Number *b)
{
    bool negative = a->negative != b->negative;
    if (a->kind == NUMBER_NAN || b->kind == NUMBER_NAN) {
        set_special(a, NUMBER_NAN, false);
    } else if (a->kind == NUMBER_INFINITE || b->kind == NUMBER_INFINITE) {
        bool nothing = number_is_zero(a) || number_is_zero(b);
        set_special(a, nothing ? NUMBER_NAN : NUMBER_INFINITE, !nothing && negative);
    } else {
        big_mul(&a->c, &b->c);
        a->scale += b->scale;
        a->negative = negative;
        normalise(a);
    }
}

/* As Trino's decimals: at least six digits after the point, and as many as the operands' digits ask for. */
static void divide_finite(Number *a, const Number *b)
{
    int scale = max_int(a->scale + big_digits(&b->c) + 1, 6);
    int shift = scale + b->scale - a->scale; /* a.c * 10^shift / b.c is the quotient at `scale` */
    int digits = big_digits(&a->c), width = digits + shift - big_digits(&b->c);
    bool negative = a->negative != b->negative;
    if (a->c.n == 0 || width < -1) {
        set_zero(a);
        return;
    }
    /* More than 200 digits are rounded anyway: no more of them are made than decide it. */
    int surplus = max_int(width - NUMBER_DIGITS_MAX - 2 * BIG_LIMB_DIGITS, 0);
    shift -= surplus;
    Big divisor = b->c, rest;
    big_mul_pow10(shift >= 0 ? &a->c : &divisor, shift >= 0 ? shift : -shift);
    big_div(&a->c, &divisor, &rest);
    if (surplus == 0) {
        Big twice = rest;
        big_add(&twice, &rest);
        if (big_cmp(&twice, &divisor) >= 0)
            big_increment(&a->c);
    }
    a->scale = scale - surplus;
    a->negative = negative;
    normalise(a);
}

bool number_divide(Number *a, const Number *b)
{
    bool negative = a->negative != b->negative;
    if (a->kind == NUMBER_NAN || b->kind == NUMBER_NAN) {
        set_special(a, NUMBER_NAN, false);
    } else if (a->kind == NUMBER_INFINITE) {
        set_special(a, b->kind == NUMBER_INFINITE ? NUMBER_NAN : NUMBER_INFINITE,
                    b->kind != NUMBER_INFINITE && negative);
    } else if (b->kind == NUMBER_INFINITE) {
        set_zero(a);
    } else {
        if (b->c.n == 0)
            return false;
        divide_finite(a, b);
    }
    return true;
}

static void modulus_finite(Number *a, const Number *b)
{
    if (a->c.n == 0 || exponent_of(a) < exponent_of(b))
        return;
    Big divisor = b->c, rest;
    int gap = b->scale - a->scale; /* digits that the dividend lacks; negative: that the divisor lacks */
    if (gap < 0)
        big_mul_pow10(&divisor, -gap);
    big_div(&a->c, &divisor, &rest);
    for (int left = gap; left > 0; left -= BIG_LIMB_DIGITS) {
        Big shifted = rest;
        big_mul_pow10(&shifted, left < BIG_LIMB_DIGITS ? left : BIG_LIMB_DIGITS);
        big_div(&shifted, &divisor, &rest);
    }
    a->c = rest;
    a->scale = max_int(a->scale, b->scale);
    normalise(a);
}

bool number_modulus(Number *a, const Number *b)
{
    if (a->kind == NUMBER_NAN || b->kind == NUMBER_NAN || a->kind == NUMBER_INFINITE) {
        set_special(a, NUMBER_NAN, false);
        return true;
    }
    if (b->kind == NUMBER_INFINITE)
        return true;
    if (b->c.n == 0)
        return false;
    modulus_finite(a, b);
    return true;
}

void number_round(Number *v, int64_t scale, NumberRounding rounding)
{
    int64_t drop = v->scale - scale;
    if (v->kind != NUMBER_FINITE || v->c.n == 0 || drop <= 0)
        return;
    int digits = big_digits(&v->c);
    bool all = drop > digits; /* even the first digit is less than a tenth of the unit */
    BigRest rest = all ? BIG_REST_BELOW_HALF : big_div_pow10(&v->c, (int)drop);
    if (all)
        v->c.n = 0;
    bool up = rounding == NUMBER_HALF_UP   ? rest == BIG_REST_HALF
              : rounding == NUMBER_CEILING ? rest != BIG_REST_NONE && !v->negative
              : rounding == NUMBER_FLOOR   ? rest != BIG_REST_NONE && v->negative
                                           : false;
    if (up)
        big_increment(&v->c);
    v->scale = v->c.n ? (int)scale : 0;
    if (v->c.n == 0)
        v->negative = false;
    /* 1 at a scale of -20000 stays, and does not fit where it is written. */
}
