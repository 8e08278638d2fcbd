/* Times and timestamps of 7 to 12 digits: picoseconds of the day (BIGINT) and since 1970 (HUGEINT, with a
 * zone STRUCT(t HUGEINT, zone SMALLINT), t in UTC).
 *
 * All arithmetic of dates and times is on milliseconds or more, so none of it is written again here: a value
 * goes to microseconds (t_narrow), through the functions of the native types, and gets back the picoseconds
 * that it had (t_keep_picos). What is here is that way and back, casts and texts. */
#include "query/engine/encode_time.h"
#include "query/engine/functions/datetime.h"
#include "query/engine/functions/function.h"
#include "query/engine/functions/wide_time.h"
#include "query/engine/functions/zones.h"

static int64_t wide_offset_us(int16_t zone, int64_t us)
{
    return zone_offset_at(zone, floor_div(us, SECOND_US)) * SECOND_US;
}

/* ---- microseconds and back ---- */

static void narrow_time(Call *c)
{
    CALL_ROWS(c, i) OUT(c, int64_t, i) = ARG(c, 0, int64_t, i) / US_PICOS;
}

static void narrow_timestamp(Call *c)
{
    CALL_ROWS(c, i) OUT(c, int64_t, i) = wide_us(ARG(c, 0, int128, i));
}

static void narrow_zoned(Call *c)
{
    CALL_ROWS(c, i)
    {
        c->out_instant[i] = wide_us(c->in[0].wide[i]);
        c->out_zone[i] = c->in[0].zone[i];
    }
}

static void widen_time(Call *c)
{
    CALL_ROWS(c, i) OUT(c, int64_t, i) = ARG(c, 0, int64_t, i) * US_PICOS;
}

static void widen_timestamp(Call *c)
{
    CALL_ROWS(c, i) OUT(c, int128, i) = wide_make(ARG(c, 0, int64_t, i), 0);
}

static void widen_zoned(Call *c)
{
    CALL_ROWS(c, i)
    {
        c->out_wide[i] = wide_make(c->in[0].instant[i], 0);
        c->out_zone[i] = c->in[0].zone[i];
    }
}

/* The first argument with the picoseconds of the second. */
static void keep_time(Call *c)
{
    CALL_ROWS(c, i)
    OUT(c, int64_t, i) = ARG(c, 0, int64_t, i) * US_PICOS + ARG(c, 1, int64_t, i) % US_PICOS;
}

static void keep_timestamp(Call *c)
{
    CALL_ROWS(c, i)
    OUT(c, int128, i) = wide_make(ARG(c, 0, int64_t, i), wide_picos(ARG(c, 1, int128, i)));
}

static void keep_zoned(Call *c)
{
    bool of_zoned = c->def->arg;
    CALL_ROWS(c, i)
    {
        int128 from = of_zoned ? c->in[1].wide[i] : ARG(c, 1, int128, i);
        c->out_wide[i] = wide_make(c->in[0].instant[i], wide_picos(from));
        c->out_zone[i] = c->in[0].zone[i];
    }
}

/* ---- rounding ---- */

static void round_time(Call *c)
{
    CALL_ROWS(c, i) OUT(c, int64_t, i) = round_day_picos(ARG(c, 0, int64_t, i), ARG(c, 1, int32_t, i));
}

static void round_timestamp(Call *c)
{
    CALL_ROWS(c, i) OUT(c, int128, i) = wide_round(ARG(c, 0, int128, i), ARG(c, 1, int32_t, i));
}

static void round_zoned(Call *c)
{
    CALL_ROWS(c, i)
    {
        c->out_wide[i] = wide_round(c->in[0].wide[i], ARG(c, 1, int32_t, i));
        c->out_zone[i] = c->in[0].zone[i];
    }
}

/* ---- from one kind to another ---- */

/* Trino 483 gives one second less for what is before 1970 and no whole second; so do we. */
static int64_t day_us_of(int64_t us)
{
    bool early = us < 0 && us % SECOND_US != 0;
    return floor_mod(us - (early ? SECOND_US : 0), DAY_US);
}

static void time_of_timestamp(Call *c)
{
    CALL_ROWS(c, i)
    {
        int128 v = ARG(c, 0, int128, i);
        OUT(c, int64_t, i) = day_us_of(wide_us(v)) * US_PICOS + wide_picos(v);
    }
}

static void timestamp_of_time(Call *c)
{
    CALL_ROWS(c, i)
    OUT(c, int128, i) = wide_make(ARG(c, 1, int32_t, i) * DAY_US, 0) + ARG(c, 0, int64_t, i);
}

