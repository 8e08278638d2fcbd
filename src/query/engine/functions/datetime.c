#include "query/engine/functions/datetime.h"

bool take_digits(Str *s, size_t min, size_t max, int64_t *ret)
{
    size_t n = 0;
    int64_t v = 0;
    while (n < s->len && n < max && s->ptr[n] >= '0' && s->ptr[n] <= '9')
        v = v * 10 + (s->ptr[n++] - '0');
    if (n < min)
        return false;
    *s = str_slice(*s, n, s->len);
    *ret = v;
    return true;
}

bool take_char(Str *s, char c)
{
    if (s->len == 0 || s->ptr[0] != c)
        return false;
    *s = str_slice(*s, 1, s->len);
    return true;
}

static Str skip_blanks(Str s)
{
    while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        s = str_slice(s, 1, s.len);
    return s;
}

static bool take_date(Str *s, size_t min_year_digits, int64_t *ret_days)
{
    int64_t year, month, day;
    bool negative = take_char(s, '-');
    if (!negative)
        take_char(s, '+');
    if (!take_digits(s, min_year_digits, 9, &year) || !take_char(s, '-') || !take_digits(s, 1, 2, &month) ||
        !take_char(s, '-') || !take_digits(s, 1, 2, &day))
        return false;
    year = negative ? -year : year;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, (int)month))
        return false;
    *ret_days = days_of_civil(year, (int)month, (int)day);
    return *ret_days >= INT32_MIN + 2 && *ret_days < INT32_MAX; /* DuckDB keeps the ends for infinity */
}

bool parse_date(Str s, int64_t *ret_days)
{
    return take_date(&s, 1, ret_days) && s.len == 0;
}

static bool take_fraction(Str *s, int64_t *ret_picos)
{
    size_t before = s->len;
    if (!take_digits(s, 1, FRACTION_DIGITS_MAX, ret_picos))
        return false;
    for (size_t n = before - s->len; n < FRACTION_DIGITS_MAX; n++)
        *ret_picos *= 10;
    return s->len == 0 || s->ptr[0] < '0' || s->ptr[0] > '9';
}

static bool take_clock(Str *s, WallClock *ret)
{
    int64_t hour, minute, second = 0;
    if (!take_digits(s, 1, 2, &hour) || !take_char(s, ':') || !take_digits(s, 1, 2, &minute))
        return false;
    if (take_char(s, ':')) {
        if (!take_digits(s, 1, 2, &second))
            return false;
        if (take_char(s, '.') && !take_fraction(s, &ret->picos))
            return false;
    }
    ret->second_of_day = hour * 3600 + minute * 60 + second;
    return hour < 24 && minute < 60 && second < 60;
}

bool parse_clock(Str s, WallClock *ret)
{
    *ret = (WallClock){0};
    if (!take_clock(&s, ret))
        return false;
    s = skip_blanks(s);
    if (s.len > 0)
        ret->zone = s;
    return true;
}

bool parse_wall_clock(Str s, WallClock *ret)
{
    *ret = (WallClock){0};
    if (!take_date(&s, 4, &ret->days))
        return false;
    if (s.len == 0)
        return true;
    if (!take_char(&s, ' '))
        return false;
    if (s.len > 0 && s.ptr[0] >= '0' && s.ptr[0] <= '9' && !take_clock(&s, ret))
        return false;
    s = skip_blanks(s);
    if (s.len > 0)
        ret->zone = s;
    return true;
}

bool timestamp_in_range(int64_t days)
{
    return days > -100000000 && days < 106000000;
} /* 292,000 years fit in 64 bits of µs */

int64_t round_us(int64_t us, int p)
{
    static const int64_t units[] = {1000000, 100000, 10000, 1000, 100, 10, 1};
    if (p < 0 || p >= 6)
        return us;
    int64_t unit = units[p];
    return floor_div(us + unit / 2, unit) * unit;
}

bool wall_clock_us(const WallClock *w, int p, int64_t *ret)
{
    static const int64_t units[] = {
        /* picoseconds of the last digit */
        1000000000000, 100000000000, 10000000000, 1000000000, 100000000, 10000000, 1000000,
    };
    if (!timestamp_in_range(w->days))
        return false;
    int64_t unit = units[p < 0 || p > 6 ? 6 : p], picos = (w->picos + unit / 2) / unit * unit;
    *ret = w->days * DAY_US + w->second_of_day * SECOND_US + picos / 1000000;
    return true;
}

/* ---- units ---- */

static const struct {
    const char *name;
    int64_t us;
    int months;
} units_[] = {
    [UNIT_MILLISECOND] = {"millisecond", 1000, 0},
    [UNIT_SECOND] = {"second", SECOND_US, 0},
    [UNIT_MINUTE] = {"minute", 60 * SECOND_US, 0},
    [UNIT_HOUR] = {"hour", 3600 * SECOND_US, 0},
    [UNIT_DAY] = {"day", DAY_US, 0},
    [UNIT_WEEK] = {"week", 7 * DAY_US, 0},
    [UNIT_MONTH] = {"month", 0, 1},
    [UNIT_QUARTER] = {"quarter", 0, 3},
    [UNIT_YEAR] = {"year", 0, 12},
};

DateUnit date_unit_of(Str name)
{
    for (int i = 0; i < UNIT_NONE; i++)
        if (str_eq_nocase(name, str_from(units_[i].name)))
            return (DateUnit)i;
    return UNIT_NONE;
}

int64_t unit_us(DateUnit unit)
{
    return units_[unit].us;
}
int unit_months(DateUnit unit)
{
    return units_[unit].months;
}

int64_t truncate_wall_us(int64_t us, DateUnit unit)
{
    if (unit < UNIT_WEEK)
        return floor_div(us, units_[unit].us) * units_[unit].us;
    int64_t days = floor_div(us, DAY_US);
    if (unit == UNIT_WEEK)
        return (days - iso_weekday(days) + 1) * DAY_US;
    Civil c = civil_of_days(days);
    int month = unit == UNIT_YEAR ? 1 : unit == UNIT_QUARTER ? (c.month - 1) / 3 * 3 + 1 : c.month;
    return days_of_civil(c.year, month, 1) * DAY_US;
}

int64_t add_months_us(int64_t us, int64_t months)
{
    int64_t days = floor_div(us, DAY_US);
    return add_months_to_days(days, months) * DAY_US + (us - days * DAY_US);
}

int64_t diff_wall_us(int64_t a, int64_t b, DateUnit unit)
{
    a = floor_div(a, 1000) * 1000; /* Trino counts whole milliseconds of both */
    b = floor_div(b, 1000) * 1000;
    if (unit <= UNIT_WEEK)
        return (b - a) / units_[unit].us;
    Civil ca = civil_of_days(floor_div(a, DAY_US)), cb = civil_of_days(floor_div(b, DAY_US));
    int64_t months = (cb.year - ca.year) * 12 + cb.month - ca.month;
    /* A month is whole when a moved by it does not pass b; the clamped day of a short month counts as
     * reached. */
    if (months > 0 && add_months_us(a, months) > b)
        months--;
    else if (months < 0 && add_months_us(a, months) < b)
        months++;
    return months / units_[unit].months;
}
