/* sql_print_test.c - the printer: its text, and parse(print(tree)) == tree for statements of every kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "query/sql/parser.h"
#include "query/sql/print.h"
#include "sql_statements.h"

static Statement *parse(Arena *arena, Str text)
{
    Error err = { 0 };
    Statement *s = NULL;
    if (sql_parse(text, arena, &s, &err) < 0)
        fail_msg("%.*s: %s", STR_ARG(text), err.message);
    return s;
}

static void test_round_trip(void **state)
{
    for (size_t i = 0; i < SQL_STATEMENT_COUNT; i++) {
        _cleanup_arena_ Arena *arena = arena_new(8 << 20);
        _cleanup_buf_ Buf first = BUF_INIT(1 << 20), second = BUF_INIT(1 << 20);
        Statement *s = parse(arena, str_from(sql_statements[i]));
        sql_print_statement(&first, s);
        Statement *again = parse(arena, buf_str(&first));
        sql_print_statement(&second, again);
        /* Operators and joins are printed in parentheses, so equal texts are equal trees. */
        assert_string_equal(first.data, second.data);
        assert_int_equal(s->kind, again->kind);
        assert_int_equal(s->n_parameters, again->n_parameters);
    }
}

static void test_every_kind_is_listed(void **state)
{
    bool seen[STMT_UNSUPPORTED + 1] = { false };
    _cleanup_arena_ Arena *arena = arena_new(64 << 20);
    for (size_t i = 0; i < SQL_STATEMENT_COUNT; i++)
        seen[parse(arena, str_from(sql_statements[i]))->kind] = true;
    for (size_t kind = 0; kind <= STMT_UNSUPPORTED; kind++)
        if (!seen[kind])
            fail_msg("no statement of kind %zu", kind);
}

static void test_layout(void **state)
{
    /* What Trino's SHOW CREATE VIEW shows. */
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    _cleanup_buf_ Buf out = BUF_INIT(1 << 20);
    sql_print_statement(
        &out,
        parse(arena, STR("create view iceberg.fmt.v comment 'vc' as select id, name from t where id > 0")));
    assert_string_equal(
        out.data,
        "CREATE VIEW iceberg.fmt.v COMMENT 'vc' SECURITY DEFINER AS\nSELECT\n  id\n, name\nFROM\n  t\n"
        "WHERE (id > 0)");
    buf_clear(&out);
    sql_print_query(&out, parse(arena, STR("select count(*) as c from t"))->query);
    assert_string_equal(out.data, "SELECT count(*) c\nFROM\n  t");
}

static void test_expressions(void **state)
{
    static const struct { const char *text, *printed;
    } cases[] = {
        { "a + b * c", "(a + (b * c))" },
        { "a - b - c", "((a - b) - c)" },
        { "a || b + c", "(a || (b + c))" },
        { "-a * b", "(-a * b)" },
        { "-(a * b)", "-(a * b)" },
        { "- - 1", "-(-1)" },
        { "a - -1", "(a - -1)" },
        { "(1).x", "(1).x" },
        { "NOT a = b AND c OR d", "(((NOT (a = b)) AND c) OR d)" },
        { "a AND b AND (c AND d)", "(a AND b AND (c AND d))" },
        { "a BETWEEN 1 AND 2 AND b", "((a BETWEEN 1 AND 2) AND b)" },
        { "-a AT TIME ZONE 'x'", "-(a AT TIME ZONE 'x')" },
        { "a IN (1) IS NULL", NULL },
        { "x -> x + 1", "((x) -> (x + 1))" },
        { "count(*) FILTER (WHERE a)", "count(*) FILTER (WHERE a)" },
        { "sum(a) OVER (ORDER BY b ROWS 1 PRECEDING)",
          "sum(a) OVER (ORDER BY b ASC ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)" },
        { "position('a' IN b)", "strpos(b, 'a')" },
        { "trim(LEADING 'x' FROM a)", "ltrim(a, 'x')" },
        { "substring(a FROM 2 FOR 3)", "substr(a, 2, 3)" },
        { "normalize(a)", "normalize(a, NFC)" },
        { "U&'\\00e9'", "'\xc3\xa9'" },
        { "x'0aFf'", "X'0AFF'" },
        { "date '2020-01-01'", "DATE '2020-01-01'" },
        { "cast(a as TIMESTAMP (3) WITH TIME ZONE)", "CAST(a AS timestamp(3) with time zone)" },
        { "cast(a as row(X int, \"Y z\" array<int>))", "CAST(a AS row(X int, \"Y z\" array(int)))" },
        { "case x when in (1) then 2 when 3 then 4 end",
          "(CASE WHEN (x IN (1)) THEN 2 WHEN (x = 3) THEN 4 END)" },
        { "\"select\" + \"Abc\"", "(\"select\" + \"Abc\")" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        _cleanup_arena_ Arena *arena = arena_new(1 << 20);
        _cleanup_buf_ Buf out = BUF_INIT(1 << 16);
        Error err = { 0 };
        Expr *e = NULL;
        int status = sql_parse_expression(str_from(cases[i].text), arena, &e, &err);
        if (!cases[i].printed) {
            assert_int_equal(status, -1);
            continue;
        }
        if (status < 0)
            fail_msg("%s: %s", cases[i].text, err.message);
        sql_print_expression(&out, e);
        assert_string_equal(out.data, cases[i].printed);
    }
}

static void test_identifiers(void **state)
{
    _cleanup_buf_ Buf out = BUF_INIT(1 << 16);
    sql_print_ident(&out, STR("plain"));
    sql_print_ident(&out, STR("select"));
    sql_print_ident(&out, STR("1a"));
    sql_print_ident(&out, STR("a\"b"));
    sql_print_string(&out, STR("it's"));
    assert_string_equal(out.data, "plain\"select\"\"1a\"\"a\"\"b\"'it''s'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),  cmocka_unit_test(test_every_kind_is_listed),
        cmocka_unit_test(test_layout),      cmocka_unit_test(test_expressions),
        cmocka_unit_test(test_identifiers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
