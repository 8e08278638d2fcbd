/* encode_time.h - dates, times and intervals to Trino's text. Each writes at `out` (TIME_TEXT_MAX bytes) and
 * returns the end. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { TIME_TEXT_MAX = 128 };

char *put_date(char *out, int64_t days); /* "2020-01-02", "-0001-03-01", "+12001-01-01" */
/* ".123" of a fraction of a second in picoseconds; nothing for p = 0. */
char *put_fraction(char *out, int64_t picos, int p);
char *put_time(char *out, int64_t picos_of_day, int p); /* "01:02:03.123" */
/* `picos` are those that do not fit in the microseconds: 0..999999. */
char *put_timestamp(char *out, int64_t us, int32_t picos, int p);
char *put_offset(char *out, int32_t minutes);       /* "+05:30" */
char *put_interval_day(char *out, int64_t ms);      /* "-2 03:04:05.678" */
char *put_interval_year(char *out, int64_t months); /* "-1-2" */
