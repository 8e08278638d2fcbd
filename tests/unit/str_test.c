/* str_test.c - slices, numbers, UTF-8, hexadecimal, base64 and percent-encoding. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"

#define assert_str(s, literal) \
    do { \
        Str str_ = (s); \
        assert_int_equal(str_.len, sizeof(literal) - 1); \
        assert_memory_equal(str_.ptr, literal, sizeof(literal) - 1); \
    } while (0)

static void test_compare(void **state)
{
    assert_true(str_eq(STR_NULL, STR("")));
    assert_false(str_eq(STR("a"), STR("b")));
    assert_true(str_is(STR("abc"), "abc"));
    assert_false(str_is(STR("abc"), "abcd"));
    assert_true(str_eq_nocase(STR("Content-Length"), STR("content-LENGTH")));
    assert_false(str_eq_nocase(STR("["), STR("{")));       /* differ by 0x20 as letters do */
    assert_true(str_cmp(STR("a"), STR("b")) < 0);
    assert_true(str_cmp(STR("ab"), STR("a")) > 0);
    assert_int_equal(str_cmp(STR_NULL, STR("")), 0);
    assert_true(str_cmp(STR("\x80"), STR("a")) > 0);       /* bytes are unsigned */
    assert_true(str_has_prefix(STR("lake"), STR("la")));
    assert_false(str_has_prefix(STR("la"), STR("lake")));
    assert_true(str_has_suffix(STR("x.json"), STR(".json")));
    assert_false(str_has_suffix(STR("json"), STR(".json")));
    assert_true(str_has_suffix(STR_NULL, STR("")));
}

static void test_slice_and_find(void **state)
{
    assert_str(str_slice(STR("hello"), 1, 3), "el");
    assert_str(str_slice(STR("hello"), 3, 99), "lo");
    assert_int_equal(str_slice(STR("hello"), 9, 12).len, 0);
    assert_int_equal(str_slice(STR("hello"), 3, 1).len, 0);
    assert_null(str_slice(STR_NULL, 0, 5).ptr);
    assert_str(str_trim(STR(" \t\r\n a b \n")), "a b");
    assert_int_equal(str_trim(STR("  \n")).len, 0);
    assert_int_equal(str_find_char(STR("abcabc"), 'c'), 2);
    assert_int_equal(str_rfind_char(STR("abcabc"), 'c'), 5);
    assert_int_equal(str_find_char(STR_NULL, 'c'), -1);
    assert_int_equal(str_rfind_char(STR_NULL, 'c'), -1);
    assert_int_equal(str_find(STR("abcabc"), STR("bca")), 1);
    assert_int_equal(str_find(STR("abc"), STR("abcd")), -1);
    assert_int_equal(str_find(STR("abc"), STR("")), 0);
    assert_int_equal(str_find(STR_NULL, STR("a")), -1);
}

static void test_cut_walks_all_parts(void **state)
{
    static const char *const expected[] = { "a", "", "b", "" };
    Str rest = STR("a,,b,");
    size_t n = 0;
    while (rest.ptr) {
        Str part = str_cut(rest, ',', &rest);
        assert_true(n < 4);
        assert_true(str_is(part, expected[n]));
        n++;
    }
    assert_int_equal(n, 4);
    Str whole = str_cut(STR("abc"), ',', &rest);
    assert_str(whole, "abc");
    assert_null(rest.ptr);
}

static void test_integers(void **state)
{
    int64_t i = 7;
    uint64_t u = 7;
    Error err;
    assert_int_equal(str_to_i64(STR("-9223372036854775808"), INT64_MIN, INT64_MAX, &i, &err), 0);
    assert_true(i == INT64_MIN);
    assert_int_equal(str_to_i64(STR("9223372036854775807"), INT64_MIN, INT64_MAX, &i, &err), 0);
    assert_true(i == INT64_MAX);
    assert_int_equal(str_to_i64(STR("-0"), 0, 1, &i, &err), 0);
    assert_true(i == 0);
    assert_int_equal(str_to_u64(STR("18446744073709551615"), UINT64_MAX, &u, &err), 0);
    assert_true(u == UINT64_MAX);
    static const char *const bad[] = { "", "-", "+1", " 1", "1 ", "1.0", "0x1", "9223372036854775808",
                                       "-9223372036854775809", "99999999999999999999999", "1e3", "--1",
                                       "\xD9\xA1" };
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        i = 42;
        assert_int_equal(str_to_i64(str_from(bad[k]), INT64_MIN, INT64_MAX, &i, &err), -1);
        assert_int_equal(err.code, ERR_BAD_REQUEST);
        assert_true(i == 42);       /* set on success only */
    }
    assert_int_equal(str_to_i64(STR("11"), 0, 10, &i, &err), -1);
    assert_non_null(strstr(err.message, "from 0 to 10"));
    assert_int_equal(str_to_i64(STR("-1"), 0, 10, &i, NULL), -1);
    assert_int_equal(str_to_u64(STR("18446744073709551616"), UINT64_MAX, &u, NULL), -1);
    assert_int_equal(str_to_u64(STR("-1"), UINT64_MAX, &u, NULL), -1);
    assert_int_equal(str_to_u64(STR("6"), 5, &u, NULL), -1);
}

