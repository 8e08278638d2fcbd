/* format(), IP addresses, uuids and the SQL side of numbers. */
#include "engine_test.h"

static void generic(void **state)
{
    static const TestCase cases[] = {
        {"t_format('a%%b %s|%-5s|%5s|%.2s', ['x', 'y', 'z', 'long'], 'ssss')", "a%b x|y    |    z|lo"},
        {"t_format('%S %<s %1$s', ['straße'], 's')", "STRASSE straße straße"},
        {"t_format('%2$s %1$s %s %s', ['a', 'b'], 'ss')", "b a a b"},
        {"t_format('%b %b %B', ['false', 'x', NULL], 'bss')", "false true FALSE"},
        {"t_format('%h %h %h', ['hello', 'true', '-42'], 'sbl')", "5e918d2 4cf 29"},
        {"t_format('%h %h', ['1.5', '2.5'], 'nd')", "1d2 40040000"},
        {"t_format('%.1s', ['😀'], 's')", "?"},
        {"t_format('%s', [NULL], 's')", "null"},
        {"t_format(NULL, ['x'], 's')", NULL},
        {"t_format('%10.2f|', [NULL], 'd')", "        nu|"},
    };
    TEST_CASES(cases);
}

static void numbers(void **state)
{
    static const TestCase cases[] = {
        {"t_format('%d %5d|%-5d|%05d %+d %(d %,d', ['1','2','3','4','5','-6','1234567'], 'lllllll')",
         "1     2|3    |00004 +5 (6) 1,234,567"},
        {"t_format('%x %X %#x %o %#o', ['255','255','255','8','8'], 'lllll')", "ff FF 0xff 10 010"},
        {"t_format('%,010d', ['-12345'], 'l')", "-00012,345"},
        {"t_format('%x', ['-1'], 'l')", "ffffffffffffffff"},
        {"t_format('%.2f %.0f %f', ['0.125','2.5','-0.0'], 'ddd')", "0.13 3 -0.000000"},
        {"t_format('%.2f %.3f %f', ['0.125','12','-1.00000050'], 'nnn')", "0.13 12.000 -1.000001"},
        {"t_format('%e %E %.0e', ['12345.678','0.0','9.99'], 'ddd')", "1.234568e+04 0.000000E+00 1e+01"},
        {"t_format('%e %e', ['0.00','99999.95'], 'nn')", "0.000000e-02 9.999995e+04"},
        {"t_format('%g %g %g %g', ['0.0001','0.00001','123456','1234567'], 'dddd')",
         "0.000100000 1.00000e-05 123456 1.23457e+06"},
        {"t_format('%,.2f %(.1f %08.2f', ['1234567.891','-1.5','-1.5'], 'ddd')",
         "1,234,567.89 (1.5) -0001.50"},
        {"t_format('%f %E', ['Infinity','NaN'], 'dd')", "Infinity NAN"},
        {"t_format('%a %a %.1a', ['1.0','-0.1','1.99'], 'ddd')", "0x1.0p0 -0x1.999999999999ap-4 0x1.0p1"},
        {"t_format('%s %s', ['0.0000001','0.10'], 'nn')", "1E-7 0.10"},
    };
    TEST_CASES(cases);
}

