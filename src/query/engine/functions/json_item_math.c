/* json_item_math.c - arithmetic and comparison of items, with the coercions of Trino's operators. */
#include <math.h>

#include "query/engine/functions/decimal.h"
#include "query/engine/functions/json_path.h"
#include "query/engine/functions/text.h"
#include "query/engine/functions/wide.h"
#include "query/engine/functions/wide_time.h"

enum { DECIMAL_DIGITS = 38, DECIMAL_MIN_SCALE = 6 };

static int max_int(int a, int b)
{
    return a > b ? a : b;
}
static int min_int(int a, int b)
{
    return a < b ? a : b;
}

static uint128 magnitude(int128 v)
{
    return v < 0 ? 0 - (uint128)v : (uint128)v;
}

/* ---- coercions ---- */

static bool is_integral(const Item *item)
{
    return item->kind >= ITEM_TINYINT && item->kind <= ITEM_BIGINT;
}

static void to_decimal(Item *item)
{
    static const int digits[] = {
        [ITEM_TINYINT] = 3, [ITEM_SMALLINT] = 5, [ITEM_INTEGER] = 10, [ITEM_BIGINT] = 19};
    if (!is_integral(item))
        return;
    *item = (Item){.kind = ITEM_DECIMAL, .precision = digits[item->kind], .wide = item->integer};
}

static void to_floating(Item *item, ItemKind kind)
{
    double v = item->kind == ITEM_DECIMAL ? decimal_to_double(item->wide, item->scale)
               : is_integral(item)        ? (double)item->integer
                                          : item->number;
    if (kind == ITEM_REAL)
        v = item->kind == ITEM_BIGINT ? (double)(float)item->integer : (double)(float)v;
    *item = (Item){.kind = kind, .number = v};
}

/* Both in the type that the operator works on. */
static bool coerce(Item *a, Item *b)
{
    if (!item_is_number(a) || !item_is_number(b))
        return false;
    ItemKind kind = a->kind > b->kind ? a->kind : b->kind;
    if (kind >= ITEM_REAL) {
        to_floating(a, kind);
        to_floating(b, kind);
    } else if (kind == ITEM_DECIMAL) {
        to_decimal(a);
        to_decimal(b);
    } else {
        a->kind = b->kind = kind;
    }
    return true;
}

/* ---- integers ---- */

static bool fits(ItemKind kind, int64_t v)
{
    static const int bits[] = {[ITEM_TINYINT] = 7, [ITEM_SMALLINT] = 15, [ITEM_INTEGER] = 31};
    return kind == ITEM_BIGINT || (v >= -(INT64_C(1) << bits[kind]) && v < (INT64_C(1) << bits[kind]));
}

static ItemResult integer_arithmetic(char op, const Item *a, const Item *b, Item *ret)
{
    int64_t x = a->integer, y = b->integer, v = 0;
    bool overflow = false;
    if ((op == '/' || op == '%') && y == 0)
        return ITEM_FAILED;
    switch (op) {
    case '+':
        overflow = __builtin_add_overflow(x, y, &v);
        break;
    case '-':
        overflow = __builtin_sub_overflow(x, y, &v);
        break;
    case '*':
        overflow = __builtin_mul_overflow(x, y, &v);
        break;
    case '/':
        overflow = x == INT64_MIN && y == -1;
        v = overflow ? 0 : x / y;
        break;
    default:
        v = y == -1 ? 0 : x % y;
    }
    if (overflow || !fits(a->kind, v))
        return ITEM_FAILED;
    *ret = (Item){.kind = a->kind, .integer = v};
    return ITEM_OK;
}

static ItemResult floating_arithmetic(char op, const Item *a, const Item *b, Item *ret)
{
    double x = a->number, y = b->number;
    double v = op == '+' ? x + y : op == '-' ? x - y : op == '*' ? x * y : op == '/' ? x / y : fmod(x, y);
    *ret = (Item){.kind = a->kind, .number = a->kind == ITEM_REAL ? (double)(float)v : v};
    return ITEM_OK;
}

/* ---- decimals ---- */

/* Over 38 digits the scale gives way, down to 6; see the analyzer's decimal_result(). */
static void fit_type(Item *type, int precision, int scale)
{
    if (precision > DECIMAL_DIGITS) {
        int whole = precision - scale;
        scale = min_int(scale, whole > DECIMAL_DIGITS - DECIMAL_MIN_SCALE ? DECIMAL_MIN_SCALE
                                                                          : DECIMAL_DIGITS - whole);
        precision = DECIMAL_DIGITS;
    }
    type->precision = precision;
    type->scale = scale;
}

