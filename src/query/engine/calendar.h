/* calendar.h - days and wall clocks of the proleptic Gregorian calendar. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define DAY_US INT64_C(86400000000)
#define DAY_MS INT64_C(86400000)
#define SECOND_US INT64_C(1000000)

typedef struct Civil {
    int64_t year;
    int month, day;
} Civil; /* month and day from 1 */

static inline int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}
static inline int64_t floor_mod(int64_t a, int64_t b)
{
    return a - floor_div(a, b) * b;
}

static inline bool is_leap_year(int64_t y)
{
    return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}
static inline int days_in_month(int64_t year, int month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap_year(year));
}

/* Days since 1970-01-01. */
static inline int64_t days_of_civil(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400, yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static inline Civil civil_of_days(int64_t z)
{
    z += 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365,
            doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int m = (int)(mp < 10 ? mp + 3 : mp - 9);
    return (Civil){yoe + era * 400 + (m <= 2), m, (int)(doy - (153 * mp + 2) / 5 + 1)};
}

/* 1 Monday … 7 Sunday. */
static inline int iso_weekday(int64_t days)
{
    return (int)floor_mod(days + 3, 7) + 1;
}
static inline int day_of_year(int64_t days)
{
    return (int)(days - days_of_civil(civil_of_days(days).year, 1, 1)) + 1;
}
/* ISO week and its year. */
static inline int iso_week(int64_t days, int64_t *ret_year)
{
    Civil thursday = civil_of_days(days - iso_weekday(days) + 4);
    *ret_year = thursday.year;
    return (int)((days - iso_weekday(days) + 4 - days_of_civil(thursday.year, 1, 1)) / 7) + 1;
}
/* Months added, the day clamped to the month's last. */
static inline int64_t add_months_to_days(int64_t days, int64_t months)
{
    Civil c = civil_of_days(days);
    int64_t total = c.year * 12 + c.month - 1 + months, year = floor_div(total, 12);
    int month = (int)floor_mod(total, 12) + 1, last = days_in_month(year, month);
    return days_of_civil(year, month, c.day < last ? c.day : last);
}
