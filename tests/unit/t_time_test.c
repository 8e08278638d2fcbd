/* t_* functions on dates, times, zones and intervals. */
#include "engine_test.h"

static void casts(void **state)
{
    static const TestCase cases[] = {
        {"t_varchar_to_date(' 2020-02-29 ')", "2020-02-29"},
        {"t_varchar_to_date('2021-02-29')",
         "INVALID_CAST_ARGUMENT: Value cannot be cast to date: 2021-02-29"},
        {"t_varchar_to_date('2013-002-02')",
         "INVALID_CAST_ARGUMENT: Value cannot be cast to date: 2013-002-02"},
        {"t_varchar_to_timestamp('2020-05-10 12:34:56.1239', 3)", "2020-05-10 12:34:56.124"},
        {"t_varchar_to_timestamp('2020-05-10', 3)", "2020-05-10 00:00:00"},
        {"t_varchar_to_timestamp('2020-05-10 12:34', 0)", "2020-05-10 12:34:00"},
        {"t_varchar_to_timestamp('2020-05-10T12:34:56', 3)",
         "INVALID_CAST_ARGUMENT: Value cannot be cast to timestamp: 2020-05-10T12:34:56"},
        {"t_varchar_to_timestamp('2020-05-10 25:00:00', 3)",
         "INVALID_CAST_ARGUMENT: Value cannot be cast to timestamp: 2020-05-10 25:00:00"},
        {"t_varchar_to_time('23:59:59.9999', 3)", "00:00:00"},
        {"t_varchar_to_time('24:00', 3)", "INVALID_CAST_ARGUMENT: Value cannot be cast to time: 24:00"},
        {"t_date_to_varchar(DATE '2020-01-02')", "2020-01-02"},
        {"t_timestamp_to_varchar(TIMESTAMP '2020-01-02 03:04:05.1', 3)", "2020-01-02 03:04:05.100"},
        {"t_time_to_varchar(TIME '03:04:05', 0)", "03:04:05"},
        {"t_timestamp_round(TIMESTAMP '2020-01-02 03:04:05.5', 0)", "2020-01-02 03:04:06"},
        {"t_interval_ds_to_varchar(172800000)", "2 00:00:00.000"},
        {"t_interval_ym_to_varchar(14)", "1-2"},
    };
    TEST_CASES(cases);
}

static void arithmetic(void **state)
{
    static const TestCase cases[] = {
        {"t_date_add_ms(DATE '2020-02-28', 172800000)", "2020-03-01"},
        {"t_date_add_ms(DATE '2020-02-28', 1)",
         "INVALID_FUNCTION_ARGUMENT: Cannot add hour, minutes or seconds to a date"},
        {"t_date_add_months(DATE '2020-01-31', 1)", "2020-02-29"},
        {"t_timestamp_add_months(TIMESTAMP '2020-03-31 10:00:00', -1)", "2020-02-29 10:00:00"},
        {"t_time_add_ms(TIME '23:59:59', 2000)", "00:00:01"},
        {"t_date_trunc('quarter', DATE '2020-05-10')", "2020-04-01"},
        {"t_date_trunc('WEEK', TIMESTAMP '2020-05-10 12:00:00')", "2020-05-04 00:00:00"},
        {"t_date_trunc('hour', DATE '2020-05-10')",
         "INVALID_FUNCTION_ARGUMENT: 'hour' is not a valid DATE field"},
        {"t_date_add('month', 1::BIGINT, DATE '2020-01-31')", "2020-02-29"},
        {"t_date_add('hour', 25::BIGINT, TIME '01:00:00')", "02:00:00"},
        {"t_date_diff('day', TIMESTAMP '2020-01-01 23:00:00', TIMESTAMP '2020-01-02 01:00:00')", "0"},
        {"t_date_diff('year', DATE '2019-12-31', DATE '2020-01-01')", "0"},
        {"t_date_diff('month', DATE '2020-01-31', DATE '2020-02-29')", "1"},
        {"t_date_diff('month', DATE '2020-03-31', DATE '2020-02-29')", "-1"},
        {"t_last_day_of_month(DATE '2020-02-10')", "2020-02-29"},
        {"t_interval_ds_mul(1000, 2.5)", "2500"},
        {"t_interval_ds_div(1000, 0)", "INVALID_FUNCTION_ARGUMENT: Cannot divide by double 0.0"},
        {"t_interval_ym_mul(2, 2000000000)",
         "NUMERIC_VALUE_OUT_OF_RANGE: interval year to month overflow: 2 * 2e+09"},
    };
    TEST_CASES(cases);
}

#define NY "t_tz_from_local(TIMESTAMP '2020-03-08 01:30:00', 'America/New_York')"

