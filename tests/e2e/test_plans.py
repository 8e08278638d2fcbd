"""Statements that come again take the plan of the earlier one, and never an answer that is not today's."""
import json
import time
import urllib.request

import pytest

from test_sql import connect, fails, run, schema      # noqa: F401 (fixtures)


@pytest.fixture
def found(platform):
    """How many statements took another's plan so far."""
    def found():
        text = urllib.request.urlopen(platform['query']['url'] + '/metrics', timeout=10).read().decode()
        return sum(float(line.split()[-1]) for line in text.splitlines()
                   if line.startswith('lakehouse_query_plans_total') and '"found"' in line)
    return found


def again(run, found, sql, **options):
    """The rows, and whether the plan was found."""
    before = found()
    rows = run(sql, **options)
    return rows, found() == before + 1


def test_rows_are_todays(run, schema, found):
    t = f'{schema}.t'
    run(f'CREATE TABLE {t} AS SELECT * FROM (VALUES (1, 10), (2, 20), (3, 30)) v(id, n)')
    sql = f'SELECT a.id, sum(b.n) FROM {t} a JOIN {t} b ON a.id >= b.id WHERE a.id > 1 GROUP BY 1 ORDER BY 1'
    assert run(sql) == [(2, 30), (3, 60)]
    assert again(run, found, sql) == ([(2, 30), (3, 60)], True)
    run(f'INSERT INTO {t} VALUES (4, 40)')
    assert again(run, found, sql) == ([(2, 30), (3, 60), (4, 100)], False)
    assert again(run, found, sql) == ([(2, 30), (3, 60), (4, 100)], True)
    run(f'DELETE FROM {t} WHERE id = 1')
    assert again(run, found, sql) == ([(2, 20), (3, 50), (4, 90)], False)
    assert again(run, found, sql) == ([(2, 20), (3, 50), (4, 90)], True)


def test_tables_are_todays(run, schema, found):
    t, sql = f'{schema}.t', f'SELECT * FROM {schema}.t'
    run(f'CREATE TABLE {t} AS SELECT 1 AS a')
    assert run(sql) == [(1,)] == again(run, found, sql)[0]
    run(f'ALTER TABLE {t} ADD COLUMN b varchar')
    assert again(run, found, sql) == ([(1, None)], False)
    run(f'DROP TABLE {t}')
    assert fails(run, sql).error_name == 'TABLE_NOT_FOUND'
    run(f"CREATE TABLE {t} AS SELECT 'other' AS a")
    assert again(run, found, sql) == ([('other',)], False)
    run(f'DROP TABLE {t}')
    run(f'CREATE VIEW {t} AS SELECT 5 AS a')
    assert run(sql) == [(5,)]
    run(f'CREATE OR REPLACE VIEW {t} AS SELECT 6 AS a')
    assert run(sql) == [(6,)]
    run(f'DROP VIEW {t}')


def test_versions_have_no_plan(run, schema, found):
    t = f'{schema}.t'
    run(f'CREATE TABLE {t} AS SELECT 1 AS a')
    first = run(f'SELECT snapshot_id FROM {schema}."t$snapshots"')[0][0]
    sql = f'SELECT * FROM {t} FOR VERSION AS OF {first}'
    run(f'INSERT INTO {t} VALUES 2')
    assert again(run, found, sql) == ([(1,)], False)
    assert again(run, found, sql) == ([(1,)], False)


def test_the_moment_is_the_statements(run, found):
    sql = "SELECT current_timestamp, current_date, now(), localtimestamp(6), current_time, at_timezone(now(), 'Asia/Seoul')"
    first, _ = again(run, found, sql)
    time.sleep(0.01)
    second, taken = again(run, found, sql)
    assert taken and all(b > a for a, b in zip(first[0], second[0]) if a is not None and a != b)
    assert sum(a != b for a, b in zip(first[0], second[0])) >= 4


