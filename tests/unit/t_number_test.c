/* t_* functions on numbers: integers, doubles, decimals and their casts. */
#include "engine_test.h"

static void integers(void **state)
{
    static const TestCase cases[] = {
        {"t_div(7::BIGINT, 2::BIGINT)", "3"},
        {"t_div(-7::INTEGER, 2::INTEGER)", "-3"},
        {"t_div(1::TINYINT, 0::TINYINT)", "DIVISION_BY_ZERO: Division by zero"},
        {"t_div((-128)::TINYINT, (-1)::TINYINT)",
         "NUMERIC_VALUE_OUT_OF_RANGE: tinyint division overflow: -128 / -1"},
        {"t_div(1::BIGINT, NULL::BIGINT)", NULL},
        {"t_mod(-7::BIGINT, 3::BIGINT)", "-1"},
        {"t_mod((-9223372036854775808)::BIGINT, (-1)::BIGINT)", "0"},
        {"t_mod(1::SMALLINT, 0::SMALLINT)", "DIVISION_BY_ZERO: Division by zero"},
        {"t_mod(7.5::DOUBLE, 2::DOUBLE)", "1.5"},
        {"isnan(t_mod(7.5::DOUBLE, 0::DOUBLE))", "true"},
        {"t_bitwise_right_shift((-1)::INTEGER, 28)", "15"},
        {"t_bitwise_right_shift_arithmetic((-8)::TINYINT, 1)", "-4"},
        {"t_bitwise_left_shift(1::BIGINT, 64)", "0"},
        {"t_bit_count(-1::BIGINT, 8::BIGINT)", "8"},
        {"t_bit_count(128::BIGINT, 8::BIGINT)",
         "INVALID_FUNCTION_ARGUMENT: Number must be representable with the bits specified. 128 cannot be "
         "represented with 8 bits"},
        {"t_round_int(9223372036854775807::BIGINT, -19)", "NUMERIC_VALUE_OUT_OF_RANGE: numerical overflow: "
                                                          "9223372036854775807"},
        {"t_round_int(-149::BIGINT, -2)", "-100"},
        {"t_round_int(-150::INTEGER, -2)", "-200"},
        {"t_to_base(255, 16)", "ff"},
        {"t_from_base('-ff', 16)", "-255"},
        {"t_from_base('zz', 16)", "INVALID_FUNCTION_ARGUMENT: Not a valid base-16 number: zz"},
        {"t_from_base('1', 37)", "INVALID_FUNCTION_ARGUMENT: Radix must be between 2 and 36"},
        {"t_check_subscript(0, 3)", "INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1"},
        {"t_check_subscript(4, 3)",
         "INVALID_FUNCTION_ARGUMENT: Array subscript must be less than or equal to array length: 4 > 3"},
        {"t_check_sequence(1, 10000, 1)", "1"},
        {"t_check_sequence(1, 10001, 1)",
         "INVALID_FUNCTION_ARGUMENT: result of sequence function must not have more than 10000 entries"},
        {"t_check_sequence((-9223372036854775808)::BIGINT, 9223372036854775807, 1)",
         "INVALID_FUNCTION_ARGUMENT: result of sequence function must not have more than 10000 entries"},
        {"t_check_sequence(5, 1, -2)", "-2"},
        {"t_check_range(0, 1, 5, 'N must be positive')", "INVALID_FUNCTION_ARGUMENT: N must be positive"},
        {"CASE WHEN 1 = 1 THEN false ELSE t_fail(7, 'INVALID_FUNCTION_ARGUMENT', 'never') END", "false"},
        {"t_fail(7, 'INVALID_FUNCTION_ARGUMENT', NULL)", "INVALID_FUNCTION_ARGUMENT: null"},
        {"TRY(t_div(1::BIGINT, 0::BIGINT))", NULL},
    };
    TEST_CASES(cases);
}

