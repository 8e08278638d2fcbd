/* t_number.c - the number type: casts, arithmetic, functions. number.h says how values are held.
 * Source: Trino's documentation "Number"; behaviour of release 483. */
#include "query/engine/functions/number.h"

#include <math.h>
#include <stdio.h>

#include "query/engine/functions/decimal.h"
#include "query/engine/functions/function.h"
#include "query/engine/functions/text.h"

static bool arg_number(Call *c, size_t i, size_t row, Number *ret)
{
    if (number_decode(arg_str(c, i, row), ret))
        return true;
    call_fail(c, ERR_INTERNAL, "%s: argument %zu is no number", c->def->name, i + 1);
    return false;
}

static void put_result(Call *c, size_t row, Number *v)
{
    uint8_t bytes[NUMBER_BYTES_MAX];
    size_t n = number_encode(v, bytes);
    if (n == 0)
        call_fail(c, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "Scale out of range: %d", v->scale);
    else
        call_put_str(c, row, str_of((const char *)bytes, n));
}

/* ---- to number ---- */

static void put_parsed(Call *c, size_t row, Str text)
{
    Number v;
    if (number_parse(text, &v))
        put_result(c, row, &v);
    else
        call_fail(c, ERR_INVALID_CAST_ARGUMENT, "Cannot cast '%.*s' to NUMBER", STR_ARG(text));
}

static void from_varchar(Call *c)
{
    CALL_ROWS(c, i) put_parsed(c, i, arg_str(c, 0, i));
}

/* Canonical JSON: a number's text is number_parse()'s; a string's content is a text to cast. */
static void from_json(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str json = arg_str(c, 0, i);
        Number v;
        if (str_is(json, "null")) {
            call_set_null(c, i);
        } else if (str_is(json, "true") || str_is(json, "false")) {
            number_of_i128(&v, json.len == 4, 0);
            put_result(c, i, &v);
        } else if (json.len >= 2 && json.ptr[0] == '"') {
            put_parsed(c, i, str_slice(json, 1, json.len - 1));
        } else if (json.len > 0 && (json.ptr[0] == '[' || json.ptr[0] == '{')) {
            call_fail(c, ERR_INVALID_CAST_ARGUMENT, "Cannot cast '%.*s' to number", STR_ARG(json));
        } else {
            put_parsed(c, i, json);
        }
    }
}

/* An integer or a decimal. */
static void from_decimal(Call *c)
{
    CALL_ROWS(c, i)
    {
        Number v;
        number_of_i128(&v, arg_decimal(c, 0, i), c->in[0].scale);
        put_result(c, i, &v);
    }
}

static void from_floating(Call *c)
{
    bool is_float = c->def->arg;
    CALL_ROWS(c, i)
    {
        double a = is_float ? (double)ARG(c, 0, float, i) : ARG(c, 0, double, i);
        Number v;
        number_of_i128(&v, 0, 0);
        if (isnan(a)) {
            v.kind = NUMBER_NAN;
        } else if (isinf(a)) {
            v.kind = NUMBER_INFINITE;
            v.negative = a < 0;
        } else if (a != 0) {
            double size = fabs(a);
            number_of_shortest(&v, is_float ? shortest_of_float((float)size) : shortest_of_double(size),
                               a < 0);
        }
        put_result(c, i, &v);
    }
}

/* ---- from number ---- */

static Str number_text(const Number *v, char text[NUMBER_STRING_MAX])
{
    return str_of(text, (size_t)(put_number(text, v) - text));
}

static void to_varchar(Call *c)
{
    CALL_ROWS(c, i)
    {
        char text[NUMBER_STRING_MAX];
        Number v;
        if (arg_number(c, 0, i, &v))
            call_put_str(c, i, number_text(&v, text));
    }
}

/* JSON has no NaN and no infinities: they are strings there. */
static void to_json(Call *c)
{
    CALL_ROWS(c, i)
    {
        char text[NUMBER_STRING_MAX + 2];
        Number v;
        if (!arg_number(c, 0, i, &v))
            break;
        bool quoted = v.kind != NUMBER_FINITE;
        text[0] = '"';
        char *end = put_number(text + 1, &v);
        *end = '"';
        call_put_str(c, i,
                     quoted ? str_of(text, (size_t)(end - text) + 1)
                            : str_of(text + 1, (size_t)(end - text) - 1));
    }
}

