"""SQL on Iceberg tables by Trino's own Python client and by `lakehouse sql`: written here, listed over S3, read by pyiceberg, and back."""
import concurrent.futures
import datetime
import decimal
import uuid

import pytest

trino = pytest.importorskip('trino')


def connect(platform, **options):
    host, port = platform['query']['url'].removeprefix('http://').split(':')
    return trino.dbapi.connect(host=host, port=int(port), user='test', catalog='iceberg', **options)


@pytest.fixture(scope='module')
def run(platform):
    """Rows of one statement."""
    def run(sql, **options):
        cursor = connect(platform, **options).cursor()
        cursor.execute(sql)
        return [tuple(row) for row in cursor.fetchall()]
    return run


@pytest.fixture
def schema(run):
    name = 's' + uuid.uuid4().hex[:12]
    run(f'CREATE SCHEMA {name}')
    yield name
    run(f'DROP SCHEMA IF EXISTS {name} CASCADE')


def fails(run, sql, **options):
    with pytest.raises(trino.exceptions.TrinoQueryError) as caught:
        run(sql, **options)
    return caught.value


@pytest.fixture(scope='module')
def pyiceberg_catalog(platform):
    catalog = pytest.importorskip('pyiceberg.catalog')
    storage = platform['storage']
    return catalog.load_catalog('test', **{
        'type': 'rest', 'uri': platform['catalog']['url'], 's3.endpoint': storage['url'], 's3.region': storage['region'],
        's3.access-key-id': storage['access_key'], 's3.secret-access-key': storage['secret_key']})


def keys_of(s3, prefix):
    pages = s3.get_paginator('list_objects_v2').paginate(Bucket='lakehouse-warehouse', Prefix=prefix)
    return [o['Key'] for page in pages for o in page.get('Contents', [])]


# ---- the seed's scenarios 1 and 2

def test_the_seeds_order_table(platform, run, schema, s3):
    table = f'{schema}.orders'
    platform.sql(f"CREATE TABLE iceberg.{table} (order_id bigint, product varchar, amount decimal(10,2), order_date date) "
                 "WITH (partitioning = ARRAY['order_date'])")
    platform.sql(f"INSERT INTO iceberg.{table} VALUES (1, 'a', 1.50, DATE '2024-01-01'), (2, 'b', 2.50, DATE '2024-01-02'), "
                 "(3, 'c', 3.50, DATE '2024-01-03')")
    keys = keys_of(s3, f'{schema}/orders/')
    for day in ('2024-01-01', '2024-01-02', '2024-01-03'):
        assert sum(k.startswith(f'{schema}/orders/data/order_date={day}/') and k.endswith('.parquet') for k in keys) == 1
    assert any(k.startswith(f'{schema}/orders/metadata/') and k.endswith('.metadata.json') for k in keys)
    assert any(k.startswith(f'{schema}/orders/metadata/snap-') and k.endswith('.avro') for k in keys)

    one_day = f"SELECT * FROM iceberg.{table} WHERE order_date = DATE '2024-01-01'"
    assert platform.sql(one_day) == [['1', 'a', '1.50', '2024-01-01']]
    plan = '\n'.join(row[0] for row in run('EXPLAIN ' + one_day))
    assert 'files: 1 of 3' in plan

    for key in keys:
        if '/data/' in key and 'order_date=2024-01-01' not in key:
            s3.delete_object(Bucket='lakehouse-warehouse', Key=key)
    assert platform.sql(one_day) == [['1', 'a', '1.50', '2024-01-01']]
    error = fails(run, f'SELECT sum(amount) FROM {table}')
    assert error.error_name in ('ICEBERG_CANNOT_OPEN_SPLIT', 'ICEBERG_MISSING_DATA')
    assert f'{schema}/orders/data/order_date=2024-01-0' in error.message


def test_text_is_not_a_date(run, schema):
    run(f'CREATE TABLE {schema}.t (order_date date)')
    error = fails(run, f"SELECT * FROM {schema}.t WHERE order_date = '2024-01-01'")
    assert error.error_name == 'TYPE_MISMATCH'
    assert 'Cannot apply operator: date = varchar(10)' in error.message


# ---- values survive, whoever reads

