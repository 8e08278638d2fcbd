"""TPC-H, TPC-DS and ClickBench on Iceberg tables: ours, raw DuckDB on the very same Parquet files, and a real Trino on the same tables
through our catalog and storage, in one run.

Every engine runs a query once to warm; then they take turns, and the best of the rounds counts. A Trino is measured with --trino."""
import json
import math
import pathlib
import subprocess
import sys
import tempfile

import duckdb

import clickbench
from common import ROOT, Trino, show, timed
from sql_load import copy_schema, download
from tpch_queries import QUERIES as TPCH, TABLES as TPCH_TABLES

sys.path.append(str(ROOT / 'tests'))
sys.path.append(str(ROOT / 'tests' / 'interop'))
import tpc  # noqa: E402

CLICKBENCH_ROWS = {'tiny': 100_000, 'sf1': 10_000_000, 'sf10': 100_000_000}
DUCKDB_DIALECT = [("'$1'", "'\\1'")]        # ClickBench's one regexp_replace


def load_tpch(trino, platform, scale):
    trino.run('CREATE SCHEMA IF NOT EXISTS iceberg.tpch')
    for table, columns in TPCH_TABLES.items():
        trino.run(f'CREATE TABLE iceberg.tpch.{table} AS SELECT {columns} FROM tpch.{scale}.{table}')
    return list(TPCH_TABLES)


def load_tpcds(trino, platform, scale):
    # char(n) is no type of Iceberg's: its values go in as text.
    return copy_schema(trino, f'tpcds.{scale}', 'iceberg.tpcds',
                       lambda table, columns, source: 'SELECT ' + ', '.join(text_of(trino, source, columns)) + f' FROM {source}')


def text_of(trino, source, columns):
    types = {row[0]: row[1] for row in trino.run(f'SHOW COLUMNS FROM {source}')}
    return [f"rtrim(CAST({c} AS varchar)) AS {c}" if types[c].startswith('char(') else c for c in columns]


def load_clickbench(trino, platform, scale):
    trino.run('CREATE SCHEMA IF NOT EXISTS iceberg.clickbench')
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / 'hits.parquet'
        clickbench.write_rows(path, CLICKBENCH_ROWS[scale])
        platform.run('import', path, '--table', 'clickbench.hits')
    return ['hits']


SUITES = {'tpch': (load_tpch, lambda: TPCH), 'tpcds': (load_tpcds, lambda: tpc.texts('tpcds')),
          'clickbench': (load_clickbench, lambda: clickbench.QUERIES)}


def raw(connection, sql):
    for trino, plain in DUCKDB_DIALECT:
        sql = sql.replace(trino, plain)
    return connection.execute(sql).fetchall()


def trino_peer(platform, folder):
    """A real Trino whose catalog `iceberg` is ours."""
    from trino_peer import TrinoPeer
    e = platform['storage']
    catalog = {'connector.name': 'iceberg', 'iceberg.catalog.type': 'rest', 'iceberg.rest-catalog.uri': platform['catalog']['url'],
               'iceberg.rest-catalog.warehouse': platform['catalog']['warehouse'], 'fs.s3.enabled': 'true', 's3.endpoint': e['url'],
               's3.region': e['region'], 's3.path-style-access': 'true', 's3.aws-access-key': e['access_key'], 's3.aws-secret-key': e['secret_key']}
    return TrinoPeer(folder, {'iceberg': catalog}, heap_mb=6000).start()


def measure(engines, sql, rounds):
    """{engine: (seconds, rows)}; an engine that fails has an exception for its rows."""
    out = {}
    for name, run in engines.items():
        try:
            out[name] = [math.inf, run(sql)]
        except Exception as e:      # the benchmark goes on without this query
            out[name] = [math.nan, e]
    for _ in range(rounds):
        for name, run in engines.items():
            if not isinstance(out[name][1], Exception):
                out[name][0] = min(out[name][0], timed(lambda: run(sql))[0])
    return out


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else math.nan


def line(number, times, ratios):
    text = f'  q{number:<3}'
    for name, (seconds, rows) in times.items():
        text += f' {name} {"failed" if isinstance(rows, Exception) else f"{seconds * 1000:.1f} ms":>11}'
    if 'raw' in ratios:
        text += f'   to DuckDB {ratios["raw"]:.2f}'
    if 'Trino' in ratios:
        text += f'   Trino is {ratios["Trino"]:.1f} x slower'
    return text