static void test_doubles(void **state)
{
    double d = 0;
    assert_int_equal(str_to_double(STR("-12.5e-1"), &d, NULL), 0);
    assert_true(d == -1.25);
    assert_int_equal(str_to_double(STR(".5"), &d, NULL), 0);
    assert_true(d == 0.5);
    assert_int_equal(str_to_double(STR("0.1"), &d, NULL), 0);
    assert_true(d == 0.1);
    assert_int_equal(str_to_double(STR("NaN"), &d, NULL), 0);
    assert_true(isnan(d));
    assert_int_equal(str_to_double(STR("-Infinity"), &d, NULL), 0);
    assert_true(isinf(d) && d < 0);
    assert_int_equal(str_to_double(STR("1e-400"), &d, NULL), 0);
    assert_true(d == 0);
    static const char *const bad[] = { "", " 1", "1 ", "0x10", "1e", "1e+", ".", "-", "1,5", "1e999",
                                       "nan(1)", "1.2.3" };
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
        assert_int_equal(str_to_double(str_from(bad[k]), &d, NULL), -1);
    assert_int_equal(str_to_double(STR("1\0002"), &d, NULL), -1);
    static char digits[5000];
    memset(digits, '1', sizeof digits);
    assert_int_equal(str_to_double(str_of(digits, sizeof digits), &d, NULL), -1);
    assert_int_equal(str_to_double(str_of(digits, 300), &d, NULL), 0);
}

