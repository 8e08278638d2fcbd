/* t_format_time.c - the conversions %t of format(), and java.time's texts and hash codes. */
#include "query/engine/functions/format.h"

#include "query/engine/calendar.h"
#include "query/engine/functions/zones.h"

enum { SECONDS_PER_DAY = 86400, NANOS_PER_SECOND = 1000000000 };

/* ---- reading ---- */

static bool read_number(Str s, size_t *at, int64_t *ret)
{
    size_t from = *at;
    int64_t v = 0;
    for (; *at < s.len && s.ptr[*at] >= '0' && s.ptr[*at] <= '9' && *at - from < 12; (*at)++)
        v = v * 10 + (s.ptr[*at] - '0');
    *ret = v;
    return *at > from;
}

static bool skip(Str s, size_t *at, char c)
{
    if (*at >= s.len || s.ptr[*at] != c)
        return false;
    (*at)++;
    return true;
}

static bool read_date(Str s, size_t *at, FormatTime *t)
{
    bool negative = *at < s.len && s.ptr[*at] == '-';
    *at += *at < s.len && (s.ptr[*at] == '-' || s.ptr[*at] == '+');
    int64_t year, month, day;
    if (!read_number(s, at, &year) || !skip(s, at, '-') || !read_number(s, at, &month) || !skip(s, at, '-') ||
        !read_number(s, at, &day))
        return false;
    t->year = negative ? -year : year;
    t->month = (int)month;
    t->day = (int)day;
    t->has_date = month >= 1 && month <= 12;
    t->days = t->has_date ? days_of_civil(t->year, t->month, t->day) : 0;
    return t->has_date;
}

static void set_clock(FormatTime *t, int64_t second_of_day)
{
    t->hour = (int)(second_of_day / 3600);
    t->minute = (int)(second_of_day / 60 % 60);
    t->second = (int)(second_of_day % 60);
}

/* A fraction finer than nanoseconds rounds, into the next second where it must. */
static bool read_clock(Str s, size_t *at, FormatTime *t)
{
    int64_t hour, minute, second, nanos = 0;
    if (!read_number(s, at, &hour) || !skip(s, at, ':') || !read_number(s, at, &minute) ||
        !skip(s, at, ':') || !read_number(s, at, &second))
        return false;
    if (skip(s, at, '.')) {
        int digits = 0;
        bool up = false;
        for (; *at < s.len && s.ptr[*at] >= '0' && s.ptr[*at] <= '9'; (*at)++, digits++) {
            if (digits < 9)
                nanos = nanos * 10 + (s.ptr[*at] - '0');
            else if (digits == 9)
                up = s.ptr[*at] >= '5';
        }
        for (; digits < 9; digits++)
            nanos *= 10;
        nanos += up;
    }
    int64_t total = hour * 3600 + minute * 60 + second + nanos / NANOS_PER_SECOND;
    t->nano = (int)(nanos % NANOS_PER_SECOND);
    t->has_time = true;
    if (t->has_date && total >= SECONDS_PER_DAY) {
        Civil next = civil_of_days(++t->days);
        t->year = next.year;
        t->month = next.month;
        t->day = next.day;
    }
    set_clock(t, total % SECONDS_PER_DAY);
    return true;
}

/* The text is in UTC: the wall clock is the zone's. */
static bool apply_zone(Str zone, FormatTime *t)
{
    int16_t key;
    if (!zone_find(zone, &key))
        return false;
    int64_t utc = t->days * SECONDS_PER_DAY + t->hour * 3600 + t->minute * 60 + t->second;
    t->epoch_seconds = utc;
    t->offset_seconds = zone_offset_at(key, utc);
    t->has_zone = true;
    t->zone_is_offset = zone_is_offset(key);
    t->zone = zone;
    int64_t local = utc + t->offset_seconds;
    t->days = floor_div(local, SECONDS_PER_DAY);
    Civil c = civil_of_days(t->days);
    t->year = c.year;
    t->month = c.month;
    t->day = c.day;
    set_clock(t, floor_mod(local, SECONDS_PER_DAY));
    return true;
}

bool format_time_of(const FormatValue *value, FormatTime *ret)
{
    Str s = value->text, zone;
    size_t at = 0;
    *ret = (FormatTime){.year = 0};
    if (value->kind == KIND_LONG) { /* milliseconds since 1970, on the server's clock: UTC */
        int64_t ms;
        if (str_to_i64(s, INT64_MIN, INT64_MAX, &ms, NULL) < 0)
            return false;
        ret->epoch_seconds = floor_div(ms, 1000);
        ret->nano = (int)floor_mod(ms, 1000) * 1000000;
        ret->days = floor_div(ret->epoch_seconds, SECONDS_PER_DAY);
        set_clock(ret, floor_mod(ret->epoch_seconds, SECONDS_PER_DAY));
        ret->has_date = ret->has_time = true;
        return apply_zone(STR("UTC"), ret);
    }
    if (value->kind == KIND_TIME)
        return read_clock(s, &at, ret) && at == s.len;
    s = str_cut(s, '|', &zone);
    if (!read_date(s, &at, ret))
        return false;
    if (value->kind == KIND_DATE)
        return at == s.len;
    if (!skip(s, &at, ' ') || !read_clock(s, &at, ret))
        return false;
    return value->kind == KIND_TIMESTAMP || (zone.ptr && apply_zone(zone, ret));
}