def run_suite(platform, suite, scale, rounds, with_trino):
    load, queries = SUITES[suite]
    trino = Trino(platform['query']['url'])
    print(f'loading {suite} {scale}', flush=True)
    tables = load(trino, platform, scale)
    trino = Trino(platform['query']['url'], schema=suite)
    to_raw, to_trino, wrong, failed = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        plain = tpc.plain_duckdb(download(platform, suite, tables, folder))
        peer = trino_peer(platform, tempfile.mkdtemp(prefix='trino-')) if with_trino else None
        engines = {'ours': trino.run, 'raw': lambda sql: raw(plain, sql)}
        if peer:
            engines['Trino'] = Trino(peer.url, schema=suite).run
        try:
            for number, sql in queries().items():
                times = measure(engines, sql, rounds)
                ok = {name: t for name, (t, rows) in times.items() if not isinstance(rows, Exception)}
                ratios = {}
                if 'ours' not in ok:
                    failed.append(f'q{number}: {times["ours"][1]}')
                elif 'raw' in ok:
                    ratios['raw'] = ok['ours'] / ok['raw']
                    to_raw.append(ratios['raw'])
                    if tpc.difference(times['ours'][1], [list(r) for r in times['raw'][1]]):
                        wrong.append(number)
                if 'Trino' in ok and 'ours' in ok:
                    ratios['Trino'] = ok['Trino'] / ok['ours']
                    to_trino.append(ratios['Trino'])
                print(line(number, times, ratios), flush=True)
        finally:
            if peer:
                peer.stop()
    for text in failed:
        print(f'  failed: {text[:300]}')
    if wrong:
        print(f'  rows that are not those of raw DuckDB (ties at a LIMIT, decimal rules): {wrong}')
    mean = geometric_mean(to_raw)
    show(f'{suite} {scale}, geometric mean to DuckDB {duckdb.__version__}', f'{mean:.3f}', '<= 1.10', mean <= 1.10)
    show(f'{suite} {scale}, worst query to DuckDB', f'{max(to_raw):.2f}', '<= 1.5', max(to_raw) <= 1.5)
    if to_trino:
        mean = geometric_mean(to_trino)
        show(f'{suite} {scale}, geometric mean: Trino to ours', f'{mean:.2f} x', '>= 3.6 x', mean >= 3.6)
        show(f'{suite} {scale}, worst query: Trino to ours', f'{min(to_trino):.2f} x', '>= 1', min(to_trino) >= 1)
    show(f'{suite} {scale}, queries that fail', str(len(failed)), '0', not failed)


# ---- the front end ----

def front_end(platform):
    """Parse, analyse and emit without DuckDB, and a repeated statement through the protocol."""
    build = pathlib.Path(__import__('os').environ['LAKEHOUSE_BUILD'])
    program = build / 'tests' / 'bench' / 'frontend'
    if not program.exists():
        subprocess.run(['ninja', '-C', build, 'tests/bench/frontend'], check=True, stdout=subprocess.DEVNULL)
    texts = tpc.texts('tpcds')
    for number in (64, 14, 1):
        with tempfile.NamedTemporaryFile('w', suffix='.sql') as f:
            f.write(texts[number])
            f.flush()
            done = subprocess.run([program, f.name, '300'], capture_output=True, text=True, check=True)
        r = json.loads(done.stdout)
        figure = f'{r["all_us"] / 1000:.2f} ms ({r["parse_us"]:.0f} + {r["analyse_us"]:.0f} + {r["emit_us"]:.0f} us)'
        show(f'front end, TPC-DS q{number} ({r["text_bytes"]} bytes)', figure, '< 2 ms', r['all_us'] < 2000)
        show('  the same, by a plan that was kept', f'{r["repeat_us"] / 1000:.3f} ms', '< 0.2 ms', r['repeat_us'] < 200)
    if platform:
        trino = Trino(platform['query']['url'], 'tpch', 'tiny')
        sql = 'SELECT name FROM nation WHERE nationkey = 7'
        trino.run(sql)
        best = min(timed(lambda: trino.run(sql))[0] for _ in range(300))
        show('a repeated statement, whole round trip', f'{best * 1000:.2f} ms', '', True)


def run(platform, suites, scale='sf1', rounds=3, with_trino=False):
    for suite in suites:
        run_suite(platform, suite, scale, rounds, with_trino)
