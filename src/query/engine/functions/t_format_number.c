/* t_format_number.c - the conversions d o x e f g a of format(). */
#include "query/engine/functions/format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "query/engine/functions/text.h"

enum { DEFAULT_PRECISION = 6, GROUP_DIGITS = 3, HEX_DIGITS = 13 };

/* ---- signs, groups, zeros ---- */

static void put_sign(const FormatSpec *spec, bool negative, Buf *out)
{
    if (negative)
        buf_putc(out, spec->flags & FLAG_PARENTHESES ? '(' : '-');
    else if (spec->flags & FLAG_PLUS)
        buf_putc(out, '+');
    else if (spec->flags & FLAG_SPACE)
        buf_putc(out, ' ');
}

static void put_zeros(Buf *out, int64_t n)
{
    for (; n > 0 && !out->overflow; n--)
        buf_putc(out, '0');
}

/* Java's localizedMagnitude: the integer part in groups where asked, and zeros up to `width`, which counts
 * what `out` has already (the sign). */
static void put_magnitude(const FormatSpec *spec, Str text, int64_t width, Buf *out)
{
    ptrdiff_t point = str_find_char(text, '.');
    size_t whole = point < 0 ? text.len : (size_t)point;
    bool groups = spec->flags & FLAG_GROUP;
    int64_t length =
        (int64_t)(out->len + text.len) + (groups && whole > 0 ? (int64_t)(whole - 1) / GROUP_DIGITS : 0);
    if (spec->flags & FLAG_ZERO)
        put_zeros(out, width - length);
    for (size_t i = 0; i < text.len; i++) {
        buf_putc(out, text.ptr[i]);
        if (groups && i + 1 < whole && (whole - i) % GROUP_DIGITS == 1)
            buf_putc(out, ',');
    }
}

static int64_t number_width(const FormatSpec *spec, bool negative)
{
    return spec->width - (spec->width > 0 && negative && (spec->flags & FLAG_PARENTHESES));
}

static void finish(const FormatSpec *spec, bool negative, Buf *number, Buf *out)
{
    FormatSpec as_is = *spec;
    if (negative && (spec->flags & FLAG_PARENTHESES))
        buf_putc(number, ')');
    as_is.flags &= ~(unsigned)FLAG_UPPER; /* done where letters are made */
    out->overflow = out->overflow || number->overflow;
    format_justified(&as_is, buf_str(number), out);
}

/* ---- integers ---- */

static int format_integer(const FormatSpec *spec, const FormatValue *value, Buf *out, Error *err)
{
    int64_t v = 0;
    char text[32], *end = text;
    (void)str_to_i64(value->text, INT64_MIN, INT64_MAX, &v, NULL);
    Buf number = BUF_INIT(out->max);
    bool upper = spec->flags & FLAG_UPPER;
    if (spec->conversion == 'd') {
        uint64_t size = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
        put_sign(spec, v < 0, &number);
        put_magnitude(spec, str_of(text, (size_t)(put_u64(text, size) - text)), number_width(spec, v < 0),
                      &number);
        finish(spec, v < 0, &number, out);
        buf_free(&number);
        return 0;
    }
    static const unsigned bad[] = {FLAG_PARENTHESES, FLAG_SPACE, FLAG_PLUS};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (spec->flags & bad[i])
            return format_flag_error(spec, bad[i], err);
    int bits = spec->conversion == 'o' ? 3 : 4;
    Str prefix = !(spec->flags & FLAG_ALTERNATE) ? STR("")
                 : bits == 3                     ? STR("0")
                 : upper                         ? STR("0X")
                                                 : STR("0x");
    uint64_t rest = (uint64_t)v;
    char digits[24];
    size_t n = 0;
    do {
        digits[n++] = (upper ? "0123456789ABCDEF" : "0123456789abcdef")[rest & ((1u << bits) - 1)];
        rest >>= bits;
    } while (rest);
    while (n > 0)
        *end++ = digits[--n];
    buf_add(&number, prefix);
    if (spec->flags & FLAG_ZERO)
        put_zeros(&number, spec->width - (end - text) - (int64_t)prefix.len);
    buf_append(&number, text, (size_t)(end - text));
    finish(spec, false, &number, out);
    buf_free(&number);
    return 0;
}

/* ---- decimals ---- */

FormatDecimal format_decimal_of(Str text)
{
    FormatDecimal d = {.negative = text.len > 0 && text.ptr[0] == '-'};
    bool fraction = false;
    for (size_t i = d.negative; i < text.len; i++) {
        if (text.ptr[i] == '.') {
            fraction = true;
            continue;
        }
        d.scale += fraction;
        if ((d.n > 0 || text.ptr[i] != '0') && d.n < (int)sizeof d.digits)
            d.digits[d.n++] = text.ptr[i];
    }
    return d;
}

