/* clock_test.c - civil time and its texts, the injected clock, UUIDs and random numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/rng.h"

static const int64_t second_us = 1000000;
static const int64_t sample_us = 1795513860123456;      /* 2026-11-24T09:51:00.123456Z */

/* All days of 1600 to 2400, one after the other. */
static void test_days(void **state)
{
    int64_t day = civil_to_days(1600, 1, 1);
    assert_int_equal(civil_to_days(1970, 1, 1), 0);
    assert_int_equal(civil_to_days(2000, 3, 1), 11017);
    static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    for (int year = 1600; year <= 2400; year++)
        for (int month = 1; month <= 12; month++) {
            bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            for (int d = 1; d <= lengths[month - 1] + (month == 2 && leap); d++, day++) {
                int y, m, dd;
                assert_int_equal(civil_to_days(year, month, d), day);
                civil_from_days(day, &y, &m, &dd);
                assert_true(y == year && m == month && dd == d);
            }
        }
}

static void test_civil_time(void **state)
{
    CivilTime t = civil_from_us(sample_us);
    assert_true(t.year == 2026 && t.month == 11 && t.day == 24 && t.hour == 9 && t.minute == 51 &&
                t.second == 0 && t.microsecond == 123456);
    assert_true(civil_to_us(&t) == sample_us);
    t = civil_from_us(-1);
    assert_true(t.year == 1969 && t.month == 12 && t.day == 31 && t.hour == 23 && t.second == 59 &&
                t.microsecond == 999999);
    assert_true(civil_to_us(&t) == -1);
    static const int64_t samples[] = { INT64_MIN, INT64_MAX, 0, 86399999999, 86400000000, -86400000000 };
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        t = civil_from_us(samples[i]);
        assert_true(t.month >= 1 && t.month <= 12 && t.day >= 1 && t.day <= 31 && t.microsecond >= 0);
        if (samples[i] != INT64_MIN && samples[i] != INT64_MAX)
            assert_true(civil_to_us(&t) == samples[i]);
    }
}

static void test_format(void **state)
{
    char text[TIME_TEXT_MAX];
    time_format_iso(sample_us, 3, text);
    assert_string_equal(text, "2026-11-24T09:51:00.123Z");
    time_format_iso(sample_us, 0, text);
    assert_string_equal(text, "2026-11-24T09:51:00Z");
    time_format_iso(sample_us, 6, text);
    assert_string_equal(text, "2026-11-24T09:51:00.123456Z");
    time_format_iso(-1, 6, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999999Z");
    time_format_iso(INT64_MAX, 6, text);
    assert_string_equal(text, "294247-01-10T04:00:54.775807Z");
    time_format_http(sample_us, text);
    assert_string_equal(text, "Tue, 24 Nov 2026 09:51:00 GMT");
    time_format_http(-second_us, text);
    assert_string_equal(text, "Wed, 31 Dec 1969 23:59:59 GMT");
    time_format_amz(sample_us, text);
    assert_string_equal(text, "20261124T095100Z");
}

/* RFC 9110, section 5.6.7: one time in its three forms. */
static void test_parse_http(void **state)
{
    static const char *const forms[] = {
        "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
        "Sun Nov 06 08:49:37 1994",
    };
    int64_t us = 0;
    clock_set_for_test(sample_us);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        assert_int_equal(time_parse_http(str_from(forms[i]), &us, NULL), 0);
        assert_true(us == 784111777 * second_us);
    }
    assert_int_equal(time_parse_http(STR("Friday, 01-Jan-76 00:00:00 GMT"), &us, NULL), 0);
    assert_int_equal(civil_from_us(us).year, 2076);     /* exactly 50 years ahead is no "more than 50" */
    assert_int_equal(time_parse_http(STR("Friday, 01-Jan-77 00:00:00 GMT"), &us, NULL), 0);
    assert_int_equal(civil_from_us(us).year, 1977);
    clock_set_for_test(-1);
    static const char *const bad[] = {
        "", "Sun", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "sun, 06 Nov 1994 08:49:37 GMT", "Xxx, 06 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nox 1994 08:49:37 GMT", "Sun, 32 Jan 1994 08:49:37 GMT", "Sun, 00 Jan 1994 08:49:37 GMT",
        "Wed, 30 Feb 2000 08:49:37 GMT", "Wed, 29 Feb 1900 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov 1994 08:49:3 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 94", "1994-11-06T08:49:37Z",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Error err;
        assert_int_equal(time_parse_http(str_from(bad[i]), &us, &err), -1);
        assert_int_equal(err.code, ERR_BAD_REQUEST);
    }
}

