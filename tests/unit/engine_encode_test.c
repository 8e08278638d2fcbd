/* Values as Trino's JSON: numbers against the C library, each type as trino.md 1.5 has it. */
#include "engine_test.h"

#include <math.h>

#include "base/rng.h"
#include "query/engine/encode_number.h"
#include "query/engine/encode_time.h"

static const char *double_text(double v)
{
    static char text[NUMBER_TEXT_MAX];
    *put_double(text, v) = 0;
    return text;
}

static const char *float_text(float v)
{
    static char text[NUMBER_TEXT_MAX];
    *put_float(text, v) = 0;
    return text;
}

static void doubles_as_java_writes_them(void **state)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0.0"},
        {-0.0, "-0.0"},
        {1, "1.0"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {100, "100.0"},
        {1e7, "1.0E7"},
        {9999999, "9999999.0"},
        {1e-3, "0.001"},
        {9.99e-4, "9.99E-4"},
        {123456789, "1.23456789E8"},
        {1e10, "1.0E10"},
        {2e-3, "0.002"},
        {1e100, "1.0E100"},
        {1.7976931348623157e308, "1.7976931348623157E308"},
        {4.9e-324, "4.9E-324"},
        {9.9e-324, "9.9E-324"},
        {2.2250738585072014e-308, "2.2250738585072014E-308"},
        {9007199254740993.0, "9.007199254740992E15"},
        {0.30000000000000004, "0.30000000000000004"},
        {2e23, "2.0E23"},
        {8.41e21, "8.41E21"},
        {5e-324, "4.9E-324"},
        {1e23, "1.0E23"},
        {9.5367431640625e-7, "9.5367431640625E-7"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(double_text(cases[i].value), cases[i].text);
    assert_string_equal(double_text((double)NAN), "NaN");
    assert_string_equal(double_text(-(double)INFINITY), "-Infinity");
    assert_string_equal(float_text(0.1f), "0.1");
    assert_string_equal(float_text(16777216.0f), "1.6777216E7");
    assert_string_equal(float_text(3.4028235e38f), "3.4028235E38");
    assert_string_equal(float_text(1.4e-45f), "1.4E-45");
    char text[NUMBER_TEXT_MAX];
    *put_double_scientific(text, 123456789) = 0;
    assert_string_equal(text, "1.23456789E8");
    *put_double_scientific(text, 0) = 0;
    assert_string_equal(text, "0E0");
    *put_float_scientific(text, 0.1f) = 0;
    assert_string_equal(text, "1.0E-1");
}

static uint64_t next_random(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    return *x ^= *x << 17;
}

/* Every text reads back as the same number, and is no longer than the shortest of printf's that does. */
static void doubles_round_trip(void **state)
{
    uint64_t seed = 88172645463325252ULL;
    for (int i = 0; i < 200000; i++) {
        uint64_t bits = next_random(&seed);
        double v;
        memcpy(&v, &bits, 8);
        if (!isfinite(v) || v == 0)
            continue;
        assert_true(strtod(double_text(v), NULL) == v);
        Shortest s = shortest_of_double(fabs(v));
        char shortest[64], digits[NUMBER_TEXT_MAX];
        int n = (int)(put_u64(digits, s.digits) - digits);
        snprintf(shortest, sizeof shortest, "%.*e", n > 1 ? n - 2 : 0, v);
        assert_true(n == 1 || n == 2 || strtod(shortest, NULL) != v); /* one digit less is not enough */
        uint32_t bits32 = (uint32_t)bits;
        float f;
        memcpy(&f, &bits32, 4);
        if (isfinite(f))
            assert_true(strtof(float_text(f), NULL) == f);
    }
}

static void decimals_and_integers(void **state)
{
    static const struct {
        int64_t value;
        int scale;
        const char *text;
    } cases[] = {
        {0, 0, "0"},          {0, 2, "0.00"},
        {5, 2, "0.05"},       {-5, 2, "-0.05"},
        {12345, 2, "123.45"}, {-12345, 5, "-0.12345"},
        {100, 0, "100"},      {INT64_MIN, 3, "-9223372036854775.808"},
    };
    char text[NUMBER_TEXT_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        *put_decimal(text, cases[i].value, cases[i].scale) = 0;
        assert_string_equal(text, cases[i].text);
    }
    int128 big = (int128)1000000000000000000LL * 1000000000000000000LL * 99 + 7;
    *put_decimal(text, -big, 10) = 0;
    assert_string_equal(text, "-9900000000000000000000000000.0000000007");
    *put_i128(text, big) = 0;
    assert_string_equal(text, "99000000000000000000000000000000000007");
    for (int64_t v = 1, n = 0; n < 18; v *= 10, n++)
        for (int64_t d = -1; d <= 1; d++) {
            char expected[32];
            snprintf(expected, sizeof expected, "%lld", (long long)(v + d));
            *put_i64(text, v + d) = 0;
            assert_string_equal(text, expected);
        }
}

static void dates(void **state)
{
    char text[TIME_TEXT_MAX];
    *put_date(text, 0) = 0;
    assert_string_equal(text, "1970-01-01");
    *put_date(text, -719162 - 366) = 0;
    assert_string_equal(text, "0000-01-01");
    *put_date(text, 2932897) = 0;
    assert_string_equal(text, "+10000-01-01");
    *put_timestamp(text, -1, 0, 6) = 0;
    assert_string_equal(text, "1969-12-31 23:59:59.999999");
    *put_timestamp(text, 1500000, 123456, 12) = 0;
    assert_string_equal(text, "1970-01-01 00:00:01.500000123456");
    *put_interval_day(text, -INT64_C(93784005)) = 0;
    assert_string_equal(text, "-1 02:03:04.005");
    *put_interval_year(text, -14) = 0;
    assert_string_equal(text, "-1-2");
}

#define T(name, ...) static const SqlType name = {__VA_ARGS__}
T(t_boolean, .kind = TYPE_BOOLEAN);
T(t_tinyint, .kind = TYPE_TINYINT);
T(t_integer, .kind = TYPE_INTEGER);
T(t_bigint, .kind = TYPE_BIGINT);
T(t_real, .kind = TYPE_REAL);
T(t_double, .kind = TYPE_DOUBLE);
T(t_decimal_4, .kind = TYPE_DECIMAL, .precision = 4, .scale = 2);
T(t_decimal_38, .kind = TYPE_DECIMAL, .precision = 38, .scale = 10);
T(t_varchar, .kind = TYPE_VARCHAR, .length = VARCHAR_UNBOUNDED);
T(t_char, .kind = TYPE_CHAR, .length = 5);
T(t_varbinary, .kind = TYPE_VARBINARY);
T(t_date, .kind = TYPE_DATE);
T(t_time_3, .kind = TYPE_TIME, .precision = 3);
T(t_time_12, .kind = TYPE_TIME, .precision = 12);
T(t_time_tz, .kind = TYPE_TIME_TZ, .precision = 3);
T(t_zoned_9, .kind = TYPE_TIMESTAMP_TZ, .precision = 9);
T(t_timestamp_0, .kind = TYPE_TIMESTAMP, .precision = 0);
T(t_timestamp_6, .kind = TYPE_TIMESTAMP, .precision = 6);
T(t_timestamp_9, .kind = TYPE_TIMESTAMP, .precision = 9);
T(t_zoned, .kind = TYPE_TIMESTAMP_TZ, .precision = 3);
T(t_day, .kind = TYPE_INTERVAL_DAY_TIME);
T(t_year, .kind = TYPE_INTERVAL_YEAR_MONTH);
T(t_uuid, .kind = TYPE_UUID);
T(t_ip, .kind = TYPE_IPADDRESS);
T(t_unknown, .kind = TYPE_UNKNOWN);
static const RowField f_integer[] = {{{NULL, 0}, &t_integer}},
                      f_map[] = {{{NULL, 0}, &t_integer}, {{NULL, 0}, &t_varchar}},
                      f_row[] = {{{NULL, 0}, &t_integer}, {{NULL, 0}, &t_decimal_4}},
                      f_text_map[] = {{{NULL, 0}, &t_varchar}, {{NULL, 0}, &t_double}};
T(t_array, .kind = TYPE_ARRAY, .fields = f_integer, .n_fields = 1);
T(t_map, .kind = TYPE_MAP, .fields = f_map, .n_fields = 2);
static const RowField f_nested_map[] = {{{NULL, 0}, &t_array}, {{NULL, 0}, &t_varchar}};
T(t_nested_map, .kind = TYPE_MAP, .fields = f_nested_map, .n_fields = 2);
T(t_text_map, .kind = TYPE_MAP, .fields = f_text_map, .n_fields = 2);
T(t_row, .kind = TYPE_ROW, .fields = f_row, .n_fields = 2);
static const RowField f_array[] = {{{NULL, 0}, &t_array}};
T(t_array_2, .kind = TYPE_ARRAY, .fields = f_array, .n_fields = 1);

static const struct {
    const SqlType *type;
    const char *sql, *json;
} values[] = {
    {&t_boolean, "true", "true"},
    {&t_boolean, "NULL::BOOLEAN", "null"},
    {&t_tinyint, "(-128)::TINYINT", "-128"},
    {&t_bigint, "9223372036854775807", "9223372036854775807"},
    {&t_bigint, "(-9223372036854775808)::BIGINT", "-9223372036854775808"},
    {&t_real, "0.1::FLOAT", "0.1"},
    {&t_double, "1e0", "1.0"},
    {&t_double, "'nan'::DOUBLE", "\"NaN\""},
    {&t_double, "'-inf'::DOUBLE", "\"-Infinity\""},
    {&t_real, "'inf'::FLOAT", "\"Infinity\""},
    {&t_decimal_4, "1.2::DECIMAL(4,2)", "\"1.20\""},
    {&t_decimal_38, "(-1)::DECIMAL(38,10)", "\"-1.0000000000\""},
    {&t_decimal_4, "1.2::DECIMAL(18,2)", "\"1.20\""},
    {&t_varchar, "'a\"b\\c' || chr(10) || chr(9) || chr(1) || 'é𝄞/'", "\"a\\\"b\\\\c\\n\\t\\u0001é𝄞/\""},
    {&t_varchar, "''", "\"\""},
    {&t_char, "'ab'", "\"ab   \""},
    {&t_char, "'abcde'", "\"abcde\""},
    {&t_char, "'é\"'", "\"é\\\"   \""},
    {&t_varbinary, "'\\x00\\xFFa'::BLOB", "\"AP9h\""},
    {&t_date, "DATE '2020-02-29'", "\"2020-02-29\""},
    {&t_time_3, "TIME '01:02:03.4'", "\"01:02:03.400\""},
    {&t_time_12, "3723000000000001::BIGINT", "\"01:02:03.000000000001\""},
    {&t_time_tz, "{'t': 3723400000000000::BIGINT, 'zone': 10330::SMALLINT}", "\"06:32:03.400+05:30\""},
    {&t_time_tz, "{'t': 3723400000000000::BIGINT, 'zone': 9910::SMALLINT}", "\"23:32:03.400-01:30\""},
    {&t_time_tz, "{'t': 3723400000000000::BIGINT, 'zone': 0::SMALLINT}", "\"01:02:03.400+00:00\""},
    {&t_timestamp_0, "TIMESTAMP '2020-01-02 03:04:05'", "\"2020-01-02 03:04:05\""},
    {&t_timestamp_6, "TIMESTAMP '2020-01-02 03:04:05.000001'", "\"2020-01-02 03:04:05.000001\""},
    {&t_timestamp_9, "1002000::HUGEINT", "\"1970-01-01 00:00:00.000001002\""},
    {&t_timestamp_9, "(-1000)::HUGEINT", "\"1969-12-31 23:59:59.999999999\""},
    {&t_zoned_9, "{'t': 1002000::HUGEINT, 'zone': 10330::SMALLINT}",
     "\"1970-01-01 05:30:00.000001002 +05:30\""},
    {&t_timestamp_9, "'1970-01-01 00:00:00.000001002'::TIMESTAMP_NS", "\"1970-01-01 00:00:00.000001002\""},
    {&t_zoned, "{'t': TIMESTAMP '2020-01-02 08:04:05.123', 'zone': 0::SMALLINT}",
     "\"2020-01-02 08:04:05.123 UTC\""},
    {&t_zoned, "{'t': TIMESTAMP '2020-01-02 08:04:05.123', 'zone': 10330::SMALLINT}",
     "\"2020-01-02 13:34:05.123 +05:30\""},
    {&t_zoned, "t_tz_make(TIMESTAMP '2020-01-02 08:04:05.123', 'America/New_York')",
     "\"2020-01-02 03:04:05.123 America/New_York\""},
    {&t_zoned, "'2020-01-02 08:04:05.123+00'::TIMESTAMPTZ", "\"2020-01-02 08:04:05.123 UTC\""},
    {&t_day, "172800000::BIGINT", "\"2 00:00:00.000\""},
    {&t_year, "14::INTEGER", "\"1-2\""},
    {&t_uuid, "'12151fd2-7586-11e9-8f9e-2a86e4085a59'::UUID", "\"12151fd2-7586-11e9-8f9e-2a86e4085a59\""},
    {&t_ip, "unhex('00000000000000000000FFFF0A010203')", "\"10.1.2.3\""},
    {&t_ip, "unhex('20010DB8000000000000000000000001')", "\"2001:db8::1\""},
    {&t_unknown, "NULL::BOOLEAN", "null"},
    {&t_array, "[1, NULL, 3]", "[1,null,3]"},
    {&t_array, "[]::INTEGER[]", "[]"},
    {&t_array_2, "[[1], [], NULL]", "[[1],[],null]"},
    {&t_map, "MAP {1: 'a', 2: NULL}", "{\"1\":\"a\",\"2\":null}"},
    {&t_nested_map, "MAP {[1, NULL]: 'a'}", "{\"[1, null]\":\"a\"}"},
    {&t_text_map, "MAP {'k\"': 1e0}", "{\"k\\\"\":1.0}"},
    {&t_row, "{'f0': 1, 'f1': 2.5::DECIMAL(4,2)}", "[1,\"2.50\"]"},
    {&t_row, "NULL::STRUCT(f0 INTEGER, f1 DECIMAL(4,2))", "null"},
};

static void values_of_each_type(void **state)
{
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char sql[1024], expected[1024];
        snprintf(sql, sizeof sql, "SELECT %s", values[i].sql);
        snprintf(expected, sizeof expected, "[%s]", values[i].json);
        const char *got = test_query(sql, &values[i].type, 1);
        if (strcmp(got, expected) != 0)
            fprintf(stderr, "%s\n", sql);
        assert_string_equal(got, expected);
    }
}

