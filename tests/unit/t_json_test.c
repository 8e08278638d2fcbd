/* t_* functions on the json type. */
#include "engine_test.h"

static void canonical(void **state)
{
    static const TestCase cases[] = {
        {"t_json_parse(' { \"b\" : 1.50 , \"a\" : [ 1e2 , null , \"x\" ] } ') = "
         "'{\"a\":[1E+2,null,\"x\"],\"b\":1.50}'",
         "true"},
        {"t_json_parse('{\"a\":1,\"a\":2}') = '{\"a\":2}'", "true"},
        {"t_json_parse('0.0000001')", "1E-7"},
        {"t_json_parse('-0')", "0"},
        {"t_json_parse('\"\\u00e9\\/\"') = '\"é/\"'", "true"},
        {"t_json_parse('\"\\uD834\\uDD1E\"') = '\"𝄞\"'", "true"},
        {"t_json_parse('')", "INVALID_FUNCTION_ARGUMENT: Cannot convert value to JSON: ''"},
        {"t_json_parse('{}{')", "INVALID_FUNCTION_ARGUMENT: Cannot convert value to JSON: '{}{'"},
        {"t_json_parse('[1,]')", "INVALID_FUNCTION_ARGUMENT: Cannot convert value to JSON: '[1,]'"},
        {"t_json_parse('01')", "INVALID_FUNCTION_ARGUMENT: Cannot convert value to JSON: '01'"},
        {"length(t_json_parse(repeat('[', 400) || repeat(']', 400)))", "800"},
        {"TRY(t_json_parse(repeat('[', 100000)))", NULL},
        {"t_json_quote('a\"b') = '\"a\\\"b\"'", "true"},
        {"t_json_of_double('nan'::DOUBLE) = '\"NaN\"'", "true"},
        {"t_json_of_double(1e20::DOUBLE)", "1.0E20"},
        {"t_json_object(['b', 'a'], ['1', NULL]) = '{\"a\":null,\"b\":1}'", "true"},
    };
    TEST_CASES(cases);
}

#define DOC "'{\"a\": {\"b\": [1, 2.5, \"x\", null, true]}, \"c\": \"s\\\"t\"}'"

static void paths(void **state)
{
    static const TestCase cases[] = {
        {"t_json_extract(" DOC ", '$.a.b')  = '[1,2.5,\"x\",null,true]'", "true"},
        {"t_json_extract_scalar(" DOC ", '$.a.b[2]')", "x"},
        {"t_json_extract_scalar(" DOC ", '$.c') = 's\"t'", "true"},
        {"t_json_extract_scalar(" DOC ", '$[\"a\"][\"b\"][1]')", "2.5"},
        {"t_json_extract_scalar(" DOC ", '$.a')", NULL},
        {"t_json_extract(" DOC ", '$.zz')", NULL},
        {"t_json_extract(" DOC ", '$.a.b[3]')", "null"},
        {"t_json_extract('bad{', '$.a')", NULL},
        {"t_json_extract('{}', '$..b')", "INVALID_FUNCTION_ARGUMENT: Invalid JSON path: '$..b'"},
        {"t_json_size(" DOC ", '$.a.b')", "5"},
        {"t_json_size(" DOC ", '$.c')", "0"},
        {"t_json_array_length('[1,[2,3]]')", "2"},
        {"t_json_array_length('{}')", NULL},
        {"t_json_array_get('[1, \"x\", [2 , 3]]', -1)", "[2,3]"},
        {"t_json_array_get('[1, \"x\"]', 1)", "x"},
        {"t_json_array_contains('[1, 2]', 2::BIGINT)", "true"},
        {"t_json_array_contains('[\"x\"]', 'x')", "true"},
        {"t_json_array_contains('[1]', true)", "false"},
        {"t_is_json_scalar('[]')", "false"},
        {"t_is_json_scalar('1')", "true"},
    };
    TEST_CASES(cases);
}