static void zones(void **state)
{
    static const TestCase cases[] = {
        {"t_tz_to_varchar(" NY ", 3)", "2020-03-08 01:30:00.000 America/New_York"},
        {"t_tz_to_varchar(t_tz_add_ms(" NY ", 3600000), 0)", "2020-03-08 03:30:00 America/New_York"},
        {"t_tz_to_varchar(t_tz_date_add('day', 1::BIGINT, " NY "), 0)",
         "2020-03-09 01:30:00 America/New_York"},
        {"t_tz_to_varchar(t_tz_from_local(TIMESTAMP '2020-03-08 02:30:00', 'America/New_York'), 0)",
         "2020-03-08 03:30:00 America/New_York"},
        {"t_tz_offset_minutes(t_tz_from_local(TIMESTAMP '2020-11-01 01:30:00', 'America/New_York'))", "-240"},
        {"t_tz_to_varchar(t_tz_at_zone(" NY ", 'Asia/Kolkata'), 0)", "2020-03-08 12:00:00 Asia/Kolkata"},
        {"t_tz_to_varchar(t_tz_at_zone(" NY ", 19800000::BIGINT), 0)", "2020-03-08 12:00:00 +05:30"},
        {"t_tz_zone_name(t_tz_make(TIMESTAMP '2020-01-01 00:00:00', 'utc'))", "UTC"},
        {"t_tz_zone_name(t_tz_make(TIMESTAMP '2020-01-01 00:00:00', 'UTC+5'))", "+05:00"},
        {"t_tz_zone_name(t_tz_make(TIMESTAMP '2020-01-01 00:00:00', 'Etc/GMT+5'))", "-05:00"},
        {"t_tz_make(TIMESTAMP '2020-01-01 00:00:00', 'Mars/Base')",
         "INVALID_FUNCTION_ARGUMENT: 'Mars/Base' is not a valid time zone"},
        {"t_tz_to_varchar(t_varchar_to_tz('2020-05-10 12:34:56.789 Europe/Berlin', 3, 'UTC'), 3)",
         "2020-05-10 12:34:56.789 Europe/Berlin"},
        {"t_tz_to_varchar(t_varchar_to_tz('2020-05-10 12:34:56 -08:00', 0, 'UTC'), 0)",
         "2020-05-10 12:34:56 -08:00"},
        {"t_tz_to_varchar(t_varchar_to_tz('2020-05-10', 0, 'Asia/Tokyo'), 0)",
         "2020-05-10 00:00:00 Asia/Tokyo"},
        {"t_varchar_to_tz('abc', 3, 'UTC')", "INVALID_CAST_ARGUMENT: Value cannot be cast to timestamp: abc"},
        {"t_tz_to_varchar(t_tz_date_trunc('day', " NY "), 0)", "2020-03-08 00:00:00 America/New_York"},
        {"t_tz_date_diff('day', " NY ", t_tz_date_add('day', 1::BIGINT, " NY "))", "1"},
        {"t_tz_to_varchar(t_from_unixtime(7200, 'Asia/Shanghai'), 3)",
         "1970-01-01 10:00:00.000 Asia/Shanghai"},
    };
    TEST_CASES(cases);
}

#define WIDE(text) "t_varchar_to_wide_timestamp('" text "', 12)"
#define WIDE_TZ(text) "t_varchar_to_wide_tz('" text "', 12, 'UTC')"
#define TIME_TZ(text) "t_varchar_to_timetz('" text "', 12)"