def test_the_session_is_the_statements(run, schema, found, platform):
    run(f'CREATE TABLE {schema}.t AS SELECT 7 AS a')
    sql = 'SELECT a, current_user, current_schema, CAST(TIMESTAMP \'2024-01-01 00:00:00 UTC\' AS varchar), date_format(now(), \'%Y\') FROM t'
    for _ in range(2):
        assert run(sql, schema=schema)[0][:3] == (7, 'test', schema)
    assert fails(run, sql).error_name == 'MISSING_SCHEMA_NAME'
    other = connect(platform, schema=schema)
    other._client_session._user = 'other'       # noqa: SLF001 - the helper's connections are of one user
    cursor = other.cursor()
    cursor.execute(sql)
    assert cursor.fetchall()[0][1] == 'other'
    zone = 'SELECT CAST(current_timestamp AS varchar)'
    assert run(zone, timezone='Asia/Seoul')[0][0].endswith('Asia/Seoul')
    assert run(zone, timezone='Europe/Paris')[0][0].endswith('Europe/Paris')


def test_decimals_that_overflow(run, schema):
    """The plan computes in 64 bits where the first run could; rows that come later may not fit."""
    t = f'{schema}.t'
    run(f'CREATE TABLE {t} (a decimal(18,2), b decimal(18,2))')
    run(f'INSERT INTO {t} VALUES (2, 3)')
    sql = f'SELECT sum(a * b) FROM {t}'
    for _ in range(2):
        assert str(run(sql)[0][0]) == '6.0000'
    run(f'INSERT INTO {t} VALUES (9999999999999999.99, 9999999999999999.99)')
    for _ in range(3):
        assert str(run(sql)[0][0]) == '99999999999999999800000000000006.0001'


def test_prepared_statements(platform, run, schema, found):
    run(f"CREATE TABLE {schema}.t AS SELECT * FROM (VALUES (1, 'a'), (2, 'b')) v(id, name)")
    sql = f'SELECT name FROM {schema}.t WHERE id = ?'
    connection = connect(platform)

    def execute(value):
        cursor = connection.cursor()
        cursor.execute(sql, (value,))
        return cursor.fetchall()
    for _ in range(2):
        assert execute(1) == [['a']]
        assert execute(2) == [['b']]
    before = found()
    assert execute(2) == [['b']]
    assert found() > before


def test_transactions_look_themselves(platform, run, schema):
    run(f'CREATE TABLE {schema}.t AS SELECT 1 AS a')
    sql = f'SELECT a FROM iceberg.{schema}.t'
    assert run(sql) == run(sql) == [(1,)]
    url, headers = platform['query']['url'] + '/v1/statement', {'X-Trino-User': 'test'}

    def post(text, transaction):
        request = urllib.request.Request(url, text.encode(), headers | {'X-Trino-Transaction-Id': transaction})
        with urllib.request.urlopen(request, timeout=30) as response:
            started, answer = response.headers['X-Trino-Started-Transaction-Id'], json.load(response)
        while 'nextUri' in answer and not started and 'error' not in answer:
            with urllib.request.urlopen(urllib.request.Request(answer['nextUri'], headers=headers), timeout=30) as response:
                started, answer = response.headers['X-Trino-Started-Transaction-Id'], json.load(response)
        return started, answer.get('error', {}).get('errorName')
    strict, _ = post('START TRANSACTION ISOLATION LEVEL SERIALIZABLE', 'NONE')
    assert strict
    assert post(sql, 'NONE')[1] is None
    assert post(sql, strict)[1] == 'NOT_SUPPORTED'


def test_at_once(platform, run, schema):
    """The same text by many, while the table changes: each sum is one of a state that was."""
    import threading
    t = f'{schema}.t'
    run(f'CREATE TABLE {t} AS SELECT 1 AS a')
    sql, sums, errors = f'SELECT sum(a), count(*) FROM {t}', [], []

    def read():
        try:
            for _ in range(40):
                cursor = connect(platform).cursor()
                cursor.execute(sql)
                sums.append(tuple(cursor.fetchall()[0]))
        except Exception as e:      # noqa: BLE001 - shown below
            errors.append(e)
    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        run(f'INSERT INTO {t} VALUES 1')
    for thread in threads:
        thread.join()
    assert not errors
    assert all(a == n and 1 <= n <= 11 for a, n in sums)
    assert run(sql) == [(11, 11)]
