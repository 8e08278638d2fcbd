/* ice_value_test.c - iceberg/value.h. Vectors: Iceberg table spec, appendices B and D. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "iceberg/value.h"

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
    Error err;

    if (json_parse(arena_printf(arena, "\"%s\"", text), arena, &json, &err) < 0 ||
        ice_type_parse(json, arena, &type, &err) < 0)
        fail_msg("%s: %s", text, err.message);
    return type;
}

static int from_json(const char *type, const char *text, IceValue *ret)
{
    const Json *json;

    assert_int_equal(json_parse(str_from(text), arena, &json, NULL), 0);
    return ice_value_from_json(type_of(type), json, arena, ret, NULL);
}

static IceValue value_of(const char *type, const char *json)
{
    IceValue value;

    if (from_json(type, json, &value) < 0)
        fail_msg("%s is no %s", json, type);
    return value;
}

static void json_forms(void **state)
{
    static const struct {
        const char *type, *json;
    } cases[] = {
        { "boolean", "true" },
        { "int", "-2147483648" },
        { "long", "9223372036854775807" },
        { "float", "0.1" },
        { "double", "1.0E100" },
        { "double", "-0.0" },
        { "decimal(9,2)", "\"14.20\"" },
        { "decimal(38,0)", "\"-99999999999999999999999999999999999999\"" },
        { "decimal(4,4)", "\"-0.0001\"" },
        { "date", "\"2017-11-16\"" },
        { "date", "\"1969-12-31\"" },
        { "date", "\"2024-02-29\"" },
        { "time", "\"22:31:08.123456\"" },
        { "time", "\"00:00:00\"" },
        { "timestamp", "\"2017-11-16T22:31:08.123456\"" },
        { "timestamp", "\"1969-12-31T23:59:59.999999\"" },
        { "timestamptz", "\"2017-11-16T22:31:08.1+00:00\"" },
        { "timestamp_ns", "\"2017-11-16T22:31:08.123456789\"" },
        { "timestamptz_ns", "\"2017-11-16T22:31:08.123456789+00:00\"" },
        { "string", "\"iceberg\"" },
        { "uuid", "\"f79c3e09-677c-4bbd-a479-3f349cb785e7\"" },
        { "fixed[4]", "\"00010203\"" },
        { "binary", "\"\"" },
        { "int", "null" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        _cleanup_buf_ Buf out = BUF_INIT(1000);
        JsonWriter w = JSON_WRITER(&out);
        IceValue value = value_of(cases[i].type, cases[i].json);
        ice_value_to_json(&w, &value, arena);
        assert_string_equal(buf_str(&out).ptr, cases[i].json);
        if (value.is_null)
            continue;
        IceValue back;
        Str bytes = ice_value_to_bytes(&value, arena);
        assert_int_equal(ice_value_from_bytes(type_of(cases[i].type), bytes, &back, NULL), 0);
        assert_true(ice_value_equal(&value, &back));
    }
    assert_int_equal(value_of("timestamptz", "\"2017-11-16T14:31:08-08:00\"").i64,
                     value_of("timestamptz", "\"2017-11-16T22:31:08Z\"").i64);
}

static void json_refusals(void **state)
{
    static const struct {
        const char *type, *json;
    } cases[] = {
        { "boolean", "1" },
        { "int", "2147483648" },
        { "int", "1.5" },
        { "long", "\"1\"" },
        { "decimal(9,2)", "14.20" },
        { "decimal(9,2)", "\"14.205\"" },
        { "decimal(9,2)", "\"\"" },
        { "decimal(9,2)", "\"-\"" },
        { "decimal(38,0)", "\"999999999999999999999999999999999999999999\"" },
        { "date", "\"2023-02-29\"" },
        { "date", "\"2017-13-01\"" },
        { "date", "\"2017-11-16T00:00:00\"" },
        { "time", "\"24:00:00\"" },
        { "timestamp", "\"2017-11-16\"" },
        { "timestamp", "\"2017-11-16T22:31:08+00:00\"" },
        { "timestamp", "\"2017-11-16T22:31:08.1234567\"" },
        { "timestamptz", "\"2017-11-16T22:31:08\"" },
        { "uuid", "\"f79c3e09677c4bbda4793f349cb785e7\"" },
        { "fixed[4]", "\"000102\"" },
        { "binary", "\"0\"" },
        { "binary", "\"zz\"" },
    };
    IceValue value;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (from_json(cases[i].type, cases[i].json, &value) == 0)
            fail_msg("%s was taken as %s", cases[i].json, cases[i].type);
}

static void assert_bytes(const char *type, const char *json, const char *hex)
{
    IceValue value = value_of(type, json);
    Str bytes = ice_value_to_bytes(&value, arena);
    char text[200] = "";

    hex_encode(bytes.ptr, bytes.len, text);
    assert_string_equal(text, hex);
}

static void binary_forms(void **state)
{
    assert_bytes("boolean", "true", "01");
    assert_bytes("int", "34", "22000000");
    assert_bytes("long", "-2", "feffffffffffffff");
    assert_bytes("float", "1.0", "0000803f");
    assert_bytes("double", "1.0", "000000000000f03f");
    assert_bytes("decimal(9,2)", "\"14.20\"", "058c");
    assert_bytes("decimal(9,2)", "\"0.00\"", "00");
    assert_bytes("decimal(9,2)", "\"-0.01\"", "ff");
    assert_bytes("decimal(9,2)", "\"1.28\"", "0080");
    assert_bytes("decimal(9,2)", "\"-1.28\"", "80");
    assert_bytes("date", "\"1970-01-02\"", "01000000");
    assert_bytes("uuid", "\"f79c3e09-677c-4bbd-a479-3f349cb785e7\"", "f79c3e09677c4bbda4793f349cb785e7");
    assert_bytes("string", "\"\\u00e9\"", "c3a9");
}

static void promoted_bytes(void **state)
{
    IceValue value, date = value_of("date", "\"2017-11-16\""), number = value_of("int", "-5"),
                    single = value_of("float", "0.5");

    assert_int_equal(
        ice_value_from_bytes(type_of("long"), ice_value_to_bytes(&number, arena), &value, NULL), 0);
    assert_int_equal(value.i64, -5);
    assert_int_equal(
        ice_value_from_bytes(type_of("double"), ice_value_to_bytes(&single, arena), &value, NULL), 0);
    assert_true(value.f64 == 0.5);
    assert_int_equal(
        ice_value_from_bytes(type_of("timestamp"), ice_value_to_bytes(&date, arena), &value, NULL), 0);
    assert_int_equal(value.i64, INT64_C(1510790400000000));
    assert_int_equal(
        ice_value_from_bytes(type_of("timestamp_ns"), ice_value_to_bytes(&date, arena), &value, NULL), 0);
    assert_int_equal(value.i64, INT64_C(1510790400000000000));
    assert_int_equal(ice_value_from_bytes(type_of("int"), STR("12345678"), &value, NULL), -1);
    assert_int_equal(ice_value_from_bytes(type_of("long"), STR("123"), &value, NULL), -1);
    assert_int_equal(ice_value_from_bytes(type_of("uuid"), STR("123"), &value, NULL), -1);
    assert_int_equal(ice_value_from_bytes(type_of("decimal(9,2)"), STR(""), &value, NULL), -1);
    assert_int_equal(ice_value_from_bytes(type_of("decimal(38,2)"), STR("12345678901234567"), &value, NULL),
                     -1);
    Error err;
    assert_int_equal(ice_value_from_bytes(type_of("date"), STR("123"), &value, &err), -1);
    assert_string_equal(err.message, "a value of 3 bytes is no date");
}

static void order(void **state)
{
    const double doubles[] = { -(double)NAN, -(double)INFINITY, -1.0,       -0.0, 0.0, 1e-300,
                               1.0,          (double)INFINITY,  (double)NAN };
    for (size_t i = 0; i < 9; i++) {
        for (size_t j = 0; j < 9; j++) {
            IceValue a = ice_double(doubles[i]), b = ice_double(doubles[j]);
            assert_int_equal(ice_value_compare(&a, &b), (i > j) - (i < j));
        }
    }
    IceValue a = ice_decimal(150, 2), b = ice_decimal(15, 1), c = ice_decimal(-16, 1);
    assert_int_equal(ice_value_compare(&a, &b), 0);
    assert_true(ice_value_compare(&c, &a) < 0);
    __int128 large = (__int128)1 << 126;
    IceValue d = ice_decimal(large, 0), e = ice_decimal(1, 38), f = ice_decimal(-large, 0);
    assert_true(ice_value_compare(&d, &e) > 0);
    assert_true(ice_value_compare(&e, &d) < 0);
    assert_true(ice_value_compare(&f, &e) < 0);
    IceValue null = ice_null(ICE_INT), i = ice_integer(ICE_INT, 5), l = ice_integer(ICE_LONG, 5),
             s = ice_string(STR("a"));
    assert_true(ice_value_compare(&null, &i) < 0);
    assert_true(ice_value_equal(&i, &l));
    assert_false(ice_value_equal(&i, &s));
    assert_false(ice_value_comparable(&i, &s));
    IceValue x = ice_string(STR("\x7f")), y = ice_string(STR("\xC3\xA9"));
    assert_true(ice_value_compare(&x, &y) < 0);
}

static void hashes(void **state)
{
    static const struct {
        const char *type, *json;
        int32_t hash;
    } cases[] = {
        { "int", "34", 2017239379 },
        { "long", "34", 2017239379 },
        { "decimal(9,2)", "\"14.20\"", -500754589 },
        { "date", "\"2017-11-16\"", -653330422 },
        { "time", "\"22:31:08\"", -662762989 },
        { "timestamp", "\"2017-11-16T22:31:08\"", -2047944441 },
        { "timestamptz", "\"2017-11-16T14:31:08-08:00\"", -2047944441 },
        { "timestamp_ns", "\"2017-11-16T22:31:08\"", -2047944441 },
        { "timestamp", "\"2017-11-16T22:31:08.000001\"", -1207196810 },
        { "timestamp_ns", "\"2017-11-16T22:31:08.000001001\"", -1207196810 },
        { "string", "\"iceberg\"", 1210000089 },
        { "uuid", "\"f79c3e09-677c-4bbd-a479-3f349cb785e7\"", 1488055340 },
        { "fixed[4]", "\"00010203\"", -188683207 },
        { "binary", "\"00010203\"", -188683207 },
        { "boolean", "true", 1392991556 },
        { "double", "1.0", -142385009 },
        { "float", "1.0", -142385009 },
        { "double", "0.0", 1669671676 },
        { "double", "-0.0", 1669671676 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        IceValue value = value_of(cases[i].type, cases[i].json);
        if (ice_value_hash(&value) != cases[i].hash)
            fail_msg("%s %s: %d", cases[i].type, cases[i].json, ice_value_hash(&value));
    }
    assert_int_equal(murmur3_x86_32("", 0, 0), 0);
}

static void assert_text(const char *type, const char *json, const char *text)
{
    IceValue value = value_of(type, json);
    assert_string_equal(arena_cstr(arena, ice_value_text(&value, arena)), text);
}

static void texts(void **state)
{
    assert_text("date", "\"2017-12-01\"", "2017-12-01");
    assert_text("timestamp", "\"2017-12-01T10:12:55.038194\"", "2017-12-01T10:12:55.038194");
    assert_text("timestamp", "\"2017-12-01T10:12:00\"", "2017-12-01T10:12");
    assert_text("timestamp", "\"2017-12-01T10:12:01\"", "2017-12-01T10:12:01");
    assert_text("timestamp", "\"2017-12-01T10:12:00.5\"", "2017-12-01T10:12:00.500");
    assert_text("timestamptz", "\"2017-12-01T10:12:55.038194+00:00\"", "2017-12-01T10:12:55.038194Z");
    assert_text("timestamp_ns", "\"2017-12-01T10:12:55.038194001\"", "2017-12-01T10:12:55.038194001");
    assert_text("time", "\"10:12:55.038\"", "10:12:55.038");
    assert_text("decimal(9,2)", "\"14.20\"", "14.20");
    assert_text("decimal(4,4)", "\"-0.0012\"", "-0.0012");
    assert_text("binary", "\"010203\"", "AQID");
    assert_text("float", "0.1", "0.1");
    assert_text("long", "null", "null");
}

static bool converts(const char *from, const char *json, const char *to, const char *expected)
{
    IceValue value = value_of(from, json), converted;

    if (!ice_value_convert(&value, type_of(to), &converted))
        return false;
    IceValue wanted = value_of(to, expected);
    assert_true(ice_value_equal(&converted, &wanted));
    assert_int_equal(converted.type, wanted.type);
    return true;
}

static void conversions(void **state)
{
    assert_true(converts("int", "5", "long", "5"));
    assert_true(converts("long", "5", "int", "5"));
    assert_false(converts("long", "2147483648", "int", "0"));
    assert_true(converts("int", "5", "double", "5.0"));
    assert_true(converts("double", "5.0", "int", "5"));
    assert_false(converts("double", "5.5", "int", "5"));
    assert_false(converts("double", "0.1", "float", "0.1"));
    assert_true(converts("double", "0.5", "float", "0.5"));
    assert_false(converts("long", "9007199254740993", "double", "0"));
    assert_true(converts("decimal(9,2)", "\"1.50\"", "decimal(9,1)", "\"1.5\""));
    assert_false(converts("decimal(9,2)", "\"1.55\"", "decimal(9,1)", "\"1.5\""));
    assert_true(converts("decimal(9,2)", "\"3.00\"", "int", "3"));
    assert_true(converts("int", "7", "decimal(9,2)", "\"7.00\""));
    assert_false(converts("int", "70", "decimal(3,2)", "\"7.00\""));
    assert_true(converts("date", "\"2024-01-02\"", "timestamp", "\"2024-01-02T00:00:00\""));
    assert_true(converts("timestamp", "\"2024-01-02T00:00:00\"", "date", "\"2024-01-02\""));
    assert_false(converts("timestamp", "\"2024-01-02T00:00:01\"", "date", "\"2024-01-02\""));
    assert_false(
        converts("timestamptz", "\"2024-01-02T00:00:00Z\"", "timestamp", "\"2024-01-02T00:00:00\""));
    assert_true(
        converts("timestamp", "\"2024-01-02T00:00:00.5\"", "timestamp_ns", "\"2024-01-02T00:00:00.5\""));
    assert_false(converts("timestamp_ns", "\"2024-01-02T00:00:00.000000001\"", "timestamp",
                          "\"2024-01-02T00:00:00\""));
    assert_true(converts("binary", "\"00010203\"", "fixed[4]", "\"00010203\""));
    assert_false(converts("binary", "\"000102\"", "fixed[4]", "\"00010203\""));
    assert_false(converts("string", "\"5\"", "int", "5"));
    assert_false(converts("int", "5", "string", "\"5\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_forms),     cmocka_unit_test(json_refusals), cmocka_unit_test(binary_forms),
        cmocka_unit_test(promoted_bytes), cmocka_unit_test(order),         cmocka_unit_test(hashes),
        cmocka_unit_test(texts),          cmocka_unit_test(conversions),
    };
    return cmocka_run_group_tests_name("ice_value", tests, make_arena, drop_arena);
}
