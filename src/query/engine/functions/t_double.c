/* Floating point: IEEE comparisons, rounding half away from zero, casts to integers, and libm without
 * DuckDB's errors. */
#include <math.h>

#include "query/engine/functions/function.h"

#define COMPARE(name, T, op)                                                                                 \
    static void name##_##T(Call *c)                                                                          \
    {                                                                                                        \
        CALL_ROWS(c, i) OUT(c, bool, i) = ARG(c, 0, T, i) op ARG(c, 1, T, i);                                \
    }
#define COMPARE_BOTH(name, op) COMPARE(name, double, op) COMPARE(name, float, op)
COMPARE_BOTH(eq, ==)
COMPARE_BOTH(ne, !=)
COMPARE_BOTH(lt, <)
COMPARE_BOTH(le, <=)
COMPARE_BOTH(gt, >)
COMPARE_BOTH(ge, >=)

static double cube_root(double v)
{
    return (double)cbrtl(v); /* cbrt(27) is 3.0000000000000004 in glibc */
}

static double (*const unary[])(double) = {
    log, log2, log10, sqrt, acos, asin, cube_root, exp, sin, cos, tan, atan, sinh, cosh, tanh, atanh,
};
enum {
    U_LN,
    U_LOG2,
    U_LOG10,
    U_SQRT,
    U_ACOS,
    U_ASIN,
    U_CBRT,
    U_EXP,
    U_SIN,
    U_COS,
    U_TAN,
    U_ATAN,
    U_SINH,
    U_COSH,
    U_TANH,
    U_ATANH
};

static void run_unary(Call *c)
{
    double (*fn)(double) = unary[c->def->arg];
    CALL_ROWS(c, i) OUT(c, double, i) = fn(ARG(c, 0, double, i));
}

static void power(Call *c)
{
    CALL_ROWS(c, i)
    {
        double a = ARG(c, 0, double, i), b = ARG(c, 1, double, i);
        /* Java: the result is NaN when the exponent is, and for |base| = 1 with an infinite exponent. */
        OUT(c, double, i) = b != b || (fabs(a) == 1 && isinf(b)) ? (double)NAN : pow(a, b);
    }
}

static void logarithm(Call *c)
{
    CALL_ROWS(c, i) OUT(c, double, i) = log(ARG(c, 1, double, i)) / log(ARG(c, 0, double, i));
}

static void double_to_real(Call *c)
{
    CALL_ROWS(c, i) OUT(c, float, i) = (float)ARG(c, 0, double, i);
}
static double sign_of(double v)
{
    return v != v || v == 0 ? v : v > 0 ? 1 : -1;
}
static void sign_double(Call *c)
{
    CALL_ROWS(c, i) OUT(c, double, i) = sign_of(ARG(c, 0, double, i));
}
static void sign_float(Call *c)
{
    CALL_ROWS(c, i) OUT(c, float, i) = (float)sign_of((double)ARG(c, 0, float, i));
}
static void truncate_double(Call *c)
{
    CALL_ROWS(c, i) OUT(c, double, i) = trunc(ARG(c, 0, double, i));
}
static void truncate_float(Call *c)
{
    CALL_ROWS(c, i) OUT(c, float, i) = truncf(ARG(c, 0, float, i));
}