ALL_TYPES = [
    ('a boolean', 'true', True), ('b integer', '-7', -7), ('c bigint', '9223372036854775807', 9223372036854775807),
    ('d real', "REAL '1.5'", 1.5), ('e double', '2.5e0', 2.5), ('f decimal(38,10)', "DECIMAL '1.0000000001'", decimal.Decimal('1.0000000001')),
    ('g varchar', "'가나다'", '가나다'), ('h varbinary', "X'00FF'", b'\0\xff'), ('i date', "DATE '1969-12-31'", datetime.date(1969, 12, 31)),
    ('j time(6)', "TIME '12:34:56.123456'", datetime.time(12, 34, 56, 123456)),
    ('k timestamp(6)', "TIMESTAMP '1969-12-31 23:59:59.999999'", datetime.datetime(1969, 12, 31, 23, 59, 59, 999999)),
    ('l uuid', "UUID '12151fd2-7586-11e9-8f9e-2a86e4085a59'", uuid.UUID('12151fd2-7586-11e9-8f9e-2a86e4085a59')),
    ('m array(integer)', 'ARRAY[1, NULL, 3]', [1, None, 3]), ('n map(varchar, bigint)', "MAP(ARRAY['k'], ARRAY[BIGINT '7'])", {'k': 7}),
]


def test_every_type_comes_back(run, schema, pyiceberg_catalog):
    columns = ', '.join(c for c, _, _ in ALL_TYPES)
    run(f'CREATE TABLE {schema}.ty ({columns})')
    run(f'INSERT INTO {schema}.ty VALUES ({", ".join(v for _, v, _ in ALL_TYPES)})')
    run(f'INSERT INTO {schema}.ty (b) VALUES (1)')
    rows = run(f'SELECT * FROM {schema}.ty ORDER BY c NULLS LAST')
    assert list(rows[0]) == [value for _, _, value in ALL_TYPES]
    assert list(rows[1]) == [None, 1] + [None] * (len(ALL_TYPES) - 2)
    theirs = pyiceberg_catalog.load_table(f'{schema}.ty').scan(row_filter='b = -7').to_arrow().to_pylist()
    assert len(theirs) == 1
    for (column, _, value) in ALL_TYPES:
        name = column.split()[0]
        got = theirs[0][name]
        if name == 'l':
            got = uuid.UUID(bytes=got) if isinstance(got, bytes) else got
        assert (dict(got) if name == 'n' else got) == value, column


def test_nested_rows_and_instants(run, schema, pyiceberg_catalog):
    run(f'CREATE TABLE {schema}.n (r row(x integer, y row(z varchar)), l array(row(q bigint)), tz timestamp(6) with time zone)')
    run(f"INSERT INTO {schema}.n VALUES (row(1, row('z')), ARRAY[row(5), NULL], TIMESTAMP '2024-01-01 10:00:00.5 Asia/Seoul'), (NULL, NULL, NULL)")
    assert run(f'SELECT r.x, r.y.z, l[1].q, l[2] IS NULL, CAST(tz AS varchar) FROM {schema}.n WHERE r IS NOT NULL') == [
        (1, 'z', 5, True, '2024-01-01 01:00:00.500000 UTC')]
    assert run(f'SELECT count(*) FROM {schema}.n WHERE r IS NULL AND l IS NULL AND tz IS NULL') == [(1,)]
    rows = pyiceberg_catalog.load_table(f'{schema}.n').scan().to_arrow().to_pylist()
    full = next(r for r in rows if r['tz'])
    assert full['r'] == {'x': 1, 'y': {'z': 'z'}} and full['l'] == [{'q': 5}, None]
    assert full['tz'] == datetime.datetime(2024, 1, 1, 1, 0, 0, 500000, tzinfo=datetime.timezone.utc)


