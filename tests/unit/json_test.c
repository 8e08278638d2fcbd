/* json_test.c - format/json.h */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "format/json.h"

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

static const Json *parse(const char *text)
{
    const Json *json = NULL;
    Error err;

    if (json_parse(str_from(text), arena, &json, &err) < 0)
        fail_msg("%s: %s", text, err.message);
    return json;
}

static void assert_refused(Str text, const char *message)
{
    const Json *json = NULL;
    Error err = { 0 };

    assert_int_equal(json_parse(text, arena, &json, &err), -1);
    assert_null(json);
    assert_int_equal(err.code, ERR_BAD_REQUEST);
    assert_string_equal(err.message, message);
}

static void assert_round_trip(const char *text, const char *expected)
{
    _cleanup_buf_ Buf out = BUF_INIT(1 << 20);
    JsonWriter w = JSON_WRITER(&out);

    json_write_value(&w, parse(text));
    assert_string_equal(buf_str(&out).ptr, expected);
}

static void values(void **state)
{
    assert_round_trip(" { \"a\" : [ 1 , -2 , true , false , null ] , \"b\" : { } , \"c\" : [ ] }\n",
                      "{\"a\":[1,-2,true,false,null],\"b\":{},\"c\":[]}");
    assert_round_trip("9223372036854775807", "9223372036854775807");
    assert_round_trip("-9223372036854775808", "-9223372036854775808");
    assert_round_trip("[1.50,1e5,-0,0.0,18446744073709551616]", "[1.50,1e5,-0,0.0,18446744073709551616]");
    assert_int_equal(parse("3055729675574597004")->i64, 3055729675574597004);
    assert_int_equal(parse("9223372036854775808")->type, JSON_NUMBER);
    assert_int_equal(parse("-9223372036854775809")->type, JSON_NUMBER);
    assert_true(json_to_double(parse("1.5e3")) == 1500.0);
    assert_true(json_to_double(parse("7")) == 7.0);
}

static void strings(void **state)
{
    const Json *json = parse("\"\\u00e9\\ud83d\\ude00\\n\\/\\\"\\\\ text \xED\x95\x9C, longer than a word\"");

    assert_int_equal(json->type, JSON_STRING);
    assert_true(str_is(json->text, "\xC3\xA9\xF0\x9F\x98\x80\n/\"\\ text \xED\x95\x9C, longer than a word"));
    assert_round_trip("\"\\u0001\\u001f\\b\\f\\r\\t\\u007f\"", "\"\\u0001\\u001f\\b\\f\\r\\t\x7f\"");
    for (int pad = 0; pad < 20; pad++) {                /* each place of a special byte in a word */
        char text[64], expected[64];
        snprintf(text, sizeof text, "\"%.*s\\\"tail\"", pad, "aaaaaaaaaaaaaaaaaaaaaaaa");
        snprintf(expected, sizeof expected, "%.*s\"tail", pad, "aaaaaaaaaaaaaaaaaaaaaaaa");
        assert_true(str_is(parse(text)->text, expected));
    }
}

static void refusals(void **state)
{
    assert_refused(STR(""), "JSON line 1 column 1: unexpected end of text");
    assert_refused(STR("{\"a\":1,}"), "JSON line 1 column 8: expected a key in double quotes");
    assert_refused(STR("[1,]"), "JSON line 1 column 4: expected a value");
    assert_refused(STR("[1\n 2]"), "JSON line 2 column 2: expected ',' or ']'");
    assert_refused(STR("{'a':1}"), "JSON line 1 column 2: expected a key in double quotes");
    assert_refused(STR("{\"a\" 1}"), "JSON line 1 column 6: expected ':'");
    assert_refused(STR("01"), "JSON line 1 column 1: a number must not begin with 0");
    assert_refused(STR("-"), "JSON line 1 column 2: unexpected end of text");
    assert_refused(STR("1."), "JSON line 1 column 3: unexpected end of text");
    assert_refused(STR("[1.x]"), "JSON line 1 column 4: expected a digit");
    assert_refused(STR("1e"), "JSON line 1 column 3: unexpected end of text");
    assert_refused(STR("+1"), "JSON line 1 column 1: expected a value");
    assert_refused(STR(".5"), "JSON line 1 column 1: expected a value");
    assert_refused(STR("NaN"), "JSON line 1 column 1: expected a value");
    assert_refused(STR("truth"), "JSON line 1 column 1: expected a value");
    assert_refused(STR("1 2"), "JSON line 1 column 3: text after the end of the document");
    assert_refused(STR("\"a\nb\""), "JSON line 1 column 3: a control character in a string must be escaped");
    assert_refused(STR("\"\\x\""), "JSON line 1 column 3: unknown escape in a string");
    assert_refused(STR("\"\\u00g0\""), "JSON line 1 column 6: expected four hexadecimal digits after \\u");
    assert_refused(STR("\"\\u0000\""), "JSON line 1 column 4: \\u0000 is not accepted");
    assert_refused(STR("\"\\ud800\""), "JSON line 1 column 4: a surrogate without its pair");
    assert_refused(STR("\"\\ud800\\u0041\""), "JSON line 1 column 10: a surrogate without its pair");
    assert_refused(STR("\"\\udc00\""), "JSON line 1 column 4: a surrogate without its pair");
    assert_refused(STR("\"\xED\x95\x9C\xC0\x80\""), "JSON line 1 column 3: the text is not UTF-8");
    assert_refused(STR("\"abc"), "JSON line 1 column 5: unexpected end of text");
    assert_refused(STR("\xEF\xBB\xBF{}"), "JSON line 1 column 1: expected a value");
    assert_refused(STR("[1,2"), "JSON line 1 column 5: unexpected end of text");
    assert_refused(STR("{\"a\":1,\n\"a\":2}"), "key \"a\": JSON line 2 column 1: duplicate key");
}