static void wide(void **state)
{
    static const TestCase cases[] = {
        {"t_wide_to_varchar(" WIDE("2020-05-10 12:34:56.123456789012") ", 12)",
         "2020-05-10 12:34:56.123456789012"},
        {"t_wide_to_varchar(" WIDE("1969-12-31 23:59:59.999999999999") ", 12)",
         "1969-12-31 23:59:59.999999999999"},
        {"t_varchar_to_wide_timestamp('1970-01-01 00:00:00.0000015', 6)", "2000000"},
        {"t_varchar_to_wide_timestamp('1969-12-31 23:59:59.9999985', 6)", "-1000000"},
        {"t_varchar_to_wide_timestamp('2020-05-10 x', 9)",
         "INVALID_CAST_ARGUMENT: Value cannot be cast to timestamp: 2020-05-10 x"},
        {"t_narrow(" WIDE("1969-12-31 23:59:59.999999999999") ")", "1969-12-31 23:59:59.999999"},
        {"t_narrow(3723000000000001::BIGINT)", "01:02:03"},
        {"t_keep_picos(t_timestamp_add_ms(t_narrow((-1)::HUGEINT), 1), (-1)::HUGEINT)", "999999999"},
        {"t_wide_round(86399999999999999::BIGINT, 9)", "0"},
        {"t_wide_to_varchar(t_wide_round(t_widen(TIME '01:02:03.4'), 0), 0)", "01:02:03"},
        {"t_wide_to_varchar(t_wide_from_local(" WIDE(
             "2020-07-01 12:00:00.000000000001") ", 'America/New_York'), 12)",
         "2020-07-01 12:00:00.000000000001 America/New_York"},
        {"t_wide_to_varchar(t_wide_local(" WIDE_TZ("2020-07-01 12:00:00.5 Asia/Kolkata") "), 1)",
         "2020-07-01 12:00:00.5"},
        {"t_wide_to_iso8601(" WIDE_TZ("2020-07-01 12:00:00.123456789 +05:30") ", 9)",
         "2020-07-01T12:00:00.123456789+05:30"},
        {"t_wide_to_varchar(t_wide_time(" WIDE("1969-12-31 23:59:59.5") "), 1)", "23:59:58.5"},
        {"t_timestamp_time(TIMESTAMP '2020-01-01 23:59:59.5')", "23:59:59.5"},
        {"t_sequence_last_ms(0::HUGEINT, 2999999999::HUGEINT, 1)", "2"},
        {"t_sequence_last_ms(0::HUGEINT, (-2999999999)::HUGEINT, -1)", "-2"},
        {"t_sequence_last_months(" WIDE("2020-01-31 00:00:00.000000000002") ", " WIDE(
             "2020-03-31 00:00:00.000000000001") ", 1)",
         "1"},
        {"t_sequence_last_ms(0::HUGEINT, 1::HUGEINT, 0)",
         "INVALID_FUNCTION_ARGUMENT: interval must not be zero"},
    };
    TEST_CASES(cases);
}

static void times_with_zone(void **state)
{
    static const TestCase cases[] = {
        {"t_timetz_to_varchar(" TIME_TZ("12:34:56.123456789012 -08:35") ", 12)",
         "12:34:56.123456789012-08:35"},
        {"t_varchar_to_timetz('12:34:56', 3)",
         "INVALID_CAST_ARGUMENT: Value cannot be cast to time with time zone: 12:34:56"},
        {"struct_extract(" TIME_TZ("00:00:00+14:00") ", 't') = struct_extract(" TIME_TZ(
             "00:00:00-10:00") ", 't')",
         "true"},
        {"t_timetz_time(" TIME_TZ("23:00:00.25+10:00") ")", "23:00:00.25"},
        {"t_timetz_utc(" TIME_TZ("23:00:00.25+10:00") ")", "13:00:00.25"},
        {"t_timetz_offset_minutes(" TIME_TZ("01:00:00-00:35") ")", "-35"},
        {"t_timetz_zone_name(" TIME_TZ("01:00:00-00:35") ")", "-00:35"},
        {"t_timetz_to_varchar(t_timetz_keep(TIME '01:00:00', " TIME_TZ("23:00:00.0000000015+10:00") "), 12)",
         "01:00:00.000000001500+10:00"},
        {"t_timetz_to_varchar(t_timetz_set(TIME '01:00:00', " TIME_TZ("23:00:00.0000000015+10:00") "), 12)",
         "01:00:00.000000000000+10:00"},
        {"t_timetz_to_varchar(t_timetz_at_zone(" TIME_TZ(
             "12:00:00+00:00") ", 'America/New_York', 1593600000000000), 0)",
         "08:00:00-04:00"},
        {"t_timetz_to_varchar(t_timetz_at_zone(" TIME_TZ("12:00:00+00:00") ", 19800000), 0)",
         "17:30:00+05:30"},
        {"t_timetz_at_zone(" TIME_TZ("12:00:00+00:00") ", 1)",
         "INVALID_FUNCTION_ARGUMENT: Invalid time zone offset interval: interval contains seconds"},
        {"t_timetz_to_varchar(t_timetz_round(" TIME_TZ("23:59:59.9999+05:00") ", 3), 3)",
         "00:00:00.000+05:00"},
        {"t_time_diff(" TIME_TZ("19:00:00+03:00") ", " TIME_TZ("09:00:00-14:00") ")", "-25200000"},
        {"t_wide_to_varchar(t_timetz_on_day(" TIME_TZ("01:00:00-08:00") ", DATE '2020-01-02'), 0)",
         "2020-01-02 01:00:00 -08:00"},
    };
    TEST_CASES(cases);
}