static void times(void **state)
{
    static const TestCase cases[] = {
        {"t_format('%s %s %s', ['2024-01-02','03:04:00','2024-01-02 03:04:05.120000'], 'DtT')",
         "2024-01-02 03:04 2024-01-02T03:04:05.120"},
        {"t_format('%s', ['2024-07-01 16:00:00.000|America/New_York'], 'Z')",
         "2024-07-01T12:00-04:00[America/New_York]"},
        {"t_format('%s', ['2024-01-01 00:00:00.000|+05:45'], 'Z')", "2024-01-01T05:45+05:45"},
        {"t_format('%1$tY-%1$tm-%1$td %1$tH:%1$tM:%1$tS.%1$tL %1$tp %1$tj %1$tA %1$Tb %1$ty', "
         "['2024-02-29 13:04:05.678000'], 'T')",
         "2024-02-29 13:04:05.678 pm 060 Thursday FEB 24"},
        {"t_format('%tF %tT', ['2024-01-02','2024-01-02 03:04:05'], 'DT')", "2024-01-02 03:04:05"},
        {"t_format('%tr %<tD %<tI %<tl %<te %<tC', ['2024-01-02 00:04:05'], 'T')",
         "12:04:05 AM 01/02/24 12 12 2 20"},
        {"t_format('%tF %<ts %<tQ', ['-1'], 'l')", "1969-12-31 -1 -1"},
        {"t_format('%tz %<tZ', ['2024-01-01 00:00:00|UTC'], 'Z')", "+0000 UTC"},
        {"t_format('%tc', ['2024-01-01 00:00:00|UTC'], 'Z')", "Mon Jan 01 00:00:00 UTC 2024"},
        {"t_format('%h %h', ['2024-01-02','2024-01-02 03:04:05'], 'DT')", "3f4042 9d727849"},
        {"t_format('%tH', ['2024-01-02'], 'D')", "INVALID_FUNCTION_ARGUMENT: Invalid format string: %tH "
                                                 "(IllegalFormatConversion: H != java.time.LocalDate)"},
        {"t_format('%tZ', ['2024-07-01 16:00:00|America/New_York'], 'Z')",
         "NOT_SUPPORTED: Names of the time zone America/New_York are not supported yet"},
    };
    TEST_CASES(cases);
}

#define INVALID "INVALID_FUNCTION_ARGUMENT: Invalid format string: "
static void errors(void **state)
{
    static const TestCase cases[] = {
        {"t_format('%d', ['x'], 's')", INVALID "%d (IllegalFormatConversion: d != java.lang.String)"},
        {"t_format('%f', ['1'], 'l')", INVALID "%f (IllegalFormatConversion: f != java.lang.Long)"},
        {"t_format('%a', ['1'], 'n')", INVALID "%a (IllegalFormatConversion: a != java.math.BigDecimal)"},
        {"t_format('%s %s', ['x'], 's')", INVALID "%s %s (MissingFormatArgument: Format specifier '%s')"},
        {"t_format('%<s', ['x'], 's')", INVALID "%<s (MissingFormatArgument: Format specifier '%<s')"},
        {"t_format('%3$-5.1s', ['x'], 's')",
         INVALID "%3$-5.1s (MissingFormatArgument: Format specifier '%-3$5.1s')"},
        {"t_format('%', ['x'], 's')", INVALID "% (UnknownFormatConversion: Conversion = '%')"},
        {"t_format('%y', ['x'], 's')", INVALID "%y (UnknownFormatConversion: Conversion = 'y')"},
        {"t_format('%tq', ['x'], 's')", INVALID "%tq (UnknownFormatConversion: Conversion = 'tq')"},
        {"t_format('%-d', ['1'], 'l')", INVALID "%-d (MissingFormatWidth: %-d)"},
        {"t_format('%+ d', ['1'], 'l')", INVALID "%+ d (IllegalFormatFlags: Flags = '+ ')"},
        {"t_format('%--5d', ['1'], 'l')", INVALID "%--5d (DuplicateFormatFlags: Flags = '-')"},
        {"t_format('%#d', ['1'], 'l')",
         INVALID "%#d (FormatFlagsConversionMismatch: Conversion = d, Flags = #)"},
        {"t_format('%.1d', ['1'], 'l')", INVALID "%.1d (IllegalFormatPrecision: 1)"},
        {"t_format('%5n', ['1'], 'l')", INVALID "%5n (IllegalFormatWidth: 5)"},
        {"t_format('%+x', ['1'], 'l')",
         INVALID "%+x (FormatFlagsConversionMismatch: Conversion = x, Flags = +)"},
        {"t_format('%99999999999d', ['1'], 'l')", INVALID "%99999999999d (IllegalFormatWidth: -2147483648)"},
        {"t_format('%100000000d', ['1'], 'l')",
         "INVALID_FUNCTION_ARGUMENT: Result of t_format is longer than 67108864 bytes"},
    };
    TEST_CASES(cases);
}

