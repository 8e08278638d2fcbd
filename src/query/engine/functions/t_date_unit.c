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

static int64_t value_us(const Call *c, size_t arg, size_t row)
{
    return c->def->arg == OF_DATE ? ARG(c, arg, int32_t, row) * DAY_US : ARG(c, arg, int64_t, row);
}

static void put_us(Call *c, size_t row, int64_t us)
{
    if (c->def->arg == OF_DATE)
        OUT(c, int32_t, row) = (int32_t)floor_div(us, DAY_US);
    else
        OUT(c, int64_t, row) = us;
}

static void trunc_unit(Call *c)
{
    CALL_ROWS(c, i)
    {
        DateUnit unit = unit_arg(c, i);
        if (unit != UNIT_NONE)
            put_us(c, i, truncate_wall_us(value_us(c, 1, i), unit));
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
            put_us(c, i, floor_mod(value_us(c, 2, i) + n % (DAY_US / unit_us(unit)) * unit_us(unit), DAY_US));
        else if (add_units(value_us(c, 2, i), unit, n, &us))
            put_us(c, i, us);
        else
            call_fail(c, ERR_INTERNAL, "long overflow");
    }
}

static void diff_unit(Call *c)
{
    CALL_ROWS(c, i)
    {
        DateUnit unit = unit_arg(c, i);
        if (unit != UNIT_NONE)
            OUT(c, int64_t, i) = diff_wall_us(value_us(c, 1, i), value_us(c, 2, i), unit);
    }
}

const FunctionDef t_date_unit_functions[] = {
    {"t_date_trunc", "sD>D", trunc_unit, OF_DATE},   {"t_date_trunc", "sT>T", trunc_unit, OF_TIMESTAMP},
    {"t_date_trunc", "st>t", trunc_unit, OF_TIME},   {"t_date_add", "s8D>D", add_unit, OF_DATE},
    {"t_date_add", "s8T>T", add_unit, OF_TIMESTAMP}, {"t_date_add", "s8t>t", add_unit, OF_TIME},
    {"t_date_diff", "sDD>8", diff_unit, OF_DATE},    {"t_date_diff", "sTT>8", diff_unit, OF_TIMESTAMP},
    {"t_date_diff", "stt>8", diff_unit, OF_TIME},    {NULL},
};
