/* The emitter's text: user text only as quoted literals, plain operators where they are equal, checks where
 * not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sql_fake.h"

enum { BUDGET = 32 << 20 };

static void emitted(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *duckdb;
    } cases[] = {
        {"SELECT order_id FROM orders WHERE amount > 5 ORDER BY 1 DESC LIMIT 3",
         "SELECT r1.c0 AS c0 FROM (SCAN orders [0,2]) AS r1 WHERE (r1.c2 > CAST('5' AS DECIMAL(10,2))) "
         "ORDER BY 1 DESC NULLS LAST LIMIT 3"},
        {"SELECT 7 / order_id, order_id % 2, order_id + 1 FROM orders",
         "SELECT t_div(CAST(7 AS BIGINT), r1.c0) AS c0, t_mod(r1.c0, CAST(2 AS BIGINT)) AS c1, (r1.c0 + "
         "CAST(1 AS BIGINT)) AS c2 FROM "
         "(SCAN orders [0]) AS r1"},
        {"SELECT sum(order_id), count(*) FROM orders",
         "SELECT CAST(sum(r1.c0) AS BIGINT) AS c0, count(*) AS c1 FROM (SCAN orders [0]) AS r1"},
        {"SELECT 'it''s', U&'\\00e9', X'0aFF' FROM orders",
         "SELECT 'it''s' AS c0, 'é' AS c1, unhex('0AFF') AS c2 FROM (SCAN orders []) AS r1"},
        {"SELECT 1 FROM orders WHERE price > 1.5e0 AND price = 2e0",
         "SELECT CAST(1 AS INTEGER) AS c0 FROM (SCAN orders [4]) AS r1 WHERE ((r1.c4 > CAST('1.5e0' AS "
         "DOUBLE) AND r1.c4 <= "
         "CAST('Infinity' AS DOUBLE)) AND (r1.c4 = CAST('2e0' AS DOUBLE)))"},
        {"SELECT 1 FROM orders o JOIN customers c ON o.order_id = c.id",
         "SELECT CAST(1 AS INTEGER) AS c0 FROM (SCAN orders [0]) AS r1 INNER JOIN (SCAN customers [0]) AS r2 "
         "ON (r1.c0 = r2.c0)"},
        {"SELECT 1 FROM orders o WHERE EXISTS (SELECT 1 FROM customers c WHERE c.id = o.order_id)",
         "SELECT CAST(1 AS INTEGER) AS c0 FROM (SCAN orders [0]) AS r1 WHERE (EXISTS (SELECT CAST(1 AS "
         "INTEGER) AS c0 FROM (SCAN "
         "customers [0]) AS r2 WHERE (r2.c0 = r1.c0)))"},
        {"SELECT product FROM orders UNION ALL SELECT name FROM customers",
         "(SELECT r1.c1 AS c0 FROM (SCAN orders [1]) AS r1) UNION ALL (SELECT r2.c1 AS c0 FROM (SCAN "
         "customers [1]) AS r2)"},
        {"SELECT product, sum(amount) FROM orders GROUP BY 1 HAVING count(*) > 1",
         "SELECT r1.c1 AS c0, CAST(sum(r1.c2) AS DECIMAL(38,2)) AS c1 FROM (SCAN orders [1,2]) AS r1 GROUP "
         "BY r1.c1 HAVING (count(*) > "
         "CAST(1 AS BIGINT))"},
        {"SELECT rank() OVER (PARTITION BY product ORDER BY amount DESC NULLS FIRST) FROM orders",
         "SELECT rank() OVER (PARTITION BY r1.c1 ORDER BY r1.c2 DESC NULLS FIRST) AS c0 FROM (SCAN orders "
         "[1,2]) AS r1"},
        {"SELECT DATE '2024-01-31' - INTERVAL '1' DAY",
         "SELECT t_date_sub_ms(CAST('2024-01-31' AS DATE), CAST(86400000 AS BIGINT)) AS c0"},
        {"SELECT CAST(NULL AS varchar), CAST('12' AS bigint), CAST(1.5 AS integer)",
         "SELECT CAST(CAST(NULL AS BOOLEAN) AS VARCHAR) AS c0, t_varchar_to_bigint('12') AS c1, "
         "CAST(CAST('1.5' AS DECIMAL(2,1)) AS INTEGER) AS "
         "c2"},
        {"VALUES (1, 'a'), (2, 'b')", "SELECT r1.c0 AS c0, r1.c1 AS c1 FROM (VALUES (CAST(1 AS INTEGER), "
                                      "'a'), (CAST(2 AS INTEGER), 'b')) AS r1(c0, c1)"},
        {"SELECT 1 FROM orders WHERE product LIKE 'a!_%' ESCAPE '!'",
         "SELECT CAST(1 AS INTEGER) AS c0 FROM (SCAN orders [1]) AS r1 WHERE (r1.c1 LIKE 'a!_%' ESCAPE '!')"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena *arena = arena_new(BUDGET);
        Statement *statement;
        Analysis *analysis;
        Error err;
        _cleanup_buf_ Buf out = BUF_INIT(1 << 20);
        EmitContext context = {.arena = arena, .session = &fake_session};
        if (fake_analyze(cases[i].sql, arena, &statement, &analysis, &err) ||
            emit_query(&context, statement->query, &out, &err))
            fail_msg("%s\n%s", cases[i].sql, err.message);
        if (!str_is(buf_str(&out), cases[i].duckdb))
            fail_msg("%s\n got %s\nwant %s", cases[i].sql, out.data, cases[i].duckdb);
        arena_free(arena);
    }
}

/* With exact_decimals every product has Trino's type from the start. */
static void decimals(void **state)
{
    (void)state;
    static const struct {
        bool exact;
        const char *duckdb;
    } cases[] = {
        {false, "SELECT CAST(sum((r1.c2 * r1.c2)) AS DECIMAL(38,4)) AS c0 FROM (SCAN orders [2]) AS r1"},
        {true, "SELECT sum(CAST((CAST(r1.c2 AS DECIMAL(19,2)) * r1.c2) AS DECIMAL(20,4))) AS c0 FROM (SCAN "
               "orders [2]) AS r1"},
    };
    for (size_t i = 0; i < 2; i++) {
        Arena *arena = arena_new(BUDGET);
        Statement *statement;
        Analysis *analysis;
        Error err;
        _cleanup_buf_ Buf out = BUF_INIT(1 << 20);
        EmitContext context = {.arena = arena, .session = &fake_session, .exact_decimals = cases[i].exact};
        assert_int_equal(
            fake_analyze("SELECT sum(amount * amount) FROM orders", arena, &statement, &analysis, &err), 0);
        assert_int_equal(emit_query(&context, statement->query, &out, &err), 0);
        if (!str_is(buf_str(&out), cases[i].duckdb))
            fail_msg(" got %s\nwant %s", out.data, cases[i].duckdb);
        assert_int_equal(context.is_optimistic, !cases[i].exact);
        arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(emitted), cmocka_unit_test(decimals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
