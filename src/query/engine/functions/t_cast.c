/* Casts from and to text, strict as Trino's, and the checks on the length of texts. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "query/engine/encode_time.h"
#include "query/engine/functions/datetime.h"
#include "query/engine/functions/decimal.h"
#include "query/engine/functions/function.h"
#include "query/engine/functions/text.h"
#include "query/engine/functions/zones.h"

/* Java's String.trim(): all up to the blank. */
static Str trim_java(Str s)
{
    while (s.len > 0 && (uint8_t)s.ptr[0] <= ' ')
        s = str_slice(s, 1, s.len);
    while (s.len > 0 && (uint8_t)s.ptr[s.len - 1] <= ' ')
        s.len--;
    return s;
}

static void fail_cast(Call *c, Str s, const char *type)
{
    call_fail(c, ERR_INVALID_CAST_ARGUMENT, "Cannot cast '%.*s' to %s", STR_ARG(s), type);
}

/* ---- from text ---- */

static const struct {
    const char *name;
    int64_t min, max;
} integers[] = {
    {"TINYINT", INT8_MIN, INT8_MAX},
    {"SMALLINT", INT16_MIN, INT16_MAX},
    {"INT", INT32_MIN, INT32_MAX},
    {"BIGINT", INT64_MIN, INT64_MAX},
};

static bool parse_integer(Str s, int64_t min, int64_t max, int64_t *ret)
{
    if (s.len > 1 && s.ptr[0] == '+' && s.ptr[1] >= '0' && s.ptr[1] <= '9')
        s = str_slice(s, 1, s.len);
    return str_to_i64(s, min, max, ret, NULL) == 0;
}

static void to_integer(Call *c)
{
    int which = c->def->arg;
    CALL_ROWS(c, i)
    {
        int64_t v = 0;
        Str s = arg_str(c, 0, i);
        if (!parse_integer(trim_java(s), integers[which].min, integers[which].max, &v))
            fail_cast(c, s, integers[which].name);
        else if (which == 0)
            OUT(c, int8_t, i) = (int8_t)v;
        else if (which == 1)
            OUT(c, int16_t, i) = (int16_t)v;
        else if (which == 2)
            OUT(c, int32_t, i) = (int32_t)v;
        else
            OUT(c, int64_t, i) = v;
    }
}

static size_t count_digits(Str s, size_t at)
{
    size_t n = 0;
    while (at + n < s.len && s.ptr[at + n] >= '0' && s.ptr[at + n] <= '9')
        n++;
    return n;
}

/* The grammar of Double.valueOf without its hexadecimal form:
 * [+-](NaN|Infinity|digits[.digits][e[+-]digits][fFdD]) */
bool parse_java_double(Str s, bool is_float, double *ret)
{
    s = trim_java(s);
    char text[400];
    size_t at = s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+');
    Str body = str_slice(s, at, s.len);
    bool negative = at && s.ptr[0] == '-';
    if (str_is(body, "NaN") || str_is(body, "Infinity")) {
        *ret = str_is(body, "NaN") ? (double)NAN : negative ? -INFINITY : (double)INFINITY;
        return true;
    }
    size_t whole = count_digits(s, at), part = 0;
    at += whole;
    if (at < s.len && s.ptr[at] == '.') {
        part = count_digits(s, at + 1);
        at += 1 + part;
    }
    if (whole + part == 0)
        return false;
    if (at < s.len && (s.ptr[at] | 32) == 'e') {
        size_t sign = at + 1 < s.len && (s.ptr[at + 1] == '-' || s.ptr[at + 1] == '+');
        size_t digits = count_digits(s, at + 1 + sign);
        if (digits == 0)
            return false;
        at += 1 + sign + digits;
    }
    size_t end = at;
    if (at < s.len && strchr("fFdD", s.ptr[at]))
        at++;
    if (at != s.len || end >= sizeof text)
        return false;
    memcpy(text, s.ptr, end);
    text[end] = 0;
    *ret = is_float ? (double)strtof(text, NULL) : strtod(text, NULL);
    return true;
}

static void to_double(Call *c)
{
    CALL_ROWS(c, i)
    if (!parse_java_double(arg_str(c, 0, i), false, &OUT(c, double, i)))
        fail_cast(c, arg_str(c, 0, i), "DOUBLE");
}

static void to_real(Call *c)
{
    CALL_ROWS(c, i)
    {
        double v = 0;
        if (!parse_java_double(arg_str(c, 0, i), true, &v))
            fail_cast(c, arg_str(c, 0, i), "REAL");
        OUT(c, float, i) = (float)v;
    }
}

/* [+-]digits[.digits][e[+-]digits] to |value| * 10^scale half up. Returns 1, 0 (not a number) or -1 (too
 * large). */
