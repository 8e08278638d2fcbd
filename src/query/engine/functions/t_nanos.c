/* Timestamps made with nanoseconds: from_unixtime_nanos(), from_iso8601_timestamp_nanos(). */
#include "query/engine/functions/datetime.h"
#include "query/engine/functions/decimal.h"
#include "query/engine/functions/function.h"
#include "query/engine/functions/wide_time.h"
#include "query/engine/functions/zones.h"

enum { NANO_PICOS = 1000, NANO_DIGITS = 9 };

/* A number of nanoseconds: an integer, or a decimal that is rounded half up. */
static void from_unixtime_nanos(Call *c)
{
    const In *in = &c->in[0];
    const int128 most = (int128)INT64_MAX * 1000;
    CALL_ROWS(c, i)
    {
        int128 v = arg_decimal(c, 0, i);
        uint128 nanos = 0;
        int16_t zone = 0;
        if (!zone_of_arg(c, arg_str(c, 1, i), &zone))
            break;
        bool fits =
            decimal_rescale(v < 0 ? -(uint128)v : (uint128)v, -in->scale, &nanos) && nanos <= (uint128)most;
        if (!fits) {
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "long overflow");
            break;
        }
        c->out_wide[i] = (v < 0 ? -(int128)nanos : (int128)nanos) * NANO_PICOS;
        c->out_zone[i] = zone;
    }
}

/* ---- java.time's ISO_DATE_TIME ---- */

typedef struct IsoReader {
    Call *call;
    Str text, rest;
} IsoReader;

static bool fail_at(IsoReader *r, size_t index)
{
    call_fail(r->call, ERR_INVALID_FUNCTION_ARGUMENT, "Text '%.*s' could not be parsed at index %zu",
              STR_ARG(r->text), index);
    return false;
}

static bool fail_here(IsoReader *r)
{
    return fail_at(r, r->text.len - r->rest.len);
}

static bool read_char(IsoReader *r, char c)
{
    return take_char(&r->rest, c) || fail_here(r);
}

typedef struct IsoField {
    const char *name;
    int64_t least, most;
} IsoField;

static const IsoField iso_month = {"MonthOfYear", 1, 12}, iso_day = {"DayOfMonth", 1, 31},
                      iso_hour = {"HourOfDay", 0, 23}, iso_minute = {"MinuteOfHour", 0, 59},
                      iso_second = {"SecondOfMinute", 0, 59};

/* Two digits. */
static bool read_field(IsoReader *r, const IsoField *field, int64_t *ret)
{
    if (!take_digits(&r->rest, 2, 2, ret))
        return fail_here(r);
    if (*ret >= field->least && *ret <= field->most)
        return true;
    call_fail(r->call, ERR_INVALID_FUNCTION_ARGUMENT,
              "Text '%.*s' could not be parsed: Invalid value for %s (valid values %lld - %lld): %lld",
              STR_ARG(r->text), field->name, (long long)field->least, (long long)field->most,
              (long long)*ret);
    return false;
}

/* Four digits; more only after a sign. */
static bool read_year(IsoReader *r, int64_t *ret)
{
    bool negative = take_char(&r->rest, '-'), sign = negative || take_char(&r->rest, '+');
    Str before = r->rest;
    if (!take_digits(&r->rest, 4, 10, ret) || (!sign && before.len - r->rest.len > 4)) {
        r->rest = before;
        return fail_here(r);
    }
    *ret = negative ? -*ret : *ret;
    return true;
}

static bool read_day(IsoReader *r, int64_t *ret_days)
{
    int64_t year, month, day;
    if (!read_year(r, &year) || !read_char(r, '-') || !read_field(r, &iso_month, &month) ||
        !read_char(r, '-') || !read_field(r, &iso_day, &day))
        return false;
    if (day > days_in_month(year, (int)month)) {
        call_fail(r->call, ERR_INVALID_FUNCTION_ARGUMENT, "Text '%.*s' could not be parsed: Invalid date",
                  STR_ARG(r->text));
        return false;
    }
    *ret_days = days_of_civil(year, (int)month, (int)day);
    return true;
}

static bool read_clock(IsoReader *r, int64_t *ret_picos)
{
    int64_t hour, minute, second = 0, fraction = 0;
    if (!read_field(r, &iso_hour, &hour) || !read_char(r, ':') || !read_field(r, &iso_minute, &minute))
        return false;
    if (take_char(&r->rest, ':')) {
        if (!read_field(r, &iso_second, &second))
            return false;
        if (take_char(&r->rest, '.')) {
            size_t before = r->rest.len;
            take_digits(&r->rest, 0, NANO_DIGITS, &fraction);
            fraction *= digit_picos((int)(before - r->rest.len));
        }
    }
    *ret_picos = (hour * 3600 + minute * 60 + second) * SECOND_PICOS + fraction;
    return true;
}

/* Z, +hh:mm, +hh:mm:ss without seconds; and a region in brackets, which wins. */
static bool read_zone(IsoReader *r, int16_t *ret)
{
    if (r->rest.len > 0 && (take_char(&r->rest, 'Z') || take_char(&r->rest, 'z'))) {
        *ret = ZONE_UTC;
    } else if (r->rest.len > 0 && (r->rest.ptr[0] == '+' || r->rest.ptr[0] == '-')) {
        if (r->rest.len < 6 || !zone_find(str_slice(r->rest, 0, 6), ret))
            return fail_here(r);
        r->rest = str_slice(r->rest, 6, r->rest.len);
    }
    if (take_char(&r->rest, '[')) {
        ptrdiff_t end = str_find_char(r->rest, ']');
        if (end <= 0 || !zone_find(str_slice(r->rest, 0, (size_t)end), ret))
            return fail_here(r);
        r->rest = str_slice(r->rest, (size_t)end + 1, r->rest.len);
    }
    if (r->rest.len == 0)
        return true;
    call_fail(r->call, ERR_INVALID_FUNCTION_ARGUMENT,
              "Text '%.*s' could not be parsed, unparsed text found at index %zu", STR_ARG(r->text),
              r->text.len - r->rest.len);
    return false;
}

static void from_iso8601_nanos(Call *c)
{
    CALL_ROWS(c, i)
    {
        IsoReader r = {c, arg_str(c, 0, i), arg_str(c, 0, i)};
        int64_t days, picos;
        int16_t zone = ZONE_UTC;
        zone_find(arg_str(c, 1, i), &zone);
        if (!read_day(&r, &days))
            break;
        bool separated = take_char(&r.rest, 'T') || take_char(&r.rest, 't') || fail_here(&r);
        if (!separated || !read_clock(&r, &picos) || !read_zone(&r, &zone))
            break;
        if (!timestamp_in_range(days)) {
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "long overflow");
            break;
        }
        int128 local = wide_make(days * DAY_US, 0) + picos;
        int64_t offset = zone_offset_of_local(zone, floor_div(wide_us(local), SECOND_US));
        c->out_wide[i] = local - (int128)offset * SECOND_PICOS;
        c->out_zone[i] = zone;
    }
}

const FunctionDef t_nanos_functions[] = {
    {"t_from_unixtime_nanos", "As>Y", from_unixtime_nanos},
    {"t_from_iso8601_nanos", "ss>Y", from_iso8601_nanos},
    {NULL},
};
