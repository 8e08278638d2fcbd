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

static void date_add_ms(Call *c)
{
    CALL_ROWS(c, i)
    {
        int64_t ms = ARG(c, 1, int64_t, i);
        if (ms % DAY_MS != 0)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Cannot add hour, minutes or seconds to a date");
        else
            put_date_checked(c, i, ARG(c, 0, int32_t, i) + ms / DAY_MS);
    }
}

static void date_add_months(Call *c)
{
    CALL_ROWS(c, i) put_date_checked(c, i, add_months_to_days(ARG(c, 0, int32_t, i), ARG(c, 1, int32_t, i)));
}

static void timestamp_add_ms(Call *c)
{
    CALL_ROWS(c, i)
    {
        int64_t us = 0;
        bool overflow = __builtin_mul_overflow(ARG(c, 1, int64_t, i), 1000, &us) ||
                        __builtin_add_overflow(us, ARG(c, 0, int64_t, i), &us);
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
        bool fits = add_months_checked(ARG(c, 0, int64_t, i), ARG(c, 1, int32_t, i), &us);
        put_timestamp_checked(c, i, !fits, us);
    }
}

static void time_add_ms(Call *c)
{
    CALL_ROWS(c, i)
    OUT(c, int64_t, i) = floor_mod(ARG(c, 0, int64_t, i) + ARG(c, 1, int64_t, i) % DAY_MS * 1000, DAY_US);
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

const FunctionDef t_datetime_functions[] = {
    {"t_date_add_ms", "D8>D", date_add_ms},
    {"t_date_add_months", "D4>D", date_add_months},
    {"t_timestamp_add_ms", "T8>T", timestamp_add_ms},
    {"t_timestamp_add_months", "T4>T", timestamp_add_months},
    {"t_time_add_ms", "t8>t", time_add_ms},
    {"t_timestamp_round", "T4>T", timestamp_round},
    {"t_time_round", "t4>t", time_round},
    {"t_last_day_of_month", "D>D", last_day, 1},
    {"t_last_day_of_month", "T>D", last_day, 0},
    {"t_interval_ds_mul", "8d>8", interval_scale, 0},
    {"t_interval_ds_div", "8d>8", interval_scale, 1},
    {"t_interval_ym_mul", "4d>4", interval_scale, 2},
    {"t_interval_ym_div", "4d>4", interval_scale, 3},
    {NULL},
};
