/* sql_parser_test.c - trees, positions, error messages and limits of the SQL parser. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/limits.h"
#include "query/sql/parser.h"

static Statement *parse(Arena *arena, const char *text)
{
    Error err = { 0 };
    Statement *s = NULL;
    if (sql_parse(str_from(text), arena, &s, &err) < 0)
        fail_msg("%s: %s", text, err.message);
    return s;
}

static void assert_error(const char *text, ErrCode code, int line, int column, const char *message)
{
    _cleanup_arena_ Arena *arena = arena_new(64 << 20);
    Error err = { 0 };
    Statement *s = NULL;
    if (sql_parse(str_from(text), arena, &s, &err) == 0)
        fail_msg("%s: should not parse", text);
    if (message)
        assert_string_equal(err.message, message);
    assert_int_equal(err.code, code);
    assert_int_equal(err.sql_line, line);
    assert_int_equal(err.sql_column, column);
}

#define CLAUSES                                                                                              \
    "',', 'EXCEPT', 'FETCH', 'FROM', 'GROUP', 'HAVING', 'INTERSECT', 'LIMIT', 'OFFSET', 'ORDER', 'UNION', "  \
    "'WHERE', "                                                                                              \
    "'WINDOW', <EOF>"
#define STARTS                                                                                               \
    "'ALTER', 'ANALYZE', 'CALL', 'COMMENT', 'COMMIT', 'CREATE', 'DEALLOCATE', 'DELETE', 'DENY', 'DESC', "    \
    "'DESCRIBE', "                                                                                           \
    "'DROP', 'EXECUTE', 'EXPLAIN', 'GRANT', 'INSERT', 'MERGE', 'PREPARE', 'REFRESH', 'RESET', 'REVOKE', "    \
    "'ROLLBACK', 'SET', "                                                                                    \
    "'SHOW', 'START', 'TRUNCATE', 'UPDATE', 'USE', 'WITH', <query>"

static void test_errors(void **state)
{
    static const struct { const char *text; int line, column; const char *message;
    } cases[] = {
        { "selec 1", 1, 1, "line 1:1: mismatched input 'selec'. Expecting: " STARTS },
        { "", 1, 1, "line 1:1: mismatched input '<EOF>'. Expecting: " STARTS },
        { "select", 1, 7,
          "line 1:7: mismatched input '<EOF>'. Expecting: '*', 'ALL', 'DISTINCT', <expression>" },
        { "select * frm x", 1, 10, "line 1:10: mismatched input 'frm'. Expecting: " CLAUSES },
        { "select\n* from", 2, 7,
          "line 2:7: mismatched input '<EOF>'. Expecting: '(', 'JSON_TABLE', 'LATERAL', 'NEAREST', 'TABLE', "
          "'UNNEST', <identifier>" },
        { "select 'open", 1, 8,
          "line 1:8: mismatched input '''. Expecting: '*', 'ALL', 'DISTINCT', <expression>" },
        { "select 1 limit -1", 1, 16, "line 1:16: mismatched input '-'. Expecting: " CLAUSES },
        { "select a & b", 1, 10,
          "line 1:10: mismatched input '&'. Expecting: '%', '*', '+', ',', '-', '.', '/', 'AND', 'AS', 'AT', "
          "'EXCEPT', 'FETCH', "
          "'FROM', 'GROUP', 'HAVING', 'INTERSECT', 'LIMIT', 'OFFSET', 'OR', 'ORDER', 'UNION', 'WHERE', "
          "'WINDOW', '[', '||', "
          "<EOF>, <identifier>, <predicate>" },
        { "select a is json", 1, 13,
          "line 1:13: mismatched input 'json'. Expecting: 'DISTINCT', 'FALSE', 'NOT', 'NULL', 'TRUE', "
          "'UNKNOWN'" },
        { "select cast(a as row((1) int))", 1, 22,
          "line 1:22: mismatched input '('. Expecting: <integer>, <type>" },
        { "select listagg(v) from t", 1, 19, "line 1:19: mismatched input 'from'. Expecting: 'WITHIN'" },
        { "select normalize(a, 'NFC')", 1, 21,
          "line 1:21: mismatched input ''NFC''. Expecting: 'NFC', 'NFD', 'NFKC', 'NFKD'" },
        { "show schemas like 'a' escape", 1, 29, "line 1:29: mismatched input '<EOF>'. Expecting: <string>" },
        { "select interval '1' minute to day", 1, 31,
          "line 1:31: mismatched input 'day'. Expecting: " CLAUSES },
        { "select interval '1' hour to hour", 1, 21, "line 1:21: Invalid interval qualifier: HOUR TO HOUR" },
        { "select try()", 1, 8, "line 1:8: The 'try' function must have exactly one argument" },
        { "select coalesce(1)", 1, 8, "line 1:8: The 'coalesce' function must have at least two arguments" },
        { "select if(a)", 1, 8, "line 1:8: Invalid number of arguments for 'if' function" },
        { "select 9223372036854775808", 1, 8, "line 1:8: Invalid numeric literal: 9223372036854775808" },
        { "select a + -9223372036854775809", 1, 12,
          "line 1:12: Invalid numeric literal: -9223372036854775809" },
        { "select \"\"", 1, 8, "line 1:8: Zero-length delimited identifier not allowed" },
        { "select `a`", 1, 8,
          "line 1:8: backquoted identifiers are not supported; use double quotes to quote identifiers" },
        { "select * from 1t", 1, 15,
          "line 1:15: identifiers must not start with a digit; surround the identifier with double quotes" },
        { "select X'0g'", 1, 8, "line 1:8: Binary literal can only contain hexadecimal digits" },
        { "select X'0'", 1, 8, "line 1:8: Binary literal must contain an even number of digits" },
        { "select U&'\\00'", 1, 8, "line 1:8: Incomplete escape sequence: 00" },
        { "select U&'\\d800'", 1, 8,
          "line 1:8: Invalid escaped character: d800. Escaped character is a surrogate. Use '\\+123456' "
          "instead." },
        { "select U&'x' uescape 'a'", 1, 8, "line 1:8: Invalid Unicode escape character: a" },
        { "with function a.b() returns int return 1 select 1", 1, 6,
          "line 1:6: Inline function names cannot be qualified: a.b" },
        { "select a = b = c", 1, 14, NULL },
        { "select (1", 1, 10, NULL },
        { "select 1;;", 1, 9, NULL },
        { "select 1 from t where", 1, 22, NULL },
        { "select f(", 1, 10, NULL },
        { "select case end", 1, 13, NULL },
        { "select json_value(a", 1, 20, NULL },
        { "create", 1, 7, NULL },
        { "insert into t", 1, 14, NULL },
        { "select * from (select 1", 1, 24, NULL },
        { "select 1 union", 1, 15, NULL },
        { "execute immediate 'select'", 1, 26, NULL },
        { "merge into t using s on true", 1, 29, NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_error(cases[i].text, ERR_SYNTAX, cases[i].line, cases[i].column, cases[i].message);
}

static void test_not_supported(void **state)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    Statement *s = parse(arena, "create role x with admin current_user");
    assert_int_equal(s->kind, STMT_UNSUPPORTED);
    assert_true(str_is(s->what, "CREATE ROLE"));
}

/* Trino reports errors about a binary operator at the operator, about a predicate at its first word. */
static void test_positions(void **state)
{
    static const struct { const char *text; ExprKind kind; int column;
    } cases[] = {
        { "a + b", EXPR_ARITHMETIC, 3 },
        { "a = b", EXPR_COMPARISON, 3 },
        { "a || b", EXPR_CONCAT, 3 },
        { "a not between 1 and 2", EXPR_BETWEEN, 3 },
        { "a is null", EXPR_IS_NULL, 3 },
        { "a in (1)", EXPR_IN_LIST, 3 },
        { "a = 1 and b", EXPR_AND, 1 },
        { "-a", EXPR_UNARY, 1 },
        { "-1", EXPR_INTEGER, 1 },
        { "(a)", EXPR_IDENT, 2 },
        { "(a)[1]", EXPR_SUBSCRIPT, 1 },
        { "a.b.c", EXPR_DEREFERENCE, 1 },
        { "(1, 2)", EXPR_ROW, 1 },
        { "f(a)", EXPR_FUNCTION, 1 },
        { "(select 1)", EXPR_SUBQUERY, 1 },
        { "((select 1) + 1)", EXPR_ARITHMETIC, 13 },
        { "((select 1))", EXPR_SUBQUERY, 1 },
        { "(x, y) -> 1", EXPR_LAMBDA, 1 },
        { "a at time zone 'x'", EXPR_AT_TIME_ZONE, 3 },
        { "a = all (select 1)", EXPR_QUANTIFIED, 3 },
        { "a = all", EXPR_COMPARISON, 3 },
        { "date '2020-01-01'", EXPR_GENERIC_LITERAL, 1 },
        { "interval '1' day", EXPR_INTERVAL, 1 },
        { "interval", EXPR_IDENT, 1 },
        { "timestamp", EXPR_IDENT, 1 },
        { "row(1)", EXPR_ROW, 1 },
        { "array[1]", EXPR_ARRAY, 1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        _cleanup_arena_ Arena *arena = arena_new(1 << 20);
        Error err = { 0 };
        Expr *e = NULL;
        if (sql_parse_expression(str_from(cases[i].text), arena, &e, &err) < 0)
            fail_msg("%s: %s", cases[i].text, err.message);
        assert_int_equal(e->kind, cases[i].kind);
        assert_int_equal(e->pos.column, cases[i].column);
    }
}

static void test_tree(void **state)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    Statement *s = parse(arena, " SELECT t.*, \"A\" AS b, -5 FROM s.t AS x (p, q), u LEFT JOIN v USING (k) "
                                "WHERE a = ? ORDER BY 1 DESC LIMIT ? ; ");
    assert_int_equal(s->kind, STMT_QUERY);
    assert_true(str_has_prefix(s->text, STR("SELECT t.*")));
    assert_true(str_has_suffix(s->text, STR("LIMIT ?")));
    assert_int_equal(s->n_parameters, 2);
    assert_int_equal(s->query->limit->parameter, 1);
    assert_true(s->query->order_by[0].descending);
    const QuerySpec *spec = s->query->body->select;
    assert_int_equal(spec->n_items, 3);
    assert_int_equal(spec->items[0].expr->kind, EXPR_STAR);
    assert_true(str_is(spec->items[0].star_base->ident.text, "t"));
    assert_true(spec->items[1].expr->ident.quoted);
    assert_true(str_is(spec->items[1].alias.text, "b"));
    assert_int_equal(spec->items[2].expr->integer.value, -5);
    const Relation *from = spec->from;
    assert_true(from->kind == REL_JOIN && from->join.implicit);
    assert_int_equal(from->join.left->table.name.n, 2);
    assert_int_equal(from->join.left->n_column_aliases, 2);
    assert_int_equal(from->join.right->join.join, JOIN_LEFT);
    assert_int_equal(from->join.right->join.n_using, 1);
}