static void duplicate_among_many(void **state)
{
    _cleanup_buf_ Buf text = BUF_INIT(1 << 20);

    buf_putc(&text, '{');
    for (int i = 0; i < 1000; i++)
        buf_printf(&text, "\"key%d\":%d,", i, i);
    size_t end = text.len;
    buf_puts(&text, "\"key1000\":0}");
    const Json *json = parse(buf_str(&text).ptr);
    assert_int_equal(json->object.n, 1001);
    assert_int_equal(json_get(json, "key777")->i64, 777);
    text.len = end;
    buf_puts(&text, "\"key500\":0}");
    Error err;
    assert_int_equal(json_parse(buf_str(&text), arena, &json, &err), -1);
    assert_non_null(strstr(err.message, "key \"key500\": JSON line 1 column"));
}

static void depth(void **state)
{
    char text[2 * LIMIT_JSON_DEPTH + 3];
    const Json *json;
    Error err;
    _cleanup_buf_ Buf out = BUF_INIT(1 << 20);
    JsonWriter w = JSON_WRITER(&out);

    memset(text, '[', LIMIT_JSON_DEPTH + 1);
    memset(text + LIMIT_JSON_DEPTH + 1, ']', LIMIT_JSON_DEPTH + 1);
    assert_int_equal(json_parse(str_of(text, sizeof text - 1), arena, &json, &err), -1);
    assert_string_equal(err.message, "JSON line 1 column 65: nested too deeply");
    assert_int_equal(json_parse(str_of(text + 1, sizeof text - 3), arena, &json, &err), 0);
    json_object(&w);
    json_key(&w, "nested");
    json_write_value(&w, json);
    json_end_object(&w);
    assert_int_equal(buf_str(&out).len, 2 * LIMIT_JSON_DEPTH + 11);
}