@pytest.mark.parametrize('transform,column,values,expected', [
    ('p', 'p varchar', ["'a/b'", 'NULL', "'__HIVE_DEFAULT_PARTITION__'", "''", "'" + 'x' * 300 + "'"], 5),
    ('bucket(p, 4)', 'p bigint', [str(i) for i in range(20)], 4),
    ('bucket(p, 3)', 'p varchar', [f"'k{i}'" for i in range(20)], 3),
    ('bucket(p, 3)', 'p decimal(10,2)', [f'{i}.25' for i in range(20)], 3),
    ('truncate(p, 10)', 'p integer', ['-1', '0', '9', '10', '19'], 3),
    ('truncate(p, 2)', 'p varchar', ["'abc'", "'abd'", "'b'", "'가나다'"], 3),
    ('year(p)', 'p date', ["DATE '1969-12-31'", "DATE '1970-01-01'", "DATE '2024-02-29'"], 3),
    ('month(p)', 'p timestamp(6)', ["TIMESTAMP '1969-12-31 23:00:00'", "TIMESTAMP '1970-01-15 00:00:00'"], 2),
    ('day(p)', 'p timestamp(6)', ["TIMESTAMP '2024-01-01 00:00:00'", "TIMESTAMP '2024-01-01 23:59:59.999999'"], 1),
    ('hour(p)', 'p timestamp(6) with time zone', ["TIMESTAMP '2024-01-01 10:30:00 UTC'", "TIMESTAMP '2024-01-01 19:59:00 Asia/Seoul'"], 1),
    ('p', 'p double', ['1.5e0', 'nan()', 'nan()', '-0e0'], 3),
    ('p', 'p boolean', ['true', 'false', 'NULL'], 3),
])
def test_partitions_hold_their_values(run, schema, pyiceberg_catalog, transform, column, values, expected):
    run(f"CREATE TABLE {schema}.p ({column}, n integer) WITH (partitioning = ARRAY['{transform}'])")
    run(f"INSERT INTO {schema}.p VALUES {', '.join(f'({v}, {i})' for i, v in enumerate(values))}")
    assert run(f'SELECT count(*), sum(n) FROM {schema}.p') == [(len(values), sum(range(len(values))))]
    assert len(run(f'SELECT DISTINCT "$partition" FROM {schema}.p')) == expected
    for i, v in enumerate(values):
        if v != 'NULL' and 'nan' not in v:
            assert (i,) in run(f'SELECT n FROM {schema}.p WHERE p = {v}'), v
    table = pyiceberg_catalog.load_table(f'{schema}.p')
    assert table.scan().to_arrow().num_rows == len(values)


def test_not_null_is_kept(run, schema):
    run(f'CREATE TABLE {schema}.t (id bigint NOT NULL, x varchar)')
    error = fails(run, f"INSERT INTO {schema}.t VALUES (1, 'a'), (NULL, 'x')")
    assert (error.error_name, error.message) == ('CONSTRAINT_VIOLATION', 'NULL value not allowed for NOT NULL column: id')
    assert run(f'SELECT count(*) FROM {schema}.t') == [(0,)]


# ---- files that we did not write

def test_what_pyiceberg_evolved_is_read(run, schema, pyiceberg_catalog):
    pa = pytest.importorskip('pyarrow')
    from pyiceberg.types import LongType, StringType
    first = pa.schema([('id', pa.int32()), ('s', pa.string()), ('r', pa.struct([('x', pa.int32()), ('y', pa.string())]))])
    table = pyiceberg_catalog.create_table(f'{schema}.ev', schema=first)
    table.append(pa.Table.from_pylist([{'id': 1, 's': 'a', 'r': {'x': 10, 'y': 'p'}}, {'id': 2, 's': None, 'r': None}], schema=first))
    with table.update_schema() as update:
        update.rename_column('s', 'text')
        update.rename_column('r.x', 'xx')
        update.add_column('added', StringType())
        update.update_column('id', LongType())
    with table.update_schema() as update:
        update.add_column('s', LongType())         # an old name for another column
    second = pa.schema([('id', pa.int64()), ('text', pa.string()), ('added', pa.string()), ('s', pa.int64())])
    table.append(pa.Table.from_pylist([{'id': 2**40, 'text': 't', 'added': 'n', 's': 5}], schema=second))
    assert run(f'SELECT id, text, r.xx, r.y, added, s FROM {schema}.ev ORDER BY id') == [
        (1, 'a', 10, 'p', None, None), (2, None, None, None, None, None), (2**40, 't', None, None, 'n', 5)]
    table.delete('id = 1')
    assert run(f'SELECT count(*), min(id) FROM {schema}.ev') == [(2, 2)]
    run(f"INSERT INTO {schema}.ev (id, s) VALUES (3, 7)")
    assert table.refresh().scan(row_filter='id = 3').to_arrow().to_pylist()[0]['s'] == 7