/* BigDecimal.toString(): with an exponent below 10^-6. */
void format_put_java_decimal(Str text, Buf *out)
{
    FormatDecimal d = format_decimal_of(text);
    int length = d.n ? d.n : 1, exponent = length - 1 - d.scale;
    if (exponent >= -6) {
        buf_add(out, text);
        return;
    }
    if (d.negative)
        buf_putc(out, '-');
    buf_putc(out, d.n ? d.digits[0] : '0');
    if (d.n > 1) {
        buf_putc(out, '.');
        buf_append(out, d.digits + 1, (size_t)d.n - 1);
    }
    buf_printf(out, "E%d", exponent);
}

static FormatDecimal decimal_of_double(double v)
{
    FormatDecimal d = {.n = 0};
    if (v != 0) {
        Shortest s = shortest_of_double(fabs(v));
        d.n = (int)(put_u64(d.digits, s.digits) - d.digits);
        d.scale = -s.exponent;
    }
    return d;
}

/* Drops `drop` digits at the end, half up. */
static void drop_digits(FormatDecimal *d, int64_t drop)
{
    if (drop <= 0)
        return;
    bool up = drop <= d->n && d->digits[d->n - drop] >= '5';
    d->n = drop < d->n ? d->n - (int)drop : 0;
    d->scale -= (int)drop;
    int i = d->n - 1;
    for (; up && i >= 0; i--) {
        up = d->digits[i] == '9';
        d->digits[i] = up ? '0' : (char)(d->digits[i] + 1);
    }
    if (up) { /* 9.99 became 10.0: there is room, a digit was dropped */
        memmove(d->digits + 1, d->digits, (size_t)d->n);
        d->digits[0] = '1';
        d->n++;
    }
}

/* To `n` significant digits. */
static void round_significant(FormatDecimal *d, int64_t n)
{
    if (d->n <= n)
        return;
    drop_digits(d, d->n - n);
    if (d->n > n) { /* the carry's digit; what it pushed out is a zero */
        d->n--;
        d->scale--;
    }
}

/* "12.500": exactly `places` digits after the point. */
static void fixed_text(const FormatSpec *spec, FormatDecimal d, int64_t places, Buf *out)
{
    drop_digits(&d, d.scale - places);
    int whole = d.n - d.scale;
    if (whole <= 0)
        buf_putc(out, '0');
    for (int i = 0; i < whole && !out->overflow; i++)
        buf_putc(out, i < d.n ? d.digits[i] : '0');
    if (places > 0 || (spec->flags & FLAG_ALTERNATE))
        buf_putc(out, '.');
    int64_t written = 0;
    for (int i = whole; i < 0 && written < places; i++, written++)
        buf_putc(out, '0');
    for (int i = whole > 0 ? whole : 0; i < d.n && written < places; i++, written++)
        buf_putc(out, d.digits[i]);
    put_zeros(out, places - written);
}

/* "1.250" and the exponent: `places` digits after the point. */
static void scientific_text(const FormatSpec *spec, FormatDecimal d, int64_t places, bool zero_exponent,
                            Buf *out, char exponent[16])
{
    round_significant(&d, places + 1);
    int e = d.n ? d.n - 1 - d.scale : zero_exponent ? -d.scale : 0;
    buf_putc(out, d.n ? d.digits[0] : '0');
    if (places > 0 || (spec->flags & FLAG_ALTERNATE))
        buf_putc(out, '.');
    if (d.n > 1)
        buf_append(out, d.digits + 1, (size_t)d.n - 1);
    put_zeros(out, places - (d.n > 1 ? d.n - 1 : 0));
    snprintf(exponent, 16, "%c%02d", e < 0 ? '-' : '+', abs(e));
}

static void put_fixed(const FormatSpec *spec, FormatDecimal d, int64_t places, int64_t width, Buf *out)
{
    Buf text = BUF_INIT(out->max);
    fixed_text(spec, d, places, &text);
    out->overflow = out->overflow || text.overflow;
    put_magnitude(spec, buf_str(&text), width, out);
    buf_free(&text);
}

static void put_scientific(const FormatSpec *spec, FormatDecimal d, int64_t places, bool zero_exponent,
                           int64_t width, Buf *out)
{
    Buf text = BUF_INIT(out->max);
    char exponent[16];
    scientific_text(spec, d, places, zero_exponent, &text, exponent);
    out->overflow = out->overflow || text.overflow;
    put_magnitude(spec, buf_str(&text), width - (int64_t)strlen(exponent) - 1, out);
    buf_putc(out, spec->flags & FLAG_UPPER ? 'E' : 'e');
    buf_puts(out, exponent);
    buf_free(&text);
}

/* %g: fixed within 10^-4 and 10^precision, else scientific. A double is rounded before it is decided, a
 * BigDecimal is not. */
static void put_general(const FormatSpec *spec, FormatDecimal d, bool is_double, int64_t width, Buf *out)
{
    int64_t precision = spec->precision < 0 ? DEFAULT_PRECISION : spec->precision == 0 ? 1 : spec->precision;
    if (is_double)
        round_significant(&d, precision);
    int exponent = (d.n ? d.n - 1 : 0) - d.scale;
    bool fixed = d.n ? exponent >= -4 && exponent < precision : is_double || d.scale == 0;
    if (fixed)
        put_fixed(spec, d, precision - exponent - 1, width, out);
    else
        put_scientific(spec, d, precision - 1, !is_double, width, out);
}

