"""Branches, tags, replaced tables, materialized views and statistics: by SQL, and by pyiceberg as a second reader."""
import threading
import time

import pytest

from test_sql import connect, fails, pyiceberg_catalog, run, schema      # noqa: F401 (fixtures)


def rows(run, table):
    return sorted(run(f'SELECT * FROM {table}'), key=repr)


# ---- branches and tags

def test_a_branch_lives_apart_until_main_is_forwarded(run, schema, pyiceberg_catalog):
    t = f'{schema}.t'
    run(f'CREATE TABLE {t} AS SELECT 1 AS a')
    run(f'CREATE BRANCH dev IN TABLE {t}')
    run(f'INSERT INTO {t} @ dev VALUES 2')
    assert run(f'UPDATE {t} @ dev SET a = 20 WHERE a = 2') == [(1,)]
    assert run(f'DELETE FROM {t} @ dev WHERE a = 1') == [(1,)]
    assert rows(run, t) == [(1,)]
    assert rows(run, f"{t} FOR VERSION AS OF 'dev'") == [(20,)] == rows(run, f'{t} @ dev')
    table = pyiceberg_catalog.load_table(t)
    refs = table.refs()
    assert set(refs) == {'main', 'dev'} and refs['dev'].snapshot_ref_type == 'branch'
    assert table.scan(snapshot_id=refs['dev'].snapshot_id).to_arrow().to_pydict() == {'a': [20]}
    assert table.scan().to_arrow().to_pydict() == {'a': [1]}
    assert run(f'SHOW BRANCHES FROM TABLE {t}') == [('dev',), ('main',)]
    run(f'ALTER BRANCH main IN TABLE {t} FAST FORWARD TO dev')
    assert rows(run, t) == [(20,)]
    run(f'INSERT INTO {t} VALUES 3')
    assert fails(run, f'ALTER BRANCH main IN TABLE {t} FAST FORWARD TO dev').error_name == 'INVALID_ARGUMENTS'
    run(f'DROP BRANCH dev IN TABLE {t}')
    assert fails(run, f'INSERT INTO {t} @ dev VALUES 2').error_name == 'BRANCH_NOT_FOUND'
    assert set(pyiceberg_catalog.load_table(t).refs()) == {'main'}


def test_branches_that_are_there_or_not(run, schema):
    t = f'{schema}.t'
    run(f'CREATE TABLE {t} AS SELECT 1 AS a')
    run(f'CREATE BRANCH b IN TABLE {t}')
    first = run(f'SELECT snapshot_id FROM {schema}."t$refs" WHERE name = \'b\'')
    assert fails(run, f'CREATE BRANCH b IN TABLE {t}').error_name == 'BRANCH_ALREADY_EXISTS'
    run(f'INSERT INTO {t} VALUES 2')
    run(f'CREATE BRANCH IF NOT EXISTS b IN TABLE {t}')
    assert run(f'SELECT snapshot_id FROM {schema}."t$refs" WHERE name = \'b\'') == first
    run(f'CREATE OR REPLACE BRANCH b IN TABLE {t}')
    assert run(f'SELECT snapshot_id FROM {schema}."t$refs" WHERE name = \'b\'') != first
    assert fails(run, f'DROP BRANCH x IN TABLE {t}').error_name == 'BRANCH_NOT_FOUND'
    run(f'DROP BRANCH IF EXISTS x IN TABLE {t}')
    assert fails(run, f'DROP BRANCH main IN TABLE {t}').error_name == 'NOT_SUPPORTED'
    assert fails(run, f'CREATE BRANCH c IN TABLE {t} FROM x').error_name == 'BRANCH_NOT_FOUND'
    assert fails(run, f'CREATE BRANCH c WITH (x = 1) IN TABLE {t}').error_name == 'INVALID_BRANCH_PROPERTY'
    assert fails(run, 'CREATE BRANCH c IN TABLE tpch.tiny.nation').error_name == 'NOT_SUPPORTED'
    assert fails(run, f'SHOW BRANCHES IN TABLE {schema}.nothing').error_name == 'TABLE_NOT_FOUND'