/* ---- java.time's toString() and hashCode() ---- */

static void put_java_date(const FormatTime *t, Buf *out)
{
    int64_t year = t->year < 0 ? -t->year : t->year;
    buf_printf(out, "%s%04lld-%02d-%02d",
               t->year < 0      ? "-"
               : t->year > 9999 ? "+"
                                : "",
               (long long)year, t->month, t->day);
}

static void put_java_clock(const FormatTime *t, Buf *out)
{
    buf_printf(out, "%02d:%02d", t->hour, t->minute);
    if (t->second == 0 && t->nano == 0)
        return;
    buf_printf(out, ":%02d", t->second);
    if (t->nano % 1000000 == 0 && t->nano)
        buf_printf(out, ".%03d", t->nano / 1000000);
    else if (t->nano % 1000 == 0 && t->nano)
        buf_printf(out, ".%06d", t->nano / 1000);
    else if (t->nano)
        buf_printf(out, ".%09d", t->nano);
}

static void put_offset(int32_t offset, const char *colon, Buf *out)
{
    int32_t size = offset < 0 ? -offset : offset;
    buf_printf(out, "%c%02d%s%02d", offset < 0 ? '-' : '+', size / 3600, colon, size / 60 % 60);
    if (*colon && size % 60)
        buf_printf(out, ":%02d", size % 60);
}

void format_put_java_time(const FormatTime *t, Buf *out)
{
    if (t->has_date)
        put_java_date(t, out);
    if (t->has_date && t->has_time)
        buf_putc(out, 'T');
    if (t->has_time)
        put_java_clock(t, out);
    if (!t->has_zone)
        return;
    if (t->offset_seconds == 0)
        buf_putc(out, 'Z');
    else
        put_offset(t->offset_seconds, ":", out);
    if (!t->zone_is_offset)
        buf_printf(out, "[%.*s]", STR_ARG(t->zone));
}

int32_t format_hash_time(const FormatValue *value, const FormatTime *t)
{
    uint32_t hash = 0;
    if (t->has_date) {
        uint32_t year = (uint32_t)t->year;
        hash = (year & 0xfffff800u) ^ ((year << 11) + ((uint32_t)t->month << 6) + (uint32_t)t->day);
    }
    if (t->has_time) {
        uint64_t nanos =
            (uint64_t)(t->hour * 3600 + t->minute * 60 + t->second) * NANOS_PER_SECOND + (uint64_t)t->nano;
        hash ^= (uint32_t)(nanos ^ nanos >> 32);
    }
    if (value->kind == KIND_ZONED) {
        uint32_t zone =
            t->zone_is_offset ? (uint32_t)t->offset_seconds : (uint32_t)format_hash_string(t->zone);
        hash ^= (uint32_t)t->offset_seconds ^ (zone << 3 | zone >> 29);
    }
    return (int32_t)hash;
}

/* ---- conversions ---- */

static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};
static const char *const weekdays[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                       "Friday", "Saturday", "Sunday"};
enum { SHORT_NAME = 3 };

/* What a conversion needs of the value. */
enum { NEEDS_DATE = 1, NEEDS_TIME = 2, NEEDS_INSTANT = 4, NEEDS_ZONE = 8 };

static int needs_of(char conversion)
{
    static const struct {
        const char *conversions;
        int needs;
    } table[] = {
        {"HIklMSNLpTRr", NEEDS_TIME},
        {"aAbBhCdejmyYDF", NEEDS_DATE},
        {"sQ", NEEDS_INSTANT},
        {"zZ", NEEDS_ZONE},
        {"c", NEEDS_DATE | NEEDS_TIME | NEEDS_ZONE},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strchr(table[i].conversions, conversion))
            return table[i].needs;
    return 0;
}