static void test_set_operations(void **state)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    const QueryBody *body =
        parse(arena, "SELECT 1 UNION ALL SELECT 2 INTERSECT SELECT 3 EXCEPT SELECT 4")->query->body;
    assert_int_equal(body->set.op, SET_EXCEPT);
    assert_int_equal(body->set.left->set.op, SET_UNION);
    assert_true(body->set.left->set.all);
    assert_int_equal(body->set.left->set.right->set.op, SET_INTERSECT);
}

static void test_prepare(void **state)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    Statement *s = parse(arena, "PREPARE p FROM SELECT ?, ? FROM t");
    assert_int_equal(s->n_parameters, 0);
    assert_int_equal(s->inner->n_parameters, 2);
    assert_true(str_is(s->inner->text, "SELECT ?, ? FROM t"));
    s = parse(arena, "EXECUTE IMMEDIATE 'SELECT ''x'', ?' USING 1");
    assert_true(str_is(s->immediate, "SELECT 'x', ?"));
    assert_int_equal(s->inner->n_parameters, 1);
    assert_int_equal(s->n_args, 1);
    s = parse(arena, "EXPLAIN SELECT ?");
    assert_int_equal(s->n_parameters, 1);
}

static void test_type_names(void **state)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    Error err = { 0 };
    TypeName *type = NULL;
    assert_int_equal(
        sql_parse_type_name(
            STR("Row(a INT, timestamp(3) with time zone, x array(int), int array, double precision)"), arena,
            &type, &err),
        0);
    static const char *const names[] = { "int", "timestamp with time zone", "array", "array", "double" };
    static const char *const fields[] = { "a", NULL, "x", NULL, NULL };
    assert_int_equal(type->n_args, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_true(str_is(type->args[i]->name, names[i]));
        assert_true(fields[i] ? str_is(type->field_names[i].text, fields[i])
                              : type->field_names[i].text.ptr == NULL);
    }
    assert_int_equal(type->args[1]->numbers[0], 3);
    assert_int_equal(sql_parse_type_name(STR("decimal(10,"), arena, &type, &err), -1);
    assert_int_equal(sql_parse_type_name(STR("bigint x"), arena, &type, &err), -1);
}