def test_time_travel(run, schema, pyiceberg_catalog):
    run(f'CREATE TABLE {schema}.tt (a bigint)')
    for i in range(3):
        run(f'INSERT INTO {schema}.tt VALUES {i}')
    snapshots = [s for (s,) in run(f'SELECT snapshot_id FROM {schema}."tt$snapshots" ORDER BY committed_at, snapshot_id')]
    log = [s for (s,) in run(f'SELECT snapshot_id FROM {schema}."tt$history" ORDER BY made_current_at')]
    assert sorted(snapshots) == sorted(log) and len(log) == 4
    ids = {s: run(f'SELECT count(*) FROM {schema}.tt FOR VERSION AS OF {s}')[0][0] for s in log}
    assert sorted(ids.values()) == [0, 1, 2, 3]
    table = pyiceberg_catalog.load_table(f'{schema}.tt')
    old = next(s for s, n in ids.items() if n == 1)
    table.manage_snapshots().create_tag(old, 'first').commit()
    assert run(f"SELECT count(*) FROM {schema}.tt FOR VERSION AS OF 'first'") == [(1,)]
    assert fails(run, f"SELECT * FROM {schema}.tt FOR VERSION AS OF 'nosuch'").error_name == 'INVALID_ARGUMENTS'


def append_delete_manifest(table, files):
    """A snapshot that adds delete files to a table: as merge-on-read writers do, with pyiceberg's own manifest writer."""
    from pyiceberg.manifest import ManifestContent, ManifestEntry, ManifestEntryStatus, ManifestWriterV2, write_manifest_list
    from pyiceberg.table.snapshots import Operation, Snapshot, Summary
    from pyiceberg.table.update import AddSnapshotUpdate, AssertRefSnapshotId, SetSnapshotRefUpdate

    class DeleteWriter(ManifestWriterV2):
        def content(self):
            return ManifestContent.DELETES

        @property
        def _meta(self):
            return {**super()._meta, 'content': 'deletes'}

    metadata, io = table.metadata, table.io
    parent = metadata.current_snapshot()
    snapshot_id = int.from_bytes(uuid.uuid4().bytes[:7], 'big')
    path = f'{metadata.location}/metadata/{uuid.uuid4()}-m0.avro'
    writer = DeleteWriter(metadata.spec(), table.schema(), io.new_output(path), snapshot_id, 'null')
    with writer:
        for file in files:
            writer.add_entry(ManifestEntry.from_args(status=ManifestEntryStatus.ADDED, snapshot_id=snapshot_id, data_file=file))
    manifests = [writer.to_manifest_file(), *parent.manifests(io)]
    list_path = f'{metadata.location}/metadata/snap-{snapshot_id}-0-{uuid.uuid4()}.avro'
    sequence = metadata.last_sequence_number + 1
    with write_manifest_list(2, io.new_output(list_path), snapshot_id, parent.snapshot_id, sequence, 'null') as out:
        out.add_manifests(manifests)
    snapshot = Snapshot(snapshot_id=snapshot_id, parent_snapshot_id=parent.snapshot_id, sequence_number=sequence,
                        timestamp_ms=max(metadata.last_updated_ms + 1, 0), manifest_list=list_path,
                        summary=Summary(Operation.DELETE), schema_id=metadata.current_schema_id)
    table.catalog.commit_table(table, (AssertRefSnapshotId(snapshot_id=parent.snapshot_id, ref='main'),),
                               (AddSnapshotUpdate(snapshot=snapshot),
                                SetSnapshotRefUpdate(ref_name='main', type='branch', snapshot_id=snapshot_id)))


def delete_file(table, content, rows, schema, **more):
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyiceberg.manifest import DataFile, FileFormat
    from pyiceberg.typedef import Record
    path = f'{table.metadata.location}/data/{uuid.uuid4()}-deletes.parquet'
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), sink)
    body = sink.getvalue().to_pybytes()
    with table.io.new_output(path).create() as out:
        out.write(body)
    return DataFile.from_args(content=content, file_path=path, file_format=FileFormat.PARQUET, partition=Record(), record_count=len(rows),
                              file_size_in_bytes=len(body), column_sizes={}, value_counts={}, null_value_counts={}, nan_value_counts={},
                              lower_bounds={}, upper_bounds={}, split_offsets=[4], spec_id=0, **more)


def with_id(pa, name, kind, field_id):
    return pa.field(name, kind, metadata={b'PARQUET:field_id': str(field_id).encode()})