def test_expiry_keeps_what_branches_and_tags_need(run, schema, platform):
    t = f'{schema}.t'
    session = {'session_properties': {'iceberg.expire_snapshots_min_retention': '0s'}}
    run(f'CREATE TABLE {t} AS SELECT 1 AS a')
    run(f"ALTER TABLE {t} EXECUTE create_tag(name => 'v1')")
    run(f"CREATE BRANCH keeps WITH (min_snapshots_to_keep = 2) IN TABLE {t}")
    run(f"CREATE BRANCH goes WITH (max_reference_age = '1ms') IN TABLE {t}")
    run(f'INSERT INTO {t} @ keeps VALUES 2')
    run(f'INSERT INTO {t} @ keeps VALUES 3')
    run(f'INSERT INTO {t} @ goes VALUES 9')
    run(f'DELETE FROM {t}')
    run(f'INSERT INTO {t} VALUES 5')
    time.sleep(0.01)
    expire = f"ALTER TABLE {t} EXECUTE expire_snapshots(retention_threshold => '0s')"
    run(expire, **session)
    assert run(f'SHOW BRANCHES IN TABLE {t}') == [('keeps',), ('main',)]
    # the tag's, two of `keeps`, main's head
    assert run(f'SELECT count(*) FROM {schema}."t$snapshots"') == [(4,)]
    assert rows(run, f"{t} FOR VERSION AS OF 'v1'") == [(1,)]
    assert rows(run, f'{t} @ keeps') == [(1,), (2,), (3,)]
    assert rows(run, t) == [(5,)]
    run(f"ALTER TABLE {t} EXECUTE drop_tag('v1')")
    run(f'DROP BRANCH keeps IN TABLE {t}')
    run(expire, **session)
    assert run(f'SELECT count(*) FROM {schema}."t$snapshots"') == [(1,)]
    assert rows(run, t) == [(5,)]


# ---- CREATE OR REPLACE TABLE

@pytest.mark.parametrize('version', (2, 3))
def test_a_replaced_table_keeps_its_history(run, schema, pyiceberg_catalog, version):
    t = f'{schema}.t'
    run(f"CREATE TABLE {t} (a bigint NOT NULL, b row(x integer, y varchar), p varchar) "
        f"WITH (format_version = {version}, partitioning = ARRAY['p'])")
    run(f"INSERT INTO {t} VALUES (1, row(1, 'q'), 'p'), (2, row(2, 'w'), 'z')")
    before = pyiceberg_catalog.load_table(t)
    run(f"CREATE OR REPLACE TABLE {t} WITH (format_version = {version}, partitioning = ARRAY['bucket(n, 2)'], sorted_by = ARRAY['a']) AS "
        f"SELECT CAST(a AS varchar) AS a, CAST(row(b.y, b.x) AS row(y varchar, z bigint)) AS b, a AS n FROM {t}")
    assert run(f'SELECT * FROM {t} ORDER BY n') == [('1', ('q', 1), 1), ('2', ('w', 2), 2)]
    old = before.current_snapshot().snapshot_id
    assert run(f'SELECT a, b.x, p FROM {t} FOR VERSION AS OF {old} ORDER BY 1') == [(1, 1, 'p'), (2, 2, 'z')]
    after = pyiceberg_catalog.load_table(t)
    assert after.metadata.table_uuid == before.metadata.table_uuid and after.location() == before.location()
    assert len(after.metadata.snapshots) == len(before.metadata.snapshots) + 1
    assert after.current_snapshot().parent_snapshot_id is None
    assert after.schema().find_field('a').field_id == before.schema().find_field('a').field_id
    assert after.schema().find_field('b.y').field_id == before.schema().find_field('b.y').field_id
    assert after.schema().find_field('n').field_id > before.metadata.last_column_id
    assert [str(f.transform) for f in after.spec().fields] == ['bucket[2]'] and len(after.sort_order().fields) == 1
    assert sorted(after.scan().to_arrow().to_pydict()['a']) == ['1', '2']
    run(f'INSERT INTO {t} VALUES (\'3\', NULL, 3)')
    assert run(f'DELETE FROM {t} WHERE n < 3') == [(2,)]
    assert run(f'SELECT a FROM {t}') == [('3',)]


