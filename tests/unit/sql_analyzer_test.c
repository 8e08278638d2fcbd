/* The analyzer: types and names of outputs, Trino's errors with their positions, what is handed to
 * connectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "query/analyzer/functions.h"
#include "query/analyzer/pattern.h"
#include "sql_fake.h"

enum { BUDGET = 32 << 20 };

static const struct {
    const char *sql, *columns;
} outputs_cases[] = {
    {"SELECT 1, 'a', 1.5, 1e0, NULL",
     "_col0 integer, _col1 varchar(1), _col2 decimal(2,1), _col3 double, _col4 unknown"},
    {"SELECT 3000000000, -1, DECIMAL '007.10', DATE '2024-01-01', TIMESTAMP '2024-01-01 00:00:00.123 "
     "UTC'",
     "_col0 bigint, _col1 integer, _col2 decimal(3,2), _col3 date, _col4 timestamp(3) with time zone"},
    {"SELECT * FROM orders",
     "order_id bigint, product varchar(10), amount decimal(10,2), order_date date, price double"},
    {"SELECT \"$path\", o.Product p FROM ORDERS o", "$path varchar, p varchar(10)"},
    {"SELECT amount * 2, amount / 3, amount + 1, sum(amount), avg(amount) FROM orders GROUP BY amount",
     "_col0 decimal(20,2), _col1 decimal(21,13), _col2 decimal(13,2), _col3 decimal(38,2), _col4 "
     "decimal(10,2)"},
    {"SELECT 5 / 2, 5 % 2e0, DATE '2024-01-31' + INTERVAL '1' MONTH, DATE '2024-01-02' - DATE "
     "'2024-01-01'",
     "_col0 integer, _col1 double, _col2 date, _col3 interval day to second"},
    {"SELECT 'ab' || 'c', substr('abc', 2), length('abc'), lower(product) FROM orders",
     "_col0 varchar, _col1 varchar(3), _col2 bigint, _col3 varchar(10)"},
    {"SELECT count(*), count_if(true), max(order_date), approx_distinct(product) FROM orders",
     "_col0 bigint, _col1 bigint, _col2 date, _col3 bigint"},
    {"SELECT address.city, tags[1], element_at(tags, 2), transform(tags, t -> length(t)) FROM customers",
     "city varchar, _col1 varchar, _col2 varchar, _col3 array(bigint)"},
    {"SELECT t.* FROM customers CROSS JOIN UNNEST(tags) WITH ORDINALITY AS t (tag, n)",
     "tag varchar, n bigint"},
    {"SELECT 1 UNION SELECT 2.5", "_col0 decimal(11,1)"},
    {"VALUES (1, 'a'), (2000000000000, NULL)", "_col0 bigint, _col1 varchar(1)"},
    {"WITH q (a, b) AS (SELECT 1, 'x') SELECT b, a FROM q", "b varchar(1), a integer"},
    {"SELECT id, name, order_date FROM customers JOIN orders ON id = order_id",
     "id bigint, name varchar, order_date date"},
    {"SELECT * FROM (VALUES (1, 2)) t (k, a) JOIN (VALUES (1, 3)) u (k, b) USING (k)",
     "k integer, a integer, b integer"},
    {"SELECT row_number() OVER (PARTITION BY product ORDER BY amount), lag(amount) OVER w FROM orders "
     "WINDOW w AS (ORDER BY order_id)",
     "_col0 bigint, _col1 decimal(10,2)"},
    {"SELECT CASE WHEN true THEN 1 ELSE 2e0 END, coalesce(NULL, 1), nullif(1, 2), if(true, 'a', 'bcd'), "
     "try(1)",
     "_col0 double, _col1 integer, _col2 integer, _col3 varchar(3), _col4 integer"},
    {"SELECT (SELECT max(amount) FROM orders), EXISTS (SELECT 1), 1 IN (SELECT order_id FROM orders)",
     "_col0 decimal(10,2), _col1 boolean, _col2 boolean"},
    {"SELECT amount FROM big_orders", "amount decimal(10,2)"},
    {"SELECT reduce(ARRAY[1, 2], 0e0, (s, x) -> s + x, s -> s), map(ARRAY['a'], ARRAY[1])['a']",
     "_col0 double, _col1 integer"},
    {"WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT n FROM r",
     "n integer"},
    {"SELECT grouping(product), count(*) FROM orders GROUP BY ROLLUP (product)",
     "_col0 integer, _col1 bigint"},
    {"SELECT (1, 'a'), ROW(1 AS x), CAST(ROW(1) AS ROW(y double)).y",
     "_col0 row(integer, varchar(1)), _col1 row(\"x\" integer), _col2 double"},
};

static void outputs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof outputs_cases / sizeof *outputs_cases; i++) {
        Arena *arena = arena_new(BUDGET);
        Statement *statement;
        Analysis *analysis;
        Error err;
        _cleanup_buf_ Buf got = BUF_INIT(1 << 16);
        if (fake_analyze(outputs_cases[i].sql, arena, &statement, &analysis, &err))
            fail_msg("%s\n%s", outputs_cases[i].sql, err.message);
        for (size_t c = 0; c < analysis->n_columns; c++)
            buf_printf(&got, "%s%.*s %.*s", c ? ", " : "", STR_ARG(analysis->columns[c].name),
                       STR_ARG(sql_type_name(analysis->columns[c].type, arena)));
        if (!str_is(buf_str(&got), outputs_cases[i].columns))
            fail_msg("%s\n got %s\nwant %s", outputs_cases[i].sql, got.data, outputs_cases[i].columns);
        arena_free(arena);
    }
}

static const struct {
    const char *sql, *name, *message;
} errors_cases[] = {
    {"SELECT nosuch FROM orders", "COLUMN_NOT_FOUND", "line 1:8: Column 'nosuch' cannot be resolved"},
    {"SELECT o.nosuch FROM orders o", "COLUMN_NOT_FOUND", "line 1:8: Column 'o.nosuch' cannot be resolved"},
    {"SELECT * FROM nosuch", "TABLE_NOT_FOUND", "line 1:15: Table 'lake.sales.nosuch' does not exist"},
    {"SELECT * FROM nosuch.t", "SCHEMA_NOT_FOUND", "line 1:15: Schema 'nosuch' does not exist"},
    {"SELECT * FROM a.b.c", "CATALOG_NOT_FOUND", "line 1:15: Catalog 'a' not found"},
    {"SELECT 1 + 'a'", "TYPE_MISMATCH", "line 1:10: Cannot apply operator: integer + varchar(1)"},
    {"SELECT 1 > 'a'", "TYPE_MISMATCH", "line 1:10: Cannot apply operator: integer < varchar(1)"},
    {"SELECT 1 FROM orders WHERE order_date = '2024-01-01'", "TYPE_MISMATCH",
     "line 1:39: Cannot apply operator: date = varchar(10) (hint: write DATE '2024-01-01')"},
    {"SELECT NOT 1", "TYPE_MISMATCH",
     "line 1:12: Value of logical NOT expression must evaluate to a boolean (actual: integer)"},
    {"SELECT 'a' AND true", "TYPE_MISMATCH",
     "line 1:8: Logical expression term must evaluate to a boolean (actual: varchar(1))"},
    {"SELECT CAST(1 AS date)", "TYPE_MISMATCH", "line 1:8: Cannot cast integer to date"},
    {"SELECT CAST(1 AS nosuch)", "TYPE_MISMATCH", "line 1:8: Unknown type: nosuch"},
    {"SELECT date 'x'", "INVALID_LITERAL", "line 1:8: 'x' is not a valid DATE literal"},
    {"SELECT nosuch(1)", "FUNCTION_NOT_FOUND", "line 1:8: Function 'nosuch' not registered"},
    {"SELECT bitwise_and(1, 'x')", "FUNCTION_NOT_FOUND",
     "line 1:8: Unexpected parameters (integer, varchar(1)) for function bitwise_and. Expected: "
     "bitwise_and(bigint, bigint)"},
    {"SELECT product, count(*) FROM orders", "EXPRESSION_NOT_AGGREGATE",
     "line 1:8: 'product' must be an aggregate expression or appear in GROUP BY clause"},
    {"SELECT amount + 1 FROM orders GROUP BY product", "EXPRESSION_NOT_AGGREGATE",
     "line 1:15: '(amount + 1)' must be an aggregate expression or appear in GROUP BY clause"},
    {"SELECT 1 FROM orders WHERE count(*) > 1", "EXPRESSION_NOT_SCALAR",
     "line 1:37: WHERE clause cannot contain aggregations, window functions or grouping operations: "
     "[count(*)]"},
    {"SELECT sum(count(*)) FROM orders", "NESTED_AGGREGATION",
     "line 1:8: Cannot nest aggregations inside aggregation 'sum': [count(*)]"},
    {"SELECT row_number() FROM orders", "MISSING_OVER",
     "line 1:8: Window function system.builtin.row_number requires an OVER clause"},
    {"SELECT product FROM orders GROUP BY 3", "INVALID_COLUMN_REFERENCE",
     "line 1:37: GROUP BY position 3 is not in select list"},
    {"SELECT product FROM orders ORDER BY 2", "INVALID_COLUMN_REFERENCE",
     "line 1:37: ORDER BY position 2 is not in select list"},
    {"SELECT DISTINCT product FROM orders ORDER BY amount", "EXPRESSION_NOT_IN_DISTINCT",
     "line 1:1: For SELECT DISTINCT, ORDER BY expressions must appear in select list"},
    {"SELECT name FROM customers a, customers b", "AMBIGUOUS_NAME", "line 1:8: Column 'name' is ambiguous"},
    {"SELECT 1, 2 UNION SELECT 1", "TYPE_MISMATCH",
     "line 1:13: UNION query has different number of fields: 2, 1"},
    {"SELECT 1 UNION SELECT 'a'", "TYPE_MISMATCH",
     "line 1:10: column 1 in UNION query has incompatible types: integer, varchar(1)"},
    {"WITH q AS (SELECT 1), q AS (SELECT 2) SELECT 1", "DUPLICATE_NAMED_QUERY",
     "line 1:23: WITH query name 'q' specified more than once"},
    {"INSERT INTO orders (order_id) VALUES ('x')", "TYPE_MISMATCH",
     "line 1:1: Insert query has mismatched column types: Table: [bigint], Query: [varchar(1)]"},
    {"INSERT INTO orders (nosuch) VALUES (1)", "COLUMN_NOT_FOUND",
     "line 1:1: Insert column name does not exist in target table: nosuch"},
    {"CREATE TABLE t AS SELECT 1", "MISSING_COLUMN_NAME",
     "line 1:1: Column name not specified at position 1"},
    {"CREATE TABLE t (a bigint, A varchar)", "DUPLICATE_COLUMN_NAME",
     "line 1:27: Column name 'a' specified more than once"},
    {"SELECT * FROM (SELECT 1, 2) t(a)", "MISMATCHED_COLUMN_ALIASES",
     "line 1:15: Column alias list has 1 entries but 't' has 2 columns available"},
};

static void errors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof errors_cases / sizeof *errors_cases; i++) {
        Arena *arena = arena_new(BUDGET);
        Statement *statement;
        Analysis *analysis;
        Error err = {0};
        if (!fake_analyze(errors_cases[i].sql, arena, &statement, &analysis, &err))
            fail_msg("%s was taken", errors_cases[i].sql);
        if (strcmp(err_info(err.code)->trino_name, errors_cases[i].name) != 0 ||
            strcmp(err.message, errors_cases[i].message) != 0)
            fail_msg("%s\n got %s: %s\nwant %s: %s", errors_cases[i].sql, err_info(err.code)->trino_name,
                     err.message, errors_cases[i].name, errors_cases[i].message);
        arena_free(arena);
    }
}

/* Columns that are used and conditions that can prune files. */
static void pushdown(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        size_t n_conjuncts;
        const char *used;
    } cases[] = {
        {"SELECT product FROM orders WHERE order_date = DATE '2024-01-01' AND amount > 5", 2, "1,2,3"},
        {"SELECT 1 FROM orders WHERE order_id = 1 OR amount > 5", 1, "0,2"},
        {"SELECT o.amount FROM orders o JOIN customers c ON o.order_id = c.id AND o.price > 1 WHERE c.name = "
         "'x'",
         1, "0,2,4"},
        {"SELECT c.name FROM customers c LEFT JOIN orders o ON o.order_id = c.id WHERE o.price > 1", 0,
         "0,4"},
        {"SELECT count(*) FROM orders WHERE random() > 0.5 AND price > random()", 0, "4"},
        {"SELECT count(*) FROM orders", 0, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena *arena = arena_new(BUDGET);
        Statement *statement;
        Analysis *analysis;
        Error err;
        _cleanup_buf_ Buf used = BUF_INIT(1 << 10);
        if (fake_analyze(cases[i].sql, arena, &statement, &analysis, &err))
            fail_msg("%s\n%s", cases[i].sql, err.message);
        for (size_t t = 0; t < analysis->n_tables; t++) {
            const TableAccess *access = &analysis->tables[t];
            if (!str_is(access->handle->table, "orders"))
                continue;
            for (size_t c = 0; c < access->handle->n_columns; c++)
                if (access->relation->used[c])
                    buf_printf(&used, "%s%zu", used.len ? "," : "", c);
            if (access->relation->n_conjuncts != cases[i].n_conjuncts)
                fail_msg("%s: %zu conjuncts", cases[i].sql, access->relation->n_conjuncts);
        }
        if (!str_is(buf_str(&used), cases[i].used))
            fail_msg("%s: used %.*s", cases[i].sql, STR_ARG(buf_str(&used)));
        arena_free(arena);
    }
}

