/* datetime.h - reading Trino's dates and times, and arithmetic on wall clocks, for the files that share it.
 */
#pragma once

#include "base/str.h"
#include "query/engine/calendar.h"

enum { FRACTION_DIGITS_MAX = 12 };

typedef struct WallClock {
    int64_t days; /* since 1970-01-01 */
    int64_t second_of_day;
    int64_t picos; /* of the second */
    Str zone;      /* what follows the time, without blanks before it; ptr NULL: nothing */
} WallClock;

/* "[+-]YYYY-M-D[ H:M[:S[.fraction]]][ zone]": the whole text. */
bool parse_wall_clock(Str s, WallClock *ret);
/* "H:M[:S[.fraction]]" and what follows in ret->zone. */
bool parse_clock(Str s, WallClock *ret);
/* "[+-]Y-M-D" */
bool parse_date(Str s, int64_t *ret_days);
/* Digits at the front of *s: between min and max of them; takes them off. */
bool take_digits(Str *s, size_t min, size_t max, int64_t *ret);
bool take_char(Str *s, char c);

/* Microseconds of the wall clock rounded half up to p digits (p <= 6). false: out of DuckDB's range. */
bool wall_clock_us(const WallClock *w, int p, int64_t *ret);
/* us rounded half up to p digits. */
int64_t round_us(int64_t us, int p);
bool timestamp_in_range(int64_t days);

/* Units of date_add, date_diff and date_trunc. */
typedef enum DateUnit {
    UNIT_MILLISECOND,
    UNIT_SECOND,
    UNIT_MINUTE,
    UNIT_HOUR,
    UNIT_DAY,
    UNIT_WEEK,
    UNIT_MONTH,
    UNIT_QUARTER,
    UNIT_YEAR,
    UNIT_NONE,
} DateUnit;
DateUnit date_unit_of(Str name);
int64_t unit_us(DateUnit unit);                      /* up to a week */
int unit_months(DateUnit unit);                      /* month, quarter, year; else 0 */
int64_t truncate_wall_us(int64_t us, DateUnit unit); /* millisecond: as it is but for the microseconds */
int64_t add_months_us(int64_t us, int64_t months);
/* Whole units from a to b, toward zero. */
int64_t diff_wall_us(int64_t a, int64_t b, DateUnit unit);
/* date_add(): whether `n` units can be added at a wall clock; else the call has failed. */
struct Call;
bool date_add_fits(struct Call *c, DateUnit unit, int64_t n, int64_t wall_ms);