def test_replacing_without_rows_and_what_is_refused(run, schema):
    t = f'{schema}.t'
    run(f'CREATE OR REPLACE TABLE {t} (a integer)')
    run(f'INSERT INTO {t} VALUES 1')
    run(f'CREATE OR REPLACE TABLE {t} (b varchar) WITH (format_version = 3)')
    assert rows(run, t) == [] and run(f'DESCRIBE {t}')[0][:2] == ('b', 'varchar')
    assert fails(run, f'CREATE OR REPLACE TABLE {t} (b varchar) WITH (format_version = 2)').error_name == 'NOT_SUPPORTED'
    assert fails(run, f"CREATE OR REPLACE TABLE {t} (b varchar) WITH (location = 's3://lakehouse-warehouse/else')").error_name == 'INVALID_TABLE_PROPERTY'
    assert fails(run, f'CREATE OR REPLACE TABLE IF NOT EXISTS {t} (b varchar)').error_name == 'SYNTAX_ERROR'
    run(f'CREATE OR REPLACE TABLE {t} AS SELECT 7 AS b WITH NO DATA')
    assert rows(run, t) == []
    assert fails(run, f'CREATE OR REPLACE TABLE {t} AS SELECT 1 / (b - b) AS x FROM (VALUES 1) v(b)').error_name == 'DIVISION_BY_ZERO'
    assert run(f'DESCRIBE {t}')[0][:2] == ('b', 'integer'), 'what failed changed nothing'


def test_a_replacement_and_appends_do_not_lose_each_other(run, schema, platform):
    t = f'{schema}.t'
    run(f'CREATE TABLE {t} AS SELECT 0 AS a')
    stop, failures = threading.Event(), []

    def append():
        cursor = connect(platform).cursor()
        while not stop.is_set():
            try:
                cursor.execute(f'INSERT INTO {t} VALUES 1')
                cursor.fetchall()
            except Exception as e:
                failures.append(e)
    thread = threading.Thread(target=append)
    thread.start()
    try:
        for _ in range(10):
            run(f'CREATE OR REPLACE TABLE {t} AS SELECT 2 AS a')
    finally:
        stop.set()
        thread.join()
    assert not failures
    assert run(f'SELECT count(*) FROM {t} WHERE a = 2') == [(1,)]
    assert run(f'SELECT count(*) FROM {t} WHERE a = 0') == [(0,)]


# ---- materialized views

def freshness(run, schema, name='mv'):
    return run(f"SELECT freshness FROM system.metadata.materialized_views WHERE schema_name = '{schema}' AND name = '{name}'")[0][0]


def test_a_materialized_view_is_as_old_as_its_refresh(run, schema, pyiceberg_catalog):
    t, mv = f'{schema}.t', f'{schema}.mv'
    run(f"CREATE TABLE {t} AS SELECT 1 AS a, CAST('x' AS varchar(5)) AS b")
    run(f'CREATE MATERIALIZED VIEW {mv} COMMENT \'c\' WITH (partitioning = ARRAY[\'b\']) AS SELECT b, count(*) AS n FROM {t} GROUP BY b')
    assert rows(run, mv) == [('x', 1)] and freshness(run, schema) == 'STALE'
    assert run(f'REFRESH MATERIALIZED VIEW {mv}') == [(1,)]
    assert freshness(run, schema) == 'FRESH'
    run(f"INSERT INTO {t} VALUES (2, 'y'), (3, 'x')")
    assert rows(run, mv) == [('x', 1)] and freshness(run, schema) == 'STALE'
    storage = pyiceberg_catalog.load_table(f'{schema}.mv$materialized_view_storage')
    assert storage.scan().to_arrow().to_pylist() == [{'b': 'x', 'n': 1}]
    assert [str(f.transform) for f in storage.spec().fields] == ['identity']
    assert run(f'REFRESH MATERIALIZED VIEW {mv}') == [(2,)]
    assert rows(run, mv) == [('x', 2), ('y', 1)] and freshness(run, schema) == 'FRESH'
    storage.refresh()
    assert sorted(r['n'] for r in storage.scan().to_arrow().to_pylist()) == [1, 2]
    assert f'{schema}.t={pyiceberg_catalog.load_table(t).current_snapshot().snapshot_id}' == \
        storage.current_snapshot().summary.additional_properties['dependsOnTables']
    # for other engines it is a view
    assert (schema, 'mv') in pyiceberg_catalog.list_views(schema)
    assert run(f'SHOW TABLES FROM {schema}') == [('mv',), ('t',)]