int parse_decimal(Str s, int scale, bool *ret_negative, uint128 *ret)
{
    s = trim_java(s);
    size_t at = s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+'), digits = 0;
    *ret_negative = at && s.ptr[0] == '-';
    uint128 v = 0;
    int64_t exponent = 0, point = 0;
    int dropped = -1; /* the first digit that had no room */
    bool seen_point = false;
    for (; at < s.len && ((s.ptr[at] >= '0' && s.ptr[at] <= '9') || (s.ptr[at] == '.' && !seen_point));
         at++) {
        if (s.ptr[at] == '.') {
            seen_point = true;
            continue;
        }
        digits++;
        if (v < decimal_pow10(37)) {
            v = v * 10 + (uint128)(s.ptr[at] - '0');
            point += seen_point;
        } else {
            dropped = dropped < 0 ? s.ptr[at] - '0' : dropped;
            point -= !seen_point;
        }
    }
    if (digits == 0)
        return 0;
    if (at < s.len && (s.ptr[at] | 32) == 'e' &&
        !parse_integer(str_slice(s, at + 1, s.len), -100000, 100000, &exponent))
        return 0;
    if (at < s.len && (s.ptr[at] | 32) != 'e')
        return 0;
    int64_t by = scale + exponent - point;
    if (v == 0 || by < -DECIMAL_DIGITS_MAX - 1) {
        *ret = 0;
        return 1;
    }
    if (by > DECIMAL_DIGITS_MAX || !decimal_rescale(v, (int)by, ret))
        return -1;
    *ret += by == 0 && dropped >= 5;
    return 1;
}

static void to_decimal(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i);
        int precision = ARG(c, 1, int32_t, i);
        bool negative;
        uint128 v = 0;
        bool blanks = s.len > 0 && ((uint8_t)s.ptr[0] <= ' ' || (uint8_t)s.ptr[s.len - 1] <= ' ');
        int r = blanks ? 0 : parse_decimal(s, c->scale, &negative, &v);
        if (r == 1 && v < decimal_pow10(precision))
            put_d38(c, i, negative ? -(int128)v : (int128)v);
        else
            call_fail(c, ERR_INVALID_CAST_ARGUMENT,
                      "Cannot cast VARCHAR '%.*s' to DECIMAL(%d, %d). Value %s.", STR_ARG(s), precision,
                      c->scale, r == 0 ? "is not a number" : "too large");
    }
}

static void to_boolean(Call *c)
{
    static const struct {
        const char *text;
        bool value;
    } words[] = {
        {"t", true}, {"true", true}, {"1", true}, {"f", false}, {"false", false}, {"0", false},
    };
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i);
        bool found = false;
        for (size_t k = 0; k < sizeof words / sizeof *words && !found; k++)
            if ((found = str_eq_nocase(s, str_from(words[k].text))))
                OUT(c, bool, i) = words[k].value;
        if (!found)
            fail_cast(c, s, "BOOLEAN");
    }
}

static void to_date(Call *c)
{
    CALL_ROWS(c, i)
    {
        int64_t days = 0;
        Str s = arg_str(c, 0, i);
        if (!parse_date(trim_java(s), &days))
            call_fail(c, ERR_INVALID_CAST_ARGUMENT, "Value cannot be cast to date: %.*s", STR_ARG(s));
        OUT(c, int32_t, i) = (int32_t)days;
    }
}

static void to_timestamp(Call *c)
{
    CALL_ROWS(c, i)
    {
        WallClock w;
        Str s = arg_str(c, 0, i);
        int16_t zone = 0; /* may stand there, and does not count */
        if (!parse_wall_clock(trim_java(s), &w) || (w.zone.ptr && !zone_find(w.zone, &zone)) ||
            !wall_clock_us(&w, ARG(c, 1, int32_t, i), &OUT(c, int64_t, i)))
            call_fail(c, ERR_INVALID_CAST_ARGUMENT, "Value cannot be cast to timestamp: %.*s",
                      STR_ARG(trim_java(s)));
    }
}

static void to_time(Call *c)
{
    CALL_ROWS(c, i)
    {
        WallClock w;
        int64_t us = 0;
        Str s = arg_str(c, 0, i);
        if (!parse_clock(trim_java(s), &w) || w.zone.ptr || !wall_clock_us(&w, ARG(c, 1, int32_t, i), &us))
            call_fail(c, ERR_INVALID_CAST_ARGUMENT, "Value cannot be cast to time: %.*s", STR_ARG(s));
        OUT(c, int64_t, i) = us == DAY_US ? 0 : us;
    }
}

/* ---- to text ---- */

/* A writer of the value `v` of C type T at `p`. */
#define TO_TEXT(name, T, expression)                                                                         \
    static void name(Call *c)                                                                                \
    {                                                                                                        \
        CALL_ROWS(c, i)                                                                                      \
        {                                                                                                    \
            char text[TIME_TEXT_MAX], *p = text;                                                             \
            T v = ARG(c, 0, T, i);                                                                           \
            p = expression;                                                                                  \
            call_put_str(c, i, str_of(text, (size_t)(p - text)));                                            \
        }                                                                                                    \
    }