/* Only names that are the same in every locale: others need Java's tables of time zone names. */
static int put_zone_name(const FormatTime *t, Buf *out, Error *err)
{
    static const char *const same[] = {"UTC", "GMT"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        if (str_is(t->zone, same[i]))
            return buf_puts(out, same[i]);
    if (t->zone_is_offset)
        return buf_add(out, t->zone);
    return err_set(err, ERR_NOT_SUPPORTED, "Names of the time zone %.*s are not supported yet",
                   STR_ARG(t->zone));
}

static void put_year(int64_t year, Buf *out)
{
    buf_printf(out, "%04lld", (long long)(year > 0 ? year : 1 - year)); /* of the era */
}

static int hour12(const FormatTime *t)
{
    return t->hour % 12 == 0 ? 12 : t->hour % 12;
}

static int put_clock_part(const FormatTime *t, char conversion, Buf *out)
{
    switch (conversion) {
    case 'H':
        return buf_printf(out, "%02d", t->hour);
    case 'k':
        return buf_printf(out, "%d", t->hour);
    case 'I':
        return buf_printf(out, "%02d", hour12(t));
    case 'l':
        return buf_printf(out, "%d", hour12(t));
    case 'M':
        return buf_printf(out, "%02d", t->minute);
    case 'S':
        return buf_printf(out, "%02d", t->second);
    case 'N':
        return buf_printf(out, "%09d", t->nano);
    case 'L':
        return buf_printf(out, "%03d", t->nano / 1000000);
    case 'p':
        return buf_puts(out, t->hour < 12 ? "am" : "pm");
    case 'R':
        return buf_printf(out, "%02d:%02d", t->hour, t->minute);
    case 'r':
        return buf_printf(out, "%02d:%02d:%02d %s", hour12(t), t->minute, t->second,
                          t->hour < 12 ? "AM" : "PM");
    default:
        return buf_printf(out, "%02d:%02d:%02d", t->hour, t->minute, t->second);
    }
}

static int put_date_part(const FormatTime *t, char conversion, Buf *out)
{
    int64_t of_era = t->year > 0 ? t->year : 1 - t->year;
    const char *month = months[t->month - 1], *weekday = weekdays[iso_weekday(t->days) - 1];
    switch (conversion) {
    case 'a':
        return buf_printf(out, "%.*s", SHORT_NAME, weekday);
    case 'A':
        return buf_puts(out, weekday);
    case 'b':
    case 'h':
        return buf_printf(out, "%.*s", SHORT_NAME, month);
    case 'B':
        return buf_puts(out, month);
    case 'C':
        return buf_printf(out, "%02d", (int)(of_era / 100));
    case 'y':
        return buf_printf(out, "%02d", (int)(of_era % 100));
    case 'Y':
        put_year(t->year, out);
        return 0;
    case 'd':
        return buf_printf(out, "%02d", t->day);
    case 'e':
        return buf_printf(out, "%d", t->day);
    case 'j':
        return buf_printf(out, "%03d", day_of_year(t->days));
    case 'm':
        return buf_printf(out, "%02d", t->month);
    case 'D':
        return buf_printf(out, "%02d/%02d/%02d", t->month, t->day, (int)(of_era % 100));
    default:
        put_year(t->year, out);
        return buf_printf(out, "-%02d-%02d", t->month, t->day);
    }
}

static int put_conversion(const FormatTime *t, char conversion, Buf *out, Error *err)
{
    switch (needs_of(conversion)) {
    case NEEDS_TIME:
        return put_clock_part(t, conversion, out);
    case NEEDS_DATE:
        return put_date_part(t, conversion, out);
    case NEEDS_INSTANT:
        return conversion == 's'
                   ? buf_printf(out, "%lld", (long long)t->epoch_seconds)
                   : buf_printf(out, "%lld", (long long)(t->epoch_seconds * 1000 + t->nano / 1000000));
    case NEEDS_ZONE:
        if (conversion == 'Z')
            return put_zone_name(t, out, err);
        put_offset(t->offset_seconds, "", out);
        return 0;
    default:
        buf_printf(out, "%.*s %.*s %02d %02d:%02d:%02d ", SHORT_NAME, weekdays[iso_weekday(t->days) - 1],
                   SHORT_NAME, months[t->month - 1], t->day, t->hour, t->minute, t->second);
        if (put_zone_name(t, out, err) < 0)
            return -1;
        buf_putc(out, ' ');
        put_year(t->year, out);
        return 0;
    }
}

int format_time(const FormatSpec *spec, const FormatValue *value, Buf *out, Error *err)
{
    bool is_time = value->kind == KIND_DATE || value->kind == KIND_TIME || value->kind == KIND_TIMESTAMP ||
                   value->kind == KIND_ZONED || value->kind == KIND_LONG;
    FormatTime t;
    if (!is_time)
        return format_conversion_error(spec, value->kind, err);
    if (!format_time_of(value, &t))
        return err_set(err, ERR_INTERNAL, "a time of format() is malformed");
    int needs = needs_of(spec->conversion);
    if (((needs & NEEDS_DATE) && !t.has_date) || ((needs & NEEDS_TIME) && !t.has_time) ||
        ((needs & (NEEDS_INSTANT | NEEDS_ZONE)) && !t.has_zone))
        return format_conversion_error(spec, value->kind, err);
    Buf text = BUF_INIT(out->max);
    int failed = put_conversion(&t, spec->conversion, &text, err);
    if (!failed)
        format_justified(spec, buf_str(&text), out);
    buf_free(&text);
    return failed;
}