/* Of a zoned one: the wall clock as it is. */
static void time_of_zoned(Call *c)
{
    CALL_ROWS(c, i)
    {
        int128 v = c->in[0].wide[i];
        int64_t us = wide_us(v);
        us = floor_mod(us + wide_offset_us(c->in[0].zone[i], us), DAY_US);
        OUT(c, int64_t, i) = us * US_PICOS + wide_picos(v);
    }
}

static void local_of_zoned(Call *c)
{
    CALL_ROWS(c, i)
    {
        int128 v = c->in[0].wide[i];
        OUT(c, int128, i) = v + (int128)wide_offset_us(c->in[0].zone[i], wide_us(v)) * US_PICOS;
    }
}

static void zoned_of_local(Call *c)
{
    CALL_ROWS(c, i)
    {
        int128 v = ARG(c, 0, int128, i);
        int16_t zone = 0;
        if (!zone_of_arg(c, arg_str(c, 1, i), &zone))
            break;
        int64_t seconds = zone_offset_of_local(zone, floor_div(wide_us(v), SECOND_US));
        c->out_wide[i] = v - (int128)(seconds * SECOND_US) * US_PICOS;
        c->out_zone[i] = zone;
    }
}

static void native_time_of_timestamp(Call *c)
{
    CALL_ROWS(c, i) OUT(c, int64_t, i) = day_us_of(ARG(c, 0, int64_t, i));
}

/* ---- sequences ---- */

enum { SEQUENCE_MAX = 10000 };

/* How many steps lead from start to stop; the call has failed when there is no answer. */
static int64_t steps_of_ms(int128 start, int128 stop, int64_t ms)
{
    int128 n = (stop - start) / ((int128)ms * 1000 * US_PICOS);
    return n > SEQUENCE_MAX ? SEQUENCE_MAX : (int64_t)n;
}

static int64_t steps_of_months(int128 start, int128 stop, int64_t months)
{
    int64_t n = 0;
    for (; n < SEQUENCE_MAX; n++) {
        int128 next = wide_make(add_months_us(wide_us(start), (n + 1) * months), wide_picos(start));
        if (months > 0 ? next > stop : next < stop)
            break;
    }
    return n;
}

static void sequence_last(Call *c)
{
    bool months = c->def->arg;
    CALL_ROWS(c, i)
    {
        int128 start = ARG(c, 0, int128, i), stop = ARG(c, 1, int128, i);
        int64_t step = ARG(c, 2, int64_t, i), n = 0;
        if (step == 0)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "interval must not be zero");
        else if (step > 0 ? stop < start : stop > start)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT,
                      "sequence stop value should be greater than or equal to start value if step is greater "
                      "than zero otherwise stop should be less than or equal to start");
        else
            n = months ? steps_of_months(start, stop, step) : steps_of_ms(start, stop, step);
        if (n >= SEQUENCE_MAX)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT,
                      "result of sequence function must not have more than %d entries", SEQUENCE_MAX);
        OUT(c, int64_t, i) = n * step;
    }
}

/* ---- text ---- */

static void time_to_text(Call *c)
{
    CALL_ROWS(c, i)
    {
        char text[TIME_TEXT_MAX], *end = put_time(text, ARG(c, 0, int64_t, i), ARG(c, 1, int32_t, i));
        call_put_str(c, i, str_of(text, (size_t)(end - text)));
    }
}

static char *put_wide(char *p, int128 v, int precision)
{
    return put_timestamp(p, wide_us(v), (int32_t)wide_picos(v), precision);
}

/* "2020-01-02 03:04:05.123456789", or with a T between. */
static void timestamp_to_text(Call *c)
{
    bool iso = c->def->arg;
    CALL_ROWS(c, i)
    {
        char text[TIME_TEXT_MAX], *end = put_wide(text, ARG(c, 0, int128, i), ARG(c, 1, int32_t, i));
        if (iso)
            *(char *)memchr(text, ' ', (size_t)(end - text)) = 'T';
        call_put_str(c, i, str_of(text, (size_t)(end - text)));
    }
}

static void zoned_to_text(Call *c)
{
    bool iso = c->def->arg;
    CALL_ROWS(c, i)
    {
        char text[TIME_TEXT_MAX + ZONE_NAME_MAX];
        int16_t zone = c->in[0].zone[i];
        int128 v = c->in[0].wide[i];
        int64_t offset = wide_offset_us(zone, wide_us(v));
        char *end = put_wide(text, v + (int128)offset * US_PICOS, ARG(c, 1, int32_t, i));
        if (!iso)
            *end++ = ' ';
        else
            *(char *)memchr(text, ' ', (size_t)(end - text)) = 'T';
        if (!iso)
            end = zone_put_name(end, zone);
        else if (offset == 0)
            *end++ = 'Z';
        else
            end = put_offset(end, (int32_t)(offset / SECOND_US / 60));
        call_put_str(c, i, str_of(text, (size_t)(end - text)));
    }
}