/* ---- limits ---- */

static void assert_too_large(Buf *text)
{
    assert_error(text->data, ERR_SYNTAX, 1, 1,
                 "line 1:1: statement is too large (stack overflow while parsing)");
}

static void test_depth(void **state)
{
    static const char *const nested[] = {
        "(",  "NOT ",  "- ",   "f(",    "ARRAY[", "CASE ", "(SELECT ",          "x -> ",
        "a[", "CAST(", "ROW(", "1 + (", "trim(",  "a = (", "substring(x FROM ", "- a["};
    for (size_t i = 0; i < sizeof nested / sizeof *nested; i++) {
        _cleanup_buf_ Buf text = BUF_INIT(1000000);
        buf_puts(&text, "SELECT ");
        for (int n = 0; n < 100000; n++)
            buf_puts(&text, nested[i]);
        if (!text.overflow)
            assert_too_large(&text);
    }
    static const char *const others[] = { "EXPLAIN ", "SELECT CAST(a AS ", "SELECT * FROM " };
    static const char *const repeated[] = { "EXPLAIN ", "array(", "(" };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        _cleanup_buf_ Buf text = BUF_INIT(1000000);
        buf_puts(&text, others[i]);
        for (int n = 0; n < 100000; n++)
            buf_puts(&text, repeated[i]);
        assert_too_large(&text);
    }
}

