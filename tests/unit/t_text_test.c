/* t_* functions on text and bytes: code points, patterns, digests, URLs. */
#include "engine_test.h"

static void strings(void **state)
{
    static const TestCase cases[] = {
        {"t_substr('héllo', 2, 3)", "éll"},
        {"t_substr('abc', 0)", ""},
        {"t_substr('abc', -2)", "bc"},
        {"t_substr('abc', -5)", ""},
        {"t_substr('abc', 2, 9223372036854775807)", "bc"},
        {"t_substr('héllo', -4, 2)", "él"},
        {"t_strpos('héllo', 'l')", "3"},
        {"t_strpos('abcabc', 'c', 2)", "6"},
        {"t_strpos('abcabc', 'c', -1)", "6"},
        {"t_strpos('abc', 'z')", "0"},
        {"t_split_part('a,b', ',', 2)", "b"},
        {"t_split_part('a,b', ',', 3)", NULL},
        {"t_split_part('a', ',', 0)", "INVALID_FUNCTION_ARGUMENT: Index must be greater than zero"},
        {"array_to_string(t_split('a,b,,c', ','), '|')", "a|b||c"},
        {"array_to_string(t_split('a,b,c', ',', 2), '|')", "a|b,c"},
        {"t_split('a', '')", "INVALID_FUNCTION_ARGUMENT: The delimiter may not be the empty string"},
        {"t_split_to_map('a=1,b=2', ',', '=')['b']", "2"},
        {"t_split_to_map('a=1=2', ',', '=')",
         "INVALID_FUNCTION_ARGUMENT: Key-value delimiter must appear exactly once in each "
         "entry. Bad input: 'a=1=2'"},
        {"t_lpad('é', 5, 'ab')", "ababé"},
        {"t_rpad('héllo', 2, 'x')", "hé"},
        {"t_lpad('abc', -1, 'x')",
         "INVALID_FUNCTION_ARGUMENT: Target length must be in the range [0..2147483647]"},
        {"t_rpad('abc', 3, '')", "INVALID_FUNCTION_ARGUMENT: Padding string must not be empty"},
        {"t_replace('aé', '', '-')", "-a-é-"},
        {"t_replace('abcb', 'b')", "ac"},
        {"t_reverse('hé')", "éh"},
        {"t_translate('abcd', 'abc', 'xé')", "xéd"},
        {"t_upper('straße ﬁ é')", "STRASSE FI É"},
        {"t_lower('ÀÉ')", "àé"},
        {"t_trim(' \u3000a ')", "a"},
        {"t_rtrim('abcc', 'c')", "ab"},
        {"t_chr(233)", "é"},
        {"t_codepoint('é')", "233"},
        {"t_chr(-1)", "INVALID_FUNCTION_ARGUMENT: Not a valid Unicode code point: -1"},
        {"t_concat_ws(',', ['a', NULL, 'b'])", "a,b"},
        {"t_levenshtein_distance('kitten', 'sitting')", "3"},
        {"t_hamming_distance('abc', 'abd')", "1"},
        {"t_soundex('Tymczak')", "T522"},
        {"t_luhn_check('79927398713')", "true"},
        {"t_char_pad('é', 3)", "é  "},
        {"t_fits_varchar('abc', 3)", "abc"},
        {"t_fits_varchar('abcd', 3)",
         "INVALID_CAST_ARGUMENT: Value abcd cannot be represented as varchar(3)"},
        {"t_check_length('ab  ', 3, 'too long')", "ab "},
        {"t_check_length('abcd', 3, 'too long')", "INVALID_CAST_ARGUMENT: too long"},
    };
    TEST_CASES(cases);
}

static void patterns(void **state)
{
    static const TestCase cases[] = {
        {"t_regexp_like('Stephen', '^Ste(v|ph)en$')", "true"},
        {"t_regexp_like('ab', '(?=a)ab')", "true"},
        {"t_regexp_extract('1a 2b', '(\\d)([a-z])', 2)", "a"},
        {"t_regexp_extract('x', '(y)?x', 1)", NULL},
        {"t_regexp_extract('x', 'z')", NULL},
        {"t_regexp_extract('a', 'a', 1)",
         "INVALID_FUNCTION_ARGUMENT: Pattern has 0 groups. Cannot access group 1"},
        {"t_regexp_extract('a', '(a')", "INVALID_FUNCTION_ARGUMENT: end pattern with unmatched parenthesis"},
        {"array_to_string(t_regexp_extract_all('1a 2b', '\\d'), '|')", "1|2"},
        {"array_to_string(t_regexp_split('a1b2c', '\\d'), '|')", "a|b|c"},
        {"t_regexp_count('é1é', 'é')", "2"},
        {"t_regexp_position('aé1', '\\d')", "3"},
        {"t_regexp_position('a', 'b')", "-1"},
        {"t_regexp_position('a1b2', '\\d', 3, 1)", "4"},
        {"t_regexp_replace('abc', '(b)', '[$1]')", "a[b]c"},
        {"t_regexp_replace('xy', '(?<n>x)', '${n}${n}')", "xxy"},
        {"t_regexp_replace('abc', '', '-')", "-a-b-c-"},
        {"t_regexp_replace('xx', 'x', '$1')",
         "INVALID_FUNCTION_ARGUMENT: Illegal replacement sequence: unknown group 1"},
        {"t_regexp_replace('a.b', '\\.', '\\$')", "a$b"},
        {"t_regexp_replace('abc', '[a-b]')", "c"},
        {"t_like('a%c', 'a#%c', '#')", "true"},
        {"t_like('abc', 'a#%c', '#')", "false"},
        {"t_like('héllo', 'h_l%')", "true"},
        {"t_like('abc', 'a#bc', '#')", "INVALID_FUNCTION_ARGUMENT: Escape character must be followed by '%', "
                                       "'_' or the escape character itself"},
        {"t_like('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab', '%a%a%a%a%a%a%a%a%a%c')", "false"},
        {"t_regexp_like(repeat('a', 60) || 'b', '^(a|aa)+$')",
         "INVALID_FUNCTION_ARGUMENT: Regular expression matching exceeded the limit of 10000000 steps"},
    };
    TEST_CASES(cases);
}