static void test_parse_amz(void **state)
{
    int64_t us = 0;
    assert_int_equal(time_parse_amz(STR("20261124T095100Z"), &us, NULL), 0);
    assert_true(us == sample_us / second_us * second_us);
    static const char *const bad[] = { "", "20261124T095100", "20261124T095100ZZ", "20261324T095100Z",
                                       "2026-11-24T09:51:00Z", "20261124 095100Z", "2026112aT095100Z" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(time_parse_amz(str_from(bad[i]), &us, NULL), -1);
}

static void test_parse_iso(void **state)
{
    static const struct { const char *text; int64_t us; } good[] = {
        { "2026-11-24T09:51:00.123456Z", sample_us },
        { "2026-11-24t09:51:00.123456z", sample_us },
        { "2026-11-24 09:51:00.1234569999Z", sample_us },
        { "2026-11-24T18:51:00.123456+09:00", sample_us },
        { "2026-11-24T04:21:00.123456-05:30", sample_us },
        { "2026-11-24T09:51:00.123456-00:00", sample_us },
        { "1970-01-01T00:00:00Z", 0 },
        { "1969-12-31T23:59:59.5Z", -500000 },
        { "2016-12-31T23:59:60Z", 1483228800000000 },   /* a leap second is the next minute's first */
        { "0001-01-01T00:00:00Z", -62135596800000000 },
    };
    int64_t us = 0;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(time_parse_iso(str_from(good[i].text), &us, NULL), 0);
        assert_true(us == good[i].us);
    }
    static const char *const bad[] = {
        "", "2026-11-24", "2026-11-24T09:51:00", "2026-11-24T09:51Z", "2026-11-24T09:51:00.Z",
        "2026-02-29T00:00:00Z",
        "2026-11-24T09:51:00+0900", "2026-11-24T09:51:00+09", "2026-11-24T09:51:00+24:00",
        "2026-11-24T09:51:00Z ",
        "2026-11-24_09:51:00Z", "+2026-11-24T09:51:00Z", "26-11-24T09:51:00Z", "2026-11-24T09:51:00.12.3Z",
        "2026-11-24T",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        us = 42;
        assert_int_equal(time_parse_iso(str_from(bad[i]), &us, NULL), -1);
        assert_true(us == 42);
    }
}

static void test_injected_clock(void **state)
{
    clock_set_for_test(sample_us);
    assert_true(clock_now_us() == sample_us);
    assert_true(clock_now_ms() == sample_us / 1000);
    clock_set_for_test(-1);
    int64_t difference = clock_now_us() - (int64_t)time(NULL) * second_us;
    assert_true(llabs(difference) < 5 * second_us);
    int64_t before = clock_monotonic_us();
    clock_sleep_ms(2);
    clock_sleep_ms(-5);
    assert_true(clock_monotonic_us() - before >= 2000);
}

static void test_uuid(void **state)
{
    char a[UUID_TEXT_LEN + 1], b[UUID_TEXT_LEN + 1];
    uuid4_text(a);
    uuid4_text(b);
    assert_string_not_equal(a, b);
    assert_int_equal(strlen(a), UUID_TEXT_LEN);
    assert_true(a[8] == '-' && a[13] == '-' && a[18] == '-' && a[23] == '-' && a[14] == '4');
    assert_non_null(strchr("89ab", a[19]));
    clock_set_for_test(1645557742000000);       /* RFC 9562, appendix A.6 */
    uuid7_text(a);
    assert_memory_equal(a, "017f22e2-79b0-7000-", 19);
    assert_non_null(strchr("89ab", a[19]));
    clock_set_for_test(1645557742000999);
    uuid7_text(b);
    assert_true(strcmp(a, b) < 0);
    clock_set_for_test(-1);
}

static void test_rng(void **state)
{
    for (int i = 0; i < 1000; i++)
        assert_true(rng_positive_i64() > 0);
    assert_true(rng_u64() != rng_u64());
    unsigned char first[100], second[100];
    rng_seed_for_test(7);
    rng_bytes(first, sizeof first);
    rng_seed_for_test(7);
    rng_bytes(second, sizeof second);
    assert_memory_equal(first, second, sizeof first);
    rng_seed_for_test(8);
    rng_bytes(second, sizeof second);
    assert_memory_not_equal(first, second, sizeof first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_days),
        cmocka_unit_test(test_civil_time),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_parse_http),
        cmocka_unit_test(test_parse_amz),
        cmocka_unit_test(test_parse_iso),
        cmocka_unit_test(test_injected_clock),
        cmocka_unit_test(test_uuid),
        cmocka_unit_test(test_rng),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