static void budget(void **state)
{
    _cleanup_buf_ Buf text = BUF_INIT(4 << 20);
    const Json *json = NULL;
    Error err = { 0 };

    buf_puts(&text, "[0");
    for (int i = 0; i < 100000; i++)
        buf_puts(&text, ",0");
    buf_putc(&text, ']');
    _cleanup_arena_ Arena *small = arena_new(1 << 20);
    assert_int_equal(json_parse(buf_str(&text), small, &json, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_int_equal(json_parse(buf_str(&text), arena, &json, &err), 0);
    assert_int_equal(json->array.n, 100001);
}

static void access(void **state)
{
    const Json *json = parse("{\"s\":\"x\",\"i\":5,\"f\":1.5,\"b\":true,\"n\":null,\"a\":[1],\"o\":{}}");
    const Json *ret;
    Str s;
    int64_t i;
    bool b;
    Error err;

    assert_int_equal(json_get_string(json, "s", STR_NULL, &s, &err), 0);
    assert_true(str_is(s, "x"));
    assert_int_equal(json_get_string(json, "n", STR("d"), &s, &err), 0);
    assert_true(str_is(s, "d"));
    assert_int_equal(json_get_string(json, "i", STR_NULL, &s, &err), -1);
    assert_string_equal(err.message, "\"i\" must be a string, not a number");
    assert_int_equal(json_need_int(json, "i", &i, &err), 0);
    assert_int_equal(i, 5);
    assert_int_equal(json_need_int(json, "f", &i, &err), -1);
    assert_string_equal(err.message, "\"f\" must be a 64-bit integer, not 1.5");
    assert_int_equal(json_need_int(json, "zz", &i, &err), -1);
    assert_string_equal(err.message, "\"zz\" is missing");
    assert_int_equal(json_need_string(json, "n", &s, &err), -1);
    assert_int_equal(json_get_bool(json, "b", false, &b, &err), 0);
    assert_true(b);
    assert_int_equal(json_get_bool(json, "s", false, &b, &err), -1);
    assert_int_equal(json_get_array(json, "a", &ret, &err), 0);
    assert_int_equal(ret->array.items[0]->i64, 1);
    assert_int_equal(json_get_array(json, "o", &ret, &err), -1);
    assert_int_equal(json_get_object(json, "absent", &ret, &err), 0);
    assert_null(ret);
    assert_null(json_get(NULL, "a"));
    assert_null(json_get(ret, "a"));
}

static void writing(void **state)
{
    _cleanup_buf_ Buf out = BUF_INIT(1 << 20);
    JsonWriter w = JSON_WRITER(&out);

    json_object(&w);
    json_kv_int(&w, "i", INT64_MIN);
    json_kv_bool(&w, "b", false);
    json_kv_str(&w, "bad", STR("a\xFF\"b"));
    json_key(&w, "list");
    json_array(&w);
    json_null(&w);
    json_raw(&w, STR("{\"x\":1}"));
    json_object(&w);
    json_end_object(&w);
    json_cstr(&w, "end");
    json_end_array(&w);
    json_kv_cstr(&w, "z", "");
    json_end_object(&w);
    assert_string_equal(buf_str(&out).ptr,
                        "{\"i\":-9223372036854775808,\"b\":false,\"bad\":\"a\xEF\xBF\xBD\\\"b\","
                        "\"list\":[null,{\"x\":1},{},\"end\"],\"z\":\"\"}");
}

static void doubles(void **state)
{
    static const struct { double value; const char *text; } cases[] = {
        { 0.0, "0.0" }, { -0.0, "-0.0" }, { 1, "1.0" }, { -1.5, "-1.5" }, { 0.1, "0.1" },
        { 123.456, "123.456" },
        { 1e7, "1.0E7" }, { 9999999, "9999999.0" }, { 9999999.5, "9999999.5" }, { 0.001, "0.001" },
        { 100, "100.0" },
        { 0.0012345, "0.0012345" }, { 0.00099, "9.9E-4" }, { 1e100, "1.0E100" }, { 5e-5, "5.0E-5" },
        { 1.7976931348623157e308, "1.7976931348623157E308" },
        { 2.2250738585072014e-308, "2.2250738585072014E-308" },
        { 4.9e-324, "4.9E-324" }, { 1e-310, "1.0E-310" }, { 1.0 / 3, "0.3333333333333333" },
        { 2e22, "2.0E22" },
        { 0.30000000000000004, "0.30000000000000004" }, { 1234567.125, "1234567.125" },
        { 12345678.9, "1.23456789E7" },
        { NAN, "\"NaN\"" }, { INFINITY, "\"Infinity\"" }, { -INFINITY, "\"-Infinity\"" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        _cleanup_buf_ Buf out = BUF_INIT(100);
        JsonWriter w = JSON_WRITER(&out);
        json_double(&w, cases[i].value);
        assert_string_equal(buf_str(&out).ptr, cases[i].text);
    }
    uint64_t bits = 88172645463325252u;
    for (int i = 0; i < 200000; i++) {                  /* any double reads back as itself */
        double value, back;
        char text[64];
        bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17;
        memcpy(&value, &bits, sizeof value);
        if (i % 2)
            value = (double)(bits % 100000000) / (double)(1 + bits % 7 * 1000);
        if (!isfinite(value))
            continue;
        _cleanup_buf_ Buf out = BUF_INIT(100);
        JsonWriter w = JSON_WRITER(&out);
        json_double(&w, value);
        snprintf(text, sizeof text, "%s", buf_str(&out).ptr);
        assert_int_equal(str_to_double(str_from(text), &back, NULL), 0);
        if (back != value)
            fail_msg("%a became %s", value, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),   cmocka_unit_test(strings),  cmocka_unit_test(refusals),
        cmocka_unit_test(depth),    cmocka_unit_test(duplicate_among_many), cmocka_unit_test(budget),
        cmocka_unit_test(access),   cmocka_unit_test(writing),  cmocka_unit_test(doubles),
    };
    return cmocka_run_group_tests_name("json", tests, make_arena, drop_arena);
}