def test_deletes_of_other_writers(run, schema, pyiceberg_catalog):
    pa = pytest.importorskip('pyarrow')
    from pyiceberg.manifest import DataFileContent
    run(f'CREATE TABLE {schema}.d (id bigint, s varchar)')
    run(f"INSERT INTO {schema}.d VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    run(f"INSERT INTO {schema}.d VALUES (4, 'd'), (5, NULL)")
    table = pyiceberg_catalog.load_table(f'{schema}.d')
    first = run(f'SELECT DISTINCT "$path" FROM {schema}.d WHERE id = 2')[0][0]
    place = run(f'SELECT id FROM {schema}.d WHERE "$path" = \'{first}\'')
    positions = pa.schema([with_id(pa, 'file_path', pa.string(), 2147483546), with_id(pa, 'pos', pa.int64(), 2147483545)])
    append_delete_manifest(table, [delete_file(table, DataFileContent.POSITION_DELETES, [{'file_path': first, 'pos': 0}], positions)])
    assert run(f'SELECT count(*) FROM {schema}.d') == [(4,)]
    gone = {1, 2, 3} - {i for (i,) in run(f'SELECT id FROM {schema}.d')}
    assert len(gone) == 1 and len(place) == 3

    values = pa.schema([with_id(pa, 's', pa.string(), 2)])
    append_delete_manifest(table.refresh(), [delete_file(table, DataFileContent.EQUALITY_DELETES, [{'s': 'd'}, {'s': None}], values,
                                                         equality_ids=[2])])
    assert sorted(i for (i,) in run(f'SELECT id FROM {schema}.d')) == sorted({1, 2, 3} - gone)
    run(f"INSERT INTO {schema}.d VALUES (6, 'd')")          # younger than the delete
    assert (6,) in run(f'SELECT id FROM {schema}.d')
    assert run(f'SELECT count(*) FROM {schema}.d') == [(3,)]


# ---- DDL

def test_names_and_errors(run, schema):
    run(f'CREATE TABLE {schema}.t (a bigint)')
    assert fails(run, f'CREATE TABLE {schema}.t (a bigint)').message == f"line 1:1: Table 'iceberg.{schema}.t' already exists"
    run(f'CREATE TABLE IF NOT EXISTS {schema}.t (a bigint)')
    assert fails(run, f'CREATE SCHEMA {schema}').error_name == 'SCHEMA_ALREADY_EXISTS'
    assert fails(run, f'DROP SCHEMA {schema}').error_name == 'SCHEMA_NOT_EMPTY'
    assert fails(run, 'CREATE TABLE nosuch.t (a bigint)').error_name == 'SCHEMA_NOT_FOUND'
    assert fails(run, f'SELECT * FROM {schema}.nosuch').error_name == 'TABLE_NOT_FOUND'
    bad = fails(run, f'CREATE TABLE {schema}.b (a bigint) WITH (nosuch = 1)')
    assert bad.error_name == 'INVALID_TABLE_PROPERTY' and "Catalog 'iceberg' table property 'nosuch' does not exist" in bad.message
    assert 'Cannot find source column: x' in fails(run, f"CREATE TABLE {schema}.b (a bigint) WITH (partitioning = ARRAY['x'])").message
    run(f'ALTER TABLE {schema}.t RENAME TO {schema}.u')
    assert run(f'SHOW TABLES FROM {schema}') == [('u',)]
    run(f'DROP TABLE {schema}.u')
    assert fails(run, f'DROP TABLE {schema}.u').error_name == 'TABLE_NOT_FOUND'
    run(f'DROP TABLE IF EXISTS {schema}.u')


def test_columns_change(run, schema):
    run(f'CREATE TABLE {schema}.t (a integer, b varchar)')
    run(f"INSERT INTO {schema}.t VALUES (1, 'x')")
    run(f'ALTER TABLE {schema}.t ADD COLUMN c double')
    run(f'ALTER TABLE {schema}.t RENAME COLUMN b TO text')
    run(f'ALTER TABLE {schema}.t ALTER COLUMN a SET DATA TYPE bigint')
    run(f"COMMENT ON COLUMN {schema}.t.a IS 'the key'")
    run(f"COMMENT ON TABLE {schema}.t IS 'a table'")
    assert run(f'SELECT * FROM {schema}.t') == [(1, 'x', None)]
    assert run(f'DESCRIBE {schema}.t')[0] == ('a', 'bigint', '', 'the key')
    run(f'ALTER TABLE {schema}.t DROP COLUMN text')
    run(f'ALTER TABLE {schema}.t ADD COLUMN text varchar')          # a new column: the old values stay away
    assert run(f'SELECT a, text FROM {schema}.t') == [(1, None)]


def test_show_create_runs_again(run, schema):
    run(f"CREATE TABLE {schema}.t (id bigint NOT NULL COMMENT 'the id', name varchar, ts timestamp(6), r row(x integer)) COMMENT 'all' "
        "WITH (partitioning = ARRAY['day(ts)', 'bucket(id, 4)'], sorted_by = ARRAY['name'])")
    text = run(f'SHOW CREATE TABLE {schema}.t')[0][0]
    assert text.startswith(f'CREATE TABLE iceberg.{schema}.t (\n   id bigint NOT NULL COMMENT \'the id\',\n   name varchar,\n')
    assert "partitioning = ARRAY['day(ts)','bucket(id, 4)']" in text and "sorted_by = ARRAY['name ASC NULLS FIRST']" in text
    run(f'DROP TABLE {schema}.t')
    lines = [line for line in text.split('\n') if 'location' not in line]
    run('\n'.join(lines))
    again = run(f'SHOW CREATE TABLE {schema}.t')[0][0]
    assert [line for line in again.split('\n') if 'location' not in line] == lines


def test_create_table_as(run, schema):
    run(f"CREATE TABLE {schema}.n WITH (partitioning = ARRAY['regionkey']) AS SELECT * FROM tpch.tiny.nation")
    assert run(f'SELECT count(*), sum(nationkey) FROM {schema}.n') == [(25, 300)]
    assert run(f'SELECT regionkey, count(*) FROM {schema}.n GROUP BY 1 ORDER BY 1') == [(i, 5) for i in range(5)]
    run(f'CREATE TABLE {schema}.e AS SELECT * FROM tpch.tiny.nation WITH NO DATA')
    assert run(f'SELECT count(*) FROM {schema}.e') == [(0,)]
    run(f'INSERT INTO {schema}.e SELECT * FROM {schema}.n WHERE regionkey = 3')
    assert run(f'SELECT count(*) FROM {schema}.e') == [(5,)]


# ---- many at once

def test_writers_side_by_side_lose_nothing(run, schema):
    run(f'CREATE TABLE {schema}.c (w integer, n integer)')

    def writer(w):
        for n in range(8):
            run(f'INSERT INTO {schema}.c VALUES ({w}, {n})')
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(writer, range(6)))
    assert run(f'SELECT count(*), count(DISTINCT w * 1000 + n) FROM {schema}.c') == [(48, 48)]
    assert run(f'SELECT count(*) FROM {schema}."c$history"') == [(49,)]