def test_how_old_it_may_be(run, schema):
    t, strict, lax = f'{schema}.t', f'{schema}.strict', f'{schema}.lax'
    run(f'CREATE TABLE {t} AS SELECT 1 AS a')
    run(f"CREATE MATERIALIZED VIEW {strict} GRACE PERIOD INTERVAL '0' SECOND WHEN STALE FAIL AS SELECT a FROM {t}")
    run(f"CREATE MATERIALIZED VIEW {lax} GRACE PERIOD INTERVAL '1' SECOND AS SELECT a FROM {t}")
    assert fails(run, f'SELECT * FROM {strict}').error_name == 'VIEW_IS_STALE'
    for name in (strict, lax):
        run(f'REFRESH MATERIALIZED VIEW {name}')
        assert rows(run, name) == [(1,)]
    run(f'INSERT INTO {t} VALUES 2')
    assert fails(run, f'SELECT * FROM {strict}').error_name == 'VIEW_IS_STALE'
    assert rows(run, lax) == [(1,)]
    time.sleep(1.2)
    assert rows(run, lax) == [(1,), (2,)], 'the grace is over: the query runs'
    run(f"CREATE MATERIALIZED VIEW {schema}.other AS SELECT count(*) AS n FROM tpch.tiny.nation")
    run(f'REFRESH MATERIALIZED VIEW {schema}.other')
    assert freshness(run, schema, 'other') == 'UNKNOWN' and rows(run, f'{schema}.other') == [(25,)]


def test_materialized_views_are_changed_and_dropped(run, schema, pyiceberg_catalog):
    t, mv = f'{schema}.t', f'{schema}.mv'
    run(f'CREATE TABLE {t} AS SELECT 1 AS a')
    run(f"CREATE MATERIALIZED VIEW {mv} GRACE PERIOD INTERVAL '90' MINUTE AS SELECT a FROM {t}")
    run(f'REFRESH MATERIALIZED VIEW {mv}')
    text = run(f'SHOW CREATE MATERIALIZED VIEW {mv}')[0][0]
    assert text.startswith(f"CREATE MATERIALIZED VIEW iceberg.{mv}\nGRACE PERIOD INTERVAL '0 01:30:00.000' DAY TO SECOND\nWHEN STALE INLINE\nWITH (\n   format = 'PARQUET'")
    assert f"   storage_schema = '{schema}'\n) AS\nSELECT a\nFROM\n  {t}" in text
    run(f"ALTER MATERIALIZED VIEW {mv} SET PROPERTIES format_version = 3")
    assert 'format_version = 3' in run(f'SHOW CREATE MATERIALIZED VIEW {mv}')[0][0]
    run(f"COMMENT ON VIEW {mv} IS 'new'")
    assert "COMMENT 'new'" in run(f'SHOW CREATE MATERIALIZED VIEW {mv}')[0][0]
    run(f'ALTER MATERIALIZED VIEW {mv} RENAME TO {schema}.mv2')
    run(f'INSERT INTO {t} VALUES 2')
    assert rows(run, f'{schema}.mv2') == [(1,)], 'its rows came along'
    assert fails(run, f'CREATE MATERIALIZED VIEW {schema}.mv2 AS SELECT 1 AS a').error_name == 'ALREADY_EXISTS'
    run(f'CREATE OR REPLACE MATERIALIZED VIEW {schema}.mv2 AS SELECT a + 1 AS b FROM {t}')
    assert rows(run, f'{schema}.mv2') == [(2,), (3,)]
    assert fails(run, f'INSERT INTO {schema}.mv2 VALUES 1').error_name == 'NOT_SUPPORTED'
    assert fails(run, f'DROP VIEW {schema}.mv2').error_name == 'GENERIC_USER_ERROR'
    assert fails(run, f'DROP TABLE IF EXISTS {schema}.mv2').error_name == 'GENERIC_USER_ERROR'
    assert fails(run, f'REFRESH MATERIALIZED VIEW {t}').error_name == 'TABLE_NOT_FOUND'
    run(f'DROP MATERIALIZED VIEW {schema}.mv2')
    assert [n for _, n in pyiceberg_catalog.list_tables(schema)] == ['t'], 'the table behind it is gone too'
    assert fails(run, f'DROP MATERIALIZED VIEW {schema}.mv2').error_name == 'GENERIC_USER_ERROR'
    run(f'DROP MATERIALIZED VIEW IF EXISTS {schema}.mv2')


