/* Dates, times and timestamps without a zone: arithmetic, truncation, differences; intervals. */
#include <math.h>

#include "query/engine/functions/datetime.h"
#include "query/engine/functions/function.h"

static const char overflow_text[] =
    "long overflow"; /* Trino's own words for a date or time out of its range */

static void put_date_checked(Call *c, size_t row, int64_t days)
{
    if (days < -INT64_C(2147483646) || days > INT32_MAX - 1)
        call_fail(c, ERR_INTERNAL, "Value %lld %s for type date", (long long)days,
                  days < 0 ? "is less than MIN_INT" : "exceeds MAX_INT");
    else
        OUT(c, int32_t, row) = (int32_t)days;
}

static void put_timestamp_checked(Call *c, size_t row, bool overflow, int64_t us)
{
    if (overflow || us == INT64_MAX || us < -INT64_MAX + 1) /* DuckDB keeps these for infinity */
        call_fail(c, ERR_INTERNAL, "%s", overflow_text);
    else
        OUT(c, int64_t, row) = us;
}

/* The functions that subtract have the same code: an interval cannot be negated first, the least has no
 * counterpart. */
enum { ADDS, SUBTRACTS };

static int64_t signed_months(const Call *c, size_t row)
{
    int64_t months = ARG(c, 1, int32_t, row);
    return c->def->arg == SUBTRACTS ? -months : months;
}

static void date_add_ms(Call *c)
{
    bool subtracts = c->def->arg == SUBTRACTS;
    CALL_ROWS(c, i)
    {
        int64_t ms = ARG(c, 1, int64_t, i), days = subtracts ? -(ms / DAY_MS) : ms / DAY_MS;
        if (ms % DAY_MS != 0)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Cannot %s hour, minutes or seconds %s a date",
                      subtracts ? "subtract" : "add", subtracts ? "from" : "to");
        else
            put_date_checked(c, i, ARG(c, 0, int32_t, i) + days);
    }
}

static void date_add_months(Call *c)
{
    CALL_ROWS(c, i) put_date_checked(c, i, add_months_to_days(ARG(c, 0, int32_t, i), signed_months(c, i)));
}

static void timestamp_add_ms(Call *c)
{
    bool subtracts = c->def->arg == SUBTRACTS;
    CALL_ROWS(c, i)
    {
        int64_t us = 0, from = ARG(c, 0, int64_t, i);
        bool overflow =
            __builtin_mul_overflow(ARG(c, 1, int64_t, i), 1000, &us) ||
            (subtracts ? __builtin_sub_overflow(from, us, &us) : __builtin_add_overflow(from, us, &us));
        put_timestamp_checked(c, i, overflow, us);
    }
}

/* false: the result is out of range. */
static bool add_months_checked(int64_t us, int64_t months, int64_t *ret)
{
    Civil from = civil_of_days(floor_div(us, DAY_US));
    int64_t year = from.year + months / 12;
    if (months > INT64_C(12000000) || months < -INT64_C(12000000) || year > 290000 || year < -290000)
        return false;
    *ret = add_months_us(us, months);
    return true;
}

static void timestamp_add_months(Call *c)
{
    CALL_ROWS(c, i)
    {
        int64_t us = 0;
        bool fits = add_months_checked(ARG(c, 0, int64_t, i), signed_months(c, i), &us);
        put_timestamp_checked(c, i, !fits, us);
    }
}

static void time_add_ms(Call *c)
{
    int64_t sign = c->def->arg == SUBTRACTS ? -1 : 1;
    CALL_ROWS(c, i)
    OUT(c, int64_t, i) =
        floor_mod(ARG(c, 0, int64_t, i) + ARG(c, 1, int64_t, i) % DAY_MS * 1000 * sign, DAY_US);
}

static void timestamp_round(Call *c)
{
    CALL_ROWS(c, i) OUT(c, int64_t, i) = round_us(ARG(c, 0, int64_t, i), ARG(c, 1, int32_t, i));
}

static void time_round(Call *c)
{
    CALL_ROWS(c, i) OUT(c, int64_t, i) = round_us(ARG(c, 0, int64_t, i), ARG(c, 1, int32_t, i)) % DAY_US;
}

static void last_day(Call *c)
{
    bool is_date = c->def->arg;
    CALL_ROWS(c, i)
    {
        Civil d = civil_of_days(is_date ? ARG(c, 0, int32_t, i) : floor_div(ARG(c, 0, int64_t, i), DAY_US));
        put_date_checked(c, i, days_of_civil(d.year, d.month, days_in_month(d.year, d.month)));
    }
}

/* ---- intervals ---- */

static bool interval_operand(Call *c, double v, bool divide)
{
    char text[NUMBER_TEXT_MAX], *end = put_double(text, v);
    if (v != v || (divide && v == 0)) {
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Cannot %s by double %.*s",
                  divide ? "divide" : "multiply", (int)(end - text), text);
        return false;
    }
    return true;
}

