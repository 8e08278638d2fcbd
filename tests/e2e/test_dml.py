"""DELETE, UPDATE, MERGE and TRUNCATE on Iceberg tables of format 2 and 3: checked against a model of the rows, and by pyiceberg."""
import random

import pytest

from test_sql import connect, fails, keys_of, pyiceberg_catalog, run, schema      # noqa: F401 (fixtures)

FORMATS = (2, 3)


def rows(run, table):
    return sorted(run(f'SELECT * FROM {table}'), key=repr)


def operations(run, table):
    schema, name = table.split('.')
    return [r[0] for r in run(f'SELECT operation FROM {schema}."{name}$snapshots" ORDER BY committed_at')]


@pytest.mark.parametrize('version', FORMATS)
def test_delete(run, schema, version):
    t = f'{schema}.t'
    run(f'CREATE TABLE {t} WITH (format_version = {version}) AS SELECT * FROM (VALUES (1, \'a\'), (2, \'b\'), (3, NULL), (4, \'d\')) v(id, name)')
    assert run(f'DELETE FROM {t} WHERE id = 2') == [(1,)]
    assert rows(run, t) == [(1, 'a'), (3, None), (4, 'd')]
    assert run(f'DELETE FROM {t} WHERE name IS NULL') == [(1,)]
    assert run(f'DELETE FROM {t} WHERE id = 2') == [(0,)]
    assert rows(run, t) == [(1, 'a'), (4, 'd')]
    assert run(f'SELECT count(*) FROM {t}') == [(2,)]
    assert run(f'DELETE FROM {t} WHERE id IN (SELECT max(id) FROM {t})') == [(1,)]
    assert run(f'DELETE FROM {t}') == [(1,)]
    assert rows(run, t) == []


@pytest.mark.parametrize('version', FORMATS)
def test_update(run, schema, version):
    t = f'{schema}.t'
    run(f"CREATE TABLE {t} (id bigint, name varchar, n integer) WITH (format_version = {version}, partitioning = ARRAY['name'])")
    run(f"INSERT INTO {t} VALUES (1, 'a', 10), (2, 'a', 20), (3, 'b', 30), (4, NULL, NULL)")
    assert run(f"UPDATE {t} SET n = n + 1, name = 'moved' WHERE id <= 2") == [(2,)]
    assert rows(run, t) == sorted([(1, 'moved', 11), (2, 'moved', 21), (3, 'b', 30), (4, None, None)], key=repr)
    assert run(f'UPDATE {t} SET n = (SELECT max(n) FROM {t})') == [(4,)]
    assert [r[2] for r in rows(run, t)] == [30] * 4
    assert run(f"UPDATE {t} SET n = 1 WHERE name = 'nobody'") == [(0,)]


@pytest.mark.parametrize('version', FORMATS)
def test_merge(run, schema, version):
    t, s = f'{schema}.t', f'{schema}.s'
    run(f"CREATE TABLE {t} WITH (format_version = {version}) AS SELECT * FROM (VALUES (1, 'a'), (2, 'b'), (3, 'c')) v(id, name)")
    run(f"CREATE TABLE {s} AS SELECT * FROM (VALUES (2, 'B', false), (3, 'x', true), (4, 'new', false), (5, 'no', true)) v(id, name, gone)")
    merged = run(f"""MERGE INTO {t} USING {s} ON t.id = s.id
        WHEN MATCHED AND s.gone THEN DELETE
        WHEN MATCHED THEN UPDATE SET name = s.name || t.name
        WHEN NOT MATCHED AND NOT s.gone THEN INSERT (name, id) VALUES (s.name, s.id)""".replace('t.id', 't.id'))
    assert merged == [(3,)]
    assert rows(run, t) == [(1, 'a'), (2, 'Bb'), (4, 'new')]
    e = fails(run, f"MERGE INTO {t} USING (VALUES (1, 'x'), (1, 'y')) u(id, name) ON t.id = u.id WHEN MATCHED THEN UPDATE SET name = u.name")
    assert e.error_name == 'MERGE_TARGET_ROW_MULTIPLE_MATCHES'
    assert rows(run, t) == [(1, 'a'), (2, 'Bb'), (4, 'new')]


