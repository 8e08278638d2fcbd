/* sql_statements.h - statements of every kind and feature, for tests that hold for all of them. */
#pragma once

static const char *const sql_statements[] = {
    /* queries */
    "SELECT 1",
    "select a, b c, t.*, x.y.z, * from t",
    "SELECT DISTINCT a FROM t",
    "SELECT ALL a FROM t",
    "VALUES 1, 2",
    "VALUES (1, 'a'), (2, NULL)",
    "TABLE a.b.c",
    "(SELECT 1)",
    "((VALUES 1) UNION (VALUES 2))",
    "SELECT row.* AS (p, q) FROM t",
    "SELECT (a).b, a[1].c, f(x).d FROM t",
    "SELECT limit, offset FROM t limit",
    "SELECT 1 limit LIMIT 1",
    "SELECT f(x) AS over LIMIT 5",
    "SELECT a at FROM t",
    "WITH a AS (SELECT 1), b (x, y) AS (VALUES (1, 2)) SELECT * FROM a, b",
    "WITH RECURSIVE t(n) AS (VALUES 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT n FROM t",
    "SELECT 1 UNION SELECT 2 INTERSECT SELECT 3 EXCEPT ALL SELECT 4",
    "SELECT 1 UNION DISTINCT (SELECT 2 ORDER BY 1 LIMIT 1)",
    "SELECT 1 AS x UNION ALL CORRESPONDING BY (x) SELECT 2 AS x",
    "SELECT 1 x EXCEPT CORRESPONDING SELECT 2 x",
    "SELECT a FROM t ORDER BY a DESC NULLS FIRST, 2 ASC, b NULLS LAST OFFSET 3 ROWS LIMIT 10",
    "SELECT a FROM t OFFSET ? LIMIT ?",
    "SELECT a FROM t LIMIT ALL",
    "SELECT a FROM t FETCH FIRST ROW ONLY",
    "SELECT a FROM t ORDER BY a FETCH NEXT 5 ROWS WITH TIES",
    "SELECT a, sum(b) FROM t WHERE c GROUP BY a HAVING sum(b) > 1",
    "SELECT 1 FROM t GROUP BY ()",
    "SELECT 1 FROM t GROUP BY (a, b), c, (a + b) * 2",
    "SELECT a FROM t GROUP BY DISTINCT ROLLUP (a, (b, c)), CUBE (d), GROUPING SETS ((a, b), (), c)",
    "SELECT a FROM t GROUP BY ALL a, AUTO",
    "SELECT a FROM t GROUP BY AUTO",
    "SELECT grouping(a, t.b) FROM t GROUP BY CUBE (a, b)",
    "SELECT rank() OVER w, sum(x) OVER (w ROWS UNBOUNDED PRECEDING) FROM t WINDOW w AS (PARTITION BY a, b "
    "ORDER BY c DESC), v AS (w)",
    "SELECT sum(x) OVER (RANGE BETWEEN INTERVAL '1' DAY PRECEDING AND CURRENT ROW), sum(x) OVER (GROUPS 2 "
    "PRECEDING), count(*) OVER () FROM t",
    "SELECT lag(x, 1) IGNORE NULLS OVER (ORDER BY y ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING), "
    "first_value(x) RESPECT NULLS OVER w FROM t",
    /* relations */
    "SELECT * FROM a JOIN b ON a.x = b.x LEFT OUTER JOIN c USING (x, y) CROSS JOIN d NATURAL FULL JOIN e, f "
    "RIGHT JOIN g ON true",
    "SELECT * FROM a JOIN b JOIN c ON b.x = c.x ON a.x = b.x",
    "SELECT * FROM (a INNER JOIN b ON true) AS j, ((c))",
    "SELECT * FROM ((SELECT 1) x CROSS JOIN y)",
    "SELECT * FROM (SELECT 1) t (a), LATERAL (SELECT t.a) l, UNNEST(ARRAY[1], m) WITH ORDINALITY AS u (x, y, "
    "n)",
    "SELECT * FROM t TABLESAMPLE BERNOULLI (10), u AS v TABLESAMPLE SYSTEM (1.5)",
    "SELECT * FROM TABLE(sequence(start => 1, stop => 5)) s, TABLE(a.b.f(1))",
    "SELECT * FROM t FOR VERSION AS OF 123 AS x, t FOR TIMESTAMP AS OF TIMESTAMP '2024-01-01 00:00:00 UTC', "
    "t @ dev",
    "SELECT * FROM \"a b\".\"c\"\"d\" AS \"select\"",
    "SELECT * FROM (VALUES (1, 2)) AS t (a, b) WHERE (a, b) IN (SELECT 1, 2)",
    "SELECT * FROM (TABLE t) x",
    /* expressions */
    "SELECT NULL, TRUE, false, 1, 1_000, 0xFF, 0b1_01, 0o17, 1.5, .5, 1., 1e5, 1.5E-3, 9223372036854775807, "
    "-9223372036854775808, -1.5, - 2e0",
    "SELECT 'it''s', U&'d\\0061t\\+000061', U&'d!0061ta' UESCAPE '!', X'00 ff', '', DATE '2020-01-01', "
    "double precision '1', decimal '1.5', \"my type\" 'x'",
    "SELECT INTERVAL '1' DAY, INTERVAL -'1-2' YEAR TO MONTH, INTERVAL + '1 2:3:4.5' DAY TO SECOND, INTERVAL "
    "'5' SECOND to",
    "SELECT a + b * c - d / e % f || g, -a * +b, -(-a), -(1), - - a, (a + b) * c, a || b || c, -a[1], "
    "(-a)[1]",
    "SELECT a AND b OR NOT c AND (d OR e), (a AND b) AND c, NOT NOT a, NOT a = b",
    "SELECT a = b, a <> b, a != b, a < b, a <= b, a > b, a >= b, (a = b) = c",
    "SELECT a BETWEEN b AND c AND d, a NOT BETWEEN SYMMETRIC b AND c, a BETWEEN ASYMMETRIC b + 1 AND c",
    "SELECT a IN (1, 2), a NOT IN (SELECT 1), a IN ((SELECT 1), 2)",
    "SELECT a LIKE 'x%' ESCAPE '\\', a NOT LIKE b || c",
    "SELECT a IS NULL, a IS NOT NULL, a IS DISTINCT FROM b, a IS NOT DISTINCT FROM b + 1, a IS TRUE, a IS "
    "NOT UNKNOWN, a IS FALSE",
    "SELECT a = ALL (SELECT 1), a < ANY (VALUES 1, 2), a <> SOME (TABLE t)",
    "SELECT EXISTS (SELECT 1), NOT EXISTS (SELECT 1), UNIQUE (VALUES 1), (SELECT 1) + 1, ((SELECT 1))",
    "SELECT a MATCH (VALUES 1), ROW(1) MATCH UNIQUE PARTIAL (SELECT 1), a MATCH FULL (TABLE t)",
    "SELECT ts AT TIME ZONE 'UTC', ts AT LOCAL, a + ts AT TIME ZONE INTERVAL '1' HOUR",
    "SELECT a[1][2], m['x'], ARRAY[], ARRAY[1, 2], [1, 2], (1, 2), ROW(1), ROW(1 AS a, 'x' AS \"B\")",
    "SELECT CAST(a AS bigint), TRY_CAST(a AS varchar(5))",
    "SELECT CASE WHEN a THEN 1 END, CASE a WHEN 1 THEN 2 WHEN b THEN 3 ELSE 4 END",
    "SELECT CASE x WHEN IN (1, 2) THEN 1 WHEN > 5 THEN 2 WHEN 7 THEN 3 WHEN IS NULL THEN 4 END",
    "SELECT IF(a, 1), if(a, 1, 2), COALESCE(a, b), NULLIF(a, b), TRY(a / b)",
    "SELECT x -> x + 1, (x, y) -> x, () -> 1, transform(a, e -> e || 'x')",
    "SELECT count(*), count(DISTINCT a), array_agg(a ORDER BY b DESC), sum(a) FILTER (WHERE b > 1), f(), "
    "a.b.f(1), f(x => 1, \"Y\" => 2)",
    "SELECT listagg(a, ', ') WITHIN GROUP (ORDER BY b), LISTAGG(DISTINCT a, '' ON OVERFLOW TRUNCATE '...' "
    "WITH COUNT) WITHIN GROUP (ORDER BY a) FILTER (WHERE b)",
    "SELECT listagg(a ON OVERFLOW ERROR) WITHIN GROUP (ORDER BY b), listagg(a ON OVERFLOW TRUNCATE WITHOUT "
    "COUNT) WITHIN GROUP (ORDER BY b)",
    "SELECT EXTRACT(YEAR FROM a), POSITION('a' IN b), SUBSTRING(a FROM 1 FOR 2), substring(a, 1), TRIM(a), "
    "TRIM(BOTH 'x' FROM a), trim(LEADING FROM a), trim(a, 'x')",
    "SELECT NORMALIZE(a), normalize(a, NFKD), OVERLAY(a PLACING b FROM 1 FOR 2), TRIM('x' FROM a)",
    "SELECT 'x'.length(), f(a).trim(), (a).upper(), varchar::chr(65)",
    "SELECT current_date, CURRENT_TIME(3), CURRENT_TIMESTAMP, localtime, LOCALTIMESTAMP(0), current_user, "
    "current_catalog, current_schema, current_path",
    "SELECT json_value('{}', 'lax $' RETURNING bigint NULL ON EMPTY), JSON_OBJECT('a' : ?)",
    "SELECT ? + ?, \"a\"\"b\", \"Col A\"",
    "SELECT CAST(a AS row(x bigint, \"Y\" array(varchar), decimal(10, 2))), CAST(a AS map(varchar, "
    "array(row(double precision, timestamp(3) with time zone))))",
    "SELECT CAST(a AS array<bigint>), CAST(a AS map<varchar, bigint>), CAST(a AS bigint array), CAST(a AS "
    "time with time zone), CAST(a AS timestamp without time zone)",
    "SELECT CAST(a AS interval day to second), CAST(a AS interval year to month), CAST(a AS \"Odd Type\"), "
    "CAST(a AS row(interval year to month, a array(int), int array[3]))",
    "WITH SESSION query_max_run_time = '1h', a.b = 1 SELECT 1",
    /* rows */
    "INSERT INTO t VALUES (1, 2)",
    "INSERT INTO a.b.t (x, y) SELECT 1, 2",
    "INSERT INTO t (SELECT 1)",
    "INSERT INTO t @ dev VALUES 1",
    "INSERT INTO t WITH a AS (SELECT 1) TABLE a",
    "DELETE FROM t",
    "DELETE FROM t @ b WHERE a = 1",
    "UPDATE t SET a = 1, b = b + 1 WHERE c IN (1)",
    "UPDATE t @ b SET a = NULL",
    "TRUNCATE TABLE t",
    "MERGE INTO t AS x USING (SELECT 1 a) s ON x.a = s.a WHEN MATCHED AND s.a > 1 THEN DELETE WHEN MATCHED "
    "THEN UPDATE SET a = s.a, b = 2"
    " WHEN NOT MATCHED AND true THEN INSERT (a, b) VALUES (s.a, 1) WHEN NOT MATCHED THEN INSERT VALUES (1, "
    "2)",
    /* definitions */
    "CREATE SCHEMA IF NOT EXISTS a.b WITH (location = 's3://x')",
    "DROP SCHEMA IF EXISTS a CASCADE",
    "DROP SCHEMA a RESTRICT",
    "ALTER SCHEMA a RENAME TO b",
    "CREATE TABLE IF NOT EXISTS t (a bigint NOT NULL COMMENT 'x' WITH (p = 1), b varchar DEFAULT 'x', LIKE s "
    "INCLUDING PROPERTIES) COMMENT 'c' WITH (format = 'PARQUET', x = DEFAULT)",
    "CREATE OR REPLACE TABLE t (a row(x int, y int))",
    "CREATE TABLE t (a, b) COMMENT 'c' WITH (partitioning = ARRAY['day(a)']) AS SELECT 1, 2 WITH NO DATA",
    "CREATE TABLE t AS (SELECT 1) WITH DATA",
    "CREATE TABLE t WITH (x = 1) AS TABLE s",
    "DROP TABLE IF EXISTS t",
    "ALTER TABLE IF EXISTS a.t RENAME TO b.t",
    "ALTER TABLE t ADD COLUMN IF NOT EXISTS a.b bigint COMMENT 'x' AFTER c",
    "ALTER TABLE t ADD COLUMN a int NOT NULL FIRST",
    "ALTER TABLE t DROP COLUMN IF EXISTS a.b",
    "ALTER TABLE IF EXISTS t RENAME COLUMN IF EXISTS a.b TO c",
    "ALTER TABLE t ALTER COLUMN a SET DATA TYPE decimal(20, 3)",
    "ALTER TABLE t SET PROPERTIES a = 1, b = DEFAULT",
    "ALTER TABLE t EXECUTE optimize",
    "ALTER TABLE t EXECUTE optimize(file_size_threshold => '1kB', 2) WHERE a = 1",
    "COMMENT ON TABLE t IS 'x'",
    "COMMENT ON VIEW v IS NULL",
    "COMMENT ON COLUMN a.t.c IS ''",
    "CREATE VIEW v AS SELECT 1",
    "CREATE OR REPLACE MATERIALIZED VIEW a.b GRACE PERIOD INTERVAL '1' HOUR WHEN STALE FAIL COMMENT 'c' "
    "WITH (partitioning = ARRAY['x']) AS SELECT 1 x",
    "CREATE MATERIALIZED VIEW IF NOT EXISTS v WHEN STALE INLINE AS SELECT 1 x",
    "REFRESH MATERIALIZED VIEW v",
    "DROP MATERIALIZED VIEW IF EXISTS v",
    "ALTER MATERIALIZED VIEW IF EXISTS v RENAME TO w",
    "ALTER MATERIALIZED VIEW v SET PROPERTIES x = 1, y = DEFAULT",
    "SHOW CREATE MATERIALIZED VIEW v",
    "CREATE OR REPLACE BRANCH b WITH (x = 1) IN TABLE t FROM c",
    "CREATE BRANCH IF NOT EXISTS b IN TABLE a.t",
    "DROP BRANCH IF EXISTS b IN TABLE t",
    "ALTER BRANCH main IN TABLE t FAST FORWARD TO dev",
    "SHOW BRANCHES FROM TABLE t",
    "CREATE OR REPLACE VIEW a.v COMMENT 'c' SECURITY INVOKER AS SELECT a FROM t WHERE b",
    "DROP VIEW IF EXISTS v",
    "ANALYZE t WITH (columns = ARRAY['a'])",
    "CALL a.b.c(1, x => 'y')",
    "CALL c()",
    /* SHOW and the session */
    "SHOW CATALOGS LIKE 'a%' ESCAPE '\\'",
    "SHOW SCHEMAS FROM a LIKE 'x'",
    "SHOW TABLES IN a.b",
    "SHOW COLUMNS FROM t LIKE 'a'",
    "DESCRIBE a.t",
    "DESC t",
    "SHOW CREATE TABLE t",
    "SHOW CREATE SCHEMA s",
    "SHOW CREATE VIEW v",
    "SHOW FUNCTIONS FROM a.b LIKE 'x'",
    "SHOW SESSION LIKE 'x'",
    "SHOW STATS FOR t",
    "SHOW STATS FOR (SELECT 1)",
    "EXPLAIN SELECT 1",
    "EXPLAIN (TYPE DISTRIBUTED, FORMAT JSON) SELECT 1",
    "EXPLAIN ANALYZE VERBOSE SELECT 1",
    "EXPLAIN EXPLAIN DROP TABLE t",
    "USE a",
    "USE a.b",
    "SET SESSION a.b = 1 + 1",
    "RESET SESSION a.b",
    "SET TIME ZONE LOCAL",
    "SET TIME ZONE 'UTC'",
    "SET TIME ZONE INTERVAL '1' HOUR",
    "PREPARE p FROM SELECT ? FROM t",
    "DEALLOCATE PREPARE p",
    "EXECUTE p",
    "EXECUTE p USING 1, 'x'",
    "EXECUTE IMMEDIATE 'SELECT ''a'', ?' USING 1",
    "DESCRIBE INPUT p",
    "DESCRIBE OUTPUT p",
    "START TRANSACTION",
    "START TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY",
    "START TRANSACTION READ WRITE, ISOLATION LEVEL SERIALIZABLE",
    "COMMIT WORK",
    "ROLLBACK",
    "SET ROLE NONE",
    "SET ROLE r IN c",
    "SET PATH a.b, c",
    "SET SESSION AUTHORIZATION bob",
    "RESET SESSION AUTHORIZATION",
    /* recognised, not supported */
    "CREATE OR REPLACE FUNCTION a.b.f(x int) RETURNS int COMMENT 'c' RETURN x + 1",
    "DROP FUNCTION IF EXISTS a.b.f(int, varchar(3))",
    "WITH FUNCTION f(x int) RETURNS int NOT DETERMINISTIC RETURNS NULL ON NULL INPUT BEGIN DECLARE a, b int "
    "DEFAULT 1; "
    "top: LOOP IF x > 1 THEN LEAVE top; ELSEIF x = 2 THEN ITERATE top; ELSE SET a = b; END IF; END LOOP; "
    "WHILE a < 1 DO SET a = 2; END WHILE; REPEAT SET a = 3; UNTIL a = 3 END REPEAT; "
    "CASE a WHEN 1 THEN RETURN 1; ELSE RETURN 2; END CASE; RETURN a; END SELECT f(1)",
    "SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY p ORDER BY o DESC MEASURES RUNNING last(A.v, 2) AS x, "
    "FINAL count(U.*) "
    "AS y ALL ROWS PER MATCH WITH UNMATCHED ROWS AFTER MATCH SKIP TO FIRST A PATTERN (^ (A | B)* C+? {- "
    "D{2,3} -} () "
    "PERMUTE(A, B) E{,4}? F{2}$) SUBSET U = (A, B) DEFINE A AS v > prev(v)) AS m (a, b)",
    "SELECT v OVER w, v OVER (w) FROM t WINDOW w AS (ORDER BY o MEASURES last(v) AS v ROWS BETWEEN CURRENT "
    "ROW AND 3 "
    "FOLLOWING AFTER MATCH SKIP TO NEXT ROW SEEK PATTERN (A) DEFINE A AS true)",
    "SELECT * FROM TABLE(a.f(1, x => TABLE(SELECT 1) AS s (c) PARTITION BY (a, b) KEEP WHEN EMPTY ORDER BY "
    "c, d => "
    "DESCRIPTOR(e, f bigint), n => CAST(NULL AS DESCRIPTOR) COPARTITION (s, t)))",
    "CREATE ROLE r",
    "GRANT SELECT ON t TO u",
    "ALTER VIEW v RENAME TO w",
    "SHOW CURRENT ROLES",
    "CREATE FUNCTION f(x int) RETURNS int RETURN x",
};
enum { SQL_STATEMENT_COUNT = sizeof sql_statements / sizeof *sql_statements };