static void interval_scale(Call *c)
{
    bool divide = c->def->arg & 1, months = c->def->arg & 2;
    double limit = months ? 2147483647.0 : 9223372036854775807.0;
    CALL_ROWS(c, i)
    {
        double by = ARG(c, 1, double, i),
               v = months ? (double)ARG(c, 0, int32_t, i) : (double)ARG(c, 0, int64_t, i);
        if (!interval_operand(c, by, divide))
            break;
        double r = floor((divide ? v / by : v * by) + 0.5); /* Math.round */
        if (!(r >= -limit - (months ? 1 : 0) && r <= limit))
            call_fail(c, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "interval %s overflow: %.0f %c %g",
                      months ? "year to month" : "day to second", v, divide ? '/' : '*', by);
        else if (months)
            OUT(c, int32_t, i) = (int32_t)r;
        else
            OUT(c, int64_t, i) = r >= 9223372036854775808.0 ? INT64_MAX : (int64_t)r;
    }
}

/* Integers of intervals, in the words for intervals. */
enum { INTERVAL_ADD, INTERVAL_SUB, INTERVAL_MUL, INTERVAL_NEG };

static void fail_interval(Call *c, int operation, bool months, int64_t a, int64_t b)
{
    static const char *const names[] = {"addition", "subtraction", "multiplication", "negation"};
    static const char symbols[] = "+-*";
    const char *type = months ? "year to month" : "day to second";
    if (operation == INTERVAL_NEG)
        call_fail(c, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "interval %s negation overflow: %lld", type,
                  (long long)a);
    else
        call_fail(c, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "interval %s %s overflow: %lld %c %lld", type,
                  names[operation], (long long)a, symbols[operation], (long long)b);
}

/* An argument of 4 or 8 bytes. */
static int64_t integer_arg(const Call *c, size_t arg, size_t row)
{
    return c->def->signature[arg] == '4' ? ARG(c, arg, int32_t, row) : ARG(c, arg, int64_t, row);
}

static void interval_integers(Call *c)
{
    int operation = c->def->arg & 3;
    bool months = c->def->arg & 4;
    CALL_ROWS(c, i)
    {
        int64_t a = integer_arg(c, 0, i), b = operation == INTERVAL_NEG ? 0 : integer_arg(c, 1, i), r = 0;
        bool overflow = operation == INTERVAL_ADD   ? __builtin_add_overflow(a, b, &r)
                        : operation == INTERVAL_MUL ? __builtin_mul_overflow(a, b, &r)
                        : operation == INTERVAL_NEG ? __builtin_sub_overflow(INT64_C(0), a, &r)
                                                    : __builtin_sub_overflow(a, b, &r);
        if (overflow || (months && (r > INT32_MAX || r < INT32_MIN)))
            fail_interval(c, operation, months, a, b);
        else if (months)
            OUT(c, int32_t, i) = (int32_t)r;
        else
            OUT(c, int64_t, i) = r;
    }
}

const FunctionDef t_datetime_functions[] = {
    {"t_date_add_ms", "D8>D", date_add_ms, ADDS},
    {"t_date_sub_ms", "D8>D", date_add_ms, SUBTRACTS},
    {"t_date_add_months", "D4>D", date_add_months, ADDS},
    {"t_date_sub_months", "D4>D", date_add_months, SUBTRACTS},
    {"t_timestamp_add_ms", "T8>T", timestamp_add_ms, ADDS},
    {"t_timestamp_sub_ms", "T8>T", timestamp_add_ms, SUBTRACTS},
    {"t_timestamp_add_months", "T4>T", timestamp_add_months, ADDS},
    {"t_timestamp_sub_months", "T4>T", timestamp_add_months, SUBTRACTS},
    {"t_time_add_ms", "t8>t", time_add_ms, ADDS},
    {"t_time_sub_ms", "t8>t", time_add_ms, SUBTRACTS},
    {"t_timestamp_round", "T4>T", timestamp_round},
    {"t_time_round", "t4>t", time_round},
    {"t_last_day_of_month", "D>D", last_day, 1},
    {"t_last_day_of_month", "T>D", last_day, 0},
    {"t_interval_ds_add", "88>8", interval_integers, INTERVAL_ADD},
    {"t_interval_ds_sub", "88>8", interval_integers, INTERVAL_SUB},
    {"t_interval_ds_times", "88>8", interval_integers, INTERVAL_MUL},
    {"t_interval_ds_neg", "8>8", interval_integers, INTERVAL_NEG},
    {"t_interval_ym_add", "44>4", interval_integers, INTERVAL_ADD | 4},
    {"t_interval_ym_sub", "44>4", interval_integers, INTERVAL_SUB | 4},
    {"t_interval_ym_times", "48>4", interval_integers, INTERVAL_MUL | 4},
    {"t_interval_ym_times", "84>4", interval_integers, INTERVAL_MUL | 4},
    {"t_interval_ym_neg", "4>4", interval_integers, INTERVAL_NEG | 4},
    {"t_interval_ds_mul", "8d>8", interval_scale, 0},
    {"t_interval_ds_div", "8d>8", interval_scale, 1},
    {"t_interval_ym_mul", "4d>4", interval_scale, 2},
    {"t_interval_ym_div", "4d>4", interval_scale, 3},
    {NULL},
};
