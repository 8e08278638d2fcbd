/* Decimals: exact in 128 bits where that is enough (nearly always), else in Wide; rounded half up; 38 digits
 * at most. */
#include <math.h>
#include <stdio.h>

#include "query/engine/functions/decimal.h"
#include "query/engine/functions/function.h"
#include "query/engine/functions/wide.h"

uint128 decimal_pow10(int n)
{
    static const uint64_t small[] = {
        1,
        10,
        100,
        1000,
        10000,
        100000,
        1000000,
        10000000,
        100000000,
        1000000000,
        10000000000,
        100000000000,
        1000000000000,
        10000000000000,
        100000000000000,
        1000000000000000,
        10000000000000000,
        100000000000000000,
        1000000000000000000,
        10000000000000000000U,
    };
    return n <= 19 ? small[n] : (uint128)small[19] * small[n - 19];
}

static uint128 magnitude(int128 v)
{
    return v < 0 ? 0 - (uint128)v : (uint128)v;
}

static void put_result(Call *c, size_t row, bool negative, uint128 v, bool fits)
{
    if (!fits || v >= decimal_pow10(DECIMAL_DIGITS_MAX))
        call_fail(c, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "Decimal overflow");
    else
        put_d38(c, row, negative ? -(int128)v : (int128)v);
}

/* |v| * 10^by, or / 10^-by half up. */
bool decimal_rescale(uint128 v, int by, uint128 *ret)
{
    if (by >= 0) {
        *ret = 0;
        return v == 0 || (by <= DECIMAL_DIGITS_MAX && !__builtin_mul_overflow(v, decimal_pow10(by), ret));
    }
    if (by < -DECIMAL_DIGITS_MAX) {
        *ret = 0;
        return true;
    }
    uint128 unit = decimal_pow10(-by), rest = v % unit;
    *ret = v / unit + (rest >= unit - rest);
    return true;
}

/* w * 10^by half up */
static void wide_rescale(Wide *w, int by)
{
    if (by >= 0) {
        wide_mul_pow10(w, by);
        return;
    }
    Wide unit = wide_of(1);
    wide_mul_pow10(&unit, -by);
    wide_div_half_up(w, &unit);
}

static void multiply(Call *c)
{
    int by = c->scale - c->in[0].scale - c->in[1].scale;
    CALL_ROWS(c, i)
    {
        int128 a = arg_decimal(c, 0, i), b = arg_decimal(c, 1, i);
        uint128 product, v;
        bool fits =
            !__builtin_mul_overflow(magnitude(a), magnitude(b), &product) && decimal_rescale(product, by, &v);
        if (!fits) {
            Wide w = wide_of(magnitude(a));
            wide_mul(&w, magnitude(b));
            wide_rescale(&w, by);
            fits = wide_to_u128(&w, &v);
        }
        put_result(c, i, (a < 0) != (b < 0), v, fits);
    }
}

/* |a| * 10^by / |b| half up */
static bool divide_values(uint128 a, uint128 b, int by, uint128 *ret)
{
    uint128 n;
    if (by >= 0 && by <= DECIMAL_DIGITS_MAX && !__builtin_mul_overflow(a, decimal_pow10(by), &n)) {
        uint128 rest = n % b;
        *ret = n / b + (rest >= b - rest);
        return true;
    }
    Wide w = wide_of(a), divisor = wide_of(b);
    wide_mul_pow10(by >= 0 ? &w : &divisor, by >= 0 ? by : -by);
    wide_div_half_up(&w, &divisor);
    return wide_to_u128(&w, ret);
}

static void divide(Call *c)
{
    int by = c->scale + c->in[1].scale - c->in[0].scale;
    CALL_ROWS(c, i)
    {
        int128 a = arg_decimal(c, 0, i), b = arg_decimal(c, 1, i);
        if (b == 0) {
            call_fail(c, ERR_DIVISION_BY_ZERO, "Division by zero");
            break;
        }
        uint128 v = 0;
        /* Trino moves neither point so far, whatever the values. */
        bool fits = by < DECIMAL_DIGITS_MAX && by > -DECIMAL_DIGITS_MAX &&
                    divide_values(magnitude(a), magnitude(b), by, &v);
        put_result(c, i, (a < 0) != (b < 0), v, fits);
    }
}