static double pow10_of(int n)
{
    static const double table[] = {1,    1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                   1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    return n >= 0 && n <= 22 ? table[n] : pow(10, n);
}

/* Half away from zero at the shortest decimal text's digits, so that 1.005 (a little under) stays what a
 * reader sees: Trino rounds the double's decimal text (BigDecimal) too. */
static double round_digits(double v, int digits)
{
    if (!isfinite(v) || v == 0)
        return v + 0.0; /* no negative zero */
    Shortest s = shortest_of_double(fabs(v));
    int64_t drop = -(int64_t)s.exponent - digits; /* decimal digits that go */
    if (drop <= 0)
        return v;
    if (drop > 18)
        return copysign(0, v);
    uint64_t unit = 1;
    for (int64_t k = 0; k < drop; k++)
        unit *= 10;
    uint64_t rounded = (s.digits + unit / 2) / unit;
    double r = digits >= 0 ? (double)rounded / pow10_of(digits) : (double)rounded * pow10_of(-digits);
    return copysign(r, v);
}

static void round_double(Call *c)
{
    CALL_ROWS(c, i)
    {
        double v = ARG(c, 0, double, i);
        OUT(c, double, i) = c->n_in == 2 ? round_digits(v, ARG(c, 1, int32_t, i)) : v == 0 ? 0 : round(v);
    }
}

static void round_float(Call *c)
{
    CALL_ROWS(c, i)
    {
        float v = ARG(c, 0, float, i);
        double shown = c->n_in == 2 ? round_digits((double)v, ARG(c, 1, int32_t, i)) : (double)roundf(v);
        OUT(c, float, i) = v == 0 ? 0 : (float)shown;
    }
}

/* ---- to integers ---- */

static const struct Target {
    const char *name;
    double low, high;
} targets[] = {
    {"tinyint", -128, 128},
    {"smallint", -32768, 32768},
    {"integer", -2147483648.0, 2147483648.0},
    {"bigint", -9223372036854775808.0, 9223372036854775808.0},
};

/* false: the call failed. */
static bool to_integer(Call *c, double v, bool is_float, int64_t *ret)
{
    const struct Target *t = &targets[c->def->arg];
    double rounded = round(v);
    if (rounded >= t->low && rounded < t->high) {
        *ret = (int64_t)rounded;
        return true;
    }
    char text[NUMBER_TEXT_MAX];
    char *end = is_float ? put_float(text, (float)v) : put_double(text, v);
    if (v != v)
        call_fail(c, ERR_INVALID_CAST_ARGUMENT, "Cannot cast %s NaN to %s", is_float ? "real" : "double",
                  t->name);
    else
        call_fail(c, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "Out of range for %s: %.*s", t->name, (int)(end - text),
                  text);
    return false;
}

static void put_integer(Call *c, size_t row, int64_t v)
{
    switch (c->def->arg) {
    case 0:
        OUT(c, int8_t, row) = (int8_t)v;
        break;
    case 1:
        OUT(c, int16_t, row) = (int16_t)v;
        break;
    case 2:
        OUT(c, int32_t, row) = (int32_t)v;
        break;
    default:
        OUT(c, int64_t, row) = v;
    }
}

static void double_to_integer(Call *c)
{
    CALL_ROWS(c, i)
    {
        int64_t v = 0;
        if (to_integer(c, ARG(c, 0, double, i), false, &v))
            put_integer(c, i, v);
    }
}

static void float_to_integer(Call *c)
{
    CALL_ROWS(c, i)
    {
        int64_t v = 0;
        if (to_integer(c, (double)ARG(c, 0, float, i), true, &v))
            put_integer(c, i, v);
    }
}

/* ---- buckets ---- */

static bool check_bounds(Call *c, double x, double low, double high, int64_t n)
{
    const char *bad = n <= 0            ? "bucketCount must be greater than 0"
                      : x != x          ? "operand must not be NaN"
                      : !isfinite(low)  ? "first bound must be finite"
                      : !isfinite(high) ? "second bound must be finite"
                      : low == high     ? "bounds cannot equal each other"
                                        : NULL;
    if (bad)
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "%s", bad);
    return !bad;
}

static void width_bucket(Call *c)
{
    CALL_ROWS(c, i)
    {
        double x = ARG(c, 0, double, i), low = ARG(c, 1, double, i), high = ARG(c, 2, double, i);
        int64_t n = ARG(c, 3, int64_t, i);
        if (!check_bounds(c, x, low, high, n))
            break;
        double from = low < high ? low : high, to = low < high ? high : low;
        int64_t bucket = x < from ? 0 : x >= to ? n + 1 : (int64_t)((double)n * (x - from) / (to - from) + 1);
        if (x >= to && n == INT64_MAX) {
            call_fail(c, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "Bucket for value %f is out of range", x);
            break;
        }
        OUT(c, int64_t, i) = low > high ? n - bucket + 1 : bucket;
    }
}