def test_truncate(run, schema, s3):
    t = f'{schema}.t'
    run(f'CREATE TABLE {t} AS SELECT 1 AS a')
    run(f'DELETE FROM {t} WHERE a = 2')
    run(f'TRUNCATE TABLE {t}')
    assert rows(run, t) == [] and operations(run, t)[-1] == 'delete'


def test_whole_partitions_go_by_metadata(run, schema, s3):
    t = f'{schema}.t'
    run(f"CREATE TABLE {t} WITH (partitioning = ARRAY['p']) AS SELECT * FROM (VALUES (1, 'x'), (2, 'x'), (3, 'y')) v(a, p)")
    before = keys_of(s3, f'{schema}/t/data/')
    assert run(f"DELETE FROM {t} WHERE p = 'x'") == [(2,)]
    assert rows(run, t) == [(3, 'y')]
    assert keys_of(s3, f'{schema}/t/data/') == before, 'nothing had to be written'


def test_refusals(run, schema):
    t = f'{schema}.t'
    run(f'CREATE TABLE {t} (a integer NOT NULL, b varchar)')
    run(f"INSERT INTO {t} VALUES (1, 'x')")
    assert fails(run, f"UPDATE {t} SET a = 'x'").error_name == 'TYPE_MISMATCH'
    assert fails(run, f'UPDATE {t} SET c = 1').error_name == 'COLUMN_NOT_FOUND'
    assert fails(run, f'UPDATE {t} SET a = NULL').error_name == 'CONSTRAINT_VIOLATION'
    assert fails(run, f'DELETE FROM {schema}.nowhere').error_name == 'TABLE_NOT_FOUND'
    assert fails(run, 'DELETE FROM tpch.tiny.nation WHERE nationkey = 1').error_name == 'NOT_SUPPORTED'
    assert fails(run, f'SELECT "" FROM {t}').error_name == 'SYNTAX_ERROR'
    assert rows(run, t) == [(1, 'x')]


@pytest.mark.parametrize('version', FORMATS)
def test_random_changes_against_a_model(run, schema, version, pyiceberg_catalog):
    rng, model, t = random.Random(version), {}, f'{schema}.t'
    run(f"CREATE TABLE {t} (id bigint, v bigint, p varchar) WITH (format_version = {version}, partitioning = ARRAY['p'])")
    for step in range(25):
        kind, low = rng.randrange(4), rng.randrange(60)
        high = low + rng.randrange(25)
        if kind == 0:
            new = [i for i in range(low, high) if i not in model]
            if new:
                run(f'INSERT INTO {t} VALUES ' + ', '.join(f"({i}, {step}, 'p{i % 3}')" for i in new))
                model.update({i: step for i in new})
        elif kind == 1:
            gone = [i for i in model if low <= i < high]
            assert run(f'DELETE FROM {t} WHERE id >= {low} AND id < {high}') == [(len(gone),)]
            for i in gone:
                del model[i]
        elif kind == 2:
            hit = [i for i in model if low <= i < high]
            assert run(f'UPDATE {t} SET v = v + 1000 WHERE id BETWEEN {low} AND {high - 1}') == [(len(hit),)]
            for i in hit:
                model[i] += 1000
        else:
            run(f"""MERGE INTO {t} USING (SELECT x FROM UNNEST(sequence({low}, {high})) s(x)) s ON t.id = s.x
                WHEN MATCHED AND t.id % 2 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET v = {step}
                WHEN NOT MATCHED THEN INSERT VALUES (s.x, {step}, 'p' || CAST(s.x % 3 AS varchar))""")
            for i in range(low, high + 1):
                if i not in model or i % 2:
                    model[i] = step
                else:
                    del model[i]
        assert dict((r[0], r[1]) for r in run(f'SELECT id, v FROM {t}')) == model, f'step {step}'
        assert run(f'SELECT count(*) FROM {t}') == [(len(model),)]
    if version == 2:
        read = pyiceberg_catalog.load_table(t).scan().to_arrow()
        assert dict(zip(read['id'].to_pylist(), read['v'].to_pylist())) == model


