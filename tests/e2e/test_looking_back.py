"""What a table's metadata says, through SQL: the `$` tables, row lineage, table_changes; checked against what pyiceberg reads of the same files."""
import pytest

from test_sql import fails, pyiceberg_catalog, run, schema      # noqa: F401 (fixtures)


def column(run, sql):
    return [r[0] for r in run(sql)]


def lineage(run, table, version=''):
    return {r[0]: r[1:] for r in run(f'SELECT id, "$row_id", "$last_updated_sequence_number" FROM {table} {version}')}


def snapshots(run, schema, table):
    return column(run, f'SELECT snapshot_id FROM {schema}."{table}$snapshots" ORDER BY committed_at, parent_id NULLS FIRST')


# ---- metadata tables

@pytest.fixture
def evolved(run, schema):
    """A table with two partition specs, a nested column, and rows deleted."""
    t = f'{schema}.t'
    run(f"CREATE TABLE {t} (id bigint, region varchar, price double, r row(x integer, y varchar), tags array(varchar)) "
        "WITH (partitioning = ARRAY['region'])")
    run(f"INSERT INTO {t} VALUES (1, 'eu', 1.5, row(1, 'a'), array['p']), (2, 'us', nan(), row(2, 'b'), null), (3, 'eu', null, null, null)")
    run(f"ALTER TABLE {t} SET PROPERTIES partitioning = ARRAY['region', 'bucket(id, 4)']")
    run(f"INSERT INTO {t} VALUES (4, null, 4.5, row(4, null), array['q', null])")
    run(f'DELETE FROM {t} WHERE id = 3')
    return schema, 't'


def test_files_are_those_of_pyiceberg(run, evolved, pyiceberg_catalog):
    schema, name = evolved
    ours = {r[0]: r[1:] for r in run(f'SELECT file_path, content, file_format, spec_id, record_count, file_size_in_bytes, added_snapshot_id, '
                                     f'data_sequence_number, value_counts, null_value_counts, nan_value_counts FROM {schema}."{name}$files"')}
    table = pyiceberg_catalog.load_table((schema, name))
    theirs = {}
    for manifest in table.current_snapshot().manifests(table.io):
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
            f = entry.data_file
            theirs[f.file_path] = (int(f.content), f.file_format.name, manifest.partition_spec_id, f.record_count, f.file_size_in_bytes,
                                   entry.snapshot_id, entry.sequence_number,
                                   *({int(k): v for k, v in (m or {}).items()} for m in (f.value_counts, f.null_value_counts, f.nan_value_counts)))
    assert {path: (*row[:-3], *({int(k): v for k, v in m.items()} for m in row[-3:])) for path, row in ours.items()} == theirs
    assert sorted(r[0] for r in ours.values()) == [0, 0, 0, 1]


def test_partitions(run, evolved):
    schema, name = evolved
    rows = run(f'SELECT partition.region, partition.id_bucket, record_count, file_count, data.id.min, data.id.max, data.price.null_count '
               f'FROM {schema}."{name}$partitions" ORDER BY record_count, data.id.min')
    bucket = run(f'SELECT "$partition" FROM {schema}.{name} WHERE id = 4')[0][0].split('id_bucket=')[1]
    assert rows == [('us', None, 1, 1, 2, 2, 0), (None, int(bucket), 1, 1, 4, 4, 0), ('eu', None, 2, 1, 1, 3, 1)]
    assert [r[0] for r in run(f'SHOW COLUMNS FROM {schema}."{name}$partitions"')] == ['partition', 'record_count', 'file_count', 'total_size', 'data']
    assert sum(column(run, f'SELECT total_size FROM {schema}."{name}$partitions"')) == \
        sum(column(run, f'SELECT file_size_in_bytes FROM {schema}."{name}$files" WHERE content = 0'))


def test_a_table_without_partitions_has_no_such_column(run, schema):
    run(f'CREATE TABLE {schema}.u AS SELECT 1 AS a')
    assert [r[0] for r in run(f'SHOW COLUMNS FROM {schema}."u$partitions"')] == ['record_count', 'file_count', 'total_size', 'data']
    assert 'partition' not in [r[0] for r in run(f'SHOW COLUMNS FROM {schema}."u$files"')]
    assert fails(run, f'SELECT partition FROM {schema}."u$files"').error_name == 'COLUMN_NOT_FOUND'
    assert run(f'SELECT count(*), sum(record_count) FROM {schema}."u$partitions"') == [(1, 1)]