static void result_type(char op, const Item *a, const Item *b, Item *ret)
{
    int whole_a = a->precision - a->scale, whole_b = b->precision - b->scale;
    int scale = max_int(a->scale, b->scale), whole = max_int(whole_a, whole_b);
    int digits = max_int(DECIMAL_MIN_SCALE, a->scale + b->precision + 1);
    *ret = (Item){.kind = ITEM_DECIMAL};
    if (op == '*')
        fit_type(ret, a->precision + b->precision, a->scale + b->scale);
    else if (op == '/')
        fit_type(ret, whole_a + b->scale + digits, digits);
    else if (op == '%')
        fit_type(ret, min_int(whole_a, whole_b) + scale, scale);
    else if (whole + scale + 1 <= DECIMAL_DIGITS)
        fit_type(ret, whole + scale + 1, scale);
    else
        fit_type(ret, whole + scale > DECIMAL_DIGITS ? whole + scale : DECIMAL_DIGITS, scale);
}

/* w * 10^by half up */
static void rescale(Wide *w, int by)
{
    if (by >= 0) {
        wide_mul_pow10(w, by);
        return;
    }
    Wide unit = wide_of(1);
    wide_mul_pow10(&unit, -by);
    wide_div_half_up(w, &unit);
}

static Wide scaled(const Item *item, int scale)
{
    Wide w = wide_of(magnitude(item->wide));
    wide_mul_pow10(&w, scale - item->scale);
    return w;
}

/* The magnitude of a sum at the greater scale; *negative its sign. */
static Wide sum(const Item *a, const Item *b, bool subtract, bool *negative)
{
    int scale = max_int(a->scale, b->scale);
    Wide x = scaled(a, scale), y = scaled(b, scale);
    bool left = a->wide < 0, right = (b->wide < 0) != subtract;
    *negative = left;
    if (left == right) {
        wide_add(&x, &y);
    } else if (wide_cmp(&x, &y) >= 0) {
        wide_sub(&x, &y);
    } else {
        wide_sub(&y, &x);
        x = y;
        *negative = right;
    }
    return x;
}

static Wide remainder_of(const Item *a, const Item *b)
{
    int scale = max_int(a->scale, b->scale);
    Wide x = scaled(a, scale), y = scaled(b, scale), rest;
    wide_div(&x, &y, &rest);
    return rest;
}

static Wide quotient(const Item *a, const Item *b, int scale)
{
    Wide x = wide_of(magnitude(a->wide)), y = wide_of(magnitude(b->wide));
    int by = scale + b->scale - a->scale;
    wide_mul_pow10(by >= 0 ? &x : &y, by >= 0 ? by : -by);
    wide_div_half_up(&x, &y);
    return x;
}

static ItemResult decimal_arithmetic(char op, const Item *a, const Item *b, Item *ret)
{
    Item result;
    Wide w;
    bool negative = (a->wide < 0) != (b->wide < 0);
    int scale = max_int(a->scale, b->scale);
    result_type(op, a, b, &result);
    if ((op == '/' || op == '%') && b->wide == 0)
        return ITEM_FAILED;
    if (op == '*') {
        w = wide_of(magnitude(a->wide));
        wide_mul(&w, magnitude(b->wide));
        rescale(&w, result.scale - a->scale - b->scale);
    } else if (op == '/') {
        w = quotient(a, b, result.scale);
    } else if (op == '%') {
        w = remainder_of(a, b);
        negative = a->wide < 0;
        rescale(&w, result.scale - scale);
    } else {
        w = sum(a, b, op == '-', &negative);
        rescale(&w, result.scale - scale);
    }
    uint128 v;
    if (!wide_to_u128(&w, &v) || v >= decimal_pow10(DECIMAL_DIGITS))
        return ITEM_FAILED;
    result.wide = negative ? -(int128)v : (int128)v;
    *ret = result;
    return ITEM_OK;
}

ItemResult item_arithmetic(char op, const Item *left, const Item *right, Item *ret)
{
    Item a = *left, b = *right;
    if (!coerce(&a, &b))
        return ITEM_NO_OPERATOR;
    if (a.kind == ITEM_DECIMAL)
        return decimal_arithmetic(op, &a, &b, ret);
    return a.kind >= ITEM_REAL ? floating_arithmetic(op, &a, &b, ret) : integer_arithmetic(op, &a, &b, ret);
}

ItemResult item_negate(const Item *item, Item *ret)
{
    *ret = *item;
    if (item->kind >= ITEM_REAL)
        ret->number = -item->number;
    else if (item->kind == ITEM_DECIMAL)
        ret->wide = -item->wide;
    else if (item->integer == INT64_MIN || !fits(item->kind, -item->integer))
        return ITEM_FAILED;
    else
        ret->integer = -item->integer;
    return ITEM_OK;
}