static bool wide_of_clock(const WallClock *w, int p, int128 *ret)
{
    if (!timestamp_in_range(w->days))
        return false;
    int64_t us = w->days * DAY_US + w->second_of_day * SECOND_US;
    *ret = wide_round(wide_make(us, 0) + w->picos, p);
    return true;
}

static void fail_cast(Call *c, size_t row, const char *type)
{
    Str text = arg_str(c, 0, row);
    call_fail(c, ERR_INVALID_CAST_ARGUMENT, "Value cannot be cast to %s: %.*s", type,
              STR_ARG(strcmp(type, "timestamp") == 0 ? str_trim(text) : text));
}

static void time_of_text(Call *c)
{
    CALL_ROWS(c, i)
    {
        WallClock w;
        if (!parse_clock(str_trim(arg_str(c, 0, i)), &w) || w.zone.ptr)
            fail_cast(c, i, "time");
        else
            OUT(c, int64_t, i) =
                round_day_picos(w.second_of_day * SECOND_PICOS + w.picos, ARG(c, 1, int32_t, i));
    }
}

static void timestamp_of_text(Call *c)
{
    CALL_ROWS(c, i)
    {
        WallClock w;
        int128 v = 0;
        int16_t zone = 0; /* may stand there, and does not count */
        if (!parse_wall_clock(str_trim(arg_str(c, 0, i)), &w) || (w.zone.ptr && !zone_find(w.zone, &zone)) ||
            !wide_of_clock(&w, ARG(c, 1, int32_t, i), &v))
            fail_cast(c, i, "timestamp");
        else
            OUT(c, int128, i) = v;
    }
}

static void zoned_of_text(Call *c)
{
    CALL_ROWS(c, i)
    {
        WallClock w;
        int128 v = 0;
        int16_t zone = 0;
        if (!parse_wall_clock(str_trim(arg_str(c, 0, i)), &w) ||
            !wide_of_clock(&w, ARG(c, 1, int32_t, i), &v) ||
            !zone_find(w.zone.ptr ? w.zone : arg_str(c, 2, i), &zone) ||
            !zone_has_local(zone, floor_div(wide_us(v), SECOND_US))) {
            fail_cast(c, i, "timestamp");
            break;
        }
        int64_t seconds = zone_offset_of_local(zone, floor_div(wide_us(v), SECOND_US));
        c->out_wide[i] = v - (int128)(seconds * SECOND_US) * US_PICOS;
        c->out_zone[i] = zone;
    }
}

const FunctionDef t_wide_time_functions[] = {
    {"t_narrow", "8>t", narrow_time},
    {"t_narrow", "W>T", narrow_timestamp},
    {"t_narrow", "Y>Z", narrow_zoned},
    {"t_widen", "t>8", widen_time},
    {"t_widen", "T>W", widen_timestamp},
    {"t_widen", "Z>Y", widen_zoned},
    {"t_keep_picos", "t8>8", keep_time},
    {"t_keep_picos", "TW>W", keep_timestamp},
    {"t_keep_picos", "ZY>Y", keep_zoned, 1},
    {"t_keep_picos", "ZW>Y", keep_zoned, 0},
    {"t_wide_round", "84>8", round_time},
    {"t_wide_round", "W4>W", round_timestamp},
    {"t_wide_round", "Y4>Y", round_zoned},
    {"t_wide_time", "W>8", time_of_timestamp, 0},
    {"t_timestamp_time", "T>t", native_time_of_timestamp},
    {"t_wide_zoned_time", "Y>8", time_of_zoned},
    {"t_sequence_last_ms", "WW8>8", sequence_last, 0},
    {"t_sequence_last_months", "WW8>8", sequence_last, 1},
    {"t_wide_on_day", "8D>W", timestamp_of_time},
    {"t_wide_local", "Y>W", local_of_zoned},
    {"t_wide_from_local", "Ws>Y", zoned_of_local},
    {"t_wide_to_varchar", "84>s", time_to_text},
    {"t_wide_to_varchar", "W4>s", timestamp_to_text, 0},
    {"t_wide_to_varchar", "Y4>s", zoned_to_text, 0},
    {"t_wide_to_iso8601", "W4>s", timestamp_to_text, 1},
    {"t_wide_to_iso8601", "Y4>s", zoned_to_text, 1},
    {"t_varchar_to_wide_time", "s4>8", time_of_text},
    {"t_varchar_to_wide_timestamp", "s4>W", timestamp_of_text},
    {"t_varchar_to_wide_tz", "s4s>Y", zoned_of_text},
    {NULL},
};