/* sum / count */
static void average(Call *c)
{
    int by = c->scale - c->in[0].scale;
    CALL_ROWS(c, i)
    {
        int128 sum = arg_decimal(c, 0, i);
        int64_t count = ARG(c, 1, int64_t, i);
        if (count == 0) {
            call_set_null(c, i);
            continue;
        }
        uint128 v = 0;
        bool fits = divide_values(magnitude(sum), magnitude(count), by, &v);
        put_result(c, i, sum < 0, v, fits);
    }
}

/* Trino rescales in 128 bits with a sign: an intermediate value fits when it is below this. */
static bool fits_int128(uint128 v)
{
    return v < (uint128)1 << 127;
}

/* Both at the larger scale, where Trino demands that operands and sum fit 128 bits; then at the result's. */
static void add_values(Call *c, size_t i, int128 a, int128 b)
{
    int sa = c->in[0].scale, sb = c->in[1].scale, top = sa > sb ? sa : sb;
    uint128 ua, ub, v = 0;
    bool fits = decimal_rescale(magnitude(a), top - sa, &ua) &&
                decimal_rescale(magnitude(b), top - sb, &ub) && fits_int128(ua) && fits_int128(ub);
    bool negative = a < 0;
    if (fits) {
        if ((a < 0) == (b < 0)) {
            v = ua + ub;
        } else {
            negative = ua >= ub ? a < 0 : b < 0;
            v = ua >= ub ? ua - ub : ub - ua;
        }
        fits = fits_int128(v) && decimal_rescale(v, c->scale - top, &v);
    }
    put_result(c, i, negative, v, fits);
}

static void add(Call *c)
{
    CALL_ROWS(c, i) add_values(c, i, arg_decimal(c, 0, i), arg_decimal(c, 1, i));
}
static void subtract(Call *c)
{
    CALL_ROWS(c, i) add_values(c, i, arg_decimal(c, 0, i), -arg_decimal(c, 1, i));
}

static void modulus(Call *c)
{
    int sa = c->in[0].scale, sb = c->in[1].scale, top = sa > sb ? sa : sb;
    CALL_ROWS(c, i)
    {
        int128 a = arg_decimal(c, 0, i), b = arg_decimal(c, 1, i);
        if (b == 0) {
            call_fail(c, ERR_DIVISION_BY_ZERO, "Division by zero");
            break;
        }
        uint128 ua, ub, v = 0;
        bool fits = decimal_rescale(magnitude(a), top - sa, &ua) && fits_int128(ua);
        /* A divisor that leaves 128 bits is larger than any dividend within. */
        bool large = fits && !(decimal_rescale(magnitude(b), top - sb, &ub) && fits_int128(ub));
        fits = fits && decimal_rescale(large ? ua : ua % ub, c->scale - top, &v);
        put_result(c, i, a < 0, v, fits);
    }
}

static void fit(Call *c)
{
    CALL_ROWS(c, i)
    {
        int128 a = arg_decimal(c, 0, i);
        uint128 v = 0;
        bool fits = decimal_rescale(magnitude(a), c->scale - c->in[0].scale, &v);
        put_result(c, i, a < 0, v, fits);
    }
}

/* ---- rounding ---- */

enum { ROUND_HALF_UP, ROUND_TRUNCATE, ROUND_CEILING, ROUND_FLOOR };

static uint128 round_unit(uint128 v, uint128 unit, bool negative, int mode)
{
    uint128 rest = v % unit, down = v - rest;
    bool up = mode == ROUND_HALF_UP   ? rest >= unit - rest && rest > 0
              : mode == ROUND_CEILING ? rest > 0 && !negative
              : mode == ROUND_FLOOR   ? rest > 0 && negative
                                      : false;
    return up ? down + unit : down;
}

