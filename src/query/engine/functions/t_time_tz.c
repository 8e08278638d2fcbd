/* Times with a time zone: STRUCT(t BIGINT, zone SMALLINT), t in picoseconds of the day in UTC, which is what
 * is compared; zone an offset (zones.h). As with wide_time.h, units and fields are those of the time without
 * a zone: t_timetz_time gives it, t_keep_picos and t_timetz_set bring it back. */
#include "query/engine/encode_time.h"
#include "query/engine/functions/datetime.h"
#include "query/engine/functions/function.h"
#include "query/engine/functions/wide_time.h"
#include "query/engine/functions/zones.h"

static int32_t offset_minutes(int16_t zone)
{
    return zone_is_offset(zone) ? zone - ZONE_OFFSET_BASE : 0;
}

static int64_t offset_picos(int16_t zone)
{
    return offset_minutes(zone) * 60 * SECOND_PICOS;
}

static int64_t local_picos(const Call *c, size_t arg, size_t row)
{
    return floor_mod(c->in[arg].instant[row] + offset_picos(c->in[arg].zone[row]), DAY_PICOS);
}

static void put_local(Call *c, size_t row, int64_t picos, int16_t zone)
{
    c->out_instant[row] = floor_mod(picos - offset_picos(zone), DAY_PICOS);
    c->out_zone[row] = zone;
}

/* ---- fields ---- */

static void local(Call *c)
{
    int64_t unit = c->def->arg ? US_PICOS : 1; /* a TIME, or picoseconds */
    CALL_ROWS(c, i) OUT(c, int64_t, i) = local_picos(c, 0, i) / unit;
}

static void utc(Call *c)
{
    CALL_ROWS(c, i) OUT(c, int64_t, i) = c->in[0].instant[i] / US_PICOS;
}

static void zone_minutes(Call *c)
{
    CALL_ROWS(c, i) OUT(c, int64_t, i) = offset_minutes(c->in[0].zone[i]);
}

static void zone_text(Call *c)
{
    CALL_ROWS(c, i)
    {
        char text[ZONE_NAME_MAX], *end = put_offset(text, offset_minutes(c->in[0].zone[i]));
        call_put_str(c, i, str_of(text, (size_t)(end - text)));
    }
}

/* A TIME in the zone of the second argument: with its picoseconds, or without. */
static void replace_time(Call *c)
{
    bool keep = c->def->arg;
    CALL_ROWS(c, i)
    put_local(c, i, ARG(c, 0, int64_t, i) * US_PICOS + (keep ? c->in[1].instant[i] % US_PICOS : 0),
              c->in[1].zone[i]);
}

/* ---- zones ---- */

static bool offset_of_ms(Call *c, int64_t ms, int16_t *ret)
{
    int64_t minutes = ms / 60000;
    if (ms % 60000 != 0)
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT,
                  "Invalid time zone offset interval: interval contains seconds");
    else if (minutes < -ZONE_OFFSET_MAX || minutes > ZONE_OFFSET_MAX)
        call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Invalid offset minutes %lld", (long long)minutes);
    else
        *ret = zone_of_offset((int32_t)minutes);
    return !c->failed;
}

/* The offset that the named zone has at an instant: a time of day has none of its own. */
static bool offset_now(Call *c, Str name, int64_t now_us, int16_t *ret)
{
    int16_t zone = 0;
    if (!zone_of_arg(c, name, &zone))
        return false;
    *ret = zone_of_offset(zone_offset_at(zone, floor_div(now_us, SECOND_US)) / 60);
    return true;
}

static void at_zone(Call *c)
{
    CALL_ROWS(c, i)
    {
        int16_t zone = 0;
        if (!offset_now(c, arg_str(c, 1, i), ARG(c, 2, int64_t, i), &zone))
            break;
        c->out_instant[i] = c->in[0].instant[i];
        c->out_zone[i] = zone;
    }
}

static void at_offset(Call *c)
{
    CALL_ROWS(c, i)
    {
        int16_t zone = 0;
        if (!offset_of_ms(c, ARG(c, 1, int64_t, i), &zone))
            break;
        c->out_instant[i] = c->in[0].instant[i];
        c->out_zone[i] = zone;
    }
}

/* ---- casts ---- */

static void of_time(Call *c)
{
    CALL_ROWS(c, i)
    {
        int16_t zone = 0;
        if (offset_now(c, arg_str(c, 1, i), ARG(c, 2, int64_t, i), &zone))
            put_local(c, i, ARG(c, 0, int64_t, i), zone);
    }
}

