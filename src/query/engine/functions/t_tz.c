/* Timestamps with a zone: STRUCT(t TIMESTAMP, zone SMALLINT), t in UTC. Arithmetic on days and more is on the
 * wall clock of the zone. */
#include <math.h>

#include "query/engine/encode_time.h"
#include "query/engine/functions/datetime.h"
#include "query/engine/functions/function.h"
#include "query/engine/functions/zones.h"

static int64_t offset_us_at(int16_t zone, int64_t us)
{
    return zone_offset_at(zone, floor_div(us, SECOND_US)) * SECOND_US;
}
static int64_t to_local(int16_t zone, int64_t us)
{
    return us + offset_us_at(zone, us);
}
static int64_t from_local(int16_t zone, int64_t local)
{
    return local - zone_offset_of_local(zone, floor_div(local, SECOND_US)) * SECOND_US;
}

static void put_zoned(Call *c, size_t row, int64_t us, int16_t zone)
{
    c->out_instant[row] = us;
    c->out_zone[row] = zone;
}

bool zone_of_arg(Call *c, Str name, int16_t *ret)
{
    if (name.len > 0 && zone_find(name, ret))
        return true;
    if (name.len == 0)
        call_fail(c, ERR_INTERNAL, "Zone id is an empty string");
    else
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "'%.*s' is not a valid time zone", STR_ARG(name));
    return false;
}

static void local(Call *c)
{
    CALL_ROWS(c, i) OUT(c, int64_t, i) = to_local(c->in[0].zone[i], c->in[0].instant[i]);
}

/* Trino packs milliseconds of up to three digits into 52 bits. */
static bool instant_fits(Call *c, int64_t us)
{
    const int64_t most = INT64_C(1) << 51;
    int64_t ms = floor_div(us, 1000);
    if (ms >= most || ms < -most)
        call_fail(c, ERR_INVALID_CAST_ARGUMENT, "Out of range for timestamp with time zone: %lld",
                  (long long)ms);
    return !c->failed;
}

static void of_local(Call *c)
{
    CALL_ROWS(c, i)
    {
        int16_t zone = 0;
        if (!zone_of_arg(c, arg_str(c, 1, i), &zone))
            break;
        int64_t us = from_local(zone, ARG(c, 0, int64_t, i));
        if (instant_fits(c, us))
            put_zoned(c, i, us, zone);
    }
}

static void make(Call *c)
{
    CALL_ROWS(c, i)
    {
        int16_t zone = 0;
        if (zone_of_arg(c, arg_str(c, 1, i), &zone))
            put_zoned(c, i, ARG(c, 0, int64_t, i), zone);
    }
}

static void at_zone(Call *c)
{
    CALL_ROWS(c, i)
    {
        int16_t zone = 0;
        if (zone_of_arg(c, arg_str(c, 1, i), &zone))
            put_zoned(c, i, c->in[0].instant[i], zone);
    }
}

static void at_offset(Call *c)
{
    CALL_ROWS(c, i)
    {
        int64_t ms = ARG(c, 1, int64_t, i), minutes = ms / 60000;
        if (ms % 60000 != 0)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT,
                      "Invalid time zone offset interval: interval contains seconds");
        else if (minutes < -ZONE_OFFSET_MAX || minutes > ZONE_OFFSET_MAX)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Invalid offset minutes %lld", (long long)minutes);
        else
            put_zoned(c, i, c->in[0].instant[i], zone_of_offset((int32_t)minutes));
    }
}

static void from_text(Call *c)
{
    CALL_ROWS(c, i)
    {
        WallClock w;
        Str s = str_trim(arg_str(c, 0, i));
        int64_t us = 0;
        int16_t zone = 0;
        if (!parse_wall_clock(s, &w) || !wall_clock_us(&w, ARG(c, 1, int32_t, i), &us) ||
            !zone_find(w.zone.ptr ? w.zone : arg_str(c, 2, i), &zone) ||
            !zone_has_local(zone, floor_div(us, SECOND_US)))
            call_fail(c, ERR_INVALID_CAST_ARGUMENT, "Value cannot be cast to timestamp: %.*s", STR_ARG(s));
        else if (instant_fits(c, us = from_local(zone, us)))
            put_zoned(c, i, us, zone);
    }
}

