"""All queries of TPC-H and TPC-DS on the generated catalogs, against plain DuckDB on the same files."""
import pathlib
import sys

import pytest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / 'sql'))
import tpc  # noqa: E402
from trino_session import Session  # noqa: E402


@pytest.fixture(scope='module')
def tpcds(platform):
    session = Session(platform['query']['url'], 'tpcds', 'tiny')
    assert session.run('SELECT count(*) FROM reason')['error'] is None
    return session, tpc.plain_duckdb(tpc.files_of(platform.data / 'lake', 'tpcds', 'tiny'))


@pytest.fixture(scope='module')
def tpch(platform):
    session = Session(platform['query']['url'], 'iceberg', 'tpch_names')
    session.run('CREATE SCHEMA iceberg.tpch_names')
    session.run('SELECT count(*) FROM tpch.tiny.region')
    plain = tpc.plain_duckdb({})
    for table, files in tpc.files_of(platform.data / 'lake', 'tpch', 'tiny').items():
        columns = [row[0] for row in session.run(f'SHOW COLUMNS FROM tpch.tiny.{table}')['rows']]
        plain.execute(f'CREATE VIEW {table} AS ' + tpc.tpch_select(columns, table, f'read_parquet({files!r})'))
        made = session.run(f'CREATE TABLE {table} AS ' + tpc.tpch_select(columns, table, f'tpch.tiny.{table}'))
        assert made['error'] is None, made['error']
    return session, plain


def check(session, plain, sql):
    ours = session.run(sql)
    assert ours['error'] is None, f'{ours["error"]}\n{sql}'
    difference = tpc.difference(ours['rows'], [list(row) for row in plain.execute(sql).fetchall()])
    assert difference is None, f'{difference}\n{sql}'
    return len(ours['rows'])


def test_tpch(tpch):
    texts = tpc.texts('tpch')
    assert len(texts) == 22
    with_rows = sum(check(*tpch, sql) > 0 for sql in texts.values())
    assert with_rows >= 20


def test_tpcds(tpcds):
    texts = tpc.texts('tpcds')
    assert len(texts) == 99
    with_rows = sum(check(*tpcds, sql) > 0 for sql in texts.values())
    assert with_rows >= 40


def test_tpcds_types(tpcds):
    session, _ = tpcds
    assert {row[0] for row in session.run('SHOW SCHEMAS FROM tpcds')['rows']} >= {'information_schema', 'sf1', 'tiny'}
    assert len(session.run('SHOW TABLES FROM tpcds.tiny')['rows']) == 24
    row = session.run('SELECT s_store_id, s_hours, s_rec_start_date, s_tax_precentage, s_store_sk, s_floor_space FROM store')
    assert [c['type'] for c in row['columns']] == ['char(16)', 'char(20)', 'date', 'decimal(5, 2)', 'bigint', 'integer']
    assert len(row['rows'][0][1]) == 20
    assert session.run('CREATE TABLE tpcds.tiny.x (a bigint)')['error']['errorName'] == 'NOT_SUPPORTED'


def test_files_outlive_a_restart(make_platform):
    """The second start reads what the first made; what lies there in part is made anew."""
    p = make_platform().start()
    assert p.sql('SELECT count(*) FROM tpcds.tiny.reason') == [['1']]
    folder = next(pathlib.Path(p.data).glob('lake/query/cache/*/tpcds-tiny'))
    kept = {f.name: f.stat().st_mtime_ns for f in folder.iterdir()}
    p.stop()
    p.start()
    assert p.sql('SELECT count(*) FROM tpcds.tiny.reason') == [['1']]
    assert {f.name: f.stat().st_mtime_ns for f in folder.iterdir()} == kept
    p.stop()
    (folder / 'store-0.parquet').unlink()
    p.start()
    assert p.sql('SELECT count(*) FROM tpcds.tiny.store') == [['1']]
    p.stop()
    # A limit of nothing: what this start does not read goes when something else is made.
    p.options = [*p.options, '--set', 'query.generated_data_limit=1']
    p.start()
    assert p.sql('SELECT count(*) FROM tpch.tiny.region') == [['5']]
    assert not folder.exists()
