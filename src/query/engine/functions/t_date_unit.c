/* date_trunc, date_add and date_diff without a zone. The unit is nearly always a constant; reading it costs
 * nothing beside the rest. */
#include "query/engine/functions/datetime.h"
#include "query/engine/functions/function.h"

enum { OF_DATE, OF_TIMESTAMP, OF_TIME };
static const char *const kinds[] = {"DATE", "TIMESTAMP", "TIME"};

static bool unit_fits(DateUnit unit, int kind)
{
    return unit != UNIT_NONE &&
           (kind == OF_TIMESTAMP || (kind == OF_DATE ? unit >= UNIT_DAY : unit <= UNIT_HOUR));
}

/* UNIT_NONE: the call failed. */
static DateUnit unit_arg(Call *c, size_t row)
{
    Str name = arg_str(c, 0, row);
    DateUnit unit = date_unit_of(name);
    if (unit_fits(unit, c->def->arg))
        return unit;
    call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "'%.*s' is not a valid %s field", STR_ARG(name),
              kinds[c->def->arg]);
    return UNIT_NONE;
}

/* ---- dates: in days, for microseconds of all dates do not fit 64 bits ---- */

static void put_date_checked(Call *c, size_t row, int64_t days)
{
    if (days > INT32_MAX || days < INT32_MIN)
        call_fail(c, ERR_INTERNAL, "Value %lld %s for type date", (long long)days,
                  days < 0 ? "is less than MIN_INT" : "exceeds MAX_INT");
    else
        OUT(c, int32_t, row) = (int32_t)days;
}

static int64_t truncate_days(int64_t days, DateUnit unit)
{
    Civil c = civil_of_days(days);
    switch (unit) {
    case UNIT_DAY:
        return days;
    case UNIT_WEEK:
        return days - iso_weekday(days) + 1;
    case UNIT_YEAR:
        return days_of_civil(c.year, 1, 1);
    case UNIT_QUARTER:
        return days_of_civil(c.year, (c.month - 1) / 3 * 3 + 1, 1);
    default:
        return days_of_civil(c.year, c.month, 1);
    }
}

static void trunc_date(Call *c)
{
    CALL_ROWS(c, i)
    {
        DateUnit unit = unit_arg(c, i);
        if (unit != UNIT_NONE)
            put_date_checked(c, i, truncate_days(ARG(c, 1, int32_t, i), unit));
    }
}

enum { JODA_YEAR_MAX = 292278993 };

/* Trino computes in milliseconds, years in an int: may `n` units be added at this wall clock? */
bool date_add_fits(Call *c, DateUnit unit, int64_t n, int64_t wall_ms)
{
    int64_t by, sum, year = civil_of_days(floor_div(wall_ms, DAY_US / 1000)).year;
    if (unit == UNIT_YEAR && (n > INT32_MAX || n < INT32_MIN))
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Value cannot fit in an int: %lld", (long long)n);
    else if (unit == UNIT_YEAR && (year + n > INT32_MAX || year + n < INT32_MIN))
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "The calculation caused an overflow: %lld + %lld",
                  (long long)year, (long long)n);
    else if (unit < UNIT_MONTH && __builtin_mul_overflow(n, unit_us(unit) / 1000, &by))
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Multiplication overflows a long: %lld * %lld",
                  (long long)n, (long long)(unit_us(unit) / 1000));
    else if (unit < UNIT_MONTH && __builtin_add_overflow(wall_ms, by, &sum))
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "The calculation caused an overflow: %lld + %lld",
                  (long long)wall_ms, (long long)by);
    else if (unit == UNIT_QUARTER && __builtin_mul_overflow(n, 3, &by))
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Multiplication overflows a long: %lld * 3",
                  (long long)n);
    if (c->failed || (unit != UNIT_MONTH && unit != UNIT_QUARTER))
        return !c->failed;
    int64_t months = unit == UNIT_QUARTER ? 3 * n : n, years = months / 12;
    if (years > JODA_YEAR_MAX - year || years < -JODA_YEAR_MAX - year)
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Magnitude of add amount is too large: %lld",
                  (long long)months);
    return !c->failed;
}