ItemResult item_round(const Item *item, bool up, Item *ret)
{
    *ret = *item;
    if (item->kind >= ITEM_REAL) {
        ret->number = up ? ceil(item->number) : floor(item->number);
    } else if (item->kind == ITEM_DECIMAL && item->scale > 0) {
        int128 unit = (int128)decimal_pow10(item->scale), v = item->wide / unit, rest = item->wide % unit;
        ret->wide = v + (up && rest > 0) - (!up && rest < 0);
        ret->precision = min_int(item->precision - item->scale + 1, DECIMAL_DIGITS);
        ret->scale = 0;
    }
    return ITEM_OK;
}

/* ---- comparison ---- */

static int order(bool less, bool greater)
{
    return less ? -1 : greater ? 1 : 0;
}

static int compare_decimals(const Item *a, const Item *b)
{
    bool left = a->wide < 0, right = b->wide < 0;
    if (left != right)
        return left ? -1 : 1;
    int scale = max_int(a->scale, b->scale);
    Wide x = scaled(a, scale), y = scaled(b, scale);
    int r = wide_cmp(&x, &y);
    return left ? -r : r;
}

static int compare_numbers(const Item *a, const Item *b)
{
    if (a->kind == ITEM_DECIMAL)
        return compare_decimals(a, b);
    if (a->kind < ITEM_DECIMAL)
        return order(a->integer<b->integer, a->integer> b->integer);
    if (isnan(a->number) || isnan(b->number))
        return 2;
    return order(a->number<b->number, a->number> b->number);
}

static Str without_blanks(Str s)
{
    while (s.len > 0 && s.ptr[s.len - 1] == ' ')
        s.len--;
    return s;
}

/* A char is padded when it meets a varchar, and so are two chars. */
static int compare_texts(const Item *a, const Item *b)
{
    if (a->kind == ITEM_CHAR && b->kind == ITEM_CHAR)
        return str_cmp(without_blanks(a->text), without_blanks(b->text));
    _cleanup_buf_ Buf x = BUF_INIT(SIZE_MAX / 2), y = BUF_INIT(SIZE_MAX / 2);
    if (a->kind == ITEM_VARCHAR && b->kind == ITEM_VARCHAR)
        return str_cmp(a->text, b->text);
    item_put_text(a, &x);
    item_put_text(b, &y);
    return str_cmp(buf_str(&x), buf_str(&y));
}

/* A date and a timestamp without zone have a common type; others only with a session's zone. */
static ItemResult compare_moments(const Item *a, const Item *b, int *ret)
{
    Item x = *a, y = *b;
    bool date_time = (x.kind == ITEM_DATE && y.kind == ITEM_TIMESTAMP) ||
                     (x.kind == ITEM_TIMESTAMP && y.kind == ITEM_DATE);
    bool zoned = x.kind != y.kind && (x.kind == ITEM_TIMESTAMP_TZ || y.kind == ITEM_TIMESTAMP_TZ ||
                                      x.kind == ITEM_TIME_TZ || y.kind == ITEM_TIME_TZ);
    bool times = x.kind == ITEM_TIME || x.kind == ITEM_TIME_TZ;
    if (x.kind != y.kind && times != (y.kind == ITEM_TIME || y.kind == ITEM_TIME_TZ))
        return ITEM_NO_OPERATOR;
    if (zoned)
        return ITEM_REFUSED;
    Item *both[] = {&x, &y};
    for (size_t i = 0; i < 2; i++) {
        if (both[i]->kind == ITEM_DATE)
            both[i]->wide = date_time ? (int128)both[i]->integer * DAY_PICOS : both[i]->integer;
        else if (both[i]->kind == ITEM_TIME_TZ)
            both[i]->wide -= (int128)both[i]->zone * 60 * SECOND_PICOS;
    }
    *ret = order(x.wide<y.wide, x.wide> y.wide);
    return ITEM_OK;
}

ItemResult item_compare(const Item *left, const Item *right, int *ret)
{
    Item a = *left, b = *right;
    if (coerce(&a, &b)) {
        *ret = compare_numbers(&a, &b);
        return ITEM_OK;
    }
    if (item_is_text(&a) && item_is_text(&b)) {
        int r = compare_texts(&a, &b);
        *ret = order(r<0, r> 0);
        return ITEM_OK;
    }
    if (a.kind == ITEM_BOOLEAN && b.kind == ITEM_BOOLEAN) {
        *ret = order(a.boolean<b.boolean, a.boolean> b.boolean);
        return ITEM_OK;
    }
    if (a.kind >= ITEM_DATE && b.kind >= ITEM_DATE && a.kind < ITEM_NONE && b.kind < ITEM_NONE)
        return compare_moments(&a, &b, ret);
    return ITEM_NO_OPERATOR;
}