static void nanos(void **state)
{
#define NANOS(e) "t_wide_to_varchar(" e ", 9)"
    static const TestCase cases[] = {
        {NANOS("t_from_unixtime_nanos(-999999999, 'UTC')"), "1969-12-31 23:59:59.000000001 UTC"},
        {NANOS("t_from_unixtime_nanos(1234.5::DECIMAL(10,1), 'UTC')"), "1970-01-01 00:00:00.000001235 UTC"},
        {"t_from_unixtime_nanos(123456789123456789000000000::DECIMAL(38,0), 'UTC')",
         "INVALID_FUNCTION_ARGUMENT: long overflow"},
        {NANOS("t_from_iso8601_nanos('2001-08-22T12:34:56.123456789+01:00', 'UTC')"),
         "2001-08-22 12:34:56.123456789 +01:00"},
        {NANOS("t_from_iso8601_nanos('2001-08-22T12:34', 'Asia/Tokyo')"),
         "2001-08-22 12:34:00.000000000 Asia/Tokyo"},
        {"t_from_iso8601_nanos('2001-08-22', 'UTC')",
         "INVALID_FUNCTION_ARGUMENT: Text '2001-08-22' could not be parsed at index 10"},
        {"t_from_iso8601_nanos('2001-08-22T12:34:56x', 'UTC')",
         "INVALID_FUNCTION_ARGUMENT: Text '2001-08-22T12:34:56x' could not be parsed, unparsed text found at "
         "index 19"},
        {"t_from_iso8601_nanos('2001-13-22T12:34', 'UTC')",
         "INVALID_FUNCTION_ARGUMENT: Text '2001-13-22T12:34' could not be parsed: Invalid value for "
         "MonthOfYear "
         "(valid values 1 - 12): 13"},
    };
    TEST_CASES(cases);
}

#define AT "TIMESTAMP '2020-05-06 17:08:09.123'"

static void formats(void **state)
{
    static const TestCase cases[] = {
        {"t_date_format(" AT ", '%Y-%m-%d %H:%i:%s.%f %a %b %e %p %r %T %j %v %x %y %% %M %W %c %k %l %q')",
         "2020-05-06 17:08:09.123000 Wed May 6 PM 05:08:09 PM 17:08:09 127 19 2020 20 % May Wednesday 5 17 5 "
         "q"},
        {"t_date_format(" AT ", '%D')", "INVALID_FUNCTION_ARGUMENT: %D not supported in date format string"},
        {"t_date_parse('2020-05-06 17:08', '%Y-%m-%d %H:%i')", "2020-05-06 17:08:00"},
        {"t_date_parse('06/05/24', '%Y-%m-%d')",
         "INVALID_FUNCTION_ARGUMENT: Invalid format: \"06/05/24\" is malformed at \"/05/24\""},
        {"t_date_parse('05:08 PM', '%h:%i %p')", "1970-01-01 17:08:00"},
        {"t_format_datetime(t_tz_make(" AT ", 'UTC'), 'yyyy-MM-dd''T''HH:mm:ss.SSS EEE MMMM Z ZZ ZZZ')",
         "2020-05-06T17:08:09.123 Wed May +0000 +00:00 UTC"},
        {"t_tz_to_varchar(t_parse_datetime('1960/01/22 03:04 +0500', 'yyyy/MM/dd HH:mm Z', 'UTC'), 3)",
         "1960-01-22 03:04:00.000 +05:00"},
        {"t_parse_datetime('42', 'll', 'UTC')", "INVALID_FUNCTION_ARGUMENT: Illegal pattern component: ll"},
        {"t_parse_datetime('20200231', 'yyyyMMdd', 'UTC')",
         "INVALID_FUNCTION_ARGUMENT: Cannot parse \"20200231\": Value 31 for dayOfMonth must be in the range "
         "[1,29]"},
        {"t_to_iso8601_tz(t_varchar_to_tz('2020-11-01 01:00:00.12 -06:00', 2, 'UTC'), 2)",
         "2020-11-01T01:00:00.12-06:00"},
        {"t_to_iso8601_timestamp(" AT ", 3)", "2020-05-06T17:08:09.123"},
        {"t_tz_to_varchar(t_from_iso8601_timestamp('2001-08-22T03:04:05.321+07:09', 'UTC'), 3)",
         "2001-08-22 03:04:05.321 +07:09"},
        {"t_from_iso8601_timestamp('-1.5', 'UTC')",
         "INVALID_FUNCTION_ARGUMENT: Invalid format: \"-1.5\" is malformed at \".5\""},
        {"t_from_iso8601_date('2020-W10')", "2020-03-02"},
        {"t_from_iso8601_date('2020-123')", "2020-05-02"},
    };
    TEST_CASES(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(casts), cmocka_unit_test(arithmetic),
                                       cmocka_unit_test(zones), cmocka_unit_test(wide),
                                       cmocka_unit_test(times_with_zone), cmocka_unit_test(nanos),
                                       cmocka_unit_test(formats)};
    return test_engine_run(tests, sizeof tests / sizeof *tests);
}
