/* Integers: what DuckDB's operators do differently, and checks that the emitter puts around its own. */
#include <math.h>
#include <stdio.h>

#include "query/engine/functions/function.h"

static const char *type_name(int bits)
{
    return bits == 8 ? "tinyint" : bits == 16 ? "smallint" : bits == 32 ? "integer" : "bigint";
}

/* A constant divisor is known to be neither 0 nor -1 after one look. */
/* The function mod() (arg 1) shows what Java says, the operator % does not. */
static void fail_mod(Call *c)
{
    if (c->def->arg)
        call_fail(c, ERR_INTERNAL, "/ by zero");
    else
        call_fail(c, ERR_DIVISION_BY_ZERO, "Division by zero");
}

#define DIV_MOD(T, bits, MIN)                                                                                \
    static void div_##T(Call *c)                                                                             \
    {                                                                                                        \
        CALL_ROWS(c, i)                                                                                      \
        {                                                                                                    \
            T a = ARG(c, 0, T, i), b = ARG(c, 1, T, i);                                                      \
            if (b == 0)                                                                                      \
                call_fail(c, ERR_DIVISION_BY_ZERO, "Division by zero");                                      \
            else if (b == -1 && a == MIN)                                                                    \
                call_fail(c, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "%s division overflow: %lld / %lld",            \
                          type_name(bits), (long long)a, (long long)b);                                      \
            else                                                                                             \
                OUT(c, T, i) = (T)(a / b);                                                                   \
        }                                                                                                    \
    }                                                                                                        \
    static void mod_##T(Call *c)                                                                             \
    {                                                                                                        \
        CALL_ROWS(c, i)                                                                                      \
        {                                                                                                    \
            T a = ARG(c, 0, T, i), b = ARG(c, 1, T, i);                                                      \
            if (b == 0)                                                                                      \
                fail_mod(c);                                                                                 \
            else                                                                                             \
                OUT(c, T, i) = b == -1 ? 0 : (T)(a % b);                                                     \
        }                                                                                                    \
    }

DIV_MOD(int8_t, 8, INT8_MIN)
DIV_MOD(int16_t, 16, INT16_MIN)
DIV_MOD(int32_t, 32, INT32_MIN)
DIV_MOD(int64_t, 64, INT64_MIN)

/* x % 0 is NaN, no error. */
static void mod_double(Call *c)
{
    CALL_ROWS(c, i) OUT(c, double, i) = fmod(ARG(c, 0, double, i), ARG(c, 1, double, i));
}
static void mod_float(Call *c)
{
    CALL_ROWS(c, i) OUT(c, float, i) = fmodf(ARG(c, 0, float, i), ARG(c, 1, float, i));
}

/* Shifts on the type's width: by the width or more gives 0 (or the sign); a negative count is taken modulo
 * 64, as Java does. */
#define SHIFTS(T, U, S, bits)                                                                                \
    static void left_##T(Call *c)                                                                            \
    {                                                                                                        \
        CALL_ROWS(c, i)                                                                                      \
        {                                                                                                    \
            S n = ARG(c, 1, S, i);                                                                           \
            OUT(c, T, i) = n >= bits ? 0 : (T)((uint64_t)(U)ARG(c, 0, T, i) << (n & 63));                    \
        }                                                                                                    \
    }                                                                                                        \
    static void right_##T(Call *c)                                                                           \
    {                                                                                                        \
        CALL_ROWS(c, i)                                                                                      \
        {                                                                                                    \
            S n = ARG(c, 1, S, i);                                                                           \
            OUT(c, T, i) = n >= bits ? 0 : (T)((uint64_t)(U)ARG(c, 0, T, i) >> (n & 63));                    \
        }                                                                                                    \
    }                                                                                                        \
    static void right_arithmetic_##T(Call *c)                                                                \
    {                                                                                                        \
        CALL_ROWS(c, i)                                                                                      \
        {                                                                                                    \
            S n = ARG(c, 1, S, i);                                                                           \
            T v = ARG(c, 0, T, i);                                                                           \
            OUT(c, T, i) = n >= bits ? (T)(v < 0 ? -1 : 0) : (T)((int64_t)v >> (n & 63));                    \
        }                                                                                                    \
    }                                                                                                        \
    static void sign_##T(Call *c)                                                                            \
    {                                                                                                        \
        CALL_ROWS(c, i)                                                                                      \
        {                                                                                                    \
            T v = ARG(c, 0, T, i);                                                                           \
            OUT(c, T, i) = (T)((v > 0) - (v < 0));                                                           \
        }                                                                                                    \
    }