def test_changes_at_the_same_time_are_not_lost(platform, run, schema):
    import concurrent.futures
    t = f'{schema}.t'
    run(f'CREATE TABLE {t} (id bigint, n bigint)')
    run(f'INSERT INTO {t} VALUES (1, 0), (2, 0)')

    def add(_):
        try:
            cursor = connect(platform).cursor()
            cursor.execute(f'UPDATE {t} SET n = n + 1 WHERE id = 1')
            cursor.fetchall()
            return 1
        except Exception as e:      # noqa: BLE001
            assert 'Failed to commit' in str(e), e
            return 0
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        done = sum(pool.map(add, range(12)))
    assert done >= 1 and rows(run, t) == [(1, done), (2, 0)]


# ---- maintenance

def metrics(run, sql, **options):
    return dict(run(sql, **options))


def test_optimize(run, schema):
    t = f'{schema}.t'
    run(f"CREATE TABLE {t} (a bigint, p varchar) WITH (partitioning = ARRAY['p'])")
    for i in range(4):
        run(f"INSERT INTO {t} VALUES ({i}, 'x'), ({i + 10}, 'y')")
    run(f"INSERT INTO {t} VALUES (99, 'alone')")
    run(f'DELETE FROM {t} WHERE a = 99')
    run(f"INSERT INTO {t} VALUES (98, 'alone')")
    run(f"UPDATE {t} SET a = a + 100 WHERE p = 'x'")
    before = rows(run, t)
    assert metrics(run, f"ALTER TABLE {t} EXECUTE optimize WHERE p = 'y'") == \
        {'rewritten_data_files_count': 4, 'removed_delete_files_count': 0, 'added_data_files_count': 1}
    assert rows(run, t) == before
    assert metrics(run, f'ALTER TABLE {t} EXECUTE optimize')['added_data_files_count'] <= 1
    assert rows(run, t) == before
    assert run(f'SELECT count(*) FROM {schema}."t$files" WHERE content > 0') == [(0,)]
    assert metrics(run, f'ALTER TABLE {t} EXECUTE optimize')['rewritten_data_files_count'] == 0
    assert fails(run, f'ALTER TABLE {t} EXECUTE optimize WHERE a >= 102').error_name == 'NOT_SUPPORTED'


@pytest.mark.parametrize('version', FORMATS)
def test_optimize_applies_deletes(run, schema, version):
    t = f'{schema}.t'
    run(f'CREATE TABLE {t} WITH (format_version = {version}) AS SELECT x, x * 2 AS y FROM UNNEST(sequence(1, 1000)) s(x)')
    run(f'DELETE FROM {t} WHERE x % 3 = 0')
    run(f'INSERT INTO {t} SELECT x, 0 FROM UNNEST(sequence(2000, 2100)) s(x)')
    before = rows(run, t)
    done = metrics(run, f'ALTER TABLE {t} EXECUTE optimize')
    assert done == {'rewritten_data_files_count': 2, 'removed_delete_files_count': 1, 'added_data_files_count': 1}
    assert rows(run, t) == before
    assert run(f'SELECT content, record_count FROM {schema}."t$files"') == [(0, len(before))]