static void fail_cast(Call *c, const Number *v, const char *type)
{
    char text[NUMBER_STRING_MAX];
    call_fail(c, v->kind == NUMBER_NAN ? ERR_INVALID_CAST_ARGUMENT : ERR_NUMERIC_VALUE_OUT_OF_RANGE,
              "Cannot cast NUMBER '%.*s' to %s", STR_ARG(number_text(v, text)), type);
}

/* The value half up at `scale` digits, when its size is below `limit` (or `limit` itself below zero). */
static bool to_i128(const Number *v, int scale, uint128 limit, int128 *ret)
{
    uint128 size;
    if (v->kind != NUMBER_FINITE || !number_to_u128(v, scale, &size) || size > limit ||
        (size == limit && !v->negative))
        return false;
    *ret = v->negative ? -(int128)size : (int128)size;
    return true;
}

static void to_integral(Call *c)
{
    static const char *const names[] = {[1] = "TINYINT", [2] = "SMALLINT", [4] = "INTEGER", [8] = "BIGINT"};
    int bytes = c->def->arg;
    CALL_ROWS(c, i)
    {
        Number v;
        int128 value;
        if (!arg_number(c, 0, i, &v))
            break;
        if (!to_i128(&v, 0, (uint128)1 << (8 * bytes - 1), &value)) {
            fail_cast(c, &v, names[bytes]);
            break;
        }
        if (bytes == 1)
            OUT(c, int8_t, i) = (int8_t)value;
        else if (bytes == 2)
            OUT(c, int16_t, i) = (int16_t)value;
        else if (bytes == 4)
            OUT(c, int32_t, i) = (int32_t)value;
        else
            OUT(c, int64_t, i) = (int64_t)value;
    }
}

static void to_floating(Call *c)
{
    bool is_float = c->def->arg;
    CALL_ROWS(c, i)
    {
        char text[NUMBER_STRING_MAX];
        Number v;
        double value = 0;
        if (!arg_number(c, 0, i, &v))
            break;
        if (v.kind == NUMBER_NAN)
            value = NAN;
        else if (v.kind == NUMBER_INFINITE)
            value = v.negative ? -INFINITY : INFINITY;
        else
            (void)parse_java_double(number_text(&v, text), is_float, &value);
        if (is_float)
            OUT(c, float, i) = (float)value;
        else
            OUT(c, double, i) = value;
    }
}

static void to_decimal(Call *c)
{
    CALL_ROWS(c, i)
    {
        Number v;
        int128 value;
        int precision = ARG(c, 1, int32_t, i);
        if (!arg_number(c, 0, i, &v))
            break;
        /* -10^p does not fit, though an integer's lowest value does. */
        uint128 limit = decimal_pow10(precision);
        if (to_i128(&v, c->scale, limit, &value) && value != -(int128)limit) {
            put_d38(c, i, value);
            continue;
        }
        char type[32];
        snprintf(type, sizeof type, "DECIMAL(%d, %d)", precision, c->scale);
        fail_cast(c, &v, type);
    }
}

/* ---- operators ---- */

enum { NUMBER_ADD, NUMBER_SUB, NUMBER_MUL, NUMBER_DIV, NUMBER_MOD };

static bool apply(int op, Number *a, Number *b)
{
    switch (op) {
    case NUMBER_SUB:
        number_negate(b);
        number_add(a, b);
        return true;
    case NUMBER_ADD:
        number_add(a, b);
        return true;
    case NUMBER_MUL:
        number_multiply(a, b);
        return true;
    case NUMBER_DIV:
        return number_divide(a, b);
    default:
        return number_modulus(a, b);
    }
}

static void arithmetic(Call *c)
{
    CALL_ROWS(c, i)
    {
        Number a, b;
        if (!arg_number(c, 0, i, &a) || !arg_number(c, 1, i, &b))
            break;
        if (apply(c->def->arg, &a, &b))
            put_result(c, i, &a);
        else
            call_fail(c, ERR_DIVISION_BY_ZERO, "Division by zero");
    }
}

/* The bytes' order is the values'; NaN, the last, compares with nothing. */
enum { COMPARE_EQ, COMPARE_NE, COMPARE_LT, COMPARE_LE, COMPARE_GT, COMPARE_GE };