SHIFTS(int8_t, uint8_t, int32_t, 8)
SHIFTS(int16_t, uint16_t, int32_t, 16)
SHIFTS(int32_t, uint32_t, int32_t, 32)
SHIFTS(int64_t, uint64_t, int32_t, 64)

static const int64_t powers[] = {
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
};

/* Half up at 10^digits; digits > 0. false: Trino knows no such power, or the result leaves the bigint. */
static bool round_at(int64_t v, int64_t digits, int64_t *ret)
{
    if (digits > 18)
        return v == 0;
    int128 unit = powers[digits], magnitude = v < 0 ? -(int128)v : v;
    int128 rounded = (magnitude + unit / 2) / unit * unit;
    rounded = v < 0 ? -rounded : rounded;
    *ret = (int64_t)rounded;
    return rounded >= INT64_MIN && rounded <= INT64_MAX;
}

#define ROUND(T, bits, MIN, MAX)                                                                             \
    static void round_##T(Call *c)                                                                           \
    {                                                                                                        \
        CALL_ROWS(c, i)                                                                                      \
        {                                                                                                    \
            int64_t digits = ARG(c, 1, int32_t, i), v = ARG(c, 0, T, i);                                     \
            if (digits < 0 && !round_at(v, -digits, &v))                                                     \
                call_fail(c, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "numerical overflow: %lld",                     \
                          (long long)ARG(c, 0, T, i));                                                       \
            else if (v < MIN || v > MAX)                                                                     \
                call_fail(c, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "Out of range for %s: %lld", type_name(bits),   \
                          (long long)v);                                                                     \
            OUT(c, T, i) = (T)v;                                                                             \
        }                                                                                                    \
    }

ROUND(int8_t, 8, INT8_MIN, INT8_MAX)
ROUND(int16_t, 16, INT16_MIN, INT16_MAX)
ROUND(int32_t, 32, INT32_MIN, INT32_MAX)
ROUND(int64_t, 64, INT64_MIN, INT64_MAX)

static void bit_count(Call *c)
{
    CALL_ROWS(c, i)
    {
        int64_t v = ARG(c, 0, int64_t, i), bits = ARG(c, 1, int64_t, i);
        if (bits == 64) {
            OUT(c, int64_t, i) = __builtin_popcountll((uint64_t)v);
            continue;
        }
        if (bits <= 1 || bits > 64) {
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT,
                      "Bits specified in bit_count must be between 2 and 64, got %lld", (long long)bits);
            continue;
        }
        int64_t low = -(INT64_C(1) << (bits - 1)), high = -low - 1;
        if (v < low || v > high)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT,
                      "Number must be representable with the bits specified. %lld cannot be represented with "
                      "%lld bits",
                      (long long)v, (long long)bits);
        OUT(c, int64_t, i) = __builtin_popcountll((uint64_t)v & ((1ULL << bits) - 1));
    }
}

static bool check_radix(Call *c, int64_t radix)
{
    if (radix >= 2 && radix <= 36)
        return true;
    call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Radix must be between 2 and 36");
    return false;
}