static void ipaddresses(void **state)
{
    static const TestCase cases[] = {
        {"t_ipaddress_to_varchar(t_varchar_to_ipaddress('2001:0DB8:0:0:1:0:0:1'))", "2001:db8::1:0:0:1"},
        {"t_ipaddress_to_varchar(t_varchar_to_ipaddress('::ffff:1.2.3.4'))", "1.2.3.4"},
        {"t_ipaddress_to_varchar(t_varchar_to_ipaddress('::1.2.3.4'))", "::102:304"},
        {"t_ipaddress_to_varchar(t_varchar_to_ipaddress('1:2:3:4:5:6:7::'))", "1:2:3:4:5:6:7:0"},
        {"t_ipaddress_to_varchar(t_varchar_to_ipaddress('::'))", "::"},
        {"t_varchar_to_ipaddress('01.2.3.4')",
         "INVALID_CAST_ARGUMENT: Cannot cast value to IPADDRESS: 01.2.3.4"},
        {"t_varchar_to_ipaddress('1.2.3')", "INVALID_CAST_ARGUMENT: Cannot cast value to IPADDRESS: 1.2.3"},
        {"t_varchar_to_ipaddress('1.2.3.4.')",
         "INVALID_CAST_ARGUMENT: Cannot cast value to IPADDRESS: 1.2.3.4."},
        {"t_varchar_to_ipaddress('1::2::3')",
         "INVALID_CAST_ARGUMENT: Cannot cast value to IPADDRESS: 1::2::3"},
        {"t_varchar_to_ipaddress(':1')", "INVALID_CAST_ARGUMENT: Cannot cast value to IPADDRESS: :1"},
        {"t_varchar_to_ipaddress('1:2:3:4:5:6:7:8:')",
         "INVALID_CAST_ARGUMENT: Cannot cast value to IPADDRESS: 1:2:3:4:5:6:7:8:"},
        {"t_varchar_to_ipaddress('1:2:3:4:5:6:7:8::')",
         "INVALID_CAST_ARGUMENT: Cannot cast value to IPADDRESS: 1:2:3:4:5:6:7:8::"},
        {"t_varchar_to_ipaddress('12345::')",
         "INVALID_CAST_ARGUMENT: Cannot cast value to IPADDRESS: 12345::"},
        {"t_ipaddress_to_varchar(t_varbinary_to_ipaddress('\\x0A\\x00\\x00\\x01'::BLOB))", "10.0.0.1"},
        {"t_varbinary_to_ipaddress('\\x0A'::BLOB)",
         "INVALID_CAST_ARGUMENT: Invalid IP address binary length: 1"},
        {"t_ip_contains('10.0.0.0/8', t_varchar_to_ipaddress('10.255.0.1'))", "true"},
        {"t_ip_contains('10.0.0.0/8', t_varchar_to_ipaddress('11.0.0.1'))", "false"},
        {"t_ip_contains('::ffff:a00:0/104', t_varchar_to_ipaddress('10.255.0.1'))", "true"},
        {"t_ip_contains('::/0', t_varchar_to_ipaddress('1.2.3.4'))", "false"},
        {"t_ip_contains('2001:db8::/33', t_varchar_to_ipaddress('2001:db8:8000::'))", "false"},
        {"t_ip_contains('10.0.0.1/8', t_varchar_to_ipaddress('10.0.0.1'))",
         "INVALID_FUNCTION_ARGUMENT: Invalid CIDR"},
        {"t_ip_contains('10.0.0.0/33', t_varchar_to_ipaddress('10.0.0.1'))",
         "INVALID_FUNCTION_ARGUMENT: Invalid CIDR"},
        {"t_ip_contains('10.0.0.0', t_varchar_to_ipaddress('10.0.0.1'))",
         "INVALID_FUNCTION_ARGUMENT: Invalid CIDR"},
        {"t_ip_contains('x/1', t_varchar_to_ipaddress('10.0.0.1'))",
         "INVALID_FUNCTION_ARGUMENT: Invalid network IP address"},
        {"t_ip_contains('10.0.0.0/-1', t_varchar_to_ipaddress('10.0.0.1'))",
         "INVALID_FUNCTION_ARGUMENT: Invalid prefix length"},
    };
    TEST_CASES(cases);
}