def test_entries_and_manifests(run, evolved, pyiceberg_catalog):
    schema, name = evolved
    table = pyiceberg_catalog.load_table((schema, name))
    seen, listed, entries = set(), 0, []
    for snapshot in table.snapshots():
        for manifest in snapshot.manifests(table.io):
            listed += 1
            if manifest.manifest_path not in seen:
                seen.add(manifest.manifest_path)
                entries += [(int(e.status), e.data_file.file_path) for e in manifest.fetch_manifest_entry(table.io, discard_deleted=False)]
    assert sorted(run(f'SELECT status, data_file.file_path FROM {schema}."{name}$all_entries"')) == sorted(entries)
    assert run(f'SELECT count(*), count(DISTINCT path) FROM {schema}."{name}$all_manifests"') == [(listed, len(seen))]
    now = {(int(e.status), e.data_file.file_path) for m in table.current_snapshot().manifests(table.io)
           for e in m.fetch_manifest_entry(table.io, discard_deleted=False)}
    assert set(run(f'SELECT status, data_file.file_path FROM {schema}."{name}$entries"')) == now
    summaries = run(f'SELECT partition_summaries FROM {schema}."{name}$manifests" WHERE partition_spec_id = 0 AND content = 0')
    assert [tuple(s) for s in summaries[0][0]] == [(False, False, 'eu', 'us')]
    metrics = run(f"SELECT json_extract_scalar(readable_metrics, '$[\"r.x\"].upper_bound') FROM {schema}.\"{name}$files\" "
                  f'WHERE content = 0 AND partition.region IS NULL')
    assert metrics == [('4',)]


def test_bounds_have_the_columns_types(run, evolved):
    schema, name = evolved
    types = dict(r[:2] for r in run(f'SHOW COLUMNS FROM {schema}."{name}$files"'))
    assert types['lower_bounds'] == 'row("1" bigint, "2" varchar, "3" double, "6" integer, "7" varchar, "8" varchar)'
    assert sorted(run(f'SELECT lower_bounds."1", upper_bounds."1" FROM {schema}."{name}$files" WHERE content = 0')) == [(1, 3), (2, 2), (4, 4)]


def test_metadata_log_and_versions(run, evolved):
    schema, name = evolved
    log = run(f'SELECT latest_snapshot_id, latest_sequence_number FROM {schema}."{name}$metadata_log_entries" ORDER BY "timestamp"')
    assert [r[1] for r in log] == sorted(r[1] for r in log)
    assert log[-1][0] == snapshots(run, schema, name)[-1]
    first_rows = snapshots(run, schema, name)[1]
    assert run(f'SELECT count(*) FROM {schema}."{name}$files" FOR VERSION AS OF {first_rows}') == [(2,)]
    assert run(f'SELECT count(*) FROM {schema}."{name}$files"') == [(4,)]


# ---- row lineage (format version 3)