static void to_base(Call *c)
{
    CALL_ROWS(c, i)
    {
        int64_t v = ARG(c, 0, int64_t, i), radix = ARG(c, 1, int64_t, i);
        char text[80], *p = text + sizeof text;
        if (!check_radix(c, radix))
            break;
        uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
        do {
            *--p = "0123456789abcdefghijklmnopqrstuvwxyz"[u % (uint64_t)radix];
            u /= (uint64_t)radix;
        } while (u);
        if (v < 0)
            *--p = '-';
        call_put_str(c, i, str_of(p, (size_t)(text + sizeof text - p)));
    }
}

static int digit_value(char ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    ch |= 32;
    return ch >= 'a' && ch <= 'z' ? ch - 'a' + 10 : 99;
}

static bool parse_base(Str s, int64_t radix, int64_t *ret)
{
    size_t at = s.len > 1 && (s.ptr[0] == '-' || s.ptr[0] == '+');
    bool negative = s.len > 0 && s.ptr[0] == '-';
    int128 v = 0;
    for (size_t k = at; k < s.len; k++) {
        int digit = digit_value(s.ptr[k]);
        if (digit >= radix)
            return false;
        v = v * radix + digit;
        if (v > (int128)INT64_MAX + 1)
            return false;
    }
    v = negative ? -v : v;
    *ret = (int64_t)v;
    return s.len > 0 && v <= INT64_MAX;
}

static void from_base(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i);
        int64_t radix = ARG(c, 1, int64_t, i);
        if (!check_radix(c, radix))
            break;
        if (!parse_base(s, radix, &OUT(c, int64_t, i)))
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Not a valid base-%lld number: %.*s",
                      (long long)radix, STR_ARG(s));
    }
}

static void check_subscript(Call *c)
{
    CALL_ROWS(c, i)
    {
        int64_t at = ARG(c, 0, int64_t, i), length = ARG(c, 1, int64_t, i);
        if (at == 0)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "SQL array indices start at 1");
        else if (at < 0)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Array subscript is negative: %lld", (long long)at);
        else if (at > length)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT,
                      "Array subscript must be less than or equal to array length: %lld > %lld",
                      (long long)at, (long long)length);
        OUT(c, int64_t, i) = at;
    }
}

/* v, or an error in the emitter's words: bounds of counts, before DuckDB makes a list of that size. */
static void check_range(Call *c)
{
    CALL_ROWS(c, i)
    {
        int64_t v = ARG(c, 0, int64_t, i);
        if (v < ARG(c, 1, int64_t, i) || v > ARG(c, 2, int64_t, i))
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "%.*s", STR_ARG(arg_str(c, 3, i)));
        OUT(c, int64_t, i) = v;
    }
}

/* sequence(): the step, when it leads from start to stop in 10,000 values at most. */
static void check_sequence(Call *c)
{
    enum { SEQUENCE_MAX = 10000 }; /* Trino's */
    CALL_ROWS(c, i)
    {
        int128 start = ARG(c, 0, int64_t, i), stop = ARG(c, 1, int64_t, i), step = ARG(c, 2, int64_t, i);
        if (step == 0)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "step must not be zero");
        else if (step > 0 ? stop < start : stop > start)
            call_fail(
                c, ERR_INVALID_FUNCTION_ARGUMENT,
                "sequence stop value should be greater than or equal to start value if step is greater than "
                "zero otherwise stop should be less than or equal to start");
        else if ((stop - start) / step + 1 > SEQUENCE_MAX)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT,
                      "result of sequence function must not have more than %d entries", SEQUENCE_MAX);
        OUT(c, int64_t, i) = (int64_t)step;
    }
}

static void check_element(Call *c)
{
    CALL_ROWS(c, i)
    {
        int64_t at = ARG(c, 0, int64_t, i);
        if (at == 0)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "SQL array indices start at 1");
        OUT(c, int64_t, i) = at;
    }
}

static void subscript_missing(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str key = arg_str(c, 0, i);
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Key not present in map: %.*s", STR_ARG(key));
    }
}