/* Chains make trees as high as they are long, without nesting in the parser. */
static void test_chains(void **state)
{
    static const struct { const char *first, *more;
    } chains[] = {
        { "SELECT 1", "+1" },        { "SELECT 1", " UNION SELECT 1" },
        { "SELECT * FROM t", ",t" }, { "SELECT * FROM t", " CROSS JOIN t" },
        { "SELECT a", "[1]" },       { "SELECT (a)", ".a" },
        { "SELECT a", " AT LOCAL" }, { "SELECT CAST(a AS int", " array" },
    };
    for (size_t i = 0; i < sizeof chains / sizeof *chains; i++) {
        _cleanup_buf_ Buf text = BUF_INIT(1000000);
        buf_puts(&text, chains[i].first);
        for (int n = 0; n < SQL_HEIGHT_MAX + 1; n++)
            buf_puts(&text, chains[i].more);
        assert_too_large(&text);
    }
    _cleanup_arena_ Arena *arena = arena_new(64 << 20);
    _cleanup_buf_ Buf flat = BUF_INIT(1000000);
    buf_puts(&flat, "SELECT 1 WHERE a");
    for (int n = 0; n < 20000; n++)
        buf_puts(&flat, " AND a OR a");
    parse(arena, flat.data);
}

/* A CASE with predicates parses its operand once more for each; nested ones must end at the budget and not
 * in years. */
static void test_nested_case_predicates(void **state)
{
    _cleanup_buf_ Buf text = BUF_INIT(100000);
    buf_puts(&text, "SELECT ");
    for (int n = 0; n < 60; n++)
        buf_puts(&text, "CASE ");
    buf_puts(&text, "x");
    for (int n = 0; n < 60; n++)
        buf_puts(&text, " WHEN IS NULL THEN 1 WHEN > 1 THEN 2 END");
    _cleanup_arena_ Arena *arena = arena_new(16 << 20);
    Error err = { 0 };
    Statement *s = NULL;
    assert_int_equal(sql_parse(buf_str(&text), arena, &s, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
}

static void test_size(void **state)
{
    _cleanup_buf_ Buf text = BUF_INIT(2 * LIMIT_SQL_BYTES);
    buf_puts(&text, "SELECT 1");
    while (text.len <= LIMIT_SQL_BYTES)
        buf_puts(&text, "                                ");
    assert_error(text.data, ERR_QUERY_TEXT_TOO_LARGE, 0, 0, NULL);
    _cleanup_arena_ Arena *small = arena_new(64 << 10);
    _cleanup_buf_ Buf list = BUF_INIT(LIMIT_SQL_BYTES);
    buf_puts(&list, "SELECT 1");
    for (int i = 0; i < 1000; i++)
        buf_puts(&list, ", 1");
    Error err = { 0 };
    Statement *s = NULL;
    assert_int_equal(sql_parse(buf_str(&list), small, &s, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors), cmocka_unit_test(test_not_supported), cmocka_unit_test(test_positions),
        cmocka_unit_test(test_tree), cmocka_unit_test(test_set_operations), cmocka_unit_test(test_prepare),
        cmocka_unit_test(test_type_names), cmocka_unit_test(test_depth), cmocka_unit_test(test_chains),
        cmocka_unit_test(test_nested_case_predicates), cmocka_unit_test(test_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