static void add_date(Call *c)
{
    const int64_t most = INT64_C(1) << 33; /* beyond all dates, in any unit */
    CALL_ROWS(c, i)
    {
        DateUnit unit = unit_arg(c, i);
        int64_t n = ARG(c, 1, int64_t, i), days = ARG(c, 2, int32_t, i);
        if (unit == UNIT_NONE || !date_add_fits(c, unit, n, days * (DAY_US / 1000)))
            break;
        n = n > most ? most : n < -most ? -most : n;
        put_date_checked(c, i,
                         unit_months(unit) ? add_months_to_days(days, n * unit_months(unit))
                                           : days + n * (unit_us(unit) / DAY_US));
    }
}

static int64_t diff_days(int64_t a, int64_t b, DateUnit unit)
{
    if (!unit_months(unit))
        return (b - a) / (unit_us(unit) / DAY_US);
    Civil ca = civil_of_days(a), cb = civil_of_days(b);
    int64_t months = (cb.year - ca.year) * 12 + cb.month - ca.month;
    if (months > 0 && add_months_to_days(a, months) > b)
        months--;
    else if (months < 0 && add_months_to_days(a, months) < b)
        months++;
    return months / unit_months(unit);
}

static void diff_date(Call *c)
{
    CALL_ROWS(c, i)
    {
        DateUnit unit = unit_arg(c, i);
        if (unit != UNIT_NONE)
            OUT(c, int64_t, i) = diff_days(ARG(c, 1, int32_t, i), ARG(c, 2, int32_t, i), unit);
    }
}

/* ---- timestamps and times ---- */

static void trunc_unit(Call *c)
{
    CALL_ROWS(c, i)
    {
        DateUnit unit = unit_arg(c, i);
        if (unit != UNIT_NONE)
            OUT(c, int64_t, i) = truncate_wall_us(ARG(c, 1, int64_t, i), unit);
    }
}

/* `n` units later. false: out of range. */
static bool add_units(int64_t us, DateUnit unit, int64_t n, int64_t *ret)
{
    int64_t by;
    if (unit_months(unit)) {
        if (n > 4000000 || n < -4000000)
            return false;
        *ret = add_months_us(us, n * unit_months(unit));
        return timestamp_in_range(floor_div(*ret, DAY_US));
    }
    return !__builtin_mul_overflow(n, unit_us(unit), &by) && !__builtin_add_overflow(us, by, ret);
}

static void add_unit(Call *c)
{
    CALL_ROWS(c, i)
    {
        DateUnit unit = unit_arg(c, i);
        int64_t us = 0, n = ARG(c, 1, int64_t, i);
        if (unit == UNIT_NONE)
            break;
        if (c->def->arg == OF_TIME)
            OUT(c, int64_t, i) =
                floor_mod(ARG(c, 2, int64_t, i) + n % (DAY_US / unit_us(unit)) * unit_us(unit), DAY_US);
        else if (!date_add_fits(c, unit, n, floor_div(ARG(c, 2, int64_t, i), 1000)))
            break;
        else if (add_units(ARG(c, 2, int64_t, i), unit, n, &us))
            OUT(c, int64_t, i) = us;
        else
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "long overflow");
    }
}

static void diff_unit(Call *c)
{
    CALL_ROWS(c, i)
    {
        DateUnit unit = unit_arg(c, i);
        if (unit != UNIT_NONE)
            OUT(c, int64_t, i) = diff_wall_us(ARG(c, 1, int64_t, i), ARG(c, 2, int64_t, i), unit);
    }
}

const FunctionDef t_date_unit_functions[] = {
    {"t_date_trunc", "sD>D", trunc_date, OF_DATE},   {"t_date_trunc", "sT>T", trunc_unit, OF_TIMESTAMP},
    {"t_date_trunc", "st>t", trunc_unit, OF_TIME},   {"t_date_add", "s8D>D", add_date, OF_DATE},
    {"t_date_add", "s8T>T", add_unit, OF_TIMESTAMP}, {"t_date_add", "s8t>t", add_unit, OF_TIME},
    {"t_date_diff", "sDD>8", diff_date, OF_DATE},    {"t_date_diff", "sTT>8", diff_unit, OF_TIMESTAMP},
    {"t_date_diff", "stt>8", diff_unit, OF_TIME},    {NULL},
};
