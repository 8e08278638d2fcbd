/* ice_transform_test.c - iceberg/transform.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "iceberg/transform.h"

static Arena *arena;

static int make_arena(void **state)
{
    arena = arena_new(16 << 20);
    return 0;
}

static int drop_arena(void **state)
{
    arena_free(arena);
    return 0;
}

static const IceType *type_of(const char *text)
{
    const Json *json;
    const IceType *type;

    assert_int_equal(json_parse(arena_printf(arena, "\"%s\"", text), arena, &json, NULL), 0);
    assert_int_equal(ice_type_parse(json, arena, &type, NULL), 0);
    return type;
}

static IceValue value_of(const char *type, const char *text)
{
    const Json *json;
    IceValue value;

    assert_int_equal(json_parse(str_from(text), arena, &json, NULL), 0);
    if (ice_value_from_json(type_of(type), json, arena, &value, NULL) < 0)
        fail_msg("%s is no %s", text, type);
    return value;
}

static IceTransform transform_of(const char *text)
{
    IceTransform transform;

    assert_int_equal(ice_transform_parse(str_from(text), arena, &transform, NULL), 0);
    return transform;
}

static IceValue apply(const char *transform, const char *type, const char *json)
{
    IceTransform t = transform_of(transform);
    IceValue source = value_of(type, json), result;
    Error err;

    if (ice_transform_apply(&t, &source, &result, &err) < 0)
        fail_msg("%s", err.message);
    return result;
}

static void numbers(void **state)
{
    assert_int_equal(apply("bucket[16]", "string", "\"iceberg\"").i64, (1210000089 & INT32_MAX) % 16);
    assert_int_equal(apply("bucket[100]", "decimal(9,2)", "\"14.20\"").i64, (-500754589 & INT32_MAX) % 100);
    assert_true(apply("bucket[16]", "string", "null").is_null);
    assert_int_equal(apply("truncate[10]", "int", "1").i64, 0);
    assert_int_equal(apply("truncate[10]", "int", "-1").i64, -10);
    assert_int_equal(apply("truncate[10]", "long", "-10").i64, -10);
    assert_int_equal(apply("truncate[50]", "decimal(9,2)", "\"10.65\"").decimal, 1050);
    assert_int_equal(apply("truncate[10]", "decimal(9,2)", "\"-0.05\"").decimal, -10);
    assert_true(str_is(apply("truncate[3]", "string", "\"iceberg\"").bytes, "ice"));
    assert_true(str_is(apply("truncate[2]", "string", "\"\xED\x95\x9C\xEA\xB8\x80!\"").bytes,
                       "\xED\x95\x9C\xEA\xB8\x80"));
    assert_true(str_is(apply("truncate[9]", "string", "\"ice\"").bytes, "ice"));
    assert_int_equal(apply("truncate[2]", "binary", "\"010203\"").bytes.len, 2);
    assert_true(apply("void", "long", "5").is_null);
    assert_int_equal(apply("identity", "long", "5").i64, 5);
}

static void times(void **state)
{
    assert_int_equal(apply("year", "date", "\"2017-11-16\"").i64, 47);
    assert_int_equal(apply("month", "date", "\"2017-11-16\"").i64, 574);
    assert_int_equal(apply("day", "date", "\"2017-11-16\"").i64, 17486);
    assert_int_equal(apply("day", "date", "\"2017-11-16\"").type, ICE_DATE);
    assert_int_equal(apply("hour", "timestamp", "\"2017-11-16T22:31:08\"").i64, 419686);
    assert_int_equal(apply("year", "timestamp", "\"1969-12-31T23:59:59.999999\"").i64, -1);
    assert_int_equal(apply("month", "timestamp", "\"1969-12-31T23:59:59.999999\"").i64, -1);
    assert_int_equal(apply("day", "timestamp", "\"1969-12-31T23:59:59.999999\"").i64, -1);
    assert_int_equal(apply("hour", "timestamp", "\"1969-12-31T23:59:59.999999\"").i64, -1);
    assert_int_equal(apply("day", "timestamp_ns", "\"1969-12-31T23:59:59.999999999\"").i64, -1);
    assert_int_equal(apply("hour", "timestamptz_ns", "\"2017-11-16T22:31:08Z\"").i64, 419686);
    assert_int_equal(apply("month", "date", "\"1969-01-01\"").i64, -12);
}

static void refusals(void **state)
{
    IceTransform hour = transform_of("hour"), unknown = transform_of("zorder");
    IceValue date = value_of("date", "\"2017-11-16\""), result;
    Error err;

    assert_int_equal(ice_transform_apply(&hour, &date, &result, &err), -1);
    assert_int_equal(err.code, ERR_NOT_SUPPORTED);
    assert_int_equal(ice_transform_apply(&unknown, &date, &result, &err), -1);
}

static void paths(void **state)
{
    const char *json =
        "{\"spec-id\":0,\"fields\":["
        "{\"source-id\":1,\"field-id\":1000,\"name\":\"order_date\",\"transform\":\"identity\"},"
        "{\"source-id\":2,\"field-id\":1001,\"name\":\"region/name\",\"transform\":\"identity\"},"
        "{\"source-id\":3,\"field-id\":1002,\"name\":\"ts_month\",\"transform\":\"month\"},"
        "{\"source-id\":3,\"field-id\":1003,\"name\":\"ts_hour\",\"transform\":\"hour\"},"
        "{\"source-id\":3,\"field-id\":1004,\"name\":\"ts_year\",\"transform\":\"year\"},"
        "{\"source-id\":3,\"field-id\":1005,\"name\":\"ts_day\",\"transform\":\"day\"},"
        "{\"source-id\":4,\"field-id\":1006,\"name\":\"b\",\"transform\":\"bucket[8]\"},"
        "{\"source-id\":5,\"field-id\":1007,\"name\":\"gone\",\"transform\":\"void\"}]}";
    const Json *parsed;
    IcePartitionSpec *spec;
    assert_int_equal(json_parse(str_from(json), arena, &parsed, NULL), 0);
    assert_int_equal(ice_spec_parse(parsed, arena, &spec, NULL), 0);
    IceValue tuple[] = {
        value_of("date", "\"2024-01-01\""),
        ice_string(STR("a b/\xC3\xA9=*")),
        ice_integer(ICE_INT, 648),
        ice_integer(ICE_INT, 473352 + 10),
        ice_integer(ICE_INT, 54),
        ice_integer(ICE_INT, -1),
        ice_null(ICE_INT),
        ice_null(ICE_LONG),
    };
    assert_string_equal(
        arena_cstr(arena, ice_partition_path(spec, tuple, arena)),
        "order_date=2024-01-01/region%2Fname=a+b%2F%C3%A9%3D*/ts_month=2024-01/ts_hour=2024-01-01-10/"
        "ts_year=2024/ts_day=1969-12-31/b=null/gone=null");
}

