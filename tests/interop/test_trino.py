"""Our SQL and a real Trino's on the same Iceberg tables, which that Trino wrote through our catalog and storage."""
import pathlib
import sys

import pytest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / 'sql'))
import tpc  # noqa: E402
from trino_session import Session  # noqa: E402


def write(trino, source, schema, select):
    """Copies all tables of `source` to iceberg.<schema> by Trino's own CREATE TABLE AS."""
    session = Session(trino.url, 'iceberg', schema)
    made = session.run(f'CREATE SCHEMA iceberg.{schema}')
    assert made['error'] is None, made['error']
    for (table,) in session.run(f'SHOW TABLES FROM {source}')['rows']:
        columns = [(row[0], row[1]) for row in session.run(f'SHOW COLUMNS FROM {source}.{table}')['rows']]
        made = session.run(f'CREATE TABLE {table} AS {select(table, columns, f"{source}.{table}")}')
        assert made['error'] is None, f'{table}: {made["error"]}'


def compare(platform, trino, schema, texts):
    ours, theirs = Session(platform['query']['url'], 'iceberg', schema), Session(trino.url, 'iceberg', schema)
    problems = []
    for number, sql in texts.items():
        a, b = ours.run(sql), theirs.run(sql)
        names = [(x['error'] or {}).get('errorName') for x in (a, b)]
        if names[0] or names[1]:
            if names[0] != names[1]:
                problems.append(f'{number}: {names[0]} {(a["error"] or {}).get("message")}; Trino {names[1]}')
        elif [c['type'] for c in a['columns']] != [c['type'] for c in b['columns']]:
            problems.append(f'{number}: types {[c["type"] for c in a["columns"]]}; Trino {[c["type"] for c in b["columns"]]}')
        elif difference := tpc.difference(a['rows'], b['rows'], 1e-9):
            problems.append(f'{number}: {difference}')
    assert not problems, '\n'.join(problems)


def without_char(table, columns, source):
    chosen = ', '.join(f'CAST(rtrim({c}) AS varchar) AS {c}' if t.startswith('char(') else c for c, t in columns if not t.startswith('time('))
    return f'SELECT {chosen} FROM {source}'


@pytest.mark.parametrize('benchmark', ['tpch', 'tpcds'])
def test_benchmark(platform, trino, benchmark):
    if benchmark == 'tpch':
        write(trino, 'tpch.tiny', 'by_trino_tpch', lambda table, columns, source: tpc.tpch_select([c for c, _ in columns], table, source))
    else:
        write(trino, 'tpcds.tiny', 'by_trino_tpcds', without_char)
    compare(platform, trino, f'by_trino_{benchmark}', tpc.texts(benchmark))


def test_metadata_of_tpcds(platform, trino):
    """The generated catalog has the tables, columns and types of Trino's connector."""
    sql = ("SELECT table_name, column_name, data_type, ordinal_position, is_nullable FROM tpcds.information_schema.columns "
           "WHERE table_schema = 'tiny' AND table_name <> 'dbgen_version' ORDER BY 1, 4")
    ours, theirs = (Session(url, 'tpcds', 'tiny').run(sql) for url in (platform['query']['url'], trino.url))
    assert ours['error'] is None and theirs['error'] is None
    assert ours['rows'] == theirs['rows']