static void uuids(void **state)
{
    static const TestCase cases[] = {
        {"t_varchar_to_uuid('12151FD2-7586-11E9-8F9E-2A86E4085A59')", "12151fd2-7586-11e9-8f9e-2a86e4085a59"},
        {"t_varchar_to_uuid('12151fd2758611e98f9e2a86e4085a59')",
         "INVALID_CAST_ARGUMENT: Cannot cast value to UUID: 12151fd2758611e98f9e2a86e4085a59"},
        {"t_varbinary_to_uuid(t_uuid_to_varbinary(t_varchar_to_uuid('82151fd2-7586-11e9-8f9e-2a86e4085a59'))"
         ")",
         "82151fd2-7586-11e9-8f9e-2a86e4085a59"},
        {"t_varbinary_to_uuid('\\x00'::BLOB)", "INVALID_CAST_ARGUMENT: Invalid UUID binary length: 1"},
    };
    TEST_CASES(cases);
}

#define N(text) "t_varchar_to_number('" text "')"
static void number_functions(void **state)
{
    static const TestCase cases[] = {
        {"t_number_to_varchar(t_number_div(" N("1") ", " N("3") "))", "0.333333"},
        {"t_number_div(" N("1") ", " N("0") ")", "DIVISION_BY_ZERO: Division by zero"},
        {"t_number_to_bigint(" N("9223372036854775807.4") ")", "9223372036854775807"},
        {"t_number_to_bigint(" N("-9223372036854775808") ")", "-9223372036854775808"},
        {"t_number_to_bigint(" N("9223372036854775807.5") ")",
         "NUMERIC_VALUE_OUT_OF_RANGE: Cannot cast NUMBER '9223372036854775807.5' to BIGINT"},
        {"t_number_to_tinyint(" N("NaN") ")", "INVALID_CAST_ARGUMENT: Cannot cast NUMBER 'NaN' to TINYINT"},
        {"t_number_to_decimal_2(" N("99.995") ", 4)",
         "NUMERIC_VALUE_OUT_OF_RANGE: Cannot cast NUMBER '99.995' to "
         "DECIMAL(4, 2)"},
        {"t_number_to_decimal_2(" N("-99.994") ", 4)", "-99.99"},
        {"t_number_to_varchar(t_double_to_number(0.1::DOUBLE))", "0.1"},
        {"t_number_to_varchar(t_real_to_number(754.1985::FLOAT))", "754.1985"},
        {"t_number_to_double(" N("1e400") ")", "inf"},
        {"t_number_to_varchar(t_dec_to_number(1200.00::DECIMAL(38,2)))", "1.2E+3"},
        {"t_number_to_varchar(t_json_to_number('\"12.50\"'))", "12.5"},
        {"t_json_to_number('[1]')", "INVALID_CAST_ARGUMENT: Cannot cast '[1]' to number"},
        {"t_number_eq(" N("NaN") ", " N("NaN") ")", "false"},
        {"t_number_ne(" N("NaN") ", " N("1") ")", "true"},
        {"t_number_lt(" N("-2") ", " N("-1") ")", "true"},
        {N("1.0") " = " N("1"), "true"},
        {"(SELECT t_number_to_varchar(t_number_sum(t_dec_to_number(i))) FROM range(1, 100001) t(i))",
         "5.00005E+9"},
        {"(SELECT t_number_to_varchar(t_number_avg(t_dec_to_number(i))) FROM range(1, 11) t(i))", "5.5"},
        {"(SELECT t_number_to_varchar(max(t_varchar_to_number(x))) FROM (VALUES ('9'), ('10'), ('-1')) t(x))",
         "1E+1"},
    };
    TEST_CASES(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generic),          cmocka_unit_test(numbers),     cmocka_unit_test(times),
        cmocka_unit_test(errors),           cmocka_unit_test(ipaddresses), cmocka_unit_test(uuids),
        cmocka_unit_test(number_functions),
    };
    return test_engine_run(tests, sizeof tests / sizeof *tests);
}