TO_TEXT(double_to_text, double, put_double_scientific(p, v))
TO_TEXT(real_to_text, float, put_float_scientific(p, v))
TO_TEXT(date_to_text, int32_t, put_date(p, v))
TO_TEXT(timestamp_to_text, int64_t, put_timestamp(p, v, 0, ARG(c, 1, int32_t, i)))
TO_TEXT(time_to_text, int64_t, put_time(p, v * 1000000, ARG(c, 1, int32_t, i)))
TO_TEXT(interval_day_to_text, int64_t, put_interval_day(p, v))
TO_TEXT(interval_year_to_text, int32_t, put_interval_year(p, v))

/* ---- lengths ---- */

/* Each type has its own words for it. */
enum { FITS_VALUE, FITS_CAST, FITS_INTERNAL };

static void fail_fits(Call *c, Str s, int32_t length)
{
    if (c->def->arg == FITS_VALUE) {
        call_fail(c, ERR_INVALID_CAST_ARGUMENT, "Value %.*s cannot be represented as varchar(%d)", STR_ARG(s),
                  length);
    } else if (c->def->arg == FITS_CAST) {
        call_fail(c, ERR_INVALID_CAST_ARGUMENT, "Cannot cast '%.*s' to varchar(%d)", STR_ARG(s), length);
    } else {
        buf_clear(&c->scratch);
        base64_encode(s, false, &c->scratch);
        call_fail(c, ERR_INTERNAL, "Character count exceeds length limit %d: base64:%.*s", length,
                  (int)c->scratch.len, c->scratch.data);
    }
}

static void fits_varchar(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i);
        int32_t length = ARG(c, 1, int32_t, i);
        if ((int64_t)s.len > length && text_length(s) > (size_t)length)
            fail_fits(c, s, length);
        else
            call_put_str(c, i, s);
    }
}

static void check_length(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i);
        size_t n = ARG(c, 1, int32_t, i) < 0 ? 0 : (size_t)ARG(c, 1, int32_t, i);
        if (s.len <= n || text_length(s) <= n) {
            call_put_str(c, i, s);
            continue;
        }
        size_t end = text_offset(s, n);
        Str rest = str_slice(s, end, s.len);
        while (rest.len > 0 && rest.ptr[0] == ' ')
            rest = str_slice(rest, 1, rest.len);
        if (rest.len > 0)
            call_fail(c, ERR_INVALID_CAST_ARGUMENT, "%.*s", STR_ARG(arg_str(c, 2, i)));
        else
            call_put_str(c, i, str_slice(s, 0, end));
    }
}

static void char_pad(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i);
        size_t n = text_length(s), want = ARG(c, 1, int32_t, i) < 0 ? 0 : (size_t)ARG(c, 1, int32_t, i);
        buf_clear(&c->scratch);
        buf_add(&c->scratch, s);
        for (; n < want && buf_putc(&c->scratch, ' ') == 0; n++)
            ;
        call_put_scratch(c, i);
    }
}

const FunctionDef t_cast_functions[] = {
    {"t_varchar_to_tinyint", "s>1", to_integer, 0},
    {"t_varchar_to_smallint", "s>2", to_integer, 1},
    {"t_varchar_to_integer", "s>4", to_integer, 2},
    {"t_varchar_to_bigint", "s>8", to_integer, 3},
    {"t_varchar_to_double", "s>d", to_double},
    {"t_varchar_to_real", "s>f", to_real},
    {"t_varchar_to_decimal", "s4>N", to_decimal},
    {"t_varchar_to_boolean", "s>b", to_boolean},
    {"t_varchar_to_date", "s>D", to_date},
    {"t_varchar_to_timestamp", "s4>T", to_timestamp},
    {"t_varchar_to_time", "s4>t", to_time},
    {"t_double_to_varchar", "d>s", double_to_text},
    {"t_real_to_varchar", "f>s", real_to_text},
    {"t_date_to_varchar", "D>s", date_to_text},
    {"t_timestamp_to_varchar", "T4>s", timestamp_to_text},
    {"t_time_to_varchar", "t4>s", time_to_text},
    {"t_interval_ds_to_varchar", "8>s", interval_day_to_text},
    {"t_interval_ym_to_varchar", "4>s", interval_year_to_text},
    {"t_fits_varchar", "s4>s", fits_varchar, FITS_VALUE},
    {"t_fits_varchar_cast", "s4>s", fits_varchar, FITS_CAST},
    {"t_fits_varchar_internal", "s4>s", fits_varchar, FITS_INTERNAL},
    {"t_check_length", "s4s>s", check_length},
    {"t_char_pad", "s4>s", char_pad},
    {NULL},
};