static void rows_and_nulls(void **state)
{
    const SqlType *types[] = {&t_bigint, &t_varchar};
    assert_string_equal(
        test_query("SELECT range, CASE WHEN range % 2 = 0 THEN 'even' END FROM range(3) ORDER BY 1", types,
                   2),
        "[0,\"even\"],[1,null],[2,\"even\"]");
}

static void a_page_has_a_limit(void **state)
{
    const SqlType *types[] = {&t_varchar};
    Error err;
    EngineConnection *c;
    EngineResult *r;
    EngineChunk *chunk;
    Buf out = BUF_INIT(100);
    assert_int_equal(engine_acquire(test_engine, &c, &err), 0);
    assert_int_equal(engine_query(c, STR("SELECT repeat('x', 1000)"), &r, &err), 0);
    assert_int_equal(engine_next(r, &chunk, &err), 0);
    assert_int_equal(engine_chunk_to_json(chunk, types, 1, 0, 1, &out, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    engine_result_free(r);
    engine_release(c);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest pure[] = {
        cmocka_unit_test(doubles_as_java_writes_them),
        cmocka_unit_test(doubles_round_trip),
        cmocka_unit_test(decimals_and_integers),
        cmocka_unit_test(dates),
    };
    const struct CMUnitTest tests[] = {cmocka_unit_test(values_of_each_type),
                                       cmocka_unit_test(rows_and_nulls),
                                       cmocka_unit_test(a_page_has_a_limit)};
    int failed = cmocka_run_group_tests(pure, NULL, NULL);
    return failed ? failed : test_engine_run(tests, sizeof tests / sizeof *tests);
}
