/* The number type: texts, bytes and their order, arithmetic, rounding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "query/engine/functions/number.h"

static const char *text_of(Number *v)
{
    static char text[NUMBER_STRING_MAX + 1];
    uint8_t bytes[NUMBER_BYTES_MAX];
    size_t n = number_encode(v, bytes);
    Number again;
    if (n == 0)
        return "does not fit";
    assert_true(number_decode(str_of((const char *)bytes, n), &again));
    *put_number(text, &again) = 0;
    return text;
}

static Number number(const char *text)
{
    Number v;
    if (!number_parse(str_from(text), &v))
        fail_msg("%s is no number", text);
    return v;
}

static void texts(void **state)
{
    static const char *const cases[][2] = {
        {"0", "0"},
        {"-0.000", "0"},
        {" +1.50\n", "1.5"},
        {".5", "0.5"},
        {"5.", "5"},
        {"100", "1E+2"},
        {"0.000001", "0.000001"},
        {"0.0000001", "1E-7"},
        {"12345678901234567890", "1.234567890123456789E+19"},
        {"-1.25e-10", "-1.25E-10"},
        {"Infinity", "+Infinity"},
        {"-Infinity", "-Infinity"},
        {"NaN", "NaN"},
        {"1e-16383", "1E-16383"},
        {"1e-16384", "does not fit"},
        {"1e16384", "1E+16384"},
        {"1e16385", "does not fit"},
        {"1e999999999999", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Number v;
        if (number_parse(str_from(cases[i][0]), &v))
            assert_string_equal(text_of(&v), cases[i][1]);
        else
            assert_null(cases[i][1]);
    }
    static const char *const bad[] = {"",      " ",    "+",   ".",    "1e",    "e5",
                                      "1.2.3", "+NaN", "nan", "0x10", "1_000", "1 2"};
    Number v;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(number_parse(str_from(bad[i]), &v));
}

/* 201 digits are rounded half up to 200. */
static void limit(void **state)
{
    char digits[210];
    memset(digits, '1', sizeof digits);
    digits[200] = '5';
    digits[201] = 0;
    Number v = number(digits);
    const char *text = text_of(&v);
    assert_int_equal(strlen(text), 201 + 5);
    assert_string_equal(text + 199, "12E+200");
    memset(digits, '9', 201);
    v = number(digits);
    assert_string_equal(text_of(&v), "1E+201");
}

static void order(void **state)
{
    static const char *const ascending[] = {
        "-Infinity", "-1e300", "-100",  "-99.5", "-99",   "-12.1",   "-12",      "-1.5",  "-1.49",
        "-1",        "-0.1",   "-1e-9", "0",     "1e-9",  "0.099",   "0.1",      "0.101", "1",
        "1.5",       "9",      "10",    "10.01", "1e100", "1.1e100", "Infinity", "NaN",
    };
    enum { N = sizeof ascending / sizeof *ascending };
    uint8_t bytes[N][NUMBER_BYTES_MAX];
    size_t n[N];
    for (size_t i = 0; i < N; i++) {
        Number v = number(ascending[i]);
        n[i] = number_encode(&v, bytes[i]);
        if (i > 0 && str_cmp(str_of((char *)bytes[i - 1], n[i - 1]), str_of((char *)bytes[i], n[i])) >= 0)
            fail_msg("%s does not sort before %s", ascending[i - 1], ascending[i]);
    }
}