static void compare(Call *c)
{
    CALL_ROWS(c, i)
    {
        Number a;
        Str x = arg_str(c, 0, i), y = arg_str(c, 1, i);
        bool nan = (x.len == 1 && number_decode(x, &a) && a.kind == NUMBER_NAN) ||
                   (y.len == 1 && number_decode(y, &a) && a.kind == NUMBER_NAN);
        int order = str_cmp(x, y);
        const bool results[] = {order == 0, order != 0, order<0, order <= 0, order> 0, order >= 0};
        OUT(c, bool, i) = nan ? c->def->arg == COMPARE_NE : results[c->def->arg];
    }
}

/* ---- functions of one value ---- */

static void negate(Call *c)
{
    CALL_ROWS(c, i)
    {
        Number v;
        if (!arg_number(c, 0, i, &v))
            break;
        number_negate(&v);
        put_result(c, i, &v);
    }
}

static void absolute(Call *c)
{
    CALL_ROWS(c, i)
    {
        Number v;
        if (!arg_number(c, 0, i, &v))
            break;
        v.negative = false;
        put_result(c, i, &v);
    }
}

static void sign(Call *c)
{
    CALL_ROWS(c, i)
    {
        Number v;
        if (!arg_number(c, 0, i, &v))
            break;
        if (v.kind != NUMBER_NAN)
            number_of_i128(&v, number_is_zero(&v) ? 0 : v.negative ? -1 : 1, 0);
        put_result(c, i, &v);
    }
}

static void round_number(Call *c)
{
    CALL_ROWS(c, i)
    {
        Number v;
        if (!arg_number(c, 0, i, &v))
            break;
        number_round(&v, c->n_in == 2 ? ARG(c, 1, int32_t, i) : 0, (NumberRounding)c->def->arg);
        put_result(c, i, &v);
    }
}

static void is_kind(Call *c)
{
    CALL_ROWS(c, i)
    {
        Number v;
        if (arg_number(c, 0, i, &v))
            OUT(c, bool, i) = v.kind == (NumberKind)c->def->arg;
    }
}

const FunctionDef t_number_functions[] = {
    {"t_varchar_to_number", "s>x", from_varchar},
    {"t_json_to_number", "s>x", from_json},
    {"t_dec_to_number", "A>x", from_decimal},
    {"t_double_to_number", "d>x", from_floating, 0},
    {"t_real_to_number", "f>x", from_floating, 1},
    {"t_number_to_varchar", "x>s", to_varchar},
    {"t_number_to_json", "x>s", to_json},
    {"t_number_to_tinyint", "x>1", to_integral, 1},
    {"t_number_to_smallint", "x>2", to_integral, 2},
    {"t_number_to_integer", "x>4", to_integral, 4},
    {"t_number_to_bigint", "x>8", to_integral, 8},
    {"t_number_to_double", "x>d", to_floating, 0},
    {"t_number_to_real", "x>f", to_floating, 1},
    {"t_number_to_decimal", "x4>N", to_decimal},
    {"t_number_add", "xx>x", arithmetic, NUMBER_ADD},
    {"t_number_sub", "xx>x", arithmetic, NUMBER_SUB},
    {"t_number_mul", "xx>x", arithmetic, NUMBER_MUL},
    {"t_number_div", "xx>x", arithmetic, NUMBER_DIV},
    {"t_number_mod", "xx>x", arithmetic, NUMBER_MOD},
    {"t_number_eq", "xx>b", compare, COMPARE_EQ},
    {"t_number_ne", "xx>b", compare, COMPARE_NE},
    {"t_number_lt", "xx>b", compare, COMPARE_LT},
    {"t_number_le", "xx>b", compare, COMPARE_LE},
    {"t_number_gt", "xx>b", compare, COMPARE_GT},
    {"t_number_ge", "xx>b", compare, COMPARE_GE},
    {"t_number_neg", "x>x", negate},
    {"t_number_abs", "x>x", absolute},
    {"t_number_sign", "x>x", sign},
    {"t_number_round", "x>x", round_number, NUMBER_HALF_UP},
    {"t_number_round", "x4>x", round_number, NUMBER_HALF_UP},
    {"t_number_truncate", "x>x", round_number, NUMBER_TRUNCATE},
    {"t_number_ceil", "x>x", round_number, NUMBER_CEILING},
    {"t_number_floor", "x>x", round_number, NUMBER_FLOOR},
    {"t_number_is_finite", "x>b", is_kind, NUMBER_FINITE},
    {"t_number_is_infinite", "x>b", is_kind, NUMBER_INFINITE},
    {"t_number_is_nan", "x>b", is_kind, NUMBER_NAN},
    {NULL},
};