static void doubles(void **state)
{
    static const TestCase cases[] = {
        {"t_eq('nan'::DOUBLE, 'nan'::DOUBLE)", "false"},
        {"t_ne('nan'::DOUBLE, 'nan'::DOUBLE)", "true"},
        {"t_gt('nan'::DOUBLE, 1)", "false"},
        {"t_ln(0)", "-inf"},
        {"isnan(t_sqrt(-1))", "true"},
        {"t_cbrt(27)", "3.0"},
        {"t_round(2.5::DOUBLE)", "3.0"},
        {"t_round(-2.5::DOUBLE)", "-3.0"},
        {"t_round(1234.5678::DOUBLE, 2)", "1234.57"},
        {"t_round(1250::DOUBLE, -2)", "1300.0"},
        {"t_double_to_bigint(2.5)", "3"},
        {"t_double_to_integer(-2.5)", "-3"},
        {"t_double_to_bigint(9.3e18)", "NUMERIC_VALUE_OUT_OF_RANGE: Out of range for bigint: 9.3E18"},
        {"t_double_to_tinyint(128::DOUBLE)", "NUMERIC_VALUE_OUT_OF_RANGE: Out of range for tinyint: 128.0"},
        {"t_double_to_varchar(0::DOUBLE)", "0E0"},
        {"t_double_to_varchar(1::DOUBLE)", "1.0E0"},
        {"t_double_to_varchar(-123456789.125::DOUBLE)", "-1.23456789125E8"},
        {"t_double_to_varchar('inf'::DOUBLE)", "Infinity"},
        {"t_real_to_varchar(0.1::FLOAT)", "1.0E-1"},
        {"t_varchar_to_double(' 1e3 ')", "1000.0"},
        {"t_varchar_to_double('abc')", "INVALID_CAST_ARGUMENT: Cannot cast 'abc' to DOUBLE"},
        {"t_varchar_to_double('inf')", "INVALID_CAST_ARGUMENT: Cannot cast 'inf' to DOUBLE"},
        {"t_varchar_to_double('-Infinity')", "-inf"},
        {"t_width_bucket(3.14, 0, 4, 3)", "3"},
        {"t_width_bucket(3.14, 0, 4, 0)", "INVALID_FUNCTION_ARGUMENT: bucketCount must be greater than 0"},
        {"t_width_bucket(1.5, [0::DOUBLE, 1, 2])", "2"},
        {"t_normal_cdf(0, 1, 0)", "0.5"},
        {"round(t_inverse_normal_cdf(0, 1, 0.975), 9)", "1.959963985"},
        {"round(t_beta_cdf(3, 3.6, 0.3), 9)", "0.2176481"},
        {"round(t_t_cdf(1.5, 7), 9)", "0.911350757"},
        {"t_normal_cdf(0, 0, 1)", "INVALID_FUNCTION_ARGUMENT: standardDeviation must be > 0"},
    };
    TEST_CASES(cases);
}

static void decimals(void **state)
{
    static const TestCase cases[] = {
        {"t_dec_div_7(1::DECIMAL(10,2), 3::DECIMAL(10,0))", "0.3333333"},
        {"t_dec_div_0(5::DECIMAL(10,0), 2::DECIMAL(10,0))", "3"},
        {"t_dec_div_0((-5)::DECIMAL(10,0), 2::DECIMAL(10,0))", "-3"},
        {"t_dec_div_2(1::DECIMAL(3,0), 0::DECIMAL(3,0))", "DIVISION_BY_ZERO: Division by zero"},
        {"t_dec_div_6(200000000000000000000000000000000000::DECIMAL(38,0), 0.3::DECIMAL(3,2))",
         "NUMERIC_VALUE_OUT_OF_RANGE: Decimal overflow"},
        {"t_dec_div_6(9223372036854775807::BIGINT, 1.25::DECIMAL(3,2))", "7378697629483820645.600000"},
        {"t_dec_div_38(0.5::DECIMAL(38,38), 7::DECIMAL(38,0))", ".07142857142857142857142857142857142857"},
        {"t_dec_div_38(0::DECIMAL(38,0), 0.1::DECIMAL(38,38))",
         "NUMERIC_VALUE_OUT_OF_RANGE: Decimal overflow"},
        {"t_dec_mul_6(99999999999999999999.99::DECIMAL(38,2), 3.5::DECIMAL(10,1))",
         "349999999999999999999.965000"},
        {"t_dec_mul_0(99999999999999999999::DECIMAL(38,0), 99999999999999999999::DECIMAL(38,0))",
         "NUMERIC_VALUE_OUT_OF_RANGE: Decimal overflow"},
        {"t_dec_mul_10(0.12345678901234567890::DECIMAL(38,20), 0.98765432109876543210::DECIMAL(38,20))",
         "0.1219326311"},
        {"t_dec_add_37(9.9999999999999999999999999999999999999::DECIMAL(38,37), "
         "0.0000000000000000000000000000000000001::DECIMAL(38,37))",
         "NUMERIC_VALUE_OUT_OF_RANGE: Decimal overflow"},
        {"t_dec_add_1(99999999999999999999999999999999999999::DECIMAL(38,0), 0.5::DECIMAL(2,1))",
         "NUMERIC_VALUE_OUT_OF_RANGE: Decimal overflow"},
        {"t_dec_sub_2(1.25::DECIMAL(5,2), 3::DECIMAL(3,0))", "-1.75"},
        {"t_dec_add_0(1.5::DECIMAL(5,1), 1::DECIMAL(3,0))", "3"},
        {"t_dec_mod_2((-7.25)::DECIMAL(5,2), 2::DECIMAL(3,0))", "-1.25"},
        {"t_dec_avg_2(10.00::DECIMAL(38,2), 3::BIGINT)", "3.33"},
        {"t_dec_avg_2((-20.00)::DECIMAL(38,2), 3::BIGINT)", "-6.67"},
        {"t_dec_avg_2(1.00::DECIMAL(38,2), 0::BIGINT)", NULL},
        {"t_dec_round_2(2.345::DECIMAL(5,3), 2)", "2.35"},
        {"t_dec_round_0(-155::DECIMAL(5,0), -1)", "-160"},
        {"t_dec_trunc_0(-2.9::DECIMAL(5,1))", "-2"},
        {"t_dec_ceil_0(-2.9::DECIMAL(5,1))", "-2"},
        {"t_dec_floor_0(-2.1::DECIMAL(5,1))", "-3"},
        {"t_dec_cast_2(99999999.999::DECIMAL(11,3), 9)",
         "NUMERIC_VALUE_OUT_OF_RANGE: Cannot cast DECIMAL(11, 3) '99999999.999' to DECIMAL(9, 2)"},
        {"t_dec_cast_1(0.05::DECIMAL(3,2), 3)", "0.1"},
        {"t_int_to_decimal_0(10, 1, 'BIGINT')",
         "NUMERIC_VALUE_OUT_OF_RANGE: Cannot cast BIGINT '10' to DECIMAL(1, 0)"},
        {"t_double_to_decimal_2(2.675::DOUBLE, 10)", "2.68"},
        {"t_real_to_decimal_2(1234567940::FLOAT, 18)", "1234568000.00"},
        {"t_real_to_varchar(16777216.5::FLOAT)", "1.677722E7"},
        {"t_bitwise_right_shift((-128)::TINYINT, -2147483647)", "64"},
        {"t_double_to_decimal_0(-234::DOUBLE, 2)",
         "NUMERIC_VALUE_OUT_OF_RANGE: Cannot cast DOUBLE '-234.0' to DECIMAL(2, 0)"},
        {"t_double_to_decimal_5('nan'::DOUBLE, 10)",
         "INVALID_CAST_ARGUMENT: Cannot cast DOUBLE 'NaN' to DECIMAL(10, 5)"},
        {"t_double_to_decimal_0(1e300::DOUBLE, 38)",
         "NUMERIC_VALUE_OUT_OF_RANGE: Cannot cast DOUBLE '1.0E300' to DECIMAL(38, 0)"},
        {"t_varchar_to_decimal_2('12.345', 10)", "12.35"},
        {"t_varchar_to_decimal_2('1.5e2', 10)", "150.00"},
        {"t_varchar_to_decimal_0('bar', 38)",
         "INVALID_CAST_ARGUMENT: Cannot cast VARCHAR 'bar' to DECIMAL(38, 0). Value is not a number."},
        {"t_varchar_to_decimal_0('234.0', 2)",
         "INVALID_CAST_ARGUMENT: Cannot cast VARCHAR '234.0' to DECIMAL(2, 0). Value too large."},
        {"t_varchar_to_decimal_0('99999999999999999999999999999999999999.4', 38)",
         "99999999999999999999999999999999999999"},
        {"t_dec_to_double(12345678901234567890.123::DECIMAL(38,3))", "1.2345678901234567e+19"},
    };
    TEST_CASES(cases);
}

