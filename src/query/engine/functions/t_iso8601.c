/* ISO 8601 dates and timestamps, and texts with units: durations, data sizes, seconds for people. */
#include <math.h>
#include <stdio.h>

#include "query/engine/encode_time.h"
#include "query/engine/functions/date_pattern.h"
#include "query/engine/functions/datetime.h"
#include "query/engine/functions/decimal.h"
#include "query/engine/functions/function.h"
#include "query/engine/functions/text.h"
#include "query/engine/functions/zones.h"

/* ---- printing ---- */

static void date_to_iso(Call *c)
{
    CALL_ROWS(c, i)
    {
        char text[TIME_TEXT_MAX], *end = put_date(text, ARG(c, 0, int32_t, i));
        call_put_str(c, i, str_of(text, (size_t)(end - text)));
    }
}

static char *put_iso(char *p, int64_t us, int precision)
{
    char *end = put_timestamp(p, us, 0, precision);
    *(char *)memchr(p, ' ', (size_t)(end - p)) = 'T';
    return end;
}

static void timestamp_to_iso(Call *c)
{
    CALL_ROWS(c, i)
    {
        char text[TIME_TEXT_MAX], *end = put_iso(text, ARG(c, 0, int64_t, i), ARG(c, 1, int32_t, i));
        call_put_str(c, i, str_of(text, (size_t)(end - text)));
    }
}

static void zoned_to_iso(Call *c)
{
    CALL_ROWS(c, i)
    {
        char text[TIME_TEXT_MAX];
        int16_t zone = c->in[0].zone[i];
        int64_t us = c->in[0].instant[i];
        int32_t offset = zone_offset_at(zone, floor_div(us, SECOND_US));
        char *end = put_iso(text, us + offset * SECOND_US, ARG(c, 1, int32_t, i));
        if (offset == 0)
            *end++ = 'Z';
        else
            end = put_offset(end, offset / 60);
        call_put_str(c, i, str_of(text, (size_t)(end - text)));
    }
}

/* ---- reading, as Joda's ISODateTimeFormat ---- */

static bool take_year(Str *s, int64_t *ret)
{
    bool negative = take_char(s, '-');
    if (!negative)
        take_char(s, '+');
    if (!take_digits(s, 1, 9, ret))
        return false;
    *ret = negative ? -*ret : *ret;
    return *ret > -290000 && *ret < 290000;
}

/* -Www[-D] after the year */
static bool take_week(Str *s, int64_t year, int64_t *ret_days)
{
    int64_t week, day = 1;
    if (!take_digits(s, 1, 2, &week) || week < 1 || week > 53)
        return false;
    if (take_char(s, '-') && (!take_digits(s, 1, 1, &day) || day < 1 || day > 7))
        return false;
    int64_t fourth = days_of_civil(year, 1, 4);
    *ret_days = fourth - iso_weekday(fourth) + 1 + (week - 1) * 7 + day - 1;
    return true;
}

static bool is_ordinal(Str s)
{
    return s.len >= 3 && s.ptr[0] >= '0' && s.ptr[0] <= '9' && s.ptr[1] >= '0' && s.ptr[1] <= '9' &&
           s.ptr[2] >= '0' && s.ptr[2] <= '9';
}

/* yyyy[-MM[-dd]], yyyy-Www[-D], yyyy-DDD */
static bool take_iso_date(Str *s, int64_t *ret_days)
{
    int64_t year, month = 1, day = 1;
    if (!take_year(s, &year))
        return false;
    *ret_days = days_of_civil(year, 1, 1);
    if (!take_char(s, '-'))
        return true;
    if (take_char(s, 'W'))
        return take_week(s, year, ret_days);
    if (is_ordinal(*s)) {
        if (!take_digits(s, 3, 3, &day) || day < 1 || day > 365 + is_leap_year(year))
            return false;
        *ret_days += day - 1;
        return true;
    }
    if (!take_digits(s, 1, 2, &month) || month < 1 || month > 12)
        return false;
    if (take_char(s, '-') &&
        (!take_digits(s, 1, 2, &day) || day < 1 || day > days_in_month(year, (int)month)))
        return false;
    *ret_days = days_of_civil(year, (int)month, (int)day);
    return true;
}