/* NULL handling is ours: a NULL message still fails. */
/* Offsets of lag and lead, which look the other way for no one. */
static void window_offset(Call *c)
{
    for (size_t i = 0; i < c->n && !c->failed; i++) {
        if (!duckdb_is_valid(c->in[0].validity, i))
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Offset must not be null");
        else if (ARG(c, 0, int64_t, i) < 0)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Offset must be at least 0");
        else
            OUT(c, int64_t, i) = ARG(c, 0, int64_t, i);
    }
}

static void nth_offset(Call *c)
{
    CALL_ROWS(c, i)
    {
        int64_t offset = ARG(c, 0, int64_t, i);
        if (offset < 1)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Offset must be at least 1");
        else
            OUT(c, int64_t, i) = offset;
    }
}

static void overlay_start(Call *c)
{
    CALL_ROWS(c, i)
    {
        int64_t start = ARG(c, 0, int64_t, i);
        if (start < 1)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT,
                      "OVERLAY start position must be greater than 0, got: %lld", (long long)start);
        else
            OUT(c, int64_t, i) = start;
    }
}

static void fail(Call *c)
{
    if (c->n == 0)
        return;
    Str message = duckdb_is_valid(c->in[2].validity, 0) ? arg_str(c, 2, 0) : STR("null");
    char name[64];
    snprintf(name, sizeof name, "%.*s", STR_ARG(arg_str(c, 1, 0)));
    call_fail(c, err_code_of_trino_name(name), "%.*s", STR_ARG(message));
}

#define FOUR(name, fn, args)                                                                                 \
    {name, "1" args ">1", fn##_int8_t}, {name, "2" args ">2", fn##_int16_t},                                 \
        {name, "4" args ">4", fn##_int32_t},                                                                 \
    {                                                                                                        \
        name, "8" args ">8", fn##_int64_t                                                                    \
    }

static void wrap_bigint(Call *c)
{
    CALL_ROWS(c, i) OUT(c, int64_t, i) = (int64_t)ARG(c, 0, int128, i);
}

const FunctionDef t_integer_functions[] = {
    {"t_wrap_bigint", "W>8", wrap_bigint},
    {"t_div", "11>1", div_int8_t},
    {"t_div", "22>2", div_int16_t},
    {"t_div", "44>4", div_int32_t},
    {"t_div", "88>8", div_int64_t},
    {"t_mod", "11>1", mod_int8_t},
    {"t_mod", "22>2", mod_int16_t},
    {"t_mod", "44>4", mod_int32_t},
    {"t_mod", "88>8", mod_int64_t},
    {"t_mod", "dd>d", mod_double},
    {"t_mod", "ff>f", mod_float},
    {"t_mod_function", "11>1", mod_int8_t, 1},
    {"t_mod_function", "22>2", mod_int16_t, 1},
    {"t_mod_function", "44>4", mod_int32_t, 1},
    {"t_mod_function", "88>8", mod_int64_t, 1},
    FOUR("t_bitwise_left_shift", left, "4"),
    FOUR("t_bitwise_right_shift", right, "4"),
    FOUR("t_bitwise_right_shift_arithmetic", right_arithmetic, "4"),
    FOUR("t_round_int", round, "4"),
    {"t_bit_count", "88>8", bit_count},
    {"t_to_base", "88>s", to_base},
    {"t_from_base", "s8>8", from_base},
    {"t_check_subscript", "88>8", check_subscript},
    {"t_check_range", "888s>8", check_range},
    {"t_check_sequence", "888>8", check_sequence},
    {"t_check_element", "8>8", check_element},
    {"t_subscript_missing", "s>b", subscript_missing},
    {"t_fail", "!4ss>b", fail},
    {"t_window_offset", "!8>8", window_offset},
    {"t_nth_offset", "8>8", nth_offset},
    {"t_overlay_start", "8>8", overlay_start},
    {"t_sign_int", "1>1", sign_int8_t},
    {"t_sign_int", "2>2", sign_int16_t},
    {"t_sign_int", "4>4", sign_int32_t},
    {"t_sign_int", "8>8", sign_int64_t},
    {NULL},
};