static void width_bucket_list(Call *c)
{
    const double *bins = duck->vector_get_data(duck->list_vector_get_child(c->in[1].vector));
    const uint64_t *validity = duck->vector_get_validity(duck->list_vector_get_child(c->in[1].vector));
    CALL_ROWS(c, i)
    {
        double x = ARG(c, 0, double, i);
        duckdb_list_entry e = ARG(c, 1, duckdb_list_entry, i);
        const char *bad = e.length == 0 ? "Bins cannot be an empty array"
                          : x != x      ? "Operand cannot be NaN"
                                        : NULL;
        for (uint64_t k = 0; k < e.length && !bad; k++) {
            double bin = bins[e.offset + k];
            if (!duckdb_is_valid(validity, e.offset + k))
                continue; /* counts as 0 */
            if (!isfinite(bin))
                bad = "Bin value must be finite";
            else if (k > 0 && duckdb_is_valid(validity, e.offset + k - 1) && bin <= bins[e.offset + k - 1])
                bad = "Bin values are not sorted in ascending order";
        }
        if (bad) {
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "%s", bad);
            break;
        }
        uint64_t low = 0, high = e.length;
        while (low < high) {
            uint64_t middle = (low + high) / 2;
            bool known = duckdb_is_valid(validity, e.offset + middle);
            if (x < (known ? bins[e.offset + middle] : 0))
                high = middle;
            else
                low = middle + 1;
        }
        OUT(c, int64_t, i) = (int64_t)low;
    }
}

#define BOTH(name, fn)                                                                                       \
    {name, "dd>b", fn##_double},                                                                             \
    {                                                                                                        \
        name, "ff>b", fn##_float                                                                             \
    }
#define UNARY(name, which)                                                                                   \
    {                                                                                                        \
        name, "d>d", run_unary, which                                                                        \
    }

const FunctionDef t_double_functions[] = {
    BOTH("t_eq", eq),
    BOTH("t_ne", ne),
    BOTH("t_lt", lt),
    BOTH("t_le", le),
    BOTH("t_gt", gt),
    BOTH("t_ge", ge),
    UNARY("t_ln", U_LN),
    UNARY("t_log2", U_LOG2),
    UNARY("t_log10", U_LOG10),
    UNARY("t_sqrt", U_SQRT),
    UNARY("t_acos", U_ACOS),
    UNARY("t_asin", U_ASIN),
    UNARY("t_cbrt", U_CBRT),
    UNARY("t_exp", U_EXP),
    UNARY("t_sin", U_SIN),
    UNARY("t_cos", U_COS),
    UNARY("t_tan", U_TAN),
    UNARY("t_atan", U_ATAN),
    UNARY("t_sinh", U_SINH),
    UNARY("t_cosh", U_COSH),
    UNARY("t_tanh", U_TANH),
    UNARY("t_atanh", U_ATANH),
    {"t_double_to_real", "d>f", double_to_real},
    {"t_power", "dd>d", power},
    {"t_log", "dd>d", logarithm},
    {"t_sign", "d>d", sign_double},
    {"t_sign", "f>f", sign_float},
    {"t_truncate", "d>d", truncate_double},
    {"t_truncate", "f>f", truncate_float},
    {"t_round", "d>d", round_double},
    {"t_round", "f>f", round_float},
    {"t_round", "d4>d", round_double},
    {"t_round", "f4>f", round_float},
    {"t_double_to_tinyint", "d>1", double_to_integer, 0},
    {"t_double_to_smallint", "d>2", double_to_integer, 1},
    {"t_double_to_integer", "d>4", double_to_integer, 2},
    {"t_double_to_bigint", "d>8", double_to_integer, 3},
    {"t_real_to_tinyint", "f>1", float_to_integer, 0},
    {"t_real_to_smallint", "f>2", float_to_integer, 1},
    {"t_real_to_integer", "f>4", float_to_integer, 2},
    {"t_real_to_bigint", "f>8", float_to_integer, 3},
    {"t_width_bucket", "ddd8>8", width_bucket},
    {"t_width_bucket", "dF>8", width_bucket_list},
    {NULL},
};