static void casts(void **state)
{
    static const TestCase cases[] = {
        {"t_json_to_bigint('12')", "12"},
        {"t_json_to_bigint('1.5E+3')", "1500"},
        {"t_json_to_bigint('null')", NULL},
        {"t_json_to_bigint('\"12\"')", "12"},
        {"t_json_to_bigint('true')", "1"},
        {"t_json_to_integer('\"s\"')", "INVALID_CAST_ARGUMENT: Cannot cast 's' to INT"},
        {"t_json_to_smallint('[1]')", "INVALID_CAST_ARGUMENT: Cannot cast '[1]' to smallint"},
        {"t_json_to_tinyint('1.5E+3')", "NUMERIC_VALUE_OUT_OF_RANGE: Out of range for tinyint: 1500.0"},
        {"t_json_to_double('1.5E+3')", "1500.0"},
        {"t_json_to_boolean('\"true\"')", "true"},
        {"t_json_to_boolean('0')", "false"},
        {"t_json_to_varchar('\"a\\nb\"') = 'a' || chr(10) || 'b'", "true"},
        {"t_json_to_varchar('1.5E+3')", "1.5E3"},
        {"t_json_to_decimal_2('12', 10)", "12.00"},
        {"t_json_to_decimal_0('1.5E+3', 3)",
         "NUMERIC_VALUE_OUT_OF_RANGE: Cannot cast input json to DECIMAL(3,0)"},
        {"array_to_string(t_json_elements('[1,[2],\"x\"]'), '|') = '1|[2]|\"x\"'", "true"},
        {"t_json_elements('{}')",
         "INVALID_CAST_ARGUMENT: Cannot cast to array. Expected a json array, but got {"},
        {"t_json_entries('{\"a\":1,\"b\":[2]}')['b']", "[2]"},
    };
    TEST_CASES(cases);
}

/* The clauses: see functions/json_call.h. */
static void sql_json(void **state)
{
    static const TestCase cases[] = {
        {"t_json_value('{\"a\":[1,2]}', 'nn--v0,0:0:lax $.a[1]')", "2"},
        {"t_json_value('{\"a\":1.5e3}', 'nn--v0,0:0:lax $.a')", "1.5E3"},
        {"t_json_value('{}', 'dn--v0,0:0:lax $.a')", "E"},
        {"t_json_value('{}', 'nd--v0,0:0:strict $.a')", "X"},
        {"t_json_value('{\"a\":\"x\"}', 'dn--v0,0:0:lax $.a')", "=x"},
        {"t_json_value('{\"a\":null}', 'ee--v0,0:0:lax $.a')", NULL},
        {"t_json_value(CAST(NULL AS VARCHAR), 'ee--v0,0:0:lax $.a')", NULL},
        {"t_json_value('1', 'ee--v0,0:1:1:xlax $ + $x', ['D2,1:2.5'])", "3.5"},
        {"t_json_value('1', 'ee--v0,0:1:1:xlax $x.type()', [CAST(NULL AS VARCHAR)])", "null"},
        {"t_json_value('1', 'ee--D5,2:0:lax $')", "1.00"},
        {"t_json_value('1000', 'ee--t0,0:0:lax $')",
         "JSON_VALUE_RESULT_ERROR: cannot extract SQL scalar from JSON: Cannot cast value of type integer to "
         "declared return type of function JSON_VALUE: tinyint"},
        {"t_json_query('[1,[2,3]]', 'uknev0,0:0:lax $[*]')", "[1,[2,3]]"},
        {"t_json_query('{\"b\":1,\"a\":2,\"b\":3}', 'nknev0,0:0:lax $') = "
         "'{\"b\":3,\"a\":2}'",
         "true"},
        {"t_json_exists('[1,2]', 'e---v0,0:0:strict $[5]')",
         "PATH_EVALUATION_ERROR: path evaluation failed: structural error: invalid array subscript: [5, 5] "
         "for array of size 2"},
        {"t_json_make_object(['key_1','key_2'], ['1','2'], false, false) = "
         "'{\"key_2\":2,\"key_1\":1}'",
         "true"},
        {"t_json_make_array(['1', NULL], true)", "[1]"},
        {"len(t_json_table('[1,2]', 'n---v0,0:0:N8:lax $[*]1:0:o-'))", "2"},
        {"t_json_of_utf16(t_json_utf16('a\u00e9')) = 'a\u00e9'", "true"},
    };
    TEST_CASES(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(canonical), cmocka_unit_test(paths),
                                       cmocka_unit_test(sql_json), cmocka_unit_test(casts)};
    return test_engine_run(tests, sizeof tests / sizeof *tests);
}