static void arithmetic(void **state)
{
    static const struct {
        const char *a, op, *b, *expected;
    } cases[] = {
        {"0.1", '+', "0.2", "0.3"},
        {"99999999999999999999", '+', "1", "1E+20"},
        {"-5", '+', "3.25", "-1.75"},
        {"1e300", '+', "1e-300", "1E+300"},
        {"1e300", '+', "-1e300", "0"},
        {"Infinity", '+', "-Infinity", "NaN"},
        {"1", '+', "-Infinity", "-Infinity"},
        {"123456789123456789", '*', "-987654321987654321", "-121932631356500531347203169112635269"},
        {"0", '*', "Infinity", "NaN"},
        {"-2", '*', "Infinity", "-Infinity"},
        {"1", '/', "3", "0.333333"},
        {"2", '/', "3", "0.666667"},
        {"1", '/', "1e50", "0"},
        {"1e50", '/', "3", "33333333333333333333333333333333333333333333333333.333333"},
        {"-7", '/', "2", "-3.5"},
        {"1", '/', "Infinity", "0"},
        {"Infinity", '/', "Infinity", "NaN"},
        {"Infinity", '/', "-1", "-Infinity"},
        {"1", '/', "0", NULL},
        {"7", '%', "-3", "1"},
        {"-7", '%', "3", "-1"},
        {"1e50", '%', "7", "2"},
        {"1.5", '%', "1e50", "1.5"},
        {"5", '%', "0.3", "0.2"},
        {"123456789012345678901234567890", '%', "98765432109876543210", "6.018518520725308641E+19"},
        {"1", '%', "0", NULL},
        {"1", '%', "Infinity", "1"},
        {"Infinity", '%', "1", "NaN"},
        {"1e16383", '*', "10000", "does not fit"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Number a = number(cases[i].a), b = number(cases[i].b);
        bool ok = true;
        if (cases[i].op == '+')
            number_add(&a, &b);
        else if (cases[i].op == '*')
            number_multiply(&a, &b);
        else
            ok = cases[i].op == '/' ? number_divide(&a, &b) : number_modulus(&a, &b);
        assert_true(ok == (cases[i].expected != NULL));
        if (ok)
            assert_string_equal(text_of(&a), cases[i].expected);
    }
}

/* (q * b) + r = a for whole numbers of many sizes, where q * b does not need rounding. */
static void division_with_rest(void **state)
{
    uint64_t seed = 42;
    for (int round = 0; round < 2000; round++) {
        char x[100], y[50];
        size_t nx = 1 + seed % 90, ny = 1 + (seed >> 8) % 40;
        for (size_t i = 0; i < 90; i++) {
            seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
            char digit = (char)('0' + (seed >> 33) % (seed >> 60 ? 10 : 2));
            if (i < nx)
                x[i] = digit;
            if (i < ny)
                y[i] = i == 0 && digit == '0' ? '1' : digit;
        }
        x[nx] = y[ny] = 0;
        Number a = number(x), b = number(y), rest = a, q;
        assert_true(number_modulus(&rest, &b));
        q = rest;
        number_negate(&q);
        number_add(&q, &a); /* a - rest */
        uint8_t bytes[NUMBER_BYTES_MAX];
        assert_true(number_encode(&q, bytes) > 0);
        assert_true(number_divide(&q, &b));
        Number whole = q;
        number_round(&whole, 0, NUMBER_TRUNCATE);
        number_negate(&whole);
        Number zero = whole;
        number_add(&zero, &q);
        assert_true(number_is_zero(&zero)); /* it divides */
        number_multiply(&q, &b);
        number_add(&q, &rest);
        char expected[NUMBER_STRING_MAX + 1];
        snprintf(expected, sizeof expected, "%s", text_of(&a));
        assert_string_equal(text_of(&q), expected);
    }
}

static void rounding(void **state)
{
    static const struct {
        const char *value;
        int scale;
        NumberRounding how;
        const char *expected;
    } cases[] = {
        {"2.5", 0, NUMBER_HALF_UP, "3"},      {"-2.5", 0, NUMBER_HALF_UP, "-3"},
        {"2.49999", 0, NUMBER_HALF_UP, "2"},  {"999.995", 2, NUMBER_HALF_UP, "1E+3"},
        {"150", -2, NUMBER_HALF_UP, "2E+2"},  {"49", -2, NUMBER_HALF_UP, "0"},
        {"-1.5", 0, NUMBER_TRUNCATE, "-1"},   {"1.0001", 0, NUMBER_CEILING, "2"},
        {"-1.0001", 0, NUMBER_CEILING, "-1"}, {"-0.5", 0, NUMBER_FLOOR, "-1"},
        {"0.5", 0, NUMBER_FLOOR, "0"},        {"1.5", 42, NUMBER_HALF_UP, "1.5"},
        {"NaN", 0, NUMBER_HALF_UP, "NaN"},    {"-Infinity", -5, NUMBER_HALF_UP, "-Infinity"},
        {"1e-30", 0, NUMBER_CEILING, "1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Number v = number(cases[i].value);
        number_round(&v, cases[i].scale, cases[i].how);
        assert_string_equal(text_of(&v), cases[i].expected);
    }
}

static void bad_bytes(void **state)
{
    static const char *const bad[] = {
        "", "\x00", "\x07", "\x03\x01", "\x04\x80", "\x04\x80\x01", "\x04\x80\x01\x66"};
    static const size_t lengths[] = {0, 1, 1, 2, 2, 3, 4};
    Number v;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(number_decode(str_of(bad[i], lengths[i]), &v));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),      cmocka_unit_test(limit),    cmocka_unit_test(order),
        cmocka_unit_test(arithmetic), cmocka_unit_test(rounding), cmocka_unit_test(division_with_rest),
        cmocka_unit_test(bad_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