/* HH[:mm[:ss[.fraction]]], the last with a fraction too */
static bool take_iso_clock(Str *s, int64_t *ret_us)
{
    static const struct {
        int64_t us, max;
    } parts[] = {{3600 * SECOND_US, 24}, {60 * SECOND_US, 60}, {SECOND_US, 60}};
    *ret_us = 0;
    for (size_t i = 0; i < 3; i++) {
        int64_t v, fraction;
        if (!take_digits(s, 1, 2, &v) || v >= parts[i].max)
            return false;
        *ret_us += v * parts[i].us;
        if (take_char(s, '.') || take_char(s, ',')) {
            size_t before = s->len;
            if (!take_digits(s, 1, 9, &fraction))
                return false;
            double share = (double)fraction / pow(10, (double)(before - s->len));
            *ret_us += (int64_t)floor(share * (double)parts[i].us / 1000 + 1e-6) * 1000; /* milliseconds */
            return true;
        }
        if (!take_char(s, ':'))
            return true;
    }
    return false;
}

/* Z, +hh[[:]mm]; nothing: *ret stays. */
static bool take_iso_offset(Str *s, int16_t *ret)
{
    int64_t hours, minutes = 0;
    if (s->len == 0)
        return true;
    if (take_char(s, 'Z')) {
        *ret = ZONE_UTC;
        return true;
    }
    bool negative = take_char(s, '-');
    if (!negative && !take_char(s, '+'))
        return false;
    if (!take_digits(s, 2, 2, &hours))
        return false;
    bool colon = take_char(s, ':');
    if ((s->len > 0 || colon) && !take_digits(s, 2, 2, &minutes))
        return false;
    int64_t total = hours * 60 + minutes;
    if (total > ZONE_OFFSET_MAX || minutes > 59)
        return false;
    *ret = zone_of_offset((int32_t)(negative ? -total : total));
    return true;
}

static void from_iso_timestamp(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str text = arg_str(c, 0, i), s = text;
        int64_t days = 0, us = 0;
        int16_t zone = ZONE_UTC;
        Error err;
        zone_find(arg_str(c, 1, i), &zone);
        bool read = s.len > 0 && (s.ptr[0] == 'T' || take_iso_date(&s, &days));
        if (read && take_char(&s, 'T') && s.len > 0)
            read = take_iso_clock(&s, &us);
        if (!read || !take_iso_offset(&s, &zone) || s.len > 0) {
            date_format_error(text, text.len - s.len, &err);
            call_fail_error(c, &err);
            break;
        }
        int64_t local = days * DAY_US + us;
        if (days > 26756000 || days < -26756000) {
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Millis overflow: %lld", (long long)(local / 1000));
            break;
        }
        c->out_instant[i] = local - zone_offset_of_local(zone, floor_div(local, SECOND_US)) * SECOND_US;
        c->out_zone[i] = zone;
    }
}

static void from_iso_date(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str text = arg_str(c, 0, i), s = text;
        int64_t days = 0;
        Error err;
        if (!take_iso_date(&s, &days) || s.len > 0) {
            date_format_error(text, text.len - s.len, &err);
            call_fail_error(c, &err);
            break;
        }
        OUT(c, int32_t, i) = (int32_t)days;
    }
}

/* ---- units ---- */

static void parse_duration(Call *c)
{
    static const struct {
        const char *name;
        double ms;
    } units[] = {
        {"ns", 1e-6}, {"us", 1e-3}, {"ms", 1}, {"s", 1e3}, {"m", 6e4}, {"h", 3.6e6}, {"d", 8.64e7},
    };
    CALL_ROWS(c, i)
    {
        Str s = str_trim(arg_str(c, 0, i)), number = s;
        double v = 0, unit = 0;
        size_t n = 0;
        while (n < s.len && ((s.ptr[n] >= '0' && s.ptr[n] <= '9') || s.ptr[n] == '.'))
            n++;
        number = str_slice(s, 0, n);
        Str name = str_trim(str_slice(s, n, s.len));
        for (size_t k = 0; k < sizeof units / sizeof *units; k++)
            if (str_is(name, units[k].name))
                unit = units[k].ms;
        if (s.len == 0)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "duration is empty");
        else if (unit == 0 && n > 0 && name.len > 0 && str_to_double(number, &v, NULL) == 0)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Unknown time unit: %.*s", STR_ARG(name));
        else if (unit == 0 || str_to_double(number, &v, NULL) < 0)
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "duration is not a valid data duration string: %.*s",
                      STR_ARG(arg_str(c, 0, i)));
        else
            OUT(c, int64_t, i) = (int64_t)floor(v * unit + 0.5);
    }
}

static int size_shift(Str unit)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"};
    for (int i = 0; i < (int)(sizeof units / sizeof *units); i++)
        if (str_is(unit, units[i]))
            return 10 * i;
    return -1;
}