/* A timestamp's time, at the offset that the zone has now: Trino does not ask for the day. */
static void of_timestamp(Call *c)
{
    CALL_ROWS(c, i)
    {
        int128 v = ARG(c, 0, int128, i);
        int16_t zone = 0;
        if (offset_now(c, arg_str(c, 1, i), ARG(c, 2, int64_t, i), &zone))
            put_local(c, i, floor_mod(wide_us(v), DAY_US) * US_PICOS + wide_picos(v), zone);
    }
}

/* The offset is looked up at the wall clock as if it were UTC: so does Trino. */
static void of_zoned(Call *c)
{
    CALL_ROWS(c, i)
    {
        int128 v = c->in[0].wide[i];
        int16_t zone = c->in[0].zone[i];
        int64_t us = wide_us(v), seconds = floor_div(us, SECOND_US);
        int64_t wall = us + zone_offset_at(zone, seconds) * SECOND_US;
        int32_t offset = zone_offset_at(zone, floor_div(wall, SECOND_US)) / 60;
        put_local(c, i, floor_mod(wall, DAY_US) * US_PICOS + wide_picos(v), zone_of_offset(offset));
    }
}

/* On a day of its own zone. */
static void on_day(Call *c)
{
    CALL_ROWS(c, i)
    {
        int16_t zone = c->in[0].zone[i];
        c->out_wide[i] =
            wide_make(ARG(c, 1, int32_t, i) * DAY_US, 0) + local_picos(c, 0, i) - offset_picos(zone);
        c->out_zone[i] = zone;
    }
}

static void round_digits(Call *c)
{
    CALL_ROWS(c, i)
    {
        c->out_instant[i] = round_day_picos(c->in[0].instant[i], ARG(c, 1, int32_t, i));
        c->out_zone[i] = c->in[0].zone[i];
    }
}

static void to_text(Call *c)
{
    CALL_ROWS(c, i)
    {
        char text[TIME_TEXT_MAX], *end = put_time(text, local_picos(c, 0, i), ARG(c, 1, int32_t, i));
        end = put_offset(end, offset_minutes(c->in[0].zone[i]));
        call_put_str(c, i, str_of(text, (size_t)(end - text)));
    }
}

static void of_text(Call *c)
{
    CALL_ROWS(c, i)
    {
        WallClock w;
        int16_t zone = 0;
        Str text = arg_str(c, 0, i);
        bool ok = parse_clock(str_trim(text), &w) && w.zone.ptr &&
                  (w.zone.ptr[0] == '+' || w.zone.ptr[0] == '-') && zone_find(w.zone, &zone);
        if (!ok)
            call_fail(c, ERR_INVALID_CAST_ARGUMENT, "Value cannot be cast to time with time zone: %.*s",
                      STR_ARG(text));
        else
            put_local(c, i, round_day_picos(w.second_of_day * SECOND_PICOS + w.picos, ARG(c, 1, int32_t, i)),
                      zone);
    }
}

/* ---- differences in milliseconds, half up ---- */

static int64_t round_ms(int64_t v, int64_t unit)
{
    return floor_div(v + unit / 2, unit);
}

static void diff_times(Call *c)
{
    CALL_ROWS(c, i)
    OUT(c, int64_t, i) = round_ms(ARG(c, 0, int64_t, i) - ARG(c, 1, int64_t, i), 1000 * US_PICOS);
}

static void diff_zoned_times(Call *c)
{
    CALL_ROWS(c, i)
    OUT(c, int64_t, i) = round_ms(c->in[0].instant[i] - c->in[1].instant[i], 1000 * US_PICOS);
}

const FunctionDef t_time_tz_functions[] = {
    {"t_timetz_local", "O>8", local, 0},
    {"t_timetz_time", "O>t", local, 1},
    {"t_timetz_utc", "O>t", utc},
    {"t_timetz_offset_minutes", "O>8", zone_minutes},
    {"t_timetz_zone_name", "O>s", zone_text},
    {"t_timetz_keep", "tO>O", replace_time, 1},
    {"t_timetz_set", "tO>O", replace_time, 0},
    {"t_timetz_at_zone", "Os8>O", at_zone},
    {"t_timetz_at_zone", "O8>O", at_offset},
    {"t_timetz_of_time", "8s8>O", of_time},
    {"t_timetz_of_timestamp", "Ws8>O", of_timestamp},
    {"t_timetz_of_tz", "Y>O", of_zoned},
    {"t_timetz_on_day", "OD>Y", on_day},
    {"t_timetz_round", "O4>O", round_digits},
    {"t_timetz_to_varchar", "O4>s", to_text},
    {"t_varchar_to_timetz", "s4>O", of_text},
    {"t_time_diff", "88>8", diff_times},
    {"t_time_diff", "OO>8", diff_zoned_times},
    {NULL},
};