def test_rows_keep_their_ids(run, schema):
    t = f'{schema}.t'
    run(f'CREATE TABLE {t} (id integer, v varchar) WITH (format_version = 3)')
    run(f"INSERT INTO {t} VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    run(f"INSERT INTO {t} VALUES (4, 'd')")
    first = lineage(run, t)
    assert sorted(r[0] for r in first.values()) == [0, 1, 2, 3]
    assert first[1][1] == first[3][1] < first[4][1]

    run(f"UPDATE {t} SET v = 'bb' WHERE id = 2")
    updated = lineage(run, t)
    assert {k: v[0] for k, v in updated.items()} == {k: v[0] for k, v in first.items()}
    assert updated[2][1] > first[4][1]
    assert {k: v for k, v in updated.items() if k != 2} == {k: v for k, v in first.items() if k != 2}

    run(f"MERGE INTO {t} USING (VALUES (3, 'cc'), (1, 'gone'), (9, 'new')) s(id, v) ON {t}.id = s.id WHEN MATCHED AND s.v = 'gone' THEN DELETE "
        'WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.v)')
    merged = lineage(run, t)
    assert sorted(merged) == [2, 3, 4, 9]
    assert merged[3][0] == first[3][0] and merged[3][1] == merged[9][1] > updated[2][1]
    assert merged[9][0] > 3 and merged[2] == updated[2]

    run(f'ALTER TABLE {t} EXECUTE optimize')
    assert run(f'SELECT count(*) FROM {schema}."t$files"') == [(1,)]
    assert lineage(run, t) == merged
    run(f"UPDATE {t} SET v = 'again' WHERE id = 9")
    again = lineage(run, t)
    assert again[9][0] == merged[9][0] and again[9][1] > merged[9][1]
    run(f"INSERT INTO {t} VALUES (10, 'last')")
    ids = [r[0] for r in lineage(run, t).values()]
    assert len(set(ids)) == len(ids)
    assert run(f'SELECT id FROM {t} WHERE "$row_id" = {merged[9][0]}') == [(9,)]
    assert lineage(run, t, f'FOR VERSION AS OF {snapshots(run, schema, "t")[2]}') == first


def test_lineage_in_partitions_and_beside_columns_of_that_name(run, schema):
    t = f'{schema}.t'
    run(f'CREATE TABLE {t} (id integer, _row_id varchar, p varchar) WITH (format_version = 3, partitioning = ARRAY[\'p\'])')
    run(f"INSERT INTO {t} VALUES (1, 'one', 'x'), (2, 'two', 'y')")
    before = lineage(run, t)
    run(f"UPDATE {t} SET _row_id = 'moved', p = 'z' WHERE id = 1")
    after = lineage(run, t)
    assert after[1][0] == before[1][0] and after[2] == before[2]
    assert sorted(run(f'SELECT * FROM {t}')) == [(1, 'moved', 'z'), (2, 'two', 'y')]


def test_lineage_begins_with_version_3(run, schema):
    t = f'{schema}.t'
    run(f'CREATE TABLE {t} AS SELECT 1 AS id')
    assert fails(run, f'SELECT "$row_id" FROM {t}').error_name == 'COLUMN_NOT_FOUND'
    run(f'ALTER TABLE {t} SET PROPERTIES format_version = 3')
    assert run(f'SELECT "$row_id", "$last_updated_sequence_number" IS NULL FROM {t}') == [(None, False)]
    run(f'INSERT INTO {t} VALUES 2')
    assert sorted(column(run, f'SELECT "$row_id" FROM {t}')) == [0, 1]


def test_ids_are_written_under_the_reserved_field_ids(run, schema, pyiceberg_catalog):
    import pyarrow.parquet
    t = f'{schema}.t'
    run(f"CREATE TABLE {t} WITH (format_version = 3) AS SELECT * FROM (VALUES (1, 'a'), (2, 'b')) v(id, v)")
    run(f"UPDATE {t} SET v = 'x' WHERE id = 2")
    run(f'ALTER TABLE {t} EXECUTE optimize')
    path = run(f'SELECT DISTINCT "$path" FROM {t}')[0][0]
    expected = {k: v for k, v in lineage(run, t).items()}
    table = pyiceberg_catalog.load_table((schema, 't'))
    with table.io.new_input(path).open() as f:
        file = pyarrow.parquet.ParquetFile(f)
        ids = {field.metadata[b'PARQUET:field_id']: field.name for field in file.schema_arrow}
        rows = file.read().to_pylist()
    row_id, sequence = ids[b'2147483540'], ids[b'2147483539']
    assert {r['id']: (r[row_id], r[sequence]) for r in rows} == expected


# ---- table_changes

def changes(schema, table, start, end):
    return f"TABLE(system.table_changes(schema_name => '{schema}', table_name => '{table}', start_snapshot_id => {start}, end_snapshot_id => {end}))"


def test_table_changes(run, schema):
    run(f'CREATE TABLE {schema}.t (id integer, v varchar)')
    run(f"INSERT INTO {schema}.t VALUES (1, 'a'), (2, 'b')")
    run(f"INSERT INTO {schema}.t VALUES (3, 'c')")
    run(f'ALTER TABLE {schema}.t EXECUTE optimize')
    run(f'DELETE FROM {schema}.t')
    all_ids = snapshots(run, schema, 't')
    rows = run(f'SELECT _change_ordinal, id, v, _change_type, _change_version_id FROM {changes(schema, "t", all_ids[0], all_ids[-1])} ORDER BY 1, 2')
    assert [r[:4] for r in rows] == [(0, 1, 'a', 'insert'), (0, 2, 'b', 'insert'), (1, 3, 'c', 'insert'),
                                     (2, 1, 'a', 'delete'), (2, 2, 'b', 'delete'), (2, 3, 'c', 'delete')]
    assert [r[4] for r in rows] == [all_ids[1], all_ids[1], all_ids[2]] + 3 * [all_ids[4]]
    assert run(f'SELECT count(*) FROM {changes(schema, "t", all_ids[1], all_ids[2])}') == [(1,)]
    assert run(f'SELECT x.id FROM {changes(schema, "t", all_ids[1], all_ids[2])} x') == [(3,)]
    assert run(f'SELECT * FROM {changes(schema, "t", all_ids[2], all_ids[3])}') == []


def test_table_changes_refused(run, schema):
    run(f'CREATE TABLE {schema}.t (id integer)')
    run(f'INSERT INTO {schema}.t VALUES 1, 2')
    run(f'DELETE FROM {schema}.t WHERE id = 1')
    ids = snapshots(run, schema, 't')
    e = fails(run, f'SELECT * FROM {changes(schema, "t", ids[0], ids[-1])}')
    assert e.error_name == 'NOT_SUPPORTED'
    assert run(f'SELECT id FROM {changes(schema, "t", ids[0], ids[1])} ORDER BY 1') == [(1,), (2,)]
    for start, end, text in ((1, ids[1], 'Snapshot not found'), (ids[1], 1, 'Snapshot not found'), (ids[1], ids[0], 'is not a parent ancestor'),
                             ('NULL', ids[1], 'may not be null')):
        e = fails(run, f'SELECT * FROM {changes(schema, "t", start, end)}')
        assert e.error_name == 'INVALID_FUNCTION_ARGUMENT' and text in e.message
    assert fails(run, f'SELECT * FROM {changes(schema, "nosuch", 1, 2)}').error_name == 'NOT_FOUND'