def test_a_statement_sees_one_state(run, schema):
    run(f'CREATE TABLE {schema}.o (n integer)')
    run(f'INSERT INTO {schema}.o VALUES 1')
    run(f'INSERT INTO {schema}.o SELECT n + 1 FROM {schema}.o')
    assert run(f'SELECT (SELECT count(*) FROM {schema}.o), (SELECT sum(n) FROM {schema}.o)') == [(2, 3)]


# ---- system tables

def test_information_schema(run, schema):
    run(f'CREATE TABLE {schema}.t (a bigint NOT NULL, b varchar)')
    assert run(f"SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = '{schema}'") == [('t', 'BASE TABLE')]
    assert run(f"SELECT column_name, ordinal_position, is_nullable, data_type FROM information_schema.columns WHERE table_schema = '{schema}' "
               "ORDER BY 2") == [('a', 1, 'NO', 'bigint'), ('b', 2, 'YES', 'varchar')]
    assert (schema,) in run('SELECT schema_name FROM information_schema.schemata')
    assert run(f"SELECT table_name FROM system.jdbc.tables WHERE table_cat = 'iceberg' AND table_schem LIKE '{schema}' ESCAPE '\\'") == [('t',)]
    assert run(f"SELECT column_name, data_type, nullable FROM system.jdbc.columns WHERE table_cat = 'iceberg' AND table_schem = '{schema}' "
               "ORDER BY ordinal_position") == [('a', -5, 0), ('b', 12, 1)]
    assert run('SELECT node_version, coordinator, state FROM system.runtime.nodes') == [('483', True, 'active')]