def test_a_refresh_that_fails_changes_nothing(run, schema):
    t, mv = f'{schema}.t', f'{schema}.mv'
    run(f'CREATE TABLE {t} AS SELECT 1 AS a')
    run(f'CREATE MATERIALIZED VIEW {mv} AS SELECT 1 / a AS q FROM {t}')
    run(f'REFRESH MATERIALIZED VIEW {mv}')
    run(f'INSERT INTO {t} VALUES 0')
    assert fails(run, f'REFRESH MATERIALIZED VIEW {mv}').error_name == 'DIVISION_BY_ZERO'
    assert rows(run, mv) == [(1,)]


# ---- ANALYZE

def ndv(table):
    newest = {s.snapshot_id: s for s in table.metadata.statistics}[table.current_snapshot().snapshot_id]
    return {table.schema().find_column_name(b.fields[0]): int(b.properties['ndv']) for b in newest.blob_metadata}, newest


def test_analyze_leaves_sketches_in_a_puffin_file(run, schema, pyiceberg_catalog):
    t = f'{schema}.t'
    run(f"""CREATE TABLE {t} AS SELECT x AS a, CAST(x % 7 AS varchar) AS b, CAST(x % 50 AS decimal(20, 2)) AS c, DATE '2024-01-01' + INTERVAL '1' DAY * (x % 30) AS d,
        TIMESTAMP '2024-01-01 00:00:00.000000 UTC' + INTERVAL '1' SECOND * (x % 20) AS e, CAST(NULL AS double) AS f, ARRAY[x] AS g, x % 2 = 0 AS h
        FROM UNNEST(sequence(1, 10000)) u(x)""")
    assert run(f'ANALYZE {t}') == [(None,)]
    table = pyiceberg_catalog.load_table(t)
    counts, newest = ndv(table)
    assert abs(counts.pop('a') - 10000) < 10000 * 0.05
    assert counts == {'b': 7, 'c': 50, 'd': 30, 'e': 20, 'f': 0, 'h': 2}, 'arrays have none'
    puffin = pytest.importorskip('pyiceberg.table.puffin')
    raw = table.io.new_input(newest.statistics_path).open().read()
    assert len(raw) == newest.file_size_in_bytes
    blobs = puffin.PuffinFile(raw).footer.blobs
    assert {b.type for b in blobs} == {'apache-datasketches-theta-v1'}
    first = raw[blobs[1].offset:blobs[1].offset + blobs[1].length]
    assert first[:3] == b'\x02\x03\x03' and first[6:8] == b'\xcc\x93' and int.from_bytes(first[8:12], 'little') == 7
    hashes = [int.from_bytes(first[i:i + 8], 'little') for i in range(16, len(first), 8)]
    assert hashes == sorted(set(hashes)) and len(hashes) == 7
    # a later run for one column keeps what the others had
    run(f"INSERT INTO {t} (b) VALUES 'x'")
    run(f"ANALYZE {t} WITH (columns = ARRAY['b'])")
    counts, _ = ndv(pyiceberg_catalog.load_table(t))
    assert counts['b'] == 8 and counts['c'] == 50
    run(f'ALTER TABLE {t} EXECUTE drop_extended_stats')
    assert pyiceberg_catalog.load_table(t).metadata.statistics == []
    run(f'ALTER TABLE {t} EXECUTE drop_extended_stats')


def test_what_cannot_be_analyzed(run, schema):
    t = f'{schema}.t'
    run(f'CREATE TABLE {t} (a bigint, g array(bigint))')
    assert run(f'ANALYZE {t}') == [(None,)]
    for properties in ("columns = ARRAY['g']", "columns = ARRAY['nothing']", 'columns = ARRAY[]', "columns = 'a'", 'x = 1'):
        assert fails(run, f'ANALYZE {t} WITH ({properties})').error_name == 'INVALID_ANALYZE_PROPERTY'
    assert fails(run, f'ANALYZE {schema}.nothing').error_name == 'TABLE_NOT_FOUND'
    assert fails(run, 'ANALYZE tpch.tiny.nation').error_name == 'NOT_SUPPORTED'


def test_procedures_that_are_not_there_are_refused_by_name(run, schema):
    run(f'CREATE TABLE {schema}.t (a bigint)')
    e = fails(run, f"ALTER TABLE {schema}.t EXECUTE add_files(location => 's3://x/y', format => 'PARQUET')")
    assert e.error_name == 'NOT_SUPPORTED' and 'ADD_FILES' in e.message
    assert fails(run, f'ALTER TABLE {schema}.t EXECUTE nothing').error_name == 'PROCEDURE_NOT_FOUND'
