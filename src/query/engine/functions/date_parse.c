/* Parsing by a DatePattern. */
#include <stdio.h>

#include "query/engine/functions/date_pattern.h"
#include "query/engine/functions/datetime.h"
#include "query/engine/functions/zones.h"

enum { YEAR_PIVOT = 2020, UNSET = INT32_MIN };

static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};
static const char *const weekdays[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                       "Friday", "Saturday", "Sunday"};

typedef struct Fields {
    int64_t value[FIELD_ZONE_TEXT + 1]; /* UNSET or what was read */
    int64_t fraction_us;
    bool has_zone;
    int16_t zone;
} Fields;

int date_format_error(Str text, size_t position, Error *err)
{
    enum { SHOWN = 32 };
    Str shown = text.len <= position + SHOWN + 3 ? text : str_slice(text, 0, position + SHOWN);
    const char *more = shown.len < text.len ? "..." : "";
    if (position == 0)
        return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT, "Invalid format: \"%.*s%s\"", STR_ARG(shown),
                       more);
    if (position >= text.len)
        return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT, "Invalid format: \"%.*s%s\" is too short",
                       STR_ARG(shown), more);
    Str rest = str_slice(shown, position, shown.len);
    return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT,
                   "Invalid format: \"%.*s%s\" is malformed at \"%.*s%s\"", STR_ARG(shown), more,
                   STR_ARG(rest), more);
}

/* A name or its first three letters, any case. */
static bool take_name(Str *s, const char *const *names, size_t n, int64_t *ret)
{
    for (int shortened = 0; shortened < 2; shortened++)
        for (size_t i = 0; i < n; i++) {
            size_t length = shortened ? 3 : strlen(names[i]);
            if (s->len >= length && str_eq_nocase(str_slice(*s, 0, length), str_of(names[i], length))) {
                *s = str_slice(*s, length, s->len);
                *ret = (int64_t)i + 1;
                return true;
            }
        }
    return false;
}

static bool take_fraction(Str *s, int max, int64_t *ret_us)
{
    int64_t v = 0;
    size_t before = s->len;
    if (!take_digits(s, 1, (size_t)(max > 9 ? 9 : max), &v))
        return false;
    int digits = (int)(before - s->len);
    for (; digits < 6; digits++)
        v *= 10;
    for (; digits > 6; digits--)
        v /= 10;
    *ret_us = v / 1000 * 1000; /* Joda keeps milliseconds */
    return true;
}

/* +hh[:mm] or +hhmm, Z */
static bool take_offset(Str *s, Fields *f)
{
    int64_t hours, minutes = 0;
    bool negative = s->len > 0 && s->ptr[0] == '-';
    f->has_zone = true;
    f->zone = ZONE_UTC;
    if (take_char(s, 'Z'))
        return true;
    if (!take_char(s, '-') && !take_char(s, '+'))
        return false;
    if (!take_digits(s, 2, 2, &hours))
        return false;
    bool colon = take_char(s, ':');
    if (!take_digits(s, 2, 2, &minutes) && colon)
        return false;
    if (hours * 60 + minutes > ZONE_OFFSET_MAX || minutes > 59)
        return false;
    f->zone = zone_of_offset((int32_t)(negative ? -(hours * 60 + minutes) : hours * 60 + minutes));
    return true;
}

/* The longest zone name at the front. */
static bool take_zone(Str *s, Fields *f)
{
    size_t n = 0;
    while (n < s->len && n < ZONE_NAME_MAX && s->ptr[n] > ' ' && s->ptr[n] != ',' && s->ptr[n] != ')')
        n++;
    for (; n > 0; n--)
        if (zone_find(str_slice(*s, 0, n), &f->zone)) {
            f->has_zone = true;
            *s = str_slice(*s, n, s->len);
            return true;
        }
    return false;
}