static void bytes(void **state)
{
    static const TestCase cases[] = {
        {"t_to_hex(t_md5(t_to_utf8('')))", "D41D8CD98F00B204E9800998ECF8427E"},
        {"t_to_hex(t_sha1(t_to_utf8('abc')))", "A9993E364706816ABA3E25717850C26C9CD0D89D"},
        {"t_to_hex(t_xxhash64(t_to_utf8('')))", "EF46DB3751D8E999"},
        {"t_crc32(t_to_utf8('123456789'))", "3421780262"},
        {"t_to_hex(t_hmac_md5(t_to_utf8('what do ya want for nothing?'), t_to_utf8('Jefe')))",
         "750C783E6AB0B503EAA86E310A5DB738"},
        {"t_to_hex(t_murmur3(t_to_utf8('')))", "00000000000000000000000000000000"},
        {"t_to_base64(t_to_utf8('ab'))", "YWI="},
        {"t_from_utf8(t_from_base64('YWI'))", "ab"},
        {"t_to_base32(t_to_utf8('fooba'))", "MZXW6YTB"},
        {"t_from_utf8(t_from_base32('MZXW6==='))", "foo"},
        {"t_from_hex('abc')", "INVALID_FUNCTION_ARGUMENT: invalid input length 3"},
        {"t_from_hex('fg')", "INVALID_FUNCTION_ARGUMENT: not a hexadecimal digit: \"g\" = 103"},
        {"t_from_utf8(t_from_hex('58BF'))", "X\xef\xbf\xbd"},
        {"t_from_utf8(t_from_hex('58BF'), '#')", "X#"},
        {"t_to_hex(t_to_big_endian_64(258))", "0000000000000102"},
        {"t_from_big_endian_32(t_from_hex('FFFFFFFF'))", "-1"},
        {"t_to_hex(t_to_ieee754_64(1::DOUBLE))", "3FF0000000000000"},
        {"t_from_ieee754_32(t_from_hex('3F800000'))", "1.0"},
        {"t_to_hex(t_blob_substr(t_from_hex('010203'), 2))", "0203"},
        {"t_to_hex(t_reverse(t_from_hex('0102')))", "0201"},
    };
    TEST_CASES(cases);
}

static void urls(void **state)
{
#define URL "'http://u:p@example.com:8080/a%20b/p.php?k1=v%261&k2#Ref1'"
    static const TestCase cases[] = {
        {"t_url_extract_protocol(" URL ")", "http"},      {"t_url_extract_host(" URL ")", "example.com"},
        {"t_url_extract_port(" URL ")", "8080"},          {"t_url_extract_path(" URL ")", "/a b/p.php"},
        {"t_url_extract_fragment(" URL ")", "Ref1"},      {"t_url_extract_parameter(" URL ", 'k1')", "v&1"},
        {"t_url_extract_parameter(" URL ", 'k2')", ""},   {"t_url_extract_parameter(" URL ", 'k3')", NULL},
        {"t_url_extract_host('http://not a url')", NULL}, {"t_url_encode('a b/é')", "a+b%2F%C3%A9"},
        {"t_url_decode('a+b%2F%C3%A9')", "a b/é"},
    };
    TEST_CASES(cases);
}

static void units(void **state)
{
    static const TestCase cases[] = {
        {"t_parse_duration('1234.567 s')", "1234567"},
        {"t_parse_duration('abc')",
         "INVALID_FUNCTION_ARGUMENT: duration is not a valid data duration string: abc"},
        {"t_parse_data_size('2.5kB')", "2560"},
        {"t_parse_data_size('10KB')", "INVALID_FUNCTION_ARGUMENT: Invalid data size: '10KB'"},
        {"t_human_readable_seconds(93784::DOUBLE)", "1 day, 2 hours, 3 minutes, 4 seconds"},
        {"t_format_number(1239::BIGINT)", "1.24K"},
        {"t_format_number(0::BIGINT)", "0"},
    };
    TEST_CASES(cases);
}

static void lists_in_vectors(void **state)
{
    static const TestCase cases[] = {
        {"(SELECT sum(len(t_split(s, ','))) FROM (SELECT CASE WHEN range % 2 = 0 THEN 'a,b,c' END AS s FROM "
         "range(10000)))",
         "15000"},
        {"(SELECT count(*) FROM (SELECT unnest(t_regexp_extract_all(range::VARCHAR, '\\d')) FROM "
         "range(3000)))",
         "10890"},
    };
    TEST_CASES(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(strings), cmocka_unit_test(patterns),
                                       cmocka_unit_test(bytes),   cmocka_unit_test(urls),
                                       cmocka_unit_test(units),   cmocka_unit_test(lists_in_vectors)};
    return test_engine_run(tests, sizeof tests / sizeof *tests);
}