static void test_utf8_valid(void **state)
{
    static const Str good[] = {
        STR(""), STR("ascii text of more than eight bytes"), STR("\x7F"), STR("\xC2\x80"), STR("\xDF\xBF"),
        STR("\xE0\xA0\x80"), STR("\xED\x9F\xBF"), STR("\xEE\x80\x80"), STR("\xEF\xBF\xBF"),
        STR("\xF0\x90\x80\x80"),
        STR("\xF4\x8F\xBF\xBF"), STR("한글 텍스트와 emoji 🌊"), STR("a\0b"),
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(utf8_is_valid(good[i]));
    static const Str bad[] = {
        STR("\x80"), STR("\xBF"), STR("\xC0\x80"), STR("\xC1\xBF"), STR("\xC2"), STR("\xC2\x41"),
        STR("\xE0\x9F\xBF"),        /* overlong U+07FF */
        STR("\xED\xA0\x80"),        /* surrogate U+D800 */
        STR("\xED\xBF\xBF"),        /* surrogate U+DFFF */
        STR("\xE1\x80"), STR("\xE1\x80\xC0"), STR("\xF0\x8F\xBF\xBF"),
        STR("\xF4\x90\x80\x80"),    /* U+110000 */
        STR("\xF5\x80\x80\x80"), STR("\xFF"), STR("\xFE"), STR("12345678\x80"), STR("1234567\xE1\x80"),
        STR("\xF0\x90\x80"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(utf8_is_valid(bad[i]));
}

static void test_utf8_every_code_point(void **state)
{
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        char text[4];
        uint32_t back = 0;
        size_t n = utf8_encode(c, text);
        assert_int_equal(utf8_decode(str_of(text, n), &back), n);
        uint32_t expected = c >= 0xD800 && c <= 0xDFFF ? 0xFFFD : c;
        assert_int_equal(back, expected);
        if (n > 1)
            assert_int_equal(utf8_decode(str_of(text, n - 1), &back), 0);
    }
    char text[4];
    assert_int_equal(utf8_encode(0x110000, text), 3);
    assert_memory_equal(text, "\xEF\xBF\xBD", 3);
    uint32_t c;
    assert_int_equal(utf8_decode(STR_NULL, &c), 0);
    assert_int_equal(utf8_length(STR("한글🌊a")), 4);
    assert_int_equal(utf8_length(STR_NULL), 0);
}

static void test_hex(void **state)
{
    char text[8];
    uint8_t bytes[4];
    Error err;
    hex_encode("\x00\xFF\x1a\x9C", 4, text);
    assert_memory_equal(text, "00ff1a9c", 8);
    assert_int_equal(hex_decode(STR("00fF1A9c"), bytes, 4, &err), 0);
    assert_memory_equal(bytes, "\x00\xFF\x1a\x9C", 4);
    assert_int_equal(hex_decode(STR("00ff1a9"), bytes, 4, &err), -1);
    assert_int_equal(hex_decode(STR("00ff1a9cc"), bytes, 4, &err), -1);
    assert_int_equal(hex_decode(STR("00ff1a9g"), bytes, 4, &err), -1);
    assert_int_equal(hex_decode(STR("0x000000"), bytes, 4, &err), -1);
    assert_int_equal(err.code, ERR_BAD_REQUEST);
    assert_int_equal(hex_decode(STR(""), bytes, 0, &err), 0);
}

/* RFC 4648, section 10. */
static void test_base64(void **state)
{
    static const struct { Str bytes, text; } cases[] = {
        { STR(""), STR("") }, { STR("f"), STR("Zg==") }, { STR("fo"), STR("Zm8=") },
        { STR("foo"), STR("Zm9v") },
        { STR("foob"), STR("Zm9vYg==") }, { STR("fooba"), STR("Zm9vYmE=") },
        { STR("foobar"), STR("Zm9vYmFy") },
        { STR("\xFB\xFF\xFE"), STR("+//+") },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        _cleanup_buf_ Buf out = BUF_INIT(100);
        assert_int_equal(base64_encode(cases[i].bytes, false, &out), 0);
        assert_true(str_eq(buf_str(&out), cases[i].text));
        buf_clear(&out);
        assert_int_equal(base64_decode(cases[i].text, false, &out, NULL), 0);
        assert_true(str_eq(buf_str(&out), cases[i].bytes));
    }
    _cleanup_buf_ Buf out = BUF_INIT(100);
    assert_int_equal(base64_encode(STR("\xFB\xFF\xFE\xFF"), true, &out), 0);
    assert_str(buf_str(&out), "-__-_w");
    buf_clear(&out);
    assert_int_equal(base64_decode(STR("-__-_w"), true, &out, NULL), 0);
    assert_str(buf_str(&out), "\xFB\xFF\xFE\xFF");
}

static void test_base64_malformed(void **state)
{
    static const Str bad[] = {
        STR("Z"), STR("Zg"), STR("Zg="), STR("Zg==="), STR("===="), STR("Z==="), STR("Zg==Zg=="),
        STR("Zm9v "), STR("Zm9\n"),
        STR("-__-"), STR("Zh=="), STR("Zm9="), STR("Zm9\0"), STR("Zm=v"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        _cleanup_buf_ Buf out = BUF_INIT(100);
        Error err;
        assert_int_equal(base64_decode(bad[i], false, &out, &err), -1);
        assert_int_equal(err.code, ERR_BAD_REQUEST);
        assert_int_equal(out.len, 0);
    }
    static const Str bad_url[] = { STR("Zg=="), STR("Z"), STR("+//+"), STR("Zh") };
    for (size_t i = 0; i < sizeof bad_url / sizeof *bad_url; i++) {
        _cleanup_buf_ Buf out = BUF_INIT(100);
        assert_int_equal(base64_decode(bad_url[i], true, &out, NULL), -1);
    }
    _cleanup_buf_ Buf small = BUF_INIT(2);
    Error err;
    assert_int_equal(base64_decode(STR("Zm8="), false, &small, &err), 0);
    buf_clear(&small);
    assert_int_equal(base64_decode(STR("Zm9v"), false, &small, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
}

static void test_percent(void **state)
{
    _cleanup_buf_ Buf out = BUF_INIT(100);
    Error err;
    assert_int_equal(percent_decode(STR("a%2Fb%20c+d%ea%b0%80%00"), false, &out, &err), 0);
    assert_str(buf_str(&out), "a/b c+d가\0");
    buf_clear(&out);
    assert_int_equal(percent_decode(STR("a+b%2B"), true, &out, &err), 0);
    assert_str(buf_str(&out), "a b+");
    static const char *const bad[] = { "%", "%4", "a%4", "%4g", "%g4", "%%41", "%+1", "% 1" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        buf_clear(&out);
        assert_int_equal(percent_decode(str_from(bad[i]), false, &out, &err), -1);
        assert_int_equal(err.code, ERR_BAD_REQUEST);
    }
    buf_clear(&out);
    assert_int_equal(percent_encode(STR("AZaz09-._~ /+%가*"), false, &out), 0);
    assert_str(buf_str(&out), "AZaz09-._~%20%2F%2B%25%EA%B0%80%2A");
    buf_clear(&out);
    assert_int_equal(percent_encode(STR("a/b c"), true, &out), 0);
    assert_str(buf_str(&out), "a/b%20c");
    _cleanup_buf_ Buf small = BUF_INIT(3);
    assert_int_equal(percent_encode(STR("  "), false, &small), -1);
    assert_true(small.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_slice_and_find),
        cmocka_unit_test(test_cut_walks_all_parts),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_utf8_valid),
        cmocka_unit_test(test_utf8_every_code_point),
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_base64_malformed),
        cmocka_unit_test(test_percent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