static bool take_number(Str *s, const PatternToken *t, bool before_digits, int64_t *ret)
{
    bool is_year = t->field == FIELD_YEAR || t->field == FIELD_WEEKYEAR || t->field == FIELD_CENTURY;
    bool negative = is_year && take_char(s, '-');
    if (is_year && !negative)
        take_char(s, '+');
    int max = before_digits && t->min > 0
                  ? t->min
                  : t->max; /* yyyyMMdd: a year right before digits takes only its own */
    if (!take_digits(s, 1, (size_t)(max > 18 ? 18 : max), ret))
        return false;
    *ret = negative ? -*ret : *ret;
    if (t->field == FIELD_YEAR_2 || t->field == FIELD_WEEKYEAR_2) {
        int64_t base = (YEAR_PIVOT - 50) / 100 * 100 + *ret;
        *ret = base < YEAR_PIVOT - 50 ? base + 100 : base;
    }
    return true;
}

static bool is_numeric(const PatternToken *t)
{
    return t->field != FIELD_LITERAL && t->field < FIELD_OFFSET && t->field != FIELD_ERA &&
           t->field != FIELD_AM_PM && t->field != FIELD_MONTH_TEXT && t->field != FIELD_WEEKDAY_TEXT;
}

static bool take_token(const DatePattern *p, size_t i, Str *s, Fields *f)
{
    static const char *const eras[] = {"BC", "AD"};
    static const char *const halves[] = {"AM", "PM"};
    const PatternToken *t = &p->tokens[i];
    /* Both ways to write a year set the same: the last one counts. */
    DateField field = t->field == FIELD_YEAR_2       ? FIELD_YEAR
                      : t->field == FIELD_WEEKYEAR_2 ? FIELD_WEEKYEAR
                                                     : t->field;
    int64_t *value = &f->value[field];
    switch (t->field) {
    case FIELD_LITERAL:
        if (s->len < t->literal.len || !str_eq_nocase(str_slice(*s, 0, t->literal.len), t->literal))
            return false;
        *s = str_slice(*s, t->literal.len, s->len);
        return true;
    case FIELD_ERA:
    case FIELD_AM_PM:
        for (int k = 0; k < 2; k++)
            if (s->len >= 2 &&
                str_eq_nocase(str_slice(*s, 0, 2), str_from(t->field == FIELD_ERA ? eras[k] : halves[k]))) {
                *s = str_slice(*s, 2, s->len);
                *value = k;
                return true;
            }
        return false;
    case FIELD_MONTH_TEXT:
        return take_name(s, months, 12, &f->value[FIELD_MONTH]);
    case FIELD_WEEKDAY_TEXT:
        return take_name(s, weekdays, 7, &f->value[FIELD_WEEKDAY]);
    case FIELD_FRACTION:
        return take_fraction(s, t->max, &f->fraction_us);
    case FIELD_OFFSET:
        return take_offset(s, f);
    case FIELD_ZONE_ID:
    case FIELD_ZONE_TEXT:
        return take_zone(s, f);
    default:
        return take_number(s, t, i + 1 < p->n && is_numeric(&p->tokens[i + 1]), value);
    }
}

static int range_error(Str text, const char *field, int64_t v, int64_t low, int64_t high, Error *err)
{
    return err_set(err, ERR_INVALID_FUNCTION_ARGUMENT,
                   "Cannot parse \"%.*s\": Value %lld for %s must be in the range [%lld,%lld]", STR_ARG(text),
                   (long long)v, field, (long long)low, (long long)high);
}

static int64_t get(const Fields *f, DateField field, int64_t otherwise)
{
    return f->value[field] == UNSET ? otherwise : f->value[field];
}

static int check_ranges(const Fields *f, Str text, Error *err)
{
    static const struct {
        DateField field;
        const char *name;
        int low, high;
    } ranges[] = {
        {FIELD_MONTH, "monthOfYear", 1, 12},
        {FIELD_DAY, "dayOfMonth", 1, 31},
        {FIELD_DAY_OF_YEAR, "dayOfYear", 1, 366},
        {FIELD_WEEK, "weekOfWeekyear", 1, 53},
        {FIELD_WEEKDAY, "dayOfWeek", 1, 7},
        {FIELD_HOUR_0_23, "hourOfDay", 0, 23},
        {FIELD_HOUR_1_24, "clockhourOfDay", 1, 24},
        {FIELD_HOUR_0_11, "hourOfHalfday", 0, 11},
        {FIELD_HOUR_1_12, "clockhourOfHalfday", 1, 12},
        {FIELD_MINUTE, "minuteOfHour", 0, 59},
        {FIELD_SECOND, "secondOfMinute", 0, 59},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        int64_t v = f->value[ranges[i].field];
        if (v != UNSET && (v < ranges[i].low || v > ranges[i].high))
            return range_error(text, ranges[i].name, v, ranges[i].low, ranges[i].high, err);
    }
    return 0;
}