/* The product of the decimal number and the unit, without its fraction. */
static void parse_data_size(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str s = arg_str(c, 0, i);
        size_t n = 0, points = 0;
        while (n < s.len && ((s.ptr[n] >= '0' && s.ptr[n] <= '9') || (s.ptr[n] == '.' && points++ == 0)))
            n++;
        int shift = size_shift(str_slice(s, n, s.len));
        Str number = str_slice(s, 0, n), part = STR_NULL, whole = str_cut(number, '.', &part);
        bool negative;
        uint128 v = 0, product = 0;
        int digits = part.ptr ? (int)part.len : 0;
        if (n == 0 || shift < 0 || digits > 12 || whole.len == 0 ||
            parse_decimal(number, digits, &negative, &v) != 1) {
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Invalid data size: '%.*s'", STR_ARG(s));
            break;
        }
        if (__builtin_mul_overflow(v, (uint128)1 << shift, &product) ||
            product / decimal_pow10(digits) >= decimal_pow10(38)) {
            call_fail(c, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "Value out of range: '%.*s'", STR_ARG(s));
            break;
        }
        put_d38(c, i, (int128)(product / decimal_pow10(digits)));
    }
}

static void human_readable_seconds(Call *c)
{
    static const struct {
        const char *name;
        int64_t seconds;
    } units[] = {
        {"week", 604800}, {"day", 86400}, {"hour", 3600}, {"minute", 60}, {"second", 1},
    };
    CALL_ROWS(c, i)
    {
        double v = ARG(c, 0, double, i);
        if (!isfinite(v)) {
            char text[NUMBER_TEXT_MAX], *end = put_double(text, v);
            call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "Invalid argument found: %.*s", (int)(end - text),
                      text);
            break;
        }
        double magnitude = floor(fabs(v) + 0.5);
        int64_t rest = magnitude < 9e18 ? (int64_t)magnitude : INT64_MAX;
        buf_clear(&c->scratch);
        for (size_t k = 0; k < sizeof units / sizeof *units; k++) {
            int64_t n = rest / units[k].seconds;
            rest %= units[k].seconds;
            if (n > 0 || (k == 4 && c->scratch.len == 0))
                buf_printf(&c->scratch, "%s%lld %s%s", c->scratch.len ? ", " : "", (long long)n,
                           units[k].name, n == 1 ? "" : "s");
        }
        call_put_scratch(c, i);
    }
}

/* Three significant digits or the whole part, then K, M, B, T, Q; halves go to the even digit as
 * DecimalFormat has them. */
static void put_short_number(Buf *out, double v)
{
    static const char units[] = "\0KMBTQ";
    double magnitude = fabs(v);
    int unit = 0;
    for (; magnitude >= 1000 && unit < 5; unit++)
        magnitude /= 1000;
    int digits = magnitude < 10 || v < 0 ? 2 : magnitude < 100 ? 1 : 0; /* Trino compares the signed value */
    char text[64];
    snprintf(text, sizeof text, "%.*f", digits, magnitude);
    size_t n = strlen(text);
    if (digits > 0) {
        while (text[n - 1] == '0')
            n--;
        n -= text[n - 1] == '.';
    }
    if (v < 0)
        buf_putc(out, '-');
    buf_append(out, text, n);
    if (unit > 0)
        buf_putc(out, units[unit]);
}

static void format_number(Call *c)
{
    bool is_double = c->def->arg;
    CALL_ROWS(c, i)
    {
        double v = is_double ? trunc(ARG(c, 0, double, i)) : (double)ARG(c, 0, int64_t, i);
        v = v != v                       ? 0
            : v > 9223372036854775807.0  ? 9223372036854775807.0
            : v < -9223372036854775808.0 ? -9223372036854775808.0
                                         : v;
        buf_clear(&c->scratch);
        put_short_number(&c->scratch, v == 0 ? 0 : v);
        call_put_scratch(c, i);
    }
}

const FunctionDef t_iso8601_functions[] = {
    {"t_to_iso8601_date", "D>s", date_to_iso},
    {"t_to_iso8601_timestamp", "T4>s", timestamp_to_iso},
    {"t_to_iso8601_tz", "Z4>s", zoned_to_iso},
    {"t_from_iso8601_timestamp", "ss>Z", from_iso_timestamp},
    {"t_from_iso8601_date", "s>D", from_iso_date},
    {"t_parse_duration", "s>8", parse_duration},
    {"t_parse_data_size", "s>H", parse_data_size},
    {"t_human_readable_seconds", "d>s", human_readable_seconds},
    {"t_format_number", "8>s", format_number, 0},
    {"t_format_number", "d>s", format_number, 1},
    {NULL},
};