/* Every source value must lie in the range of its partition value. */
static void assert_lies_in_range(const char *transform, const char *type, const char *json)
{
    IceTransform t = transform_of(transform);
    IceValue source = value_of(type, json), value;
    IceRange range;

    assert_int_equal(ice_transform_apply(&t, &source, &value, NULL), 0);
    ice_transform_source_range(&t, type_of(type), &value, arena, &range);
    assert_true(range.has_lower);
    assert_true(ice_value_compare(&source, &range.lower) >= 0);
    assert_true(range.has_upper);
    assert_true(ice_value_compare(&source, &range.upper) <= (range.upper_open ? -1 : 0));
}

static void ranges(void **state)
{
    static const char *const timestamps[] = { "\"2017-11-16T22:31:08\"", "\"1969-12-31T23:59:59.999999\"",
                                              "\"1970-01-01T00:00:00\"", "\"2024-02-29T23:59:59\"" };
    static const char *const kinds[] = { "year", "month", "day", "hour" };
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 4; j++)
            assert_lies_in_range(kinds[j], "timestamp", timestamps[i]);
        assert_lies_in_range(kinds[i == 3 ? 0 : i], "date", "\"1969-12-31\"");
    }
    assert_lies_in_range("truncate[10]", "int", "-7");
    assert_lies_in_range("truncate[10]", "long", "17");
    assert_lies_in_range("truncate[50]", "decimal(9,2)", "\"-10.65\"");
    assert_lies_in_range("truncate[3]", "string", "\"iceberg\"");
    assert_lies_in_range("truncate[3]", "string", "\"ic\"");
    assert_lies_in_range("truncate[1]", "binary", "\"fe00\"");
    assert_lies_in_range("identity", "double", "1.5");
    IceTransform day = transform_of("day"), truncate = transform_of("truncate[1]");
    IceValue value = value_of("date", "\"2024-01-02\""), bytes = value_of("binary", "\"ff\"");
    IceRange range;
    ice_transform_source_range(&day, type_of("timestamp"), &value, arena, &range);
    assert_int_equal(range.lower.i64, value_of("timestamp", "\"2024-01-02T00:00:00\"").i64);
    assert_int_equal(range.upper.i64, value_of("timestamp", "\"2024-01-02T23:59:59.999999\"").i64);
    ice_transform_source_range(&day, type_of("date"), &value, arena, &range);
    assert_int_equal(range.lower.i64, value.i64);
    assert_int_equal(range.upper.i64, value.i64);
    ice_transform_source_range(&truncate, type_of("binary"), &bytes, arena, &range);
    assert_true(range.has_lower);
    assert_false(range.has_upper);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers), cmocka_unit_test(times),  cmocka_unit_test(refusals),
        cmocka_unit_test(paths),   cmocka_unit_test(ranges),
    };
    return cmocka_run_group_tests_name("ice_transform", tests, make_arena, drop_arena);
}