static void round_decimal(Call *c)
{
    int scale = c->in[0].scale;
    CALL_ROWS(c, i)
    {
        int128 a = arg_decimal(c, 0, i);
        int64_t digits = c->n_in == 2 ? ARG(c, 1, int32_t, i) : 0, drop = scale - digits;
        uint128 v = magnitude(a);
        if (drop > DECIMAL_DIGITS_MAX)
            v = 0;
        else if (drop > 0)
            v = round_unit(v, decimal_pow10((int)drop), a < 0, c->def->arg);
        bool fits = decimal_rescale(v, c->scale - scale, &v);
        put_result(c, i, a < 0, v, fits);
    }
}

/* ---- casts ---- */

static void fail_cast(Call *c, const char *type, const char *text, size_t n, int precision)
{
    call_fail(c, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "Cannot cast %s '%.*s' to DECIMAL(%d, %d)", type, (int)n,
              text, precision, c->scale);
}

static void cast_decimal(Call *c)
{
    CALL_ROWS(c, i)
    {
        int128 a = arg_decimal(c, 0, i);
        int precision = ARG(c, 1, int32_t, i);
        uint128 v = 0;
        if (decimal_rescale(magnitude(a), c->scale - c->in[0].scale, &v) && v < decimal_pow10(precision)) {
            put_d38(c, i, a < 0 ? -(int128)v : (int128)v);
            continue;
        }
        char text[NUMBER_TEXT_MAX], type[32], *end = put_decimal(text, a, c->in[0].scale);
        snprintf(type, sizeof type, "DECIMAL(%d, %d)", c->in[0].precision, c->in[0].scale);
        fail_cast(c, type, text, (size_t)(end - text), precision);
    }
}

static void cast_integer(Call *c)
{
    CALL_ROWS(c, i)
    {
        int64_t a = ARG(c, 0, int64_t, i);
        int precision = ARG(c, 1, int32_t, i);
        uint128 v = 0;
        if (decimal_rescale(magnitude(a), c->scale, &v) && v < decimal_pow10(precision)) {
            put_d38(c, i, a < 0 ? -(int128)v : (int128)v);
            continue;
        }
        char text[NUMBER_TEXT_MAX], type[32], *end = put_i64(text, a);
        snprintf(type, sizeof type, "%.*s", STR_ARG(arg_str(c, 2, i)));
        if (strcmp(type, "BOOLEAN") == 0)
            end = text + snprintf(text, sizeof text, "%s", a ? "true" : "false");
        fail_cast(c, type, text, (size_t)(end - text), precision);
    }
}

static void to_integral(Call *c)
{
    static const char *const names[] = {[1] = "TINYINT", [2] = "SMALLINT", [4] = "INTEGER", [8] = "BIGINT"};
    int bytes = c->def->arg, scale = c->in[0].scale;
    uint128 limit = (uint128)1 << (8 * bytes - 1);
    CALL_ROWS(c, i)
    {
        int128 a = arg_decimal(c, 0, i);
        uint128 v = 0;
        (void)decimal_rescale(magnitude(a), -scale, &v);
        if (v > limit || (v == limit && a >= 0)) {
            char text[NUMBER_TEXT_MAX], *end = put_decimal(text, a, scale);
            call_fail(c, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "Cannot cast '%.*s' to %s", (int)(end - text), text,
                      names[bytes]);
            break;
        }
        int64_t value = (int64_t)(a < 0 ? 0 - (uint64_t)v : (uint64_t)v);
        if (bytes == 1)
            OUT(c, int8_t, i) = (int8_t)value;
        else if (bytes == 2)
            OUT(c, int16_t, i) = (int16_t)value;
        else if (bytes == 4)
            OUT(c, int32_t, i) = (int32_t)value;
        else
            OUT(c, int64_t, i) = value;
    }
}

/* |value| * 10^scale, half up, of the shortest decimal that reads as the value: as Java's texts of numbers
 * have it. false: over 128 bits. */
static bool decimal_of_shortest(Shortest v, int scale, uint128 *ret)
{
    int by = v.exponent + scale;
    return by <= DECIMAL_DIGITS_MAX && decimal_rescale(v.digits, by, ret);
}