static void to_text(Call *c)
{
    CALL_ROWS(c, i)
    {
        char text[TIME_TEXT_MAX + ZONE_NAME_MAX];
        int16_t zone = c->in[0].zone[i];
        char *p = put_timestamp(text, to_local(zone, c->in[0].instant[i]), 0, ARG(c, 1, int32_t, i));
        *p++ = ' ';
        p = zone_put_name(p, zone);
        call_put_str(c, i, str_of(text, (size_t)(p - text)));
    }
}

static void zone_name(Call *c)
{
    CALL_ROWS(c, i)
    {
        char text[ZONE_NAME_MAX], *end = zone_put_name(text, c->in[0].zone[i]);
        call_put_str(c, i, str_of(text, (size_t)(end - text)));
    }
}

static void offset_minutes(Call *c)
{
    CALL_ROWS(c, i) OUT(c, int64_t, i) = offset_us_at(c->in[0].zone[i], c->in[0].instant[i]) / SECOND_US / 60;
}

/* UNIT_NONE: the call failed. */
static DateUnit unit_arg(Call *c, size_t row)
{
    Str name = arg_str(c, 0, row);
    DateUnit unit = date_unit_of(name);
    if (unit == UNIT_NONE)
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "'%.*s' is not a valid TIMESTAMP field", STR_ARG(name));
    return unit;
}

static void trunc_unit(Call *c)
{
    CALL_ROWS(c, i)
    {
        DateUnit unit = unit_arg(c, i);
        int16_t zone = c->in[1].zone[i];
        int64_t us = c->in[1].instant[i], offset = offset_us_at(zone, us);
        if (unit == UNIT_NONE)
            break;
        int64_t wall = truncate_wall_us(us + offset, unit);
        put_zoned(c, i, unit <= UNIT_HOUR ? wall - offset : from_local(zone, wall), zone);
    }
}

/* false: out of range. */
static bool add_units(int64_t us, int16_t zone, DateUnit unit, int64_t n, int64_t *ret)
{
    int64_t by;
    if (unit < UNIT_DAY)
        return !__builtin_mul_overflow(n, unit_us(unit), &by) && !__builtin_add_overflow(us, by, ret);
    if (n > 4000000 * INT64_C(31) || n < -4000000 * INT64_C(31))
        return false;
    int64_t wall = to_local(zone, us);
    wall = unit_months(unit) ? add_months_us(wall, n * unit_months(unit)) : wall + n * unit_us(unit);
    *ret = from_local(zone, wall);
    return timestamp_in_range(floor_div(wall, DAY_US));
}

static void add_unit(Call *c)
{
    CALL_ROWS(c, i)
    {
        DateUnit unit = unit_arg(c, i);
        int64_t us = 0;
        if (unit == UNIT_NONE)
            break;
        int64_t wall_us = to_local(c->in[2].zone[i], c->in[2].instant[i]);
        if (!date_add_fits(c, unit, ARG(c, 1, int64_t, i), floor_div(wall_us, 1000)))
            break;
        if (add_units(c->in[2].instant[i], c->in[2].zone[i], unit, ARG(c, 1, int64_t, i), &us))
            put_zoned(c, i, us, c->in[2].zone[i]);
        else
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Millis overflow");
    }
}

static void diff_unit(Call *c)
{
    CALL_ROWS(c, i)
    {
        DateUnit unit = unit_arg(c, i);
        int16_t zone = c->in[1].zone[i];
        int64_t a = c->in[1].instant[i], b = c->in[2].instant[i];
        if (unit == UNIT_NONE)
            break;
        OUT(c, int64_t, i) = unit < UNIT_DAY ? diff_wall_us(a, b, unit)
                                             : diff_wall_us(to_local(zone, a), to_local(zone, b), unit);
    }
}

static void add_ms(Call *c)
{
    CALL_ROWS(c, i)
    {
        int64_t us = 0;
        int64_t ms = ARG(c, 1, int64_t, i);
        bool least = c->def->arg && ms == INT64_MIN; /* has no negative; out of range in any case */
        if (!least && add_units(c->in[0].instant[i], 0, UNIT_MILLISECOND, c->def->arg ? -ms : ms, &us))
            put_zoned(c, i, us, c->in[0].zone[i]);
        else
            call_fail(c, ERR_INTERNAL, "long overflow");
    }
}