def test_tpch(run):
    assert run('SELECT count(*), sum(quantity) FROM tpch.tiny.lineitem') == [(60175, 1536127.0)]
    assert run('SELECT name FROM tpch.tiny.region ORDER BY regionkey') == [('AFRICA',), ('AMERICA',), ('ASIA',), ('EUROPE',), ('MIDDLE EAST',)]
    assert fails(run, 'CREATE TABLE tpch.tiny.x (a bigint)').message == 'This connector does not support creating tables'


# ---- imports

def import_file(platform, path, *options):
    done = platform.run('import', path, *options, check=False)
    return done.returncode, done.stdout + done.stderr


def test_import_csv_and_json(platform, run, schema, tmp_path):
    csv = tmp_path / 'people.csv'
    csv.write_text('Name,Age,Birth Day,score\nann,31,1993-02-01,1.5\nbob,,2001-12-31,\n"c, d",5,1999-01-01,-2\n')
    assert import_file(platform, csv, '--table', f'{schema}.people')[0] == 0
    assert run(f'SELECT * FROM {schema}.people ORDER BY name') == [
        ('ann', 31, datetime.date(1993, 2, 1), 1.5), ('bob', None, datetime.date(2001, 12, 31), None), ('c, d', 5, datetime.date(1999, 1, 1), -2.0)]
    assert [r[0] for r in run(f'DESCRIBE {schema}.people')] == ['name', 'age', 'birth_day', 'score']
    more = tmp_path / 'more.jsonl'
    more.write_text('{"name": "eve", "age": 7}\n{"age": 8, "name": "fay"}\n')
    assert import_file(platform, more, '--table', f'{schema}.people')[0] == 0
    assert run(f'SELECT count(*), count(birth_day) FROM {schema}.people') == [(5, 3)]
    other = tmp_path / 'other.jsonl'
    other.write_text('{"name": "x", "colour": "red"}\n')
    code, text = import_file(platform, other, '--table', f'{schema}.people')
    assert code != 0 and 'colour' in text and 'other.jsonl' in text
    assert run(f'SELECT count(*) FROM {schema}.people') == [(5,)]


def test_import_nested_parquet_with_partitions(platform, run, schema, tmp_path):
    pa = pytest.importorskip('pyarrow')
    pq = pytest.importorskip('pyarrow.parquet')
    rows = [{'id': i, 'at': datetime.datetime(2024, 1 + i % 3, 1), 'r': {'A b': i, 'l': [i, None]}, 'm': [('k', 1.5)]} for i in range(30)]
    table = pa.Table.from_pylist(rows, schema=pa.schema([
        ('id', pa.uint16()), ('at', pa.timestamp('ms')), ('r', pa.struct([('A b', pa.int32()), ('l', pa.list_(pa.int64()))])),
        ('m', pa.map_(pa.string(), pa.float64()))]))
    path = tmp_path / 'nested.parquet'
    pq.write_table(table, path)
    code, text = import_file(platform, path, '--table', f'{schema}.nested', '--partitioned-by', 'month(at)')
    assert code == 0, text
    assert run(f'SELECT id, r.a_b, r.l[1], r.l[2], m[\'k\'] FROM {schema}.nested WHERE id = 7') == [(7, 7, 7, None, 1.5)]
    assert run(f'SELECT count(DISTINCT "$partition") FROM {schema}.nested') == [(3,)]


@pytest.mark.parametrize('name,content,words', [
    ('a.parquet', b'id,name\n1,x\n', ['a.parquet', 'not a parquet file', 'text']),
    ('a.csv', b'PAR1' + b'\0' * 60 + b'PAR1', ['a.csv', 'not a csv file', 'Parquet']),
    ('a.csv', b'\x1f\x8b\x08\0\0\0\0\0', ['a.csv', 'gzip']),
    ('a.json', b'a,b\n1,2\n', ['a.json', 'not a json file', 'text']),
    ('cut.parquet', b'PAR1' + b'x' * 200, ['cut.parquet']),
    ('empty.csv', b'', ['empty.csv', 'empty']),
    ('bad.jsonl', b'{"a": 1}\n{"a": \n', ['bad.jsonl']),
])
def test_import_says_what_is_wrong(platform, run, schema, tmp_path, name, content, words):
    path = tmp_path / name
    path.write_bytes(content)
    code, text = import_file(platform, path, '--table', f'{schema}.bad')
    assert code != 0
    for word in words:
        assert word in text, text
    assert run(f'SHOW TABLES FROM {schema}') == []