static bool decimal_of_floating(double value, bool is_float, int scale, uint128 *ret)
{
    *ret = 0;
    value = fabs(value);
    return value == 0 ||
           decimal_of_shortest(is_float ? shortest_of_float((float)value) : shortest_of_double(value), scale,
                               ret);
}

static void cast_floating(Call *c)
{
    bool is_float = c->def->arg;
    CALL_ROWS(c, i)
    {
        double a = is_float ? (double)ARG(c, 0, float, i) : ARG(c, 0, double, i);
        int precision = ARG(c, 1, int32_t, i);
        uint128 v = 0;
        if (isfinite(a) && decimal_of_floating(a, is_float, c->scale, &v) && v < decimal_pow10(precision)) {
            put_d38(c, i, a < 0 ? -(int128)v : (int128)v);
            continue;
        }
        char text[NUMBER_TEXT_MAX], *end = is_float ? put_float(text, (float)a) : put_double(text, a);
        if (!isnan(a))
            fail_cast(c, is_float ? "REAL" : "DOUBLE", text, (size_t)(end - text), precision);
        else
            call_fail(c, ERR_INVALID_CAST_ARGUMENT, "Cannot cast %s '%.*s' to DECIMAL(%d, %d)",
                      is_float ? "REAL" : "DOUBLE", (int)(end - text), text, precision, c->scale);
    }
}

/* Correctly rounded: digits and exponent go through the C library's reader unless a double holds both
 * exactly. */
double decimal_to_double(int128 value, int scale)
{
    uint128 v = magnitude(value);
    double r;
    if (v <= (uint128)1 << 53 && scale <= 22) {
        r = (double)(uint64_t)v / (double)decimal_pow10(scale);
    } else {
        char text[NUMBER_TEXT_MAX];
        *put_decimal(text, value < 0 ? -value : value, scale) = 0;
        r = 0;
        str_to_double(str_from(text), &r, NULL);
    }
    return value < 0 ? -r : r;
}

static void to_double(Call *c)
{
    int scale = c->in[0].scale;
    CALL_ROWS(c, i) OUT(c, double, i) = decimal_to_double(arg_decimal(c, 0, i), scale);
}

static void to_varchar(Call *c)
{
    int scale = c->in[0].scale;
    CALL_ROWS(c, i)
    {
        char text[NUMBER_TEXT_MAX], *end = put_decimal(text, arg_decimal(c, 0, i), scale);
        call_put_str(c, i, str_of(text, (size_t)(end - text)));
    }
}

const FunctionDef t_decimal_functions[] = {
    {"t_dec_add", "AA>N", add},
    {"t_dec_sub", "AA>N", subtract},
    {"t_dec_mul", "AA>N", multiply},
    {"t_dec_div", "AA>N", divide},
    {"t_dec_mod", "AA>N", modulus},
    {"t_dec_avg", "A8>N", average},
    {"t_dec_fit", "A>N", fit},
    {"t_dec_round", "A4>N", round_decimal, ROUND_HALF_UP},
    {"t_dec_trunc", "A>N", round_decimal, ROUND_TRUNCATE},
    {"t_dec_trunc", "A4>N", round_decimal, ROUND_TRUNCATE},
    {"t_dec_ceil", "A>N", round_decimal, ROUND_CEILING},
    {"t_dec_floor", "A>N", round_decimal, ROUND_FLOOR},
    {"t_dec_cast", "A4>N", cast_decimal},
    {"t_int_to_decimal", "84s>N", cast_integer},
    {"t_double_to_decimal", "d4>N", cast_floating, 0},
    {"t_real_to_decimal", "f4>N", cast_floating, 1},
    {"t_dec_to_double", "A>d", to_double},
    {"t_dec_to_tinyint", "A>1", to_integral, 1},
    {"t_dec_to_smallint", "A>2", to_integral, 2},
    {"t_dec_to_integer", "A>4", to_integral, 4},
    {"t_dec_to_bigint", "A>8", to_integral, 8},
    {"t_dec_to_varchar", "A>s", to_varchar},
    {NULL},
};
