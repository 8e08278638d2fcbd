/* Time zones: instants and wall clocks of real zones (of the system's tzdata), the footer's rules, broken
 * files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/fs.h"
#include "format/tzif.h"

static TzRules *load(const char *zone, Buf *bytes)
{
    char path[256];
    Error err;
    TzRules *rules = NULL;
    snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", zone);
    if (fs_read_file(path, 1 << 20, bytes, &err) < 0)
        return NULL;
    if (tzif_parse(buf_str(bytes), &rules, &err) < 0)
        fail_msg("%s: %s", zone, err.message);
    return rules;
}

static int64_t utc(int year, int month, int day, int hour, int minute)
{
    struct tm tm = {
        .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = hour, .tm_min = minute};
    return timegm(&tm);
}

static void offsets_of_instants(void **state)
{
    static const struct {
        const char *zone;
        int y, mo, d, h, mi, offset;
    } cases[] = {
        {"America/New_York", 2020, 1, 1, 0, 0, -18000},
        {"America/New_York", 2020, 7, 1, 0, 0, -14400},
        {"America/New_York", 2020, 3, 8, 6, 59, -18000},
        {"America/New_York", 2020, 3, 8, 7, 0, -14400},
        {"America/New_York", 2090, 7, 1, 0, 0, -14400},
        {"America/New_York", 2090, 12, 1, 0, 0, -18000},
        {"Asia/Kolkata", 2024, 1, 1, 0, 0, 19800},
        {"Asia/Kolkata", 1, 1, 1, 0, 0, 21208},
        {"Europe/Dublin", 2050, 1, 1, 0, 0, 0},
        {"Europe/Dublin", 2050, 7, 1, 0, 0, 3600},
        {"Australia/Lord_Howe", 2060, 1, 1, 0, 0, 39600},
        {"Australia/Lord_Howe", 2060, 7, 1, 0, 0, 37800},
        {"America/Sao_Paulo", 2015, 1, 1, 0, 0, -7200},
        {"Pacific/Apia", 2011, 12, 31, 0, 0, 50400},
        {"UTC", 2000, 1, 1, 0, 0, 0},
        {"Etc/GMT+5", 2000, 1, 1, 0, 0, -18000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        _cleanup_buf_ Buf bytes = BUF_INIT(1 << 20);
        TzRules *rules = load(cases[i].zone, &bytes);
        if (!rules)
            skip();
        int got = tzif_offset_at(rules, utc(cases[i].y, cases[i].mo, cases[i].d, cases[i].h, cases[i].mi));
        if (got != cases[i].offset)
            fail_msg("%s at %d-%d-%d: %d, not %d", cases[i].zone, cases[i].y, cases[i].mo, cases[i].d, got,
                     cases[i].offset);
        tzif_free(rules);
    }
}

static void wall_clocks(void **state)
{
    _cleanup_buf_ Buf bytes = BUF_INIT(1 << 20), samoa = BUF_INIT(1 << 20);
    TzRules *rules = load("America/New_York", &bytes);
    if (!rules)
        skip();
    TzLocal gap = tzif_local(rules, utc(2020, 3, 8, 2, 30)),
            overlap = tzif_local(rules, utc(2020, 11, 1, 1, 30));
    TzLocal before = tzif_local(rules, utc(2020, 3, 8, 1, 59)),
            after = tzif_local(rules, utc(2020, 3, 8, 3, 0));
    TzLocal far = tzif_local(rules, utc(2080, 3, 10, 2, 30));
    assert_int_equal(gap.kind, TZ_LOCAL_GAP);
    assert_int_equal(gap.offset_before, -18000);
    assert_int_equal(gap.offset_after, -14400);
    assert_int_equal(overlap.kind, TZ_LOCAL_OVERLAP);
    assert_int_equal(overlap.offset_before, -14400);
    assert_int_equal(before.kind, TZ_LOCAL_UNIQUE);
    assert_int_equal(before.offset_before, -18000);
    assert_int_equal(after.kind, TZ_LOCAL_UNIQUE);
    assert_int_equal(after.offset_before, -14400);
    assert_int_equal(far.kind, TZ_LOCAL_GAP);
    tzif_free(rules);
    rules = load("Pacific/Apia", &samoa); /* had no 30 December 2011 */
    assert_int_equal(tzif_local(rules, utc(2011, 12, 30, 12, 0)).kind, TZ_LOCAL_GAP);
    assert_int_equal(tzif_local(rules, utc(2011, 12, 31, 12, 0)).kind, TZ_LOCAL_UNIQUE);
    tzif_free(rules);
}

/* Every instant's wall clock leads back to it, unless the clock showed it twice. */
static void instants_and_clocks_agree(void **state)
{
    _cleanup_buf_ Buf bytes = BUF_INIT(1 << 20);
    TzRules *rules = load("Europe/Berlin", &bytes);
    if (!rules)
        skip();
    for (int64_t t = utc(1890, 1, 1, 0, 0); t < utc(2060, 1, 1, 0, 0); t += 7919 * 13) {
        TzLocal local = tzif_local(rules, t + tzif_offset_at(rules, t));
        assert_int_not_equal(local.kind, TZ_LOCAL_GAP);
        int32_t offset = tzif_offset_at(rules, t);
        assert_true(offset == local.offset_before ||
                    (local.kind == TZ_LOCAL_OVERLAP && offset == local.offset_after));
    }
    tzif_free(rules);
}

static void broken_files(void **state)
{
    _cleanup_buf_ Buf bytes = BUF_INIT(1 << 20);
    TzRules *rules = load("America/New_York", &bytes);
    if (!rules)
        skip();
    tzif_free(rules);
    Error err;
    for (size_t n = 0; n < bytes.len; n++) { /* every prefix */
        char *copy = malloc(n ? n : 1);
        memcpy(copy, bytes.data, n);
        assert_int_equal(tzif_parse(str_of(copy, n), &rules, &err), -1);
        free(copy);
    }
    for (size_t i = 0; i < bytes.len; i++) { /* every byte turned: an error or rules, never a crash */
        char kept = bytes.data[i];
        bytes.data[i] = (char)~kept;
        if (tzif_parse(buf_str(&bytes), &rules, &err) == 0) {
            tzif_offset_at(rules, 0);
            tzif_local(rules, 4000000000);
            tzif_free(rules);
        }
        bytes.data[i] = kept;
    }
    assert_int_equal(tzif_parse(STR("not a time zone"), &rules, &err), -1);
    assert_int_equal(err.code, ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_of_instants),
        cmocka_unit_test(wall_clocks),
        cmocka_unit_test(instants_and_clocks_agree),
        cmocka_unit_test(broken_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