def test_expire_and_orphans(run, schema, s3):
    t = f'{schema}.t'
    now = {'session_properties': {'iceberg.expire_snapshots_min_retention': '0s', 'iceberg.remove_orphan_files_min_retention': '0s'}}
    run(f'CREATE TABLE {t} (a bigint)')
    for i in range(3):
        run(f'INSERT INTO {t} VALUES {i}')
    run(f'ALTER TABLE {t} EXECUTE optimize')
    e = fails(run, f"ALTER TABLE {t} EXECUTE expire_snapshots(retention_threshold => '1h')")
    assert e.error_name == 'INVALID_PROCEDURE_ARGUMENT' and 'Retention specified (1.00h) is shorter' in e.message
    data = keys_of(s3, f'{schema}/t/data/')
    assert len(data) == 4
    assert run(f"ALTER TABLE {t} EXECUTE expire_snapshots(retention_threshold => '0s')", **now) == []
    assert len(keys_of(s3, f'{schema}/t/data/')) == 1
    assert run(f'SELECT count(*) FROM {schema}."t$snapshots"') == [(1,)]
    s3.put_object(Bucket='lakehouse-warehouse', Key=f'{schema}/t/data/stray.parquet', Body=b'1234')
    done = metrics(run, f"ALTER TABLE {t} EXECUTE remove_orphan_files(retention_threshold => '0s')", **now)
    assert done['deleted_files_count'] >= 1 and done['deleted_bytes'] >= 4
    assert not [k for k in keys_of(s3, f'{schema}/t/') if 'stray' in k]
    assert rows(run, t) == [(0,), (1,), (2,)]
    run(f'INSERT INTO {t} VALUES 3')
    assert rows(run, t) == [(0,), (1,), (2,), (3,)]


def test_optimize_manifests_and_rollback(run, schema):
    t = f'{schema}.t'
    run(f'CREATE TABLE {t} (a bigint)')
    for i in range(3):
        run(f'INSERT INTO {t} VALUES {i}')
    second = run(f'SELECT snapshot_id FROM {schema}."t$snapshots" ORDER BY committed_at')[-2][0]
    done = metrics(run, f'ALTER TABLE {t} EXECUTE optimize_manifests')
    assert done['added_manifests_count'] == 1 and done['processed_manifest_entries_count'] == 3
    assert rows(run, t) == [(0,), (1,), (2,)]
    run(f'ALTER TABLE {t} EXECUTE rollback_to_snapshot(snapshot_id => {second})')
    assert rows(run, t) == [(0,), (1,)]
    last = run(f'SELECT max_by(snapshot_id, committed_at) FROM {schema}."t$snapshots"')[0][0]
    assert 'not an ancestor' in fails(run, f"CALL system.rollback_to_snapshot('{schema}', 't', {last})").message


def test_register_and_unregister(run, schema, s3):
    t = f'{schema}.t'
    run(f'CREATE TABLE {t} AS SELECT 7 AS a')
    run(f"CALL iceberg.system.unregister_table('{schema}', 't')")
    assert fails(run, f'SELECT * FROM {t}').error_name == 'TABLE_NOT_FOUND'
    run(f"CALL iceberg.system.register_table(schema_name => '{schema}', table_name => 'u', table_location => 's3://lakehouse-warehouse/{schema}/t')")
    assert rows(run, f'{schema}.u') == [(7,)]


def test_branches_are_not_main(run, schema, pyiceberg_catalog):
    t = f'{schema}.t'
    run(f'CREATE TABLE {t} AS SELECT 1 AS a')
    assert fails(run, f'INSERT INTO {t} @ dev VALUES 2').error_name == 'BRANCH_NOT_FOUND'
    table = pyiceberg_catalog.load_table(t)
    table.manage_snapshots().create_branch(table.current_snapshot().snapshot_id, 'dev').commit()
    run(f'INSERT INTO {t} @ dev VALUES 2')
    run(f'DELETE FROM {t} @ dev WHERE a = 1')
    assert rows(run, t) == [(1,)]
    assert run(f"SELECT * FROM {t} FOR VERSION AS OF 'dev'") == [(2,)]
