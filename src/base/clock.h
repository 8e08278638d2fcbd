/* clock.h - time, injected: tests set it, nothing else calls the system's clocks. */
#pragma once

#include <stdint.h>

#include "base/str.h"

int64_t clock_now_us(void);        /* microseconds since 1970-01-01T00:00:00Z */
int64_t clock_now_ms(void);
int64_t clock_monotonic_us(void);  /* for durations and deadlines */
void clock_sleep_ms(int64_t ms);
/* Tests: from now on clock_now_us() answers `now_us` (negative: the system's clock again). */
void clock_set_for_test(int64_t now_us);

typedef struct CivilTime { int year, month, day, hour, minute, second, microsecond; } CivilTime;
CivilTime civil_from_us(int64_t us);              /* UTC, proleptic Gregorian */
int64_t civil_to_us(const CivilTime *t);
int64_t civil_to_days(int year, int month, int day);   /* days since 1970-01-01 */
void civil_from_days(int64_t days, int *ret_year, int *ret_month, int *ret_day);

enum { TIME_TEXT_MAX = 40 };
/* "2026-11-24T09:51:00.000Z" (digits: fraction digits 0-6), "Tue, 24 Nov 2026 09:51:00 GMT",
 * "20261124T095100Z". out[TIME_TEXT_MAX]. */
void time_format_iso(int64_t us, int digits, char *out);
void time_format_http(int64_t us, char *out);
void time_format_amz(int64_t us, char *out);
int time_parse_http(Str text, int64_t *ret_us, Error *err);   /* IMF-fixdate, RFC 850 and asctime */
int time_parse_amz(Str text, int64_t *ret_us, Error *err);
int time_parse_iso(Str text, int64_t *ret_us, Error *err);    /* RFC 3339 */