static void insert_maps_columns(void **state)
{
    (void)state;
    Arena *arena = arena_new(BUDGET);
    Statement *statement;
    Analysis *analysis;
    Error err;
    assert_int_equal(fake_analyze("INSERT INTO orders (price, order_id) VALUES (1, 2), (3.5, NULL)", arena,
                                  &statement, &analysis, &err),
                     0);
    assert_int_equal(analysis->n_insert_map, 2);
    assert_int_equal(analysis->insert_map[0], 4);
    assert_int_equal(analysis->insert_map[1], 0);
    assert_int_equal(analysis->columns[0].type->kind, TYPE_DOUBLE);
    assert_int_equal(analysis->columns[1].type->kind, TYPE_BIGINT);
    arena_free(arena);
}

static void parameters(void **state)
{
    (void)state;
    Arena *arena = arena_new(BUDGET);
    Statement *statement;
    Analysis *analysis;
    Error err;
    assert_int_equal(
        sql_parse(STR("SELECT ? + 1, CAST(? AS date) FROM orders WHERE amount > ?"), arena, &statement, &err),
        0);
    AnalyzerSession session = fake_session;
    session.describe_only = true;
    assert_int_equal(sql_analyze(statement, &session, &fake_metadata, arena, &analysis, &err), 0);
    assert_int_equal(analysis->n_parameters, 3);
    assert_int_equal(analysis->parameter_types[0]->kind, TYPE_INTEGER);
    assert_int_equal(analysis->parameter_types[1]->kind, TYPE_DATE);
    assert_int_equal(analysis->parameter_types[2]->kind, TYPE_DECIMAL);
    session.describe_only = false;
    assert_int_equal(sql_analyze(statement, &session, &fake_metadata, arena, &analysis, &err), -1);
    assert_string_equal(err.message, "line 1:1: Incorrect number of parameters: expected 3 but found 0");
    arena_free(arena);
}