static int days_of_fields(const Fields *f, Str text, int64_t *ret, Error *err)
{
    int64_t year = get(f, FIELD_YEAR, get(f, FIELD_YEAR_OF_ERA, 1970));
    if (f->value[FIELD_ERA] == 0)
        year = 1 - year;
    if (year < -290000 || year > 290000)
        return range_error(text, "year", year, -290000, 290000, err);
    if (f->value[FIELD_WEEK] != UNSET || f->value[FIELD_WEEKYEAR] != UNSET) {
        int64_t weekyear = get(f, FIELD_WEEKYEAR, year);
        if (weekyear < -290000 || weekyear > 290000)
            return range_error(text, "weekyear", weekyear, -290000, 290000, err);
        int64_t fourth = days_of_civil(weekyear, 1, 4);
        *ret =
            fourth - iso_weekday(fourth) + 1 + (get(f, FIELD_WEEK, 1) - 1) * 7 + get(f, FIELD_WEEKDAY, 1) - 1;
        return 0;
    }
    if (f->value[FIELD_DAY_OF_YEAR] != UNSET && f->value[FIELD_MONTH] == UNSET) {
        *ret = days_of_civil(year, 1, 1) + f->value[FIELD_DAY_OF_YEAR] - 1;
        return 0;
    }
    int64_t month = get(f, FIELD_MONTH, 1), day = get(f, FIELD_DAY, 1);
    if (day > days_in_month(year, (int)month))
        return range_error(text, "dayOfMonth", day, 1, days_in_month(year, (int)month), err);
    *ret = days_of_civil(year, (int)month, (int)day);
    if (f->value[FIELD_DAY] == UNSET &&
        f->value[FIELD_WEEKDAY] != UNSET) /* a weekday alone moves inside its week */
        *ret += f->value[FIELD_WEEKDAY] - iso_weekday(*ret);
    return 0;
}

static int64_t second_of_fields(const Fields *f)
{
    int64_t hour = get(f, FIELD_HOUR_0_23, get(f, FIELD_HOUR_1_24, 0) % 24);
    if (f->value[FIELD_HOUR_0_11] != UNSET || f->value[FIELD_HOUR_1_12] != UNSET ||
        f->value[FIELD_AM_PM] != UNSET)
        hour = get(f, FIELD_HOUR_0_11, get(f, FIELD_HOUR_1_12, hour) % 12) + 12 * get(f, FIELD_AM_PM, 0);
    return hour * 3600 + get(f, FIELD_MINUTE, 0) * 60 + get(f, FIELD_SECOND, 0);
}

int date_pattern_parse(const DatePattern *pattern, Str text, ParsedDate *ret, Error *err)
{
    Fields f = {.fraction_us = 0};
    Str s = text;
    int64_t days;
    for (size_t i = 0; i <= FIELD_ZONE_TEXT; i++)
        f.value[i] = UNSET;
    for (size_t i = 0; i < pattern->n; i++) {
        Str before = s;
        if (!take_token(pattern, i, &s, &f))
            return date_format_error(text, text.len - before.len, err);
    }
    if (s.len > 0)
        return date_format_error(text, text.len - s.len, err);
    if (check_ranges(&f, text, err) < 0 || days_of_fields(&f, text, &days, err) < 0)
        return -1;
    *ret = (ParsedDate){days * DAY_US + second_of_fields(&f) * SECOND_US + f.fraction_us, f.has_zone, f.zone};
    return 0;
}