static void put_finite(const FormatSpec *spec, const FormatDecimal *d, bool is_double, bool negative,
                       Buf *out)
{
    int64_t precision = spec->precision < 0 ? DEFAULT_PRECISION : spec->precision,
            width = number_width(spec, negative);
    if (spec->conversion == 'e')
        put_scientific(spec, *d, precision, !is_double, width, out);
    else if (spec->conversion == 'f')
        put_fixed(spec, *d, precision, width, out);
    else
        put_general(spec, *d, is_double, width, out);
}

static int format_decimal(const FormatSpec *spec, const FormatValue *value, Buf *out, Error *err)
{
    if (spec->conversion == 'a')
        return format_conversion_error(spec, value->kind, err);
    FormatDecimal d = format_decimal_of(value->text);
    bool negative = d.negative && d.n > 0;
    Buf number = BUF_INIT(out->max);
    put_sign(spec, negative, &number);
    put_finite(spec, &d, false, negative, &number);
    finish(spec, negative, &number, out);
    buf_free(&number);
    return 0;
}

/* ---- hexadecimal doubles ---- */

/* Java's Double.toHexString without sign and "0x", rounded half even to `precision` digits when 1 to 12 are
 * asked. */
static void hex_text(double v, int precision, Buf *out)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    uint64_t fraction = bits & 0xfffffffffffffULL;
    int exponent = (int)(bits >> 52 & 0x7ff);
    bool rounds = precision > 0 && precision < HEX_DIGITS && v != 0, subnormal = exponent == 0;
    if (subnormal && rounds) { /* as a normal number */
        int shift = __builtin_clzll(fraction) - 11;
        fraction = fraction << shift & 0xfffffffffffffULL;
        exponent = 1 - shift;
        subnormal = false;
    }
    uint64_t lead = subnormal ? 0 : 1;
    if (rounds) {
        uint64_t all = lead << 52 | fraction, unit = 1ULL << (4 * (HEX_DIGITS - precision)),
                 rest = all & (unit - 1);
        bool up = rest > unit / 2 || (rest == unit / 2 && (all & unit));
        all = (all & ~(unit - 1)) + (up ? unit : 0);
        if (all >> 53) {
            all >>= 1;
            exponent++;
        }
        fraction = all & 0xfffffffffffffULL;
    }
    int digits = HEX_DIGITS;
    while (digits > 1 && !(fraction >> (4 * (HEX_DIGITS - digits)) & 0xf))
        digits--;
    buf_printf(out, "%d.", (int)lead);
    for (int i = 1; i <= digits; i++)
        buf_putc(out, "0123456789abcdef"[fraction >> (4 * (HEX_DIGITS - i)) & 0xf]);
    put_zeros(out, precision - digits);
    buf_printf(out, "p%d", v == 0 ? 0 : subnormal ? -1022 : exponent - 1023);
}

static void put_hexadecimal(const FormatSpec *spec, double v, Buf *out)
{
    Buf text = BUF_INIT(out->max);
    int precision = spec->precision == 0 ? 1 : spec->precision < 0 ? 0 : spec->precision;
    bool upper = spec->flags & FLAG_UPPER;
    hex_text(v, precision, &text);
    buf_puts(out, upper ? "0X" : "0x");
    if (spec->flags & FLAG_ZERO)
        put_zeros(out, spec->width - (int64_t)text.len - 2);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        buf_putc(out, upper && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c);
    }
    out->overflow = out->overflow || text.overflow;
    buf_free(&text);
}

static int format_floating(const FormatSpec *spec, const FormatValue *value, Buf *out)
{
    double v = 0;
    (void)parse_java_double(value->text, value->kind == KIND_FLOAT, &v);
    bool negative = signbit(v) && !isnan(v), upper = spec->flags & FLAG_UPPER;
    Buf number = BUF_INIT(out->max);
    if (isnan(v)) {
        buf_puts(&number, upper ? "NAN" : "NaN");
    } else {
        put_sign(spec, negative, &number);
        if (isinf(v)) {
            buf_puts(&number, upper ? "INFINITY" : "Infinity");
        } else if (spec->conversion == 'a') {
            put_hexadecimal(spec, fabs(v), &number);
        } else {
            FormatDecimal d = decimal_of_double(v);
            put_finite(spec, &d, true, negative, &number);
        }
    }
    finish(spec, negative, &number, out);
    buf_free(&number);
    return 0;
}

int format_number(const FormatSpec *spec, const FormatValue *value, Buf *out, Error *err)
{
    bool integral = spec->conversion == 'd' || spec->conversion == 'o' || spec->conversion == 'x';
    if (value->kind == KIND_LONG && integral)
        return format_integer(spec, value, out, err);
    if (value->kind == KIND_DECIMAL && !integral)
        return format_decimal(spec, value, out, err);
    if ((value->kind == KIND_FLOAT || value->kind == KIND_DOUBLE) && !integral)
        return format_floating(spec, value, out);
    return format_conversion_error(spec, value->kind, err);
}