/* Every signature can be parsed, names are sorted, templates use arguments that exist. */
static void function_table_is_sound(void **state)
{
    (void)state;
    Arena *arena = arena_new(BUDGET);
    size_t n;
    const FunctionDef *table = function_table(&n);
    assert_true(n > 400);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && strcmp(table[i - 1].name, table[i].name) > 0)
            fail_msg("%s is out of order", table[i].name);
        Str signature = str_from(table[i].signature);
        ptrdiff_t arrow = str_find(signature, STR("->"));
        assert_true(arrow >= 0);
        PatternList list = pattern_parse_list(str_slice(signature, 0, (size_t)arrow), arena);
        if (signature.ptr[arrow + 2] != '@')
            pattern_parse(str_slice(signature, (size_t)arrow + 2, signature.len), arena);
        for (const char *p = table[i].emission; (p = strchr(p, '$')); p++)
            if (p[1] >= '1' && p[1] <= '9' && (size_t)(p[1] - '0') > list.n)
                fail_msg("%s(%s) uses $%c", table[i].name, table[i].signature, p[1]);
        assert_true(table[i].description[0] != '\0');
        assert_true(function_return_text(&table[i], arena).len > 0);
    }
    assert_true(function_exists(STR("year_of_week")) && function_exists(STR("abs")) &&
                !function_exists(STR("nosuch")));
    arena_free(arena);
}

static void budget_is_kept(void **state)
{
    (void)state;
    Arena *arena = arena_new(64 << 10);
    Statement *statement;
    Analysis *analysis;
    Error err = {0};
    _cleanup_buf_ Buf sql = BUF_INIT(1 << 20);
    buf_puts(&sql, "SELECT 1");
    for (int i = 0; i < 2000; i++)
        buf_puts(&sql, ", abs(1)");
    assert_int_equal(fake_analyze(sql.data, arena, &statement, &analysis, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs),        cmocka_unit_test(errors),
        cmocka_unit_test(pushdown),       cmocka_unit_test(insert_maps_columns),
        cmocka_unit_test(parameters),     cmocka_unit_test(function_table_is_sound),
        cmocka_unit_test(budget_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