static void add_months(Call *c)
{
    CALL_ROWS(c, i)
    {
        int64_t us = 0;
        int64_t months = ARG(c, 1, int32_t, i);
        if (add_units(c->in[0].instant[i], c->in[0].zone[i], UNIT_MONTH, c->def->arg ? -months : months, &us))
            put_zoned(c, i, us, c->in[0].zone[i]);
        else
            call_fail(c, ERR_INTERNAL, "long overflow");
    }
}

/* Milliseconds, half up. */
static void diff_ms(Call *c)
{
    CALL_ROWS(c, i)
    OUT(c, int64_t, i) = floor_div(c->in[0].instant[i] - c->in[1].instant[i] + 500, 1000);
}

static void to_unixtime(Call *c)
{
    CALL_ROWS(c, i) OUT(c, double, i) = (double)c->in[0].instant[i] / 1e6;
}

static void round_digits(Call *c)
{
    CALL_ROWS(c, i) put_zoned(c, i, round_us(c->in[0].instant[i], ARG(c, 1, int32_t, i)), c->in[0].zone[i]);
}

/* The first argument's seconds, rounded to milliseconds; NaN is 0 as a Java cast has it. */
static void put_unixtime(Call *c, size_t row, int16_t zone)
{
    double seconds = ARG(c, 0, double, row), ms = seconds != seconds ? 0 : floor(seconds * 1000 + 0.5);
    if (fabs(ms) < 9e15)
        put_zoned(c, row, (int64_t)ms * 1000, zone);
    else
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Millis overflow: %lld",
                  ms >= 9.2e18    ? (long long)INT64_MAX
                  : ms <= -9.2e18 ? (long long)INT64_MIN
                                  : (long long)ms);
}

static void from_unixtime(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str name = arg_str(c, 1, i);
        int16_t zone = 0;
        if (str_is_empty(name))
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Zone id is an empty string");
        else if (!zone_find(name, &zone))
            call_fail(c, ERR_NOT_SUPPORTED, "Time zone not supported: %.*s", STR_ARG(name));
        if (c->failed)
            break;
        put_unixtime(c, i, zone);
    }
}

/* Hours and minutes east; Java's arithmetic wraps. */
static void from_unixtime_offset(Call *c)
{
    CALL_ROWS(c, i)
    {
        int64_t minutes = (int64_t)((uint64_t)ARG(c, 1, int64_t, i) * 60 + (uint64_t)ARG(c, 2, int64_t, i));
        if (minutes < -ZONE_OFFSET_MAX || minutes > ZONE_OFFSET_MAX) {
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Invalid offset minutes %lld", (long long)minutes);
            break;
        }
        put_unixtime(c, i, zone_of_offset((int32_t)minutes));
    }
}

const FunctionDef t_tz_functions[] = {
    {"t_tz_local", "Z>T", local},
    {"t_tz_from_local", "Ts>Z", of_local},
    {"t_tz_make", "Ts>Z", make},
    {"t_tz_at_zone", "Zs>Z", at_zone},
    {"t_tz_at_zone", "Z8>Z", at_offset},
    {"t_varchar_to_tz", "s4s>Z", from_text},
    {"t_tz_to_varchar", "Z4>s", to_text},
    {"t_tz_zone_name", "Z>s", zone_name},
    {"t_tz_offset_minutes", "Z>8", offset_minutes},
    {"t_tz_date_trunc", "sZ>Z", trunc_unit},
    {"t_tz_date_add", "s8Z>Z", add_unit},
    {"t_tz_date_diff", "sZZ>8", diff_unit},
    {"t_tz_add_ms", "Z8>Z", add_ms, 0},
    {"t_tz_sub_ms", "Z8>Z", add_ms, 1},
    {"t_tz_add_months", "Z4>Z", add_months, 0},
    {"t_tz_sub_months", "Z4>Z", add_months, 1},
    {"t_tz_round", "Z4>Z", round_digits},
    {"t_tz_diff", "ZZ>8", diff_ms},
    {"t_to_unixtime", "Z>d", to_unixtime},
    {"t_from_unixtime", "ds>Z", from_unixtime},
    {"t_from_unixtime", "d88>Z", from_unixtime_offset},
    {NULL},
};