static void casts_from_text(void **state)
{
    static const TestCase cases[] = {
        {"t_varchar_to_bigint(' 12 ')", "12"},
        {"t_varchar_to_integer('+12')", "12"},
        {"t_varchar_to_integer('1.5')", "INVALID_CAST_ARGUMENT: Cannot cast '1.5' to INT"},
        {"t_varchar_to_tinyint('128')", "INVALID_CAST_ARGUMENT: Cannot cast '128' to TINYINT"},
        {"t_varchar_to_bigint('9223372036854775808')",
         "INVALID_CAST_ARGUMENT: Cannot cast '9223372036854775808' to BIGINT"},
        {"t_varchar_to_boolean('T')", "true"},
        {"t_varchar_to_boolean('yes')", "INVALID_CAST_ARGUMENT: Cannot cast 'yes' to BOOLEAN"},
    };
    TEST_CASES(cases);
}

/* NULLs inside vectors, and vectors longer than one. */
static void vectors(void **state)
{
    static const TestCase cases[] = {
        {"(SELECT sum(t_div(a, b)) FROM (SELECT CASE WHEN range % 3 > 0 THEN range END AS a, 2::BIGINT AS b "
         "FROM range(100000)))",
         "1666616667"},
        {"(SELECT count(t_varchar_to_bigint(CASE WHEN range % 2 = 0 THEN range::VARCHAR END)) FROM "
         "range(10000))",
         "5000"},
        {"(SELECT sum(t_dec_mul_4(range::DECIMAL(18,2), 0.01::DECIMAL(3,2))) FROM range(1000))", "4995.0000"},
    };
    TEST_CASES(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(integers), cmocka_unit_test(doubles),
                                       cmocka_unit_test(decimals), cmocka_unit_test(casts_from_text),
                                       cmocka_unit_test(vectors)};
    return test_engine_run(tests, sizeof tests / sizeof *tests);
}
