/* clock.c - see clock.h. */
#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/internal.h"

enum { US_PER_SECOND = 1000000, SECONDS_PER_DAY = 86400 };
#define US_PER_DAY ((int64_t)SECONDS_PER_DAY * US_PER_SECOND)

static int64_t clock_test_us = -1;      /* atomic */

static int64_t clock_read(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

int64_t clock_now_us(void)
{
    int64_t test_us = __atomic_load_n(&clock_test_us, __ATOMIC_RELAXED);
    return test_us >= 0 ? test_us : clock_read(CLOCK_REALTIME);
}

int64_t clock_now_ms(void)
{
    return clock_now_us() / 1000;
}

int64_t clock_monotonic_us(void)
{
    return clock_read(CLOCK_MONOTONIC);
}

void clock_sleep_ms(int64_t ms)
{
    if (ms <= 0)
        return;
    struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
        ;
}

void clock_set_for_test(int64_t now_us)
{
    __atomic_store_n(&clock_test_us, now_us, __ATOMIC_RELAXED);
}

/* The two functions below: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (days_from_civil,
 * civil_from_days). Years begin in March, so that the leap day is the last. */
int64_t civil_to_days(int year, int month, int day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

void civil_from_days(int64_t days, int *ret_year, int *ret_month, int *ret_day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    *ret_day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    *ret_month = (int)(month < 10 ? month + 3 : month - 9);
    *ret_year = (int)(year_of_era + era * 400 + (*ret_month <= 2));
}

CivilTime civil_from_us(int64_t us)
{
    int64_t days = us / US_PER_DAY, rest = us % US_PER_DAY;
    if (rest < 0) {
        rest += US_PER_DAY;
        days--;
    }
    CivilTime t;
    civil_from_days(days, &t.year, &t.month, &t.day);
    t.microsecond = (int)(rest % US_PER_SECOND);
    int seconds = (int)(rest / US_PER_SECOND);
    t.hour = seconds / 3600;
    t.minute = seconds / 60 % 60;
    t.second = seconds % 60;
    return t;
}

int64_t civil_to_us(const CivilTime *t)
{
    int64_t seconds = civil_to_days(t->year, t->month, t->day) * SECONDS_PER_DAY + t->hour * 3600 +
                      t->minute * 60 + t->second;
    return seconds * US_PER_SECOND + t->microsecond;
}

static const char month_names[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
static const char day_names[7][10] = { "Sunday", "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday" };

void time_format_iso(int64_t us, int digits, char *out)
{
    assert(digits >= 0 && digits <= 6);
    CivilTime t = civil_from_us(us);
    int n = snprintf(out, TIME_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d", t.year, t.month, t.day, t.hour,
                     t.minute, t.second);
    int fraction = t.microsecond;
    for (int i = digits; i < 6; i++)
        fraction /= 10;
    if (digits > 0)
        n += snprintf(out + n, (size_t)(TIME_TEXT_MAX - n), ".%0*d", digits, fraction);
    snprintf(out + n, (size_t)(TIME_TEXT_MAX - n), "Z");
}

void time_format_http(int64_t us, char *out)
{
    CivilTime t = civil_from_us(us);
    int64_t days = civil_to_days(t.year, t.month, t.day);
    int weekday = (int)(((days + 4) % 7 + 7) % 7);      /* 1970-01-01 was a Thursday */
    snprintf(out, TIME_TEXT_MAX, "%.3s, %02d %s %04d %02d:%02d:%02d GMT", day_names[weekday], t.day,
             month_names[t.month - 1], t.year, t.hour, t.minute, t.second);
}

void time_format_amz(int64_t us, char *out)
{
    CivilTime t = civil_from_us(us);
    snprintf(out, TIME_TEXT_MAX, "%04d%02d%02dT%02d%02d%02dZ", t.year, t.month, t.day, t.hour, t.minute,
             t.second);
}

static int days_in_month(int year, int month)
{
    static const int days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* Second 60 is a leap second; it becomes the first of the next minute, as POSIX time has none. */
static bool civil_is_valid(const CivilTime *t)
{
    return t->month >= 1 && t->month <= 12 && t->day >= 1 && t->day <= days_in_month(t->year, t->month) &&
           t->hour <= 23 && t->minute <= 59 && t->second <= 60;
}

/* Matches text from *s on: in `pattern`, Y O D h m s stand for one digit each of year, month, day, hour,
 * minute and second, _ for a blank or a digit of the day, B (three times) for a month's name, anything else
 * for itself. */
static bool match_time(Str *s, const char *pattern, CivilTime *t)
{
    Str rest = *s;
    for (const char *p = pattern; *p; p++) {
        if (rest.len == 0)
            return false;
        char c = rest.ptr[0];
        int *field = *p == 'Y' ? &t->year : *p == 'O' ? &t->month : *p == 'D' || *p == '_' ? &t->day
                   : *p == 'h' ? &t->hour : *p == 'm' ? &t->minute : *p == 's' ? &t->second : NULL;
        if (*p == 'B') {
            int month = 0;
            while (month < 12 && !(rest.len >= 3 && memcmp(rest.ptr, month_names[month], 3) == 0))
                month++;
            if (month == 12)
                return false;
            t->month = month + 1;
            rest = str_slice(rest, 2, rest.len);
            p += 2;
        } else if (field && c >= '0' && c <= '9') {
            *field = *field * 10 + (c - '0');
        } else if (field ? !(*p == '_' && c == ' ') : c != *p) {
            return false;
        }
        rest = str_slice(rest, 1, rest.len);
    }
    *s = rest;
    return true;
}

static bool skip_day_name(Str *s, size_t length, const char *after)
{
    for (int i = 0; i < 7; i++) {
        Str name = length ? str_of(day_names[i], length) : str_from(day_names[i]);
        if (!str_has_prefix(*s, name))
            continue;
        Str rest = str_slice(*s, name.len, s->len);
        if (!str_has_prefix(rest, str_from(after)))
            continue;
        *s = str_slice(rest, strlen(after), rest.len);
        return true;
    }
    return false;
}

static int time_error(Str text, const char *expected, Error *err)
{
    return err_set(err, ERR_BAD_REQUEST, "\"%.*s\" is not a time in %s", STR_ARG(str_shown(text, 60)),
                   expected);
}

/* RFC 9110, section 5.6.7. */
int time_parse_http(Str text, int64_t *ret_us, Error *err)
{
    CivilTime t = { 0 };
    Str imf = text, rfc850 = text, asctime_text = text;
    bool ok = false;
    if (skip_day_name(&imf, 3, ", ") && match_time(&imf, "DD BBB YYYY hh:mm:ss GMT", &t) && imf.len == 0)
        ok = true;
    if (!ok) {
        t = (CivilTime){ 0 };
        ok = skip_day_name(&rfc850, 0, ", ") && match_time(&rfc850, "DD-BBB-YY hh:mm:ss GMT", &t) &&
             rfc850.len == 0;
        if (ok) {       /* a year that appears to be more than 50 years in the future is in the past */
            int this_year = civil_from_us(clock_now_us()).year;
            t.year += this_year - this_year % 100;
            t.year -= t.year > this_year + 50 ? 100 : 0;
        }
    }
    if (!ok) {
        t = (CivilTime){ 0 };
        ok = skip_day_name(&asctime_text, 3, " ") && match_time(&asctime_text, "BBB _D hh:mm:ss YYYY", &t) &&
             asctime_text.len == 0;
    }
    if (!ok || !civil_is_valid(&t))
        return time_error(text, "HTTP's form (Tue, 24 Nov 2026 09:51:00 GMT)", err);
    *ret_us = civil_to_us(&t);
    return 0;
}

int time_parse_amz(Str text, int64_t *ret_us, Error *err)
{
    CivilTime t = { 0 };
    Str rest = text;
    if (!match_time(&rest, "YYYYOODDThhmmssZ", &t) || rest.len > 0 || !civil_is_valid(&t))
        return time_error(text, "AWS's form (20261124T095100Z)", err);
    *ret_us = civil_to_us(&t);
    return 0;
}

/* ".digits", kept to microseconds. */
static bool parse_fraction(Str *s, int *ret_microsecond)
{
    *ret_microsecond = 0;
    if (s->len == 0 || s->ptr[0] != '.')
        return true;
    size_t i = 1;
    int scale = 100000;
    for (; i < s->len && s->ptr[i] >= '0' && s->ptr[i] <= '9'; i++, scale /= 10)
        *ret_microsecond += (s->ptr[i] - '0') * scale;
    *s = str_slice(*s, i, s->len);
    return i > 1;
}

/* "Z" or "+hh:mm"; seconds east of UTC. */
static bool parse_zone(Str s, int *ret_seconds)
{
    *ret_seconds = 0;
    if (s.len == 1)
        return s.ptr[0] == 'Z' || s.ptr[0] == 'z';
    if (s.len != 6 || (s.ptr[0] != '+' && s.ptr[0] != '-'))
        return false;
    CivilTime t = { 0 };
    Str rest = str_slice(s, 1, s.len);
    if (!match_time(&rest, "hh:mm", &t) || t.hour > 23 || t.minute > 59)
        return false;
    *ret_seconds = (t.hour * 3600 + t.minute * 60) * (s.ptr[0] == '-' ? -1 : 1);
    return true;
}

/* RFC 3339, section 5.6; a blank instead of "T" as its note allows. */
int time_parse_iso(Str text, int64_t *ret_us, Error *err)
{
    CivilTime t = { 0 };
    Str rest = text;
    bool ok = match_time(&rest, "YYYY-OO-DD", &t) && rest.len > 0 &&
              (rest.ptr[0] == 'T' || rest.ptr[0] == 't' || rest.ptr[0] == ' ');
    rest = str_slice(rest, 1, rest.len);
    int microsecond = 0, zone_seconds = 0;
    ok = ok && match_time(&rest, "hh:mm:ss", &t) && parse_fraction(&rest, &microsecond) &&
         parse_zone(rest, &zone_seconds);
    if (!ok || !civil_is_valid(&t))
        return time_error(text, "RFC 3339 form (2026-11-24T09:51:00Z)", err);
    t.microsecond = microsecond;
    *ret_us = civil_to_us(&t) - (int64_t)zone_seconds * US_PER_SECOND;
    return 0;
}
